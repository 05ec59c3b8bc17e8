"""Methods outside the tree, as a user would write them: `--plugin` gets files made of these texts."""

HEADER = """
from dataclasses import dataclass
import os
import numpy as np
from doabench.benchmark.method import Method, MethodInfo, Prediction

@dataclass
class Mine(Method):
    info = MethodInfo("Mine", "nobody, 2026", uses_labels={labels})
"""

GUESS = (
    HEADER.format(labels=False)
    + """
    angle_deg: float = 0.0

    def predict(self, sequences):
        return Prediction(np.full(len(sequences), self.angle_deg))
"""
)

PROBABLE = (
    HEADER.format(labels=False)
    + """
    excess: float = 0.0
    certain: bool = False

    def predict(self, sequences):
        setup = self.context.setup
        scores = np.full((len(sequences), len(setup.candidates_deg)), self.excess - np.log(len(setup.candidates_deg)))
        if self.certain:
            scores[:, 0], scores[:, 1:] = 0, -np.inf
        return Prediction.best_candidate(scores, setup, log_probabilities=True)
"""
)
"""Every candidate as probable as any other, times exp(excess); or only the first one possible."""

RAISES = (
    HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        return 1 / 0
"""
)

DIES = (
    HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        os._exit(7)
"""
)

REFUSES = (
    HEADER.format(labels=False)
    + """
    def skip(self):
        return "needs four microphones"

    def predict(self, sequences):
        raise AssertionError("skipped methods are not run")
"""
)

NEEDS_PACKAGE = "import a_package_that_is_not_there\n" + GUESS
BROKEN = GUESS + "\n1 / 0\n"
