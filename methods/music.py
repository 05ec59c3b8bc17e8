"""MUSIC: multiple signal classification, one source, summed over frequency."""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmark.method import Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._subspace import music_scores


@dataclass
class Music(Method):
    """Plain MUSIC as the paper ran it: the spectra of the bins are summed as they are, so that a few sharp ones decide."""

    info = MethodInfo(
        "MUSIC", "R. O. Schmidt, IEEE Trans. Antennas Propag. 34(3), 1986", uses_labels=False, bare="as published"
    )

    def predict(self, sequences: Sequences) -> Prediction:
        scores = music_scores(sequences, self.context.setup, normalise=False)
        return Prediction.best_candidate(scores, self.context.setup)
