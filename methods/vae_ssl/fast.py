"""The fast recipe: minutes on two cores. What was tried on the way stands in NOTES.md.

1. Alone: classifier, encoder and decoder learn from labelled sequences only. The decoder soon tells classes apart.
2. Together: the published objective (11) with its unlabelled part, the classifier's share of it tempered, since neighbouring
   pixels and frames are far from independent. The decoder learns from unlabelled sequences what labelled ones do not show.
3. Inference: the decoder rests. For one unlabelled sequence in four the model's own posterior ``p(y | x)`` is worked out
   for all classes, and the classifier, which answers most often, is fitted to it, tempered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812

from ...benchmark.method import Context, FitData
from ...benchmark.sequences import FRAMES_PER_SEQUENCE
from .._training import Training
from . import objective
from .batches import Source, both
from .likelihoods import LOG_DENSITY, Likelihood, LogDensity
from .networks import Networks, Shape
from .objective import Batch, Pairs, classifier_loss, cost, costs_of, joined, labelled_pairs, unlabelled_pairs

SHAPE = Shape(latent=4, decoder_dropout=False)
"""Few latent variables cannot carry the direction past the class; dropout keeps the decoder from learning within minutes."""


@dataclass(frozen=True)
class Fast:
    """Passes count the unlabelled sequences by those that share no frame, N / 31. Exponents: see `batches.Source`; posteriors
    rest on the loudest moments more than training does, since there the direct path shows best."""

    class_gain: float = 5.0
    level_exponent: float = 1.5
    posterior_exponent: float = 2.5
    temper: float = 0.1
    k: int = 2
    alone_steps: int = 150
    together_passes: float = 25.0
    inference_passes: float = 22.0
    alone_batch: int = 64
    labelled_batch: int = 32
    unlabelled_batch: int = 64
    inference_batch: int = 32
    reminder_batch: int = 8
    posterior_share: float = 1 / 4
    classifier_rate: float = 5e-4
    generator_rate: float = 1e-3
    inference_rate: float = 4e-3
    averaging: float = 0.99
    look_every: int = 50


def train(
    networks: Networks, likelihood: Likelihood, recipe: Fast, data: FitData, rng: torch.Generator, context: Context
) -> None:
    """Fit ``networks``, whose `SHAPE` this recipe expects, in place."""
    generator = [*networks.encoder.parameters(), *networks.decoder.parameters()]
    groups = [{"params": list(networks.classifier.parameters())}, {"params": generator}]
    optimiser = torch.optim.Adam(groups, recipe.classifier_rate, fused=True)
    with torch.no_grad():
        networks.decoder.from_y.weight *= recipe.class_gain
        for parameter in networks.classifier[-1].parameters():
            parameter.zero_()
    labelled = Source(data.labelled, rng, recipe.level_exponent, turned=True)
    unlabelled = Source(data.unlabelled, rng, recipe.level_exponent, turned=True)
    steps = _Steps(networks, LOG_DENSITY[likelihood], recipe, labelled, unlabelled, optimiser, rng)
    training = Training(networks, optimiser, rng, context, data, recipe.averaging)
    training.resume()

    independent = unlabelled.count / FRAMES_PER_SEQUENCE
    together = recipe.alone_steps + math.ceil(recipe.together_passes * independent / recipe.unlabelled_batch)
    end = together + math.ceil(recipe.inference_passes * independent / recipe.inference_batch)
    now, kept = training.now, training.kept
    while now.step < end:
        networks.train(now.step < together)  # no dropout in part 3: posteriors are enough to keep it from overfitting
        if now.step < recipe.alone_steps:
            growing = (now.step + 1) / recipe.alone_steps  # at the full rate from the start, one fit in eight stuck for good
            steps.set_rates(recipe.classifier_rate, recipe.generator_rate * growing)
            measured = steps.alone()
        elif now.step < together:
            done = (now.step - recipe.alone_steps) / (together - recipe.alone_steps)
            steps.set_rates(recipe.classifier_rate, recipe.generator_rate * _falling(done))
            measured = steps.together()
        else:
            if not kept:
                plain = Source(data.unlabelled, rng, recipe.posterior_exponent)
                kept["chosen"], kept["posterior"] = steps.posteriors(plain)
            steps.set_rates(recipe.inference_rate * _falling((now.step - together) / (end - together)), 0.0)
            measured = steps.inference(kept["chosen"], kept["posterior"])
        training.stepped(**measured)
        if now.step % recipe.look_every == 0 or now.step == end:
            training.look(now.step / end)
            training.save()
    training.finish()


@dataclass(frozen=True)
class _Steps:
    """One optimiser step of each part; all return what they measured, by name."""

    networks: Networks
    log_density: LogDensity
    recipe: Fast
    labelled: Source
    unlabelled: Source
    optimiser: torch.optim.Optimizer
    rng: torch.Generator

    def set_rates(self, classifier: float, generator: float) -> None:
        for group, rate in zip(self.optimiser.param_groups, (classifier, generator), strict=True):
            group["lr"] = rate

    def alone(self) -> dict[str, torch.Tensor]:
        """Labelled sequences only: their C (9) and their cross-entropy."""
        chosen = self.labelled.random(self.recipe.alone_batch)
        batch, y = self.labelled.batch(chosen), self.labelled.y[chosen]
        self.optimiser.zero_grad()
        costs = self._cost(batch, labelled_pairs(0, y), share=1 / len(y))
        cross_entropy = F.nll_loss(objective.log_q(self.networks, batch), y)
        cross_entropy.backward()
        self.optimiser.step()
        return {"cost": costs.mean(), "cross_entropy": cross_entropy}

    def together(self) -> dict[str, torch.Tensor]:
        """The objective (11), the classifier's part of D (10) tempered."""
        chosen, count = self.labelled.random(self.recipe.labelled_batch), self.recipe.unlabelled_batch
        y = self.labelled.y[chosen]
        batch = both(self.unlabelled.batch(self.unlabelled.random(count)), self.labelled.batch(chosen))
        self.optimiser.zero_grad()
        log_q = objective.log_q(self.networks, batch)
        guessed = unlabelled_pairs(log_q[:count].detach().exp(), self.recipe.k, self.rng)
        costs = self._cost(batch, joined(guessed, labelled_pairs(count, y)), share=1 / len(log_q))
        guessed_costs, labelled_costs = costs.split([len(guessed.row), len(y)])
        cross_entropy = F.nll_loss(log_q[count:], y)
        unlabelled_loss = classifier_loss(log_q[:count], guessed, guessed_costs, self.recipe.temper) / count
        (cross_entropy + unlabelled_loss).backward()
        self.optimiser.step()
        return {"cost": labelled_costs.mean(), "cross_entropy": cross_entropy}

    def posteriors(self, unlabelled: Source) -> tuple[torch.Tensor, torch.Tensor]:
        """Some unlabelled sequences ``[M]`` and their tempered posteriors ``[M, T]``."""
        self.networks.eval()
        every_class = torch.arange(self.networks.decoder.from_y.in_features, device=self.rng.device)
        wanted = math.ceil(unlabelled.count * self.recipe.posterior_share)
        chosen = torch.randperm(unlabelled.count, generator=self.rng, device=self.rng.device)[:wanted]
        found = []
        for index in chosen.split(32):
            y = every_class.expand(len(index), -1)
            costs = costs_of(self.networks, self.log_density, unlabelled.batch(index), y)
            found.append((-self.recipe.temper * costs).softmax(1))
        return chosen, torch.cat(found)

    def inference(self, chosen: torch.Tensor, posterior: torch.Tensor) -> dict[str, torch.Tensor]:
        """The classifier toward the posteriors, with a few labelled sequences as a reminder."""
        size, reminders = self.recipe.inference_batch, self.recipe.reminder_batch
        drawn = torch.randint(len(chosen), (size,), generator=self.rng, device=chosen.device)
        reminder = self.labelled.random(reminders)
        log_q = objective.log_q(self.networks, both(self.unlabelled.batch(chosen[drawn]), self.labelled.batch(reminder)))
        toward_posterior = -(posterior[drawn] * log_q[:size]).sum() / size
        cross_entropy = F.nll_loss(log_q[size:], self.labelled.y[reminder])
        self.optimiser.zero_grad()
        (toward_posterior + cross_entropy * reminders / size).backward()
        self.optimiser.step()
        return {"cross_entropy": cross_entropy, "posterior_cross_entropy": toward_posterior}

    def _cost(self, batch: Batch, pairs: Pairs, share: float) -> torch.Tensor:
        """Costs of the pairs; the gradients of ``share`` of their sum are added to encoder and decoder."""
        noise = torch.randn(len(pairs.row), SHAPE.latent, generator=self.rng, device=self.rng.device)
        return cost(self.networks, self.log_density, batch, replace(pairs, weight=pairs.weight * share), noise)


def _falling(done: float) -> float:
    """From one to a fiftieth along half a cosine."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
