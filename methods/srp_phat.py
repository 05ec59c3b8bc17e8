"""SRP-PHAT: steered response power of the phase-transformed cross-spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..benchmark.method import Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._spectra import N_BINS, whitened_cross_spectrum


@dataclass
class SrpPhat(Method):
    """For two microphones the steered power of candidate theta is ``Re sum_kf G_kf / |G_kf| exp(-j phase_k(theta))``
    (up to a constant), with G = d2 conj(d1).

    ``as-released`` takes the magnitude of that sum instead of its real part, as pyroomacoustics did before 0.4.3 and so
    the program released with Bianco et al. 2021.
    """

    info = MethodInfo("SRP-PHAT", "J. H. DiBiase, PhD thesis, Brown University, 2000", uses_labels=False)
    variant: Literal["corrected", "as-released"] = "corrected"

    def predict(self, sequences: Sequences) -> Prediction:
        setup = self.context.setup
        steering = np.exp(-1j * setup.steering_phase(N_BINS)).astype(np.complex64).T
        power = sequences.frame_mean(lambda frames: whitened_cross_spectrum(frames) @ steering)
        scores = np.abs(power) if self.variant == "as-released" else np.real(power)
        return Prediction.best_candidate(scores, setup)
