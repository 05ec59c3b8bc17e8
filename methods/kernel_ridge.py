"""Kernel ridge: regression of class membership on the energy-weighted mean phasor, with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..benchmark.method import FitData, FitFailed, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays
from ._calibration import log_probabilities, sharpness_of
from ._kernel import gaussian_kernel, phasor_features
from ._spectra import energy_weighted_phasor
from .von_mises import VonMises

WIDTH, RIDGE = 60.0, 3.0
LANDMARKS = 1000
UNLABELLED, TEACHERS_POWER, LABEL_WEIGHT, STUDENTS_RIDGE = 10_000, 0.1, 10.0, 30.0
"""Chosen, like those above, in development rooms (docs/development.md)."""


@dataclass
class KernelRidge(Method):
    """``min_f sum_i w_i |f(z_i) - t_i|^2 + ridge |f|_H^2`` over mean phasors z (`_spectra.energy_weighted_phasor`), where the
    target t is 1 for the class of a labelled sequence and 0 for the others, and H the space of the kernel
    ``exp(-|z - z'|^2 / 60)``. f is sought in the span of the kernel at `LANDMARKS` of the sequences (Williams and Seeger, NIPS
    2000), of all where there are fewer: then it is kernel ridge regression itself. The class with the highest f is the answer.

    ``unlabelled=student``: 10,000 unlabelled sequences more, their targets the answers of `von_mises[unlabelled=em]` to the
    power 0.1, made to sum to one; labelled sequences count ten times.
    """

    info = MethodInfo(
        "Kernel ridge",
        "C. Saunders, A. Gammerman and V. Vovk, ICML 1998",
        also=("unlabelled=student",),
    )
    unlabelled: Literal["none", "student"] = "none"

    @property
    def uses_unlabelled(self) -> bool:
        return self.unlabelled == "student"

    def fit(self, data: FitData) -> None:
        labelled = phasor_features(energy_weighted_phasor(data.labelled))
        targets = np.eye(len(self.context.setup.candidates_deg), dtype=np.float32)[data.labelled.doa_class]
        if self.unlabelled == "student":
            features, taught = self._taught(data)
            half = max(LANDMARKS // 2, LANDMARKS - len(features))
            self._landmarks = np.concatenate([labelled[:half], features[: LANDMARKS - min(half, len(labelled))]])
            weight = np.repeat(np.array([LABEL_WEIGHT, 1.0], np.float32), [len(labelled), len(features)])
            parts = np.concatenate([labelled, features]), np.concatenate([targets, taught]), weight
            self._solve(*parts, STUDENTS_RIDGE)
        else:
            self._landmarks = labelled[:LANDMARKS]
            self._solve(labelled, targets, np.ones(len(labelled), np.float32), RIDGE)
        self._sharpness, _ = sharpness_of(self._scores(energy_weighted_phasor(data.selection)), data.selection.doa_class)

    def _taught(self, data: FitData) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unlabelled sequences, and what the teacher says of them."""
        if not len(data.unlabelled):
            raise FitFailed("there are no unlabelled sequences, and unlabelled=student learns from them; leave it out")
        teacher = VonMises(unlabelled="em")
        teacher.context = self.context
        teacher.fit(data)
        z = energy_weighted_phasor(data.unlabelled.subset(slice(UNLABELLED)))
        return phasor_features(z), teacher.posterior(z, TEACHERS_POWER)

    def _solve(
        self, features: NDArray[np.float32], targets: NDArray[np.float32], weight: NDArray[np.float32], ridge: float
    ) -> None:
        from scipy.linalg import solve

        rows, landmarks = features.astype(np.float64), self._landmarks.astype(np.float64)
        kernel, own = gaussian_kernel(rows, landmarks, WIDTH), gaussian_kernel(landmarks, landmarks, WIDTH)
        weighted = kernel * weight[:, None]
        normal = kernel.T @ weighted + ridge * own  # in single precision, like sequences make this singular
        normal[np.diag_indices_from(normal)] += 1e-6 * np.trace(normal) / len(normal)
        self._coefficients = solve(normal, weighted.T @ targets, assume_a="pos").astype(np.float32)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = log_probabilities(energy_weighted_phasor(sequences, self._scores), self._sharpness)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def _scores(self, z: NDArray[np.complex64]) -> NDArray[np.float32]:
        return gaussian_kernel(phasor_features(z), self._landmarks, WIDTH) @ self._coefficients

    def save(self, folder: Path) -> None:
        arrays = {"landmarks": self._landmarks, "coefficients": self._coefficients}
        save_arrays(folder, {**arrays, "sharpness": np.array(self._sharpness)})

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self._landmarks, self._coefficients = arrays["landmarks"], arrays["coefficients"]
        self._sharpness = float(arrays["sharpness"])
