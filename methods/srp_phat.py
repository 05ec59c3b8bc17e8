"""SRP-PHAT: steered response power of the phase-transformed cross-spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..benchmark.method import Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._spectra import N_BINS, energy_weighted_phasor, mean_coherence, whitened_cross_spectrum


@dataclass
class SrpPhat(Method):
    """For two microphones the steered power of candidate theta is ``Re sum_kf G_kf / |G_kf| exp(-j phase_k(theta))``
    (up to a constant), with G = d2 conj(d1).

    ``as-released`` takes the magnitude of that sum instead of its real part, as pyroomacoustics did before 0.4.3 and so
    the program released with Bianco et al. 2021.

    ``weight``: which frames and bins count more. ``energy``: in each bin a frame counts by ``|G|``, and the bin by how well its
    frames agree: ``sum_f G / sum_f |G|``. ``coherence``: ``sum_f G / sqrt(sum_f |d1|^2 sum_f |d2|^2)``, the smoothed coherence
    transform (Carter, Nuttall and Cable, Proc. IEEE 61(10), 1973). ``peak``: a frame counts by the ratio of the highest to the
    mean magnitude of its own steered power.
    """

    info = MethodInfo(
        "SRP-PHAT",
        "J. H. DiBiase, PhD thesis, Brown University, 2000",
        uses_labels=False,
        also=("variant=as-released", "weight=energy"),
    )
    variant: Literal["corrected", "as-released"] = "corrected"
    weight: Literal["none", "energy", "coherence", "peak"] = "none"

    def skip(self) -> str | None:
        released = self.variant == "as-released" and self.weight != "none"
        return "the released program weights nothing: leave out variant or weight" if released else None

    def predict(self, sequences: Sequences) -> Prediction:
        power = self._steered(sequences)
        scores = np.abs(power) if self.variant == "as-released" else np.real(power)
        return Prediction.best_candidate(scores, self.context.setup)

    def _steered(self, sequences: Sequences) -> NDArray[np.complex64]:
        steering = np.exp(-1j * self.context.setup.steering_phase(N_BINS)).astype(np.complex64).T
        if self.weight == "energy":
            return energy_weighted_phasor(sequences) @ steering
        if self.weight == "coherence":
            return mean_coherence(sequences) @ steering

        def of_frames(frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
            power = whitened_cross_spectrum(frames) @ steering
            if self.weight == "none":
                return power
            height = np.abs(power.real)
            return power * (height.max(1) / np.maximum(height.mean(1), np.finfo(np.float32).tiny))[:, None]

        return sequences.frame_mean(of_frames)
