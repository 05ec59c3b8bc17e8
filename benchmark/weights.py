"""Arrays on disk as safetensors: nothing that is loaded can run code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = "weights.safetensors"


def save_arrays(folder: Path, arrays: Mapping[str, NDArray[np.generic]], name: str = FILE) -> None:
    """Write ``arrays`` to ``folder/name`` by atomic replacement."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}"
    save_file({key: np.asarray(value, order="C") for key, value in arrays.items()}, partial)
    partial.replace(folder / name)


def load_arrays(folder: Path, name: str = FILE) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote."""
    from safetensors.numpy import load_file

    return load_file(folder / name)
