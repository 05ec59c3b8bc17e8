"""A Gaussian kernel on mean phasors, which several methods share."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)


def phasor_features(z: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Phasors ``[N, K]`` as real vectors ``[N, 2 K]``; distances stay."""
    return np.concatenate([z.real, z.imag], axis=1)


def squared_distances(one: NDArray[Real], other: NDArray[Real]) -> NDArray[Real]:
    """Between all rows of ``one [N, D]`` and ``other [M, D]``: ``[N, M]``."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)
    return np.maximum(squares - 2 * (one @ other.T), 0)


def gaussian_kernel(one: NDArray[Real], other: NDArray[Real], width: float) -> NDArray[Real]:
    """``exp(-|a - b|^2 / width)`` for all rows a of ``one [N, D]`` and b of ``other [M, D]``: ``[N, M]``."""
    return np.exp(squared_distances(one, other) / -width)
