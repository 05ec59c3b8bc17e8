"""Nearest mean: one line on what this method does.

A template that works and learns. What to change, from the top:

- the title and the citation in ``info``; ``uses_labels=False`` for a method without training (then delete `fit`, `save` and
  `load`), ``uses_unlabelled=True`` if `fit` learns from ``data.unlabelled``;
- the fields of the class: they are the parameters, as in ``--method 'name[limit_hz=4000]'``;
- `fit`, `predict`, and what `save` and `load` keep.

``self.context`` holds the array and the T candidate directions (``setup``), the ``seed`` for every random choice (63 bits:
``seed % 2**32`` for scikit-learn), the ``device``, ``progress`` and ``history`` for training curves, and a ``scratch`` folder
for checkpoints. Choose models on ``data.selection`` and on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from doabench.benchmark.method import FitData, Method, MethodInfo, Prediction
from doabench.benchmark.sequences import Sequences
from doabench.benchmark.weights import load_arrays, save_arrays
from numpy.typing import NDArray


@dataclass
class NearestMean(Method):
    """The class whose mean phase over all labelled frames, as a unit phasor per bin, is most like that of a sequence."""

    info = MethodInfo("Nearest mean", "nobody yet")
    limit_hz: float = 8000.0

    def fit(self, data: FitData) -> None:
        phasors = data.labelled.frame_mean(self._phasors)
        classes = range(len(self.context.setup.candidates_deg))
        self.means = np.stack([phasors[data.labelled.doa_class == index].mean(0) for index in classes])

    def predict(self, sequences: Sequences) -> Prediction:
        scores = np.real(sequences.frame_mean(self._phasors) @ self.means.conj().T)
        return Prediction.best_candidate(scores, self.context.setup)

    def save(self, folder: Path) -> None:
        save_arrays(folder, {"real": np.real(self.means), "imag": np.imag(self.means)})

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self.means = arrays["real"] + 1j * arrays["imag"]

    def _phasors(self, frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """``d2 conj(d1)`` of frames ``[M, 2, 129]`` without its magnitude, up to ``limit_hz``; silent bins give 0."""
        used = self.context.setup.frequency_hz <= self.limit_hz
        cross = frames[:, 1, used] * frames[:, 0, used].conj()
        return (cross / np.maximum(np.abs(cross), np.finfo(np.float32).tiny)).astype(np.complex64)
