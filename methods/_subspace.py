"""MUSIC for two microphones and one source, in closed form."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..benchmark.acoustics import ArraySetup
from ..benchmark.sequences import Sequences
from ._spectra import N_BINS, second_moments

_CHUNK = 64
"""Sequences at a time: their pseudo-spectra stay in the second-level cache."""


def music_scores(sequences: Sequences, setup: ArraySetup, normalise: bool) -> NDArray[np.float32]:
    """MUSIC pseudo-spectrum of every candidate, summed over bins 0..127, shape ``[N, T]``.

    The 2 x 2 covariance ``[[a, g*], [g, c]]`` of a bin has eigenvalues ``(a + c -+ D) / 2``, ``D^2 = (a - c)^2 + 4 |g|^2``,
    so that the pseudo-spectrum of a steering vector ``[1, exp(j phi)]`` is ``D / (D - 2 |g| cos(phi - angle(g)))``. Near
    its peak that difference cancels; it is computed as ``(a - c)^2 / (D + 2 |g|) + 4 |g| sin^2((phi - angle(g)) / 2)``.
    ``normalise`` divides each bin by its largest value over the candidates (NormMUSIC). A silent bin gives 1 everywhere.
    """
    half = torch.from_numpy(setup.steering_phase(N_BINS) / 2)
    steering = half.sin().float(), half.cos().float()

    def pseudo_spectrum(moments: NDArray[np.float32]) -> NDArray[np.float32]:
        chunks = torch.from_numpy(moments).split(_CHUNK)
        scores = torch.empty(len(moments), len(half))
        for chunk, part in zip(scores.split(_CHUNK), chunks, strict=True):
            chunk.copy_(_bin_spectra(part, *steering, normalise).sum(-1))
        return scores.numpy()

    return sequences.frame_mean(second_moments, pseudo_spectrum)


def _bin_spectra(moments: torch.Tensor, sine: torch.Tensor, cosine: torch.Tensor, normalise: bool) -> torch.Tensor:
    """Pseudo-spectrum per candidate and bin, ``[B, 4, K]`` -> ``[B, T, K]``."""
    a, c, real, imaginary = moments[:, :, None].unbind(1)
    magnitude = 2 * torch.hypot(real, imaginary)
    spread = torch.hypot(a - c, magnitude)
    silent = spread == 0
    floor = torch.where(silent, 1.0, (a - c) ** 2 / (spread * (spread + magnitude)))
    slope = torch.where(silent, 0.0, 2 * magnitude / spread)
    half_angle = torch.atan2(imaginary, real) / 2
    half_sine = torch.addcmul(sine * half_angle.cos(), cosine, half_angle.sin(), value=-1)
    spectra = torch.addcmul(floor, slope, half_sine.square_()).clamp_(min=1e-14).reciprocal_()
    return spectra.div_(spectra.amax(1, keepdim=True)) if normalise else spectra
