"""The recipe of the suite: minutes on two cores. NOTES.md says what was tried on the way.

1. Alone: classifier, encoder and decoder learn from labelled sequences only. The decoder soon tells classes apart.
2. Together: the published objective (11) with its unlabelled part. The classifier's share of that part is tempered, since
   neighbouring pixels and frames are far from independent. The decoder learns from unlabelled sequences what labelled ones
   do not show.
3. Inference: the decoder rests. The model's own tempered posterior ``p(y | x)`` over all classes is computed for one
   unlabelled sequence in four, and the classifier, which gives most answers, is fitted to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812

from ...benchmark.method import Context, FitData
from ...benchmark.sequences import FRAMES_PER_SEQUENCE, Sequences
from .._training import Training
from . import objective
from .batches import Source, concatenate
from .likelihoods import LOG_DENSITY, Likelihood, LogDensity
from .networks import Networks, Shape
from .objective import Batch, Pairs, classifier_loss, concatenate_pairs, cost, costs_of, labelled_pairs, unlabelled_pairs

SHAPE = Shape(latent=4, decoder_dropout=False)
"""Few latent variables cannot carry the direction past the class; dropout keeps the decoder from learning within minutes."""


@dataclass(frozen=True)
class Recipe:
    """A pass is N / 31 unlabelled sequences: as many as share no frame. Exponents: see `batches.Source`. That of the posteriors
    is higher than that of training, since the direct path shows best at the loudest moments. The inverse temperature
    multiplies costs."""

    class_gain: float = 5.0
    magnitude_exponent: float = 1.5
    posterior_exponent: float = 2.5
    inverse_temperature: float = 0.1
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
    evaluate_every: int = 50


def train(
    networks: Networks, likelihood: Likelihood, recipe: Recipe, data: FitData, rng: torch.Generator, context: Context
) -> None:
    """Fit ``networks``, whose `SHAPE` this recipe expects, in place."""
    optimiser = _prepared(networks, recipe)
    labelled, unlabelled = (
        Source(part, rng, recipe.magnitude_exponent, shifted=True) for part in (data.labelled, data.unlabelled)
    )
    steps = _Steps(networks, LOG_DENSITY[likelihood], recipe, labelled, unlabelled, optimiser, rng)
    parts = (networks.classifier, optimiser, rng, context, data.selection)
    training = Training(*parts, networks=networks, averaging=recipe.averaging)
    now = training.now

    independent = unlabelled.count / FRAMES_PER_SEQUENCE
    together = recipe.alone_steps + math.ceil(recipe.together_passes * independent / recipe.unlabelled_batch)
    end = together + math.ceil(recipe.inference_passes * independent / recipe.inference_batch)
    while now.step < end:
        networks.train(now.step < together)  # no dropout in part 3: posteriors are enough to keep it from overfitting
        if now.step < recipe.alone_steps:
            measured = steps.alone((now.step + 1) / recipe.alone_steps)
        elif now.step < together:
            measured = steps.together((now.step - recipe.alone_steps) / (together - recipe.alone_steps))
        else:
            training.kept = training.kept or steps.posteriors(data.unlabelled)
            measured = steps.inference((now.step - together) / (end - together), **training.kept)
        training.stepped(**measured)
        if now.step % recipe.evaluate_every == 0 or now.step == end:
            training.evaluate(now.step / end)
    training.finish()
    training.add_final_scores()


def _prepared(networks: Networks, recipe: Recipe) -> torch.optim.Optimizer:
    """First weights of this recipe. The optimiser has two groups of weights: the classifier's, and the generator's, which are
    those of encoder and decoder."""
    with torch.no_grad():
        networks.decoder.from_y.weight *= recipe.class_gain
        for parameter in networks.classifier[-1].parameters():
            parameter.zero_()
    generator = [*networks.encoder.parameters(), *networks.decoder.parameters()]
    groups = [{"params": list(networks.classifier.parameters())}, {"params": generator}]
    return torch.optim.Adam(groups, recipe.classifier_rate, fused=True)


@dataclass(frozen=True)
class _Steps:
    """One optimiser step of each part, after a share ``done`` of that part. All return what they measured, by name."""

    networks: Networks
    log_density: LogDensity
    recipe: Recipe
    labelled: Source
    unlabelled: Source
    optimiser: torch.optim.Optimizer
    rng: torch.Generator

    def alone(self, done: float) -> dict[str, torch.Tensor]:
        """Labelled sequences only: their C (9) and their cross-entropy. The rate of the generator grows: at the full rate from
        the start, one fit in eight got stuck for good."""
        self._set_rates(self.recipe.classifier_rate, self.recipe.generator_rate * done)
        chosen = self.labelled.random(self.recipe.alone_batch)
        batch, y = self.labelled.batch(chosen), self.labelled.y[chosen]
        self.optimiser.zero_grad()
        costs = self._cost(batch, labelled_pairs(0, y), share=1 / len(y))
        cross_entropy = F.nll_loss(objective.log_q(self.networks, batch), y)
        cross_entropy.backward()
        self.optimiser.step()
        return {"cost": costs.mean(), "cross_entropy": cross_entropy}

    def together(self, done: float) -> dict[str, torch.Tensor]:
        """The objective (11), the classifier's part of D (10) tempered."""
        recipe, count = self.recipe, self.recipe.unlabelled_batch
        self._set_rates(recipe.classifier_rate, recipe.generator_rate * _falling(done))
        chosen = self.labelled.random(recipe.labelled_batch)
        y = self.labelled.y[chosen]
        batch = concatenate(self.unlabelled.batch(self.unlabelled.random(count)), self.labelled.batch(chosen))
        self.optimiser.zero_grad()
        log_q = objective.log_q(self.networks, batch)
        guessed = unlabelled_pairs(log_q[:count].detach().exp(), recipe.k, self.rng)
        costs = self._cost(batch, concatenate_pairs(guessed, labelled_pairs(count, y)), share=1 / len(log_q))
        guessed_costs, labelled_costs = costs.split([len(guessed.row), len(y)])
        cross_entropy = F.nll_loss(log_q[count:], y)
        unlabelled_loss = classifier_loss(log_q[:count], guessed, guessed_costs, recipe.inverse_temperature) / count
        (cross_entropy + unlabelled_loss).backward()
        self.optimiser.step()
        return {"cost": labelled_costs.mean(), "cross_entropy": cross_entropy}

    def posteriors(self, sequences: Sequences) -> dict[str, torch.Tensor]:
        """Indices of some unlabelled sequences, ``chosen [M]``, and their tempered ``posterior [M, T]``."""
        self.networks.eval()
        unlabelled = Source(sequences, self.rng, self.recipe.posterior_exponent)
        every_class = torch.arange(self.networks.decoder.from_y.in_features, device=self.rng.device)
        wanted = math.ceil(unlabelled.count * self.recipe.posterior_share)
        chosen = torch.randperm(unlabelled.count, generator=self.rng, device=self.rng.device)[:wanted]
        found = []
        for index in chosen.split(32):
            y = every_class.expand(len(index), -1)
            costs = costs_of(self.networks, self.log_density, unlabelled.batch(index), y)
            found.append((-self.recipe.inverse_temperature * costs).softmax(1))
        return {"chosen": chosen, "posterior": torch.cat(found)}

    def inference(self, done: float, chosen: torch.Tensor, posterior: torch.Tensor) -> dict[str, torch.Tensor]:
        """The classifier toward the posteriors, with a few labelled sequences as a reminder."""
        size, reminders = self.recipe.inference_batch, self.recipe.reminder_batch
        self._set_rates(self.recipe.inference_rate * _falling(done), 0.0)
        drawn = torch.randint(len(chosen), (size,), generator=self.rng, device=chosen.device)
        reminder = self.labelled.random(reminders)
        batch = concatenate(self.unlabelled.batch(chosen[drawn]), self.labelled.batch(reminder))
        log_q = objective.log_q(self.networks, batch)
        toward_posterior = -(posterior[drawn] * log_q[:size]).sum() / size
        cross_entropy = F.nll_loss(log_q[size:], self.labelled.y[reminder])
        self.optimiser.zero_grad()
        (toward_posterior + cross_entropy * reminders / size).backward()
        self.optimiser.step()
        return {"cross_entropy": cross_entropy, "posterior_cross_entropy": toward_posterior}

    def _set_rates(self, classifier: float, generator: float) -> None:
        for group, rate in zip(self.optimiser.param_groups, (classifier, generator), strict=True):
            group["lr"] = rate

    def _cost(self, batch: Batch, pairs: Pairs, share: float) -> torch.Tensor:
        """Costs of the pairs; the gradients of ``share`` of their sum are added to encoder and decoder."""
        noise = torch.randn(len(pairs.row), SHAPE.latent, generator=self.rng, device=self.rng.device)
        return cost(self.networks, self.log_density, batch, replace(pairs, weight=pairs.weight * share), noise)


def _falling(done: float) -> float:
    """From one to a fiftieth along half a cosine."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
