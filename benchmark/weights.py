"""Arrays on disk as safetensors: nothing that is loaded can run code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .durable import replacing

FILE = "weights.safetensors"


def save_arrays(folder: Path, arrays: Mapping[str, NDArray[np.generic]], name: str = FILE) -> None:
    """Write ``arrays`` to ``folder/name`` by atomic replacement."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / name, synced=False) as partial:
        save_file({key: np.asarray(value, order="C") for key, value in arrays.items()}, partial)


def load_arrays(folder: Path, name: str = FILE) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote."""
    from safetensors.numpy import load_file

    return load_file(folder / name)
