"""Mean teacher: the classifier agrees with an average of its own past on unlabelled sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ..benchmark.method import MethodInfo
from ._augment import Source, facing_back
from ._classifier import AugmentedClassifier, logits_of


@dataclass
class MeanTeacher(AugmentedClassifier):
    """The weights of the teacher are a running average of the student's, with memory ``averaging``. Both see the same
    unlabelled sequences, augmented separately. To its loss the student adds the squared distance between the class
    probabilities of the two, times ``weight``, which grows from nearly zero over the first share ``rise`` of the steps
    (Tarvainen and Valpola, NeurIPS 2017). The teacher answers.
    """

    info = MethodInfo("Mean teacher", "Tarvainen and Valpola, NeurIPS 2017", uses_unlabelled=True, by_default=False)
    averaging: float = 0.99
    weight: float = 3.0
    rise: float = 0.4

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:
        index = unlabelled.random()
        seen_by_teacher, seen_by_student = unlabelled.augmented(index), unlabelled.augmented(index)
        with torch.no_grad():
            target = _probabilities(self.answering, *seen_by_teacher)
        distance = (_probabilities(self.network, *seen_by_student) - target).square().sum(-1).mean()
        return self.weight * math.exp(-5 * max(0.0, 1 - done / self.rise) ** 2) * distance


def _probabilities(network: torch.nn.Module, x: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    return facing_back(logits_of(network, x), mirrored).softmax(-1)
