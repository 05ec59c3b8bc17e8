"""Pseudo-labels: the classifier learns from its own confident answers on unlabelled sequences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.method import MethodInfo
from ._augment import Source, facing_back
from ._classifier import AugmentedClassifier, logits_of


@dataclass
class PseudoLabel(AugmentedClassifier):
    """Where the classifier, without dropout, gives a class of an unlabelled sequence at least the probability ``confidence``,
    that class becomes the label of the same sequence augmented (Lee, ICML workshop 2013; with augmentation: Sohn et al.,
    NeurIPS 2020).

    Labels from a classifier that knows nothing yet would teach it nothing. So it learns from labelled sequences alone during
    the first share ``alone`` of the steps.
    """

    info = MethodInfo(
        "Pseudo-labels", "Lee, ICML workshop on representation learning, 2013", uses_unlabelled=True, by_default=False
    )
    confidence: float = 0.9
    alone: float = 0.2

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:
        index = unlabelled.random()
        if done < self.alone:
            return torch.zeros((), device=index.device)
        self.network.eval()
        with torch.no_grad():
            probability, label = logits_of(self.network, unlabelled.phase(index)).softmax(-1).max(-1)
        self.network.train()
        x, mirrored = unlabelled.augmented(index)
        loss = F.cross_entropy(facing_back(logits_of(self.network, x), mirrored), label, reduction="none")
        return (loss * (probability >= self.confidence)).mean()
