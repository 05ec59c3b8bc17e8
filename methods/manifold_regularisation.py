"""Manifold regularisation: kernel ridge that must not change where unlabelled sequences are dense."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmark.method import FitData, FitFailed, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays
from ._calibration import log_probabilities, sharpness_of
from ._kernel import gaussian_kernel, phasor_features
from ._spectra import energy_weighted_phasor

WIDTH, NEIGHBOUR_WIDTH, RIDGE, UNLABELLED = 60.0, 15.0, 3.0, 2000
"""The first three were chosen in development rooms (docs/development.md)."""


@dataclass
class ManifoldRegularisation(Method):
    """``min_f sum_labelled |f(z_i) - t_i|^2 + ridge |f|_H^2 + smoothness J / N tr(f^T L f)``, f taken at all N labelled and
    unlabelled mean phasors z (`_spectra.energy_weighted_phasor`), L is the Laplacian of the graph with the weights
    ``exp(-|z - z'|^2 / 15)`` at mean degree one, and t is 1 for the class of a labelled sequence and 0 for the others
    (Belkin, Niyogi and Sindhwani, JMLR 7, 2006). The published method of localisation regresses a position where this one
    chooses a class, and adapts as sequences come in.
    """

    info = MethodInfo(
        "Manifold regularisation",
        "B. Laufer-Goldshtein, R. Talmon and S. Gannot, IEEE/ACM Trans. Audio Speech Lang. Process. 24(8), 2016",
        uses_unlabelled=True,
        by_default=False,
    )
    smoothness: float = 0.3

    def fit(self, data: FitData) -> None:
        if not len(data.unlabelled):
            raise FitFailed("there are no unlabelled sequences, and this method learns from them; kernel_ridge does not")
        more = data.unlabelled.subset(slice(UNLABELLED))
        z = np.concatenate([energy_weighted_phasor(part) for part in (data.labelled, more)])
        targets = np.eye(len(self.context.setup.candidates_deg))[data.labelled.doa_class]
        self._points = phasor_features(z)
        self._coefficients = regularised(self._points, targets, self.smoothness).astype(np.float32)
        scores = energy_weighted_phasor(data.selection, self._scores)
        self._sharpness, _ = sharpness_of(scores, data.selection.doa_class)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = log_probabilities(energy_weighted_phasor(sequences, self._scores), self._sharpness)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def _scores(self, z: NDArray[np.complex64]) -> NDArray[np.float32]:
        return gaussian_kernel(phasor_features(z), self._points, WIDTH) @ self._coefficients

    def save(self, folder: Path) -> None:
        arrays = {"points": self._points, "coefficients": self._coefficients, "sharpness": np.array(self._sharpness)}
        save_arrays(folder, arrays)

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self._points, self._coefficients = arrays["points"], arrays["coefficients"]
        self._sharpness = float(arrays["sharpness"])


def regularised(points: NDArray[np.float32], targets: NDArray[np.float64], smoothness: float) -> NDArray[np.float64]:
    """Coefficients ``[N, T]`` of the kernel at ``points [N, D]``, of which the first J have ``targets [J, T]``."""
    from scipy.linalg import solve

    count, labelled = len(points), len(targets)
    exact = points.astype(np.float64)
    kernel, weights = gaussian_kernel(exact, exact, WIDTH), gaussian_kernel(exact, exact, NEIGHBOUR_WIDTH)
    weights /= weights.sum(1).mean()
    system = -smoothness * labelled / count * (weights @ kernel)
    system += (smoothness * labelled / count * weights.sum(1))[:, None] * kernel
    system[:labelled] += kernel[:labelled]
    system[np.diag_indices(count)] += RIDGE
    return solve(system, np.pad(targets, ((0, count - labelled), (0, 0))))
