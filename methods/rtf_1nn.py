"""RTF-1NN: the class whose averaged relative transfer function is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmark.method import FitData, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays
from ._spectra import cross_spectrum, power_spectra


@dataclass
class Rtf1nn(Method):
    """RTF ``sum d2 conj(d1) / sum |d1|^2`` (eq. 20) over all labelled frames of a class, and over the 31 frames of a
    query; the class at the least l2 distance (eq. 21). Classes without labels are never chosen.
    """

    info = MethodInfo("RTF-1NN", "Bianco et al., IEEE Access 9, 2021, eqs. 20 and 21", bare="as published")

    def fit(self, data: FitData) -> None:
        means = data.labelled.frame_mean(_cross_and_power)
        classes = data.labelled.doa_class
        self.templates = np.stack(
            [_rtf(means[classes == index].sum(0)) for index in range(len(self.context.setup.candidates_deg))]
        )

    def predict(self, sequences: Sequences) -> Prediction:
        templates = np.nan_to_num(self.templates)
        known = np.isfinite(self.templates).all(-1)

        def scores(means: NDArray[np.complex64]) -> NDArray[np.float32]:
            # -|x - t|^2 up to |x|^2, which is the same for every class.
            rtf = np.nan_to_num(_rtf(means))
            nearness = 2 * (rtf @ templates.conj().T).real - (np.abs(templates) ** 2).sum(-1)
            return np.where(known, nearness, -np.inf).astype(np.float32)

        return Prediction.best_candidate(sequences.frame_mean(_cross_and_power, scores), self.context.setup)

    def save(self, folder: Path) -> None:
        save_arrays(folder, {"templates_real": self.templates.real, "templates_imag": self.templates.imag})

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self.templates = arrays["templates_real"] + 1j * arrays["templates_imag"]


def _cross_and_power(frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """``d2 conj(d1)`` and ``|d1|^2`` of single frames, ``[M, 2, 129]`` -> ``[M, 2, 128]``."""
    return np.stack([cross_spectrum(frames), power_spectra(frames)[:, 0].astype(np.complex64)], axis=1)


def _rtf(sums: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Averaged RTF, ``[..., 2, K]`` -> ``[..., K]``; NaN where there is no power."""
    cross, power = sums[..., 0, :], sums[..., 1, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        return cross / power
