"""Large arrays in files without a name: their memory can be handed back, and is there again when it is looked at."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cache import cache_folder
from .errors import UserError


def paged(shape: tuple[int, ...], dtype: type[np.generic]) -> tuple[NDArray[Any], Callable[[], None]]:
    """An array of unset values, and what hands its memory back until somebody reads it again. The file, in the cache, is gone
    with the process. In plain memory, which is never handed back, where there is no room for a file, or the system cannot set
    room aside."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    mapping = _mapped(size) if size else None
    if mapping is None:
        return np.empty(shape, dtype), lambda: None
    return np.frombuffer(mapping, dtype).reshape(shape), lambda: mapping.madvise(mmap.MADV_DONTNEED)


def _mapped(size: int) -> mmap.mmap | None:
    if not hasattr(os, "posix_fallocate"):
        return None
    try:
        with tempfile.TemporaryFile(dir=cache_folder()) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a disk that fills up later would end the process
            return mmap.mmap(file.fileno(), size)
    except (OSError, UserError):
        return None
