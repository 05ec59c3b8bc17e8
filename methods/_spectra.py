"""Spectra of single frames that the classical methods share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..benchmark.sequences import Array, Sequences

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


def energy_weighted_phasor(sequences: Sequences, then: Callable[[Array], Array] = lambda z: z) -> Array:
    """``Z = sum_f G / sum_f |G|`` over the 31 frames of each sequence, G = d2 conj(d1), shape ``[N, 128]``: the mean phasor of
    the RTF phase, in which a frame counts by how loud it is. ``|Z|`` is 1 where all frames agree; a silent bin gives 0.

    ``then`` maps Z of some sequences, ``[B, 128]``, to what is wanted of them, ``[B, ...]``."""
    return sequences.frame_mean(cross_and_magnitude, lambda means: then(phasor_of(means)))


def cross_and_magnitude(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
    """``Re G, Im G, |G|`` of STFT frames, ``[M, 2, 129]`` -> ``[M, 3, 128]``."""
    cross = cross_spectrum(frames)
    return np.stack([cross.real, cross.imag, np.abs(cross)], axis=1)


def phasor_of(means: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Z of means of what `cross_and_magnitude` gives, ``[B, 3, 128]`` -> ``[B, 128]``."""
    real, imaginary, magnitude = means[:, 0], means[:, 1], np.maximum(means[:, 2], np.finfo(np.float32).tiny)
    return (real / magnitude + 1j * (imaginary / magnitude)).astype(np.complex64, copy=False)


def mean_coherence(sequences: Sequences) -> NDArray[np.complex64]:
    """Complex coherence ``sum_f G / sqrt(sum_f |d1|^2 sum_f |d2|^2)`` of each sequence, ``[N, 128]``; a silent bin gives 0."""

    def coherence(means: NDArray[np.float32]) -> NDArray[np.complex64]:
        first, second, real, imaginary = means[:, 0], means[:, 1], means[:, 2], means[:, 3]
        power = np.maximum(np.sqrt(first) * np.sqrt(second), np.finfo(np.float32).tiny)
        return (real / power + 1j * (imaginary / power)).astype(np.complex64, copy=False)

    return sequences.frame_mean(second_moments, coherence)


def second_moments(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
    """``|d1|^2, |d2|^2, Re G, Im G`` of single frames, ``[M, 2, 129]`` -> ``[M, 4, 128]``."""
    cross = cross_spectrum(frames)
    return np.concatenate([power_spectra(frames), np.stack([cross.real, cross.imag], axis=1)], axis=1)
