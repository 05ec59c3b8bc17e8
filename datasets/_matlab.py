"""One variable of a MATLAB file, with one clear line for whatever is wrong with it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmark.errors import UserError


def read_variable(source: Path | bytes, name: str, where: object) -> NDArray[Any]:
    """The array ``name`` of a .mat file up to version 7, by path or content. Raises UserError that begins with ``where``."""
    import scipy.io

    try:
        content = scipy.io.loadmat(io.BytesIO(source) if isinstance(source, bytes) else source)
    except NotImplementedError as error:
        raise UserError(f"{where}: is a MATLAB 7.3 file; save it again with -v7") from error
    except MemoryError:
        raise
    except Exception as error:  # the reader fails in many ways on what is not MATLAB's
        raise UserError(f"{where}: cannot be read as a MATLAB file ({error}); download it again") from error
    if name not in content:
        known = ", ".join(key for key in content if not key.startswith("__"))
        raise UserError(f"{where}: has no variable {name!r} (it has: {known or 'none'}); is it a file of this data set?")
    return content[name]


def real_matrix(array: NDArray[Any], columns: int | None, where: object) -> NDArray[np.float64]:
    """A finite real array ``[n, columns]`` (any number if None). Raises UserError."""
    if np.iscomplexobj(array):
        raise UserError(f"{where}: is complex; waveforms are real")
    if array.dtype.kind not in "fiu" or array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        wanted = f"[samples, {columns}]" if columns else "[samples, channels]"
        raise UserError(f"{where}: is an array of {array.dtype} of shape {array.shape}; expected numbers {wanted}")
    if not np.isfinite(array).all():
        raise UserError(f"{where}: holds NaN or infinite samples; download it again")
    return array.astype(np.float64)
