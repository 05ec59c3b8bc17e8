"""GCC-PHAT: the delay at the peak of the generalised cross-correlation, between the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..benchmark.acoustics import SPEED_OF_SOUND_M_PER_S
from ..benchmark.method import Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._spectra import N_BINS, energy_weighted_phasor, whitened_cross_spectrum

FINER = 16
"""Delays for each sample: the parabola then misses a peak by less than 0.002 of the longest delay."""


@dataclass
class GccPhat(Method):
    """The delay ``tau`` with the highest ``Re sum_kf G_kf / |G_kf| exp(-j 2 pi f_k tau)``, G = d2 conj(d1), among those that a
    plane wave can have; a parabola through the peak and its neighbours finds it between them. The direction is
    ``arcsin(c tau / spacing)``, whatever the candidates are. ``weight=energy``: see `srp_phat`.
    """

    info = MethodInfo(
        "GCC-PHAT", "C. H. Knapp and G. C. Carter, IEEE Trans. Acoust. Speech Signal Process. 24(4), 1976", uses_labels=False
    )
    weight: Literal["none", "energy"] = "none"

    def predict(self, sequences: Sequences) -> Prediction:
        setup = self.context.setup
        longest_s = setup.spacing_m / SPEED_OF_SOUND_M_PER_S
        half = max(1, round(longest_s * setup.sample_rate_hz * FINER))
        step_s = longest_s / half
        delays_s = step_s * np.arange(-half - 1, half + 2)
        steering = np.exp(-2j * np.pi * setup.frequency_hz[:N_BINS, None] * delays_s).astype(np.complex64)
        if self.weight == "energy":
            correlation = energy_weighted_phasor(sequences, lambda z: (z @ steering).real)
        else:
            correlation = sequences.frame_mean(whitened_cross_spectrum, lambda mean: (mean @ steering).real)
        delay_s = delays_s[0] + step_s * _peak(correlation)
        return Prediction(np.degrees(np.arcsin(np.clip(delay_s / longest_s, -1, 1))))


def _peak(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where each row of ``values [N, M]`` is highest, in columns, the two at the ends left out: the top of the parabola through
    the highest value and its neighbours."""
    row, top = np.arange(len(values)), 1 + values[:, 1:-1].argmax(1)
    before, here, after = (values[row, top + offset].astype(np.float64) for offset in (-1, 0, 1))
    bend = before - 2 * here + after
    return top + np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
