"""Methods whose answer is the classifier of Table 1, and those among them that train it on augmented sequences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.method import FitData, FitFailed, Method, Prediction
from ..benchmark.sequences import Sequences
from ._augment import Augmentation, Source, facing_back
from ._networks import Images, class_scores, classifier, load_network, phase_images, reduced_precision, save_network
from ._training import Training

LEARNING_RATE = 5e-4
EVALUATE_EVERY = 40


class ClassifierMethod(Method):
    """Builds, stores and asks ``network``, the classifier of Table 1; a method adds how to `fit` it."""

    @property
    def images(self) -> Images:
        """What the network sees of sequences."""
        return phase_images

    def predict(self, sequences: Sequences) -> Prediction:
        scores = class_scores(self.network, sequences, self.images)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def save(self, folder: Path) -> None:
        save_network(folder, self.network)

    def load(self, folder: Path) -> None:
        self._build()
        load_network(folder, self.network)

    def _build(self) -> torch.Generator:
        rng = torch.Generator(self.context.device).manual_seed(self.context.seed)
        self.network = classifier(len(self.context.setup.candidates_deg), rng)
        return rng


@dataclass
class AugmentedClassifier(ClassifierMethod):
    """Trains ``network`` for ``steps`` steps on augmented labelled sequences; methods that use unlabelled ones add
    `unlabelled_loss`. The weights that classify most selection sequences are kept, of equals the latest.

    Where a method sets ``averaging``, these are the weights of ``answering``, the running average (`Training`).
    """

    steps: int = 1000
    averaging = 0.0

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:
        """What a method learns from one batch of unlabelled sequences after a share ``done`` of the steps."""
        raise NotImplementedError

    def fit(self, data: FitData) -> None:
        learns_unlabelled = self.info.uses_unlabelled
        if learns_unlabelled and not len(data.unlabelled):
            raise FitFailed("there are no unlabelled sequences, and this method learns from them; cnn_augmented does not")
        rng = self._build()
        augmentation = Augmentation(self.context.setup, rng)
        labelled, unlabelled = (Source(part, augmentation, rng) for part in (data.labelled, data.unlabelled))
        y = torch.from_numpy(data.labelled.doa_class).to(rng.device)
        optimiser = torch.optim.Adam(self.network.parameters(), LEARNING_RATE, fused=True)
        parts = (self.network, optimiser, rng, self.context, data.selection)
        training = Training(*parts, averaging=self.averaging, latest_of_equals=True)
        self.answering, now = training.answering, training.now

        while now.step < self.steps:
            self.network.train()
            index = labelled.random()
            x, mirrored = labelled.augmented(index)
            losses = {"loss": F.cross_entropy(facing_back(logits_of(self.network, x), mirrored), y[index])}
            if learns_unlabelled:
                losses["unlabelled_loss"] = self.unlabelled_loss(unlabelled, now.step / self.steps)
            optimiser.zero_grad(set_to_none=True)
            torch.stack([*losses.values()]).sum().backward()
            optimiser.step()
            training.stepped(**losses)
            if now.step % EVALUATE_EVERY == 0 or now.step == self.steps:
                training.evaluate(now.step / self.steps)
        training.finish()


def logits_of(network: torch.nn.Module, phase: torch.Tensor) -> torch.Tensor:
    """``[B, 31, 127]`` radians -> ``[B, T]``."""
    return logits_of_images(network, phase / torch.pi)


def logits_of_images(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """``[B, 31, 127]`` of `Images` -> ``[B, T]``."""
    with reduced_precision(images.device):
        return network(images[:, None]).float()
