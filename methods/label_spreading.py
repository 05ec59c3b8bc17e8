"""Label spreading: labels flow along a graph of labelled and unlabelled sequences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.semi_supervised import LabelSpreading as Spreading

from ..benchmark.method import FitData, FitFailed, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays
from ._calibration import log_probabilities, sharpness_of
from ._kernel import gaussian_kernel, phasor_features
from ._spectra import energy_weighted_phasor

WIDTH, CLAMPING, UNLABELLED, LEAST_SHARE = 2.0, 0.05, 2000, 1e-9
"""The first two were chosen in development rooms (docs/development.md)."""


@dataclass
class LabelSpreading(Method):
    """scikit-learn's, on mean phasors z (`_spectra.energy_weighted_phasor`), with neighbours weighted ``exp(-|z - z'|^2 /
    width)``. A sequence that is not in the graph gets the mean of the labels there, weighted alike."""

    info = MethodInfo(
        "Label spreading",
        "D. Zhou, O. Bousquet, T. N. Lal, J. Weston and B. Schoelkopf, NIPS 2003",
        uses_unlabelled=True,
        by_default=False,
    )

    def fit(self, data: FitData) -> None:
        if not len(data.unlabelled):
            raise FitFailed("there are no unlabelled sequences, and this method learns from them; kernel_ridge does not")
        more = data.unlabelled.subset(slice(UNLABELLED))
        self._points = phasor_features(np.concatenate([energy_weighted_phasor(part) for part in (data.labelled, more)]))
        labels = np.concatenate([data.labelled.doa_class, np.full(len(more), -1)])
        graph = Spreading(
            kernel="rbf",
            gamma=1 / WIDTH,  # pyright: ignore[reportArgumentType]
            alpha=CLAMPING,
            max_iter=100,
        ).fit(self._points, labels)
        self._shares = np.zeros((len(labels), len(self.context.setup.candidates_deg)), np.float32)
        self._shares[:, graph.classes_.astype(int)] = graph.label_distributions_
        self._sharpness = 1.0
        self._sharpness, _ = sharpness_of(energy_weighted_phasor(data.selection, self._scores), data.selection.doa_class)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = log_probabilities(energy_weighted_phasor(sequences, self._scores), self._sharpness)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def _scores(self, z: NDArray[np.complex64]) -> NDArray[np.float32]:
        near = gaussian_kernel(phasor_features(z), self._points, WIDTH)
        shares = near @ self._shares
        return np.log(shares / np.maximum(shares.sum(1, keepdims=True), np.finfo(np.float32).tiny) + LEAST_SHARE)

    def save(self, folder: Path) -> None:
        arrays = {"points": self._points, "shares": self._shares, "sharpness": np.array(self._sharpness)}
        save_arrays(folder, arrays)

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self._points, self._shares = arrays["points"], arrays["shares"]
        self._sharpness = float(arrays["sharpness"])
