"""CNN: the classifier of VAE-SSL alone, trained on labelled sequences only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.method import FitData, MethodInfo
from ._augment import cyclic_shifts, in_order
from ._classifier import ClassifierMethod, logits_of_images
from ._networks import Images, initialise, phase_images, weighted_images
from ._training import Training

BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """Training stops after ``steps`` steps, after ``epochs`` epochs, or when ``patience`` evaluations in a row brought nothing
    better. The selection sequences are evaluated after the first whole epoch that ends at least ``evaluate_every`` steps after
    the last evaluation.

    With ``second_start`` all logits are zero at first, and at that step training starts again from random weights: the first
    start does better with few labels, the second one with many, and the selection sequences decide.
    """

    learning_rate: float
    second_start: int | None
    steps: float
    epochs: float
    evaluate_every: int
    patience: float


RECIPES = {
    "corrected": Recipe(
        learning_rate=5e-4, second_start=300, steps=600, epochs=float("inf"), evaluate_every=20, patience=float("inf")
    ),
    "as-released": Recipe(
        learning_rate=5e-5, second_start=None, steps=float("inf"), epochs=1000, evaluate_every=1, patience=99
    ),
}


@dataclass
class Cnn(ClassifierMethod):
    """Cross-entropy on logits with dropout; the weights that classify most selection sequences are kept.

    ``as-released`` does what the program released with the paper does: its cross-entropy applies softmax to what already
    went through softmax, and dropout is never switched on again after the first evaluation of the selection sequences.

    ``input=amplitude``: phase times amplitude (`_networks.weighted_images`), the frames of each sequence shifted cyclically by
    a random number whenever it is learned from: what the suite's recipe of `vae_ssl` makes of the same sequences.
    """

    info = MethodInfo("CNN", "Bianco et al., IEEE Access 9, 2021, Table 1", also=("variant=as-released", "input=amplitude"))
    variant: Literal["corrected", "as-released"] = "corrected"
    input: Literal["phase", "amplitude"] = "phase"

    def skip(self) -> str | None:
        both = self.variant == "as-released" and self.input == "amplitude"
        return "the released program sees phase alone: leave out variant or input" if both else None

    @property
    def images(self) -> Images:
        return weighted_images if self.input == "amplitude" else phase_images

    def fit(self, data: FitData) -> None:
        recipe, released = RECIPES[self.variant], self.variant == "as-released"
        rng = self._build()
        if recipe.second_start is not None:
            for parameter in self.network[-1].parameters():
                torch.nn.init.zeros_(parameter)
        optimiser = torch.optim.Adam(self.network.parameters(), recipe.learning_rate, fused=True)
        image = self.images(data.labelled, rng.device)
        classes = torch.from_numpy(data.labelled.doa_class).to(rng.device)
        steps_per_epoch = math.ceil(len(classes) / BATCH)
        training = Training(self.network, optimiser, rng, self.context, data.selection, images=self.images)
        now = training.now

        while now.step < recipe.steps and now.epoch < recipe.epochs and now.since_best < recipe.patience:
            # True in one epoch only: the first that begins at that step or later.
            if recipe.second_start is not None and 0 <= now.step - recipe.second_start < steps_per_epoch:
                initialise(self.network, rng)
                optimiser.state.clear()
            self.network.train(not released or now.evaluated == 0)
            loss = torch.zeros((), device=rng.device)
            for index in torch.randperm(len(classes), generator=rng, device=rng.device).split(BATCH):
                shown = image(index)
                if self.input == "amplitude":
                    shown = in_order(shown, cyclic_shifts(len(index), rng))
                logits = logits_of_images(self.network, _even(shown))[: len(index)]
                loss = F.cross_entropy(logits.softmax(-1) if released else logits, classes[index])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                training.stepped()
            now.epoch += 1
            if now.step - now.evaluated >= recipe.evaluate_every:
                done = max(now.step / recipe.steps, now.epoch / recipe.epochs, now.since_best / recipe.patience)
                training.evaluate(done, loss=loss.item())
        training.finish()


def _even(batch: torch.Tensor) -> torch.Tensor:
    """One row of zeros more where the number of rows is odd: bfloat16 products over odd lengths are ten times slower."""
    return F.pad(batch, (0, 0, 0, 0, 0, len(batch) % 2))
