"""Spectra of single frames that the classical methods share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_BINS = 128
"""Bins 0..127, as the released program scores: its upper limit is exclusive (docs/paper.md)."""


def cross_spectrum(frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """``d2 conj(d1)`` of STFT frames ``[M, 2, 129]`` -> ``[M, 128]``."""
    return frames[:, 1, :N_BINS] * frames[:, 0, :N_BINS].conj()


def power_spectra(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
    """``|d1|^2, |d2|^2`` of STFT frames ``[M, 2, 129]`` -> ``[M, 2, 128]``."""
    return frames.real[..., :N_BINS] ** 2 + frames.imag[..., :N_BINS] ** 2


def whitened_cross_spectrum(frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """PHAT-weighted cross-spectrum of STFT frames ``[M, 2, 129]`` -> ``[M, 128]``; silent bins give 0."""
    cross = cross_spectrum(frames)
    return (cross / np.maximum(np.abs(cross), np.finfo(np.float32).tiny)).astype(np.complex64, copy=False)
