"""The recipe of the paper: one sum of all parts (11), Adam at 5e-5, batches of 256, each labelled one once an epoch.

Up to 1,000 epochs; it ends when 99 in a row brought nothing better on the selection sequences, or at 100 % of them right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812

from ...benchmark.method import Context, FitData
from .._training import Training
from . import objective
from .batches import Source, concatenate
from .likelihoods import LOG_DENSITY, Likelihood
from .networks import Networks, Shape
from .objective import classifier_loss, concatenate_pairs, cost, labelled_pairs, unlabelled_pairs

Estimator: TypeAlias = Literal["topk", "exact", "pyro"]
Gradients: TypeAlias = Callable[[torch.Tensor, "torch.Tensor | None"], dict[str, torch.Tensor]]
"""Adds the gradients of (11) for one unlabelled and, perhaps, one labelled batch; mean labelled cost and cross-entropy."""

SHAPE = Shape()
BATCH, PATIENCE, RATE, TOP_K = 256, 99, 5e-5, 1


@dataclass(frozen=True)
class Published:
    """How the sum over classes is taken, and what the paper varies."""

    estimator: Estimator
    alpha: float
    epochs: int


def train(
    networks: Networks, likelihood: Likelihood, recipe: Published, data: FitData, rng: torch.Generator, context: Context
) -> float:
    """Fit ``networks`` in place; the share of selection sequences that the kept classifier gets right, in percent."""
    optimiser = torch.optim.Adam(networks.parameters(), RATE, fused=True)
    labelled, unlabelled = Source(data.labelled, rng), Source(data.unlabelled, rng)
    if recipe.estimator == "pyro":
        gradients = pyro_gradients(networks, likelihood, recipe.alpha, labelled, unlabelled, rng)
    else:
        k = TOP_K if recipe.estimator == "topk" else networks.decoder.from_y.in_features
        gradients = fast_gradients(networks, likelihood, k, recipe.alpha, labelled, unlabelled, rng)
    training = Training(networks.classifier, optimiser, rng, context, data.selection, networks=networks)
    now = training.now

    while now.epoch < recipe.epochs and now.since_best < PATIENCE and now.best_accuracy_pct < 100:
        networks.train()
        for unlabelled_index, labelled_index in _epoch(unlabelled.count, labelled.count, rng):
            optimiser.zero_grad()
            measured = gradients(unlabelled_index, labelled_index)
            optimiser.step()
            training.stepped(**measured)
        now.epoch += 1
        training.evaluate(max(now.epoch / recipe.epochs, now.since_best / PATIENCE))
    training.finish()
    training.add_final_scores()
    return now.best_accuracy_pct


def _epoch(unlabelled: int, labelled: int, rng: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Batches of indices: all unlabelled ones, and all labelled ones spread evenly among them."""
    many = torch.randperm(unlabelled, generator=rng, device=rng.device).split(BATCH)
    few = torch.randperm(labelled, generator=rng, device=rng.device).split(BATCH)
    place = {number * len(many) // len(few): batch for number, batch in enumerate(few)}
    for number, batch in enumerate(many):
        yield batch, place.get(number)


def fast_gradients(
    networks: Networks,
    likelihood: Likelihood,
    k: int,
    alpha: float,
    labelled: Source,
    unlabelled: Source,
    rng: torch.Generator,
) -> Gradients:
    """The sum over classes taken over the ``k`` likeliest and, where there are more, one drawn from the rest."""
    latent = networks.decoder.from_z.in_features

    def add(unlabelled_index: torch.Tensor, labelled_index: torch.Tensor | None) -> dict[str, torch.Tensor]:
        batch, count = unlabelled.batch(unlabelled_index), len(unlabelled_index)
        y = torch.empty(0, dtype=torch.int64, device=rng.device)
        if labelled_index is not None:
            batch, y = concatenate(batch, labelled.batch(labelled_index)), labelled.y[labelled_index]
        log_q = objective.log_q(networks, batch)
        guessed = unlabelled_pairs(log_q[:count].detach().exp(), k, rng)
        pairs = concatenate_pairs(guessed, labelled_pairs(count, y))
        noise = torch.randn(len(pairs.row), latent, generator=rng, device=rng.device)
        costs = cost(networks, LOG_DENSITY[likelihood], batch, pairs, noise)
        cross_entropy = F.nll_loss(log_q[count:], y, reduction="sum")
        loss = classifier_loss(log_q[:count], guessed, costs[: len(guessed.row)], 1.0) + alpha * cross_entropy
        loss.backward()
        if labelled_index is None:
            return {}
        return {"cost": costs[len(guessed.row) :].mean(), "cross_entropy": cross_entropy / len(y)}

    return add


def pyro_gradients(
    networks: Networks,
    likelihood: Likelihood,
    alpha: float,
    labelled: Source,
    unlabelled: Source,
    rng: torch.Generator,
) -> Gradients:
    """The Pyro programs in float32, classes enumerated in parallel: slow, the specification."""
    from .program import negative_elbo

    def add(unlabelled_index: torch.Tensor, labelled_index: torch.Tensor | None) -> dict[str, torch.Tensor]:
        with _seeded(rng):
            negative_elbo(networks, likelihood, unlabelled.batch(unlabelled_index).x).backward()
            if labelled_index is None:
                return {}
            x, y = labelled.batch(labelled_index).x, labelled.y[labelled_index]
            costs = negative_elbo(networks, likelihood, x, y)
            cross_entropy = F.cross_entropy(networks.classifier(x), y, reduction="sum")
            (costs + alpha * cross_entropy).backward()
        return {"cost": costs / len(y), "cross_entropy": cross_entropy / len(y)}

    return add


@contextmanager
def _seeded(rng: torch.Generator) -> Iterator[None]:
    """Pyro draws from torch's global generator: seed it from ``rng`` for the while, and put it back."""
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
