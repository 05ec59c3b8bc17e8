"""Mean teacher: the classifier agrees with an average of its own past on unlabelled sequences."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch

from ..benchmark.method import MethodInfo
from ._augment import Source, facing_back
from ._classifier import AugmentedClassifier, logits_of


@dataclass
class MeanTeacher(AugmentedClassifier):
    """The teacher's weights are a running average of the student's with memory ``averaging``. Both see the same unlabelled
    sequences, each augmented on its own, and the student pays ``weight`` for the squared distance between their class
    probabilities, rising over the first ``rise`` of the steps (Tarvainen and Valpola, NeurIPS 2017). The teacher answers.
    """

    info = MethodInfo("Mean teacher", "Tarvainen and Valpola, NeurIPS 2017", uses_unlabelled=True, by_default=False)
    averaging: float = 0.99
    weight: float = 3.0
    rise: float = 0.4

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:
        index = unlabelled.random()
        seen_by_teacher, seen_by_student = unlabelled.augmented(index), unlabelled.augmented(index)
        with torch.no_grad():
            taught = self._probabilities(self.teacher, *seen_by_teacher)
        distance = (self._probabilities(self.network, *seen_by_student) - taught).square().sum(-1).mean()
        return self.weight * math.exp(-5 * max(0.0, 1 - done / self.rise) ** 2) * distance

    def after_step(self, step: int) -> None:
        memory = min(self.averaging, 1 - 1 / step)
        with torch.no_grad():
            for average, parameter in zip(self.teacher.parameters(), self.network.parameters(), strict=True):
                average.lerp_(parameter, 1 - memory)

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"network": self.network, "teacher": self.teacher}

    @property
    def answering(self) -> torch.nn.Module:
        return self.teacher

    def _build(self) -> torch.Generator:
        rng = super()._build()
        self.teacher = copy.deepcopy(self.network).eval()
        return rng

    @staticmethod
    def _probabilities(network: torch.nn.Module, x: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        return facing_back(logits_of(network, x), mirrored).softmax(-1)
