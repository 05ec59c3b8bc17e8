"""NormMUSIC: MUSIC with every bin's spectrum normalised to a peak of 1 before the bins are summed."""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmark.method import Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._subspace import music_scores


@dataclass
class NormMusic(Method):
    """What `music` should be for a wideband source: every bin has the same say."""

    info = MethodInfo(
        "NormMUSIC", "D. Salvati, C. Drioli, G. L. Foresti, IEEE Signal Process. Lett. 21(5), 2014", uses_labels=False
    )

    def predict(self, sequences: Sequences) -> Prediction:
        scores = music_scores(sequences, self.context.setup, normalise=True)
        return Prediction.best_candidate(scores, self.context.setup)
