"""FixMatch: confident answers on slightly changed unlabelled sequences are the labels of strongly changed ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.method import MethodInfo
from ._augment import Source, cyclic_shifts, facing_back, in_order
from ._classifier import AugmentedClassifier, logits_of


@dataclass
class FixMatch(AugmentedClassifier):
    """Slightly changed: the frames are shifted cyclically. Strongly changed: everything of `_augment.Augmentation`. Where the
    classifier gives a class of a slightly changed unlabelled sequence at least the probability ``confidence``, that class is
    the label of the same sequence strongly changed; the loss counts ``weight`` times, from the first step on, over
    ``batches`` times as many unlabelled as labelled sequences.
    """

    info = MethodInfo("FixMatch", "K. Sohn et al., NeurIPS 2020", uses_unlabelled=True, by_default=False)
    confidence: float = 0.95
    weight: float = 1.0
    batches: int = 2

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:  # noqa: ARG002
        return torch.stack([self._loss(unlabelled) for _ in range(self.batches)]).mean() * self.weight

    def _loss(self, unlabelled: Source) -> torch.Tensor:
        index = unlabelled.random()
        phase = unlabelled.phase(index)
        with torch.no_grad():
            shifted = in_order(phase, cyclic_shifts(len(index), unlabelled.rng))
            probability, label = logits_of(self.network, shifted).softmax(-1).max(-1)
        x, mirrored = unlabelled.augmented(index)
        loss = F.cross_entropy(facing_back(logits_of(self.network, x), mirrored), label, reduction="none")
        return (loss * (probability >= self.confidence)).mean()
