"""The recipe of the paper: one sum of all parts (11), Adam at 5e-5, batches of 256, each labelled one once an epoch.

Up to 1,000 epochs; it ends when 99 in a row brought nothing better on the selection sequences, or at 100 % of them right.
Classifier, encoder and decoder of the best epoch are kept together: what is generated is of the model that answers.

An epoch is 450 steps, which is days for a fit on a processor. A thinned one takes every 16th unlabelled sequence, say, and
counts it 16 times, so that (11) stays unbiased; all are seen within 16 epochs. Labelled batches, epochs and patience stay.
Steps are as many times as large (NOTES.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812

from ...benchmark.method import Context, FitData
from ...benchmark.seeds import generator
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
class Recipe:
    """How the sum over classes is taken, what the paper varies, and how far the unlabelled part is thinned. The step size of
    Adam does not follow the size of the gradient, so a thinned training has a rate of its own."""

    estimator: Estimator
    alpha: float
    epochs: int
    thin: int = 1
    rate: float = RATE
    beta2: float = 0.999


def train(
    networks: Networks, likelihood: Likelihood, recipe: Recipe, data: FitData, rng: torch.Generator, context: Context
) -> float:
    """Fit ``networks`` in place; the share of selection sequences that the kept classifier gets right, in percent."""
    optimiser = torch.optim.Adam(networks.parameters(), recipe.rate, (0.9, recipe.beta2), fused=True)
    labelled, unlabelled = Source(data.labelled, rng), Source(data.unlabelled, rng)
    if recipe.estimator == "pyro":
        gradients = pyro_gradients(networks, likelihood, recipe, labelled, unlabelled, rng)
    else:
        gradients = fast_gradients(networks, likelihood, recipe, labelled, unlabelled, rng)
    training = Training(networks.classifier, optimiser, rng, context, data.selection, networks=networks, keep_all=True)
    now = training.now

    while now.epoch < recipe.epochs and now.since_best < PATIENCE and now.best_accuracy_pct < 100:
        networks.train()
        shown = _shown(unlabelled.count, recipe.thin, now.epoch, context.seed).to(rng.device)
        for unlabelled_index, labelled_index in _epoch(shown, labelled.count, rng):
            optimiser.zero_grad()
            measured = gradients(unlabelled_index, labelled_index)
            optimiser.step()
            training.stepped(**measured)
        now.epoch += 1
        training.evaluate(max(now.epoch / recipe.epochs, now.since_best / PATIENCE))
    training.finish()
    training.add_final_scores()
    return now.best_accuracy_pct


def _shown(count: int, thin: int, epoch: int, seed: int) -> torch.Tensor:
    """Indices of the unlabelled sequences of an epoch: every ``thin``-th of ``count``. From where on is drawn anew, so that all
    are seen once within ``thin`` epochs."""
    offsets = generator("thinned", seed, epoch // thin).permutation(thin)
    return torch.arange(int(offsets[epoch % thin]), count, thin)


def _epoch(shown: torch.Tensor, labelled: int, rng: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Batches of indices: all ``shown`` unlabelled ones, and all labelled ones spread evenly among them. Unlabelled batches are
    smaller where there would not be one for each labelled batch."""
    few = torch.randperm(labelled, generator=rng, device=rng.device).split(BATCH)
    size = max(1, min(BATCH, len(shown) // len(few)))
    many = shown[torch.randperm(len(shown), generator=rng, device=rng.device)].split(size)
    place = {number * len(many) // len(few): batch for number, batch in enumerate(few)}
    for number, batch in enumerate(many):
        yield batch, place.get(number)


def fast_gradients(
    networks: Networks,
    likelihood: Likelihood,
    recipe: Recipe,
    labelled: Source,
    unlabelled: Source,
    rng: torch.Generator,
) -> Gradients:
    """The sum over classes, or that over the `TOP_K` likeliest and, for the rest, one drawn from them."""
    latent, classes = networks.decoder.from_z.in_features, networks.decoder.from_y.in_features
    k, thin = TOP_K if recipe.estimator == "topk" else classes, float(recipe.thin)

    def add(unlabelled_index: torch.Tensor, labelled_index: torch.Tensor | None) -> dict[str, torch.Tensor]:
        batch, count = unlabelled.batch(unlabelled_index), len(unlabelled_index)
        y = torch.empty(0, dtype=torch.int64, device=rng.device)
        if labelled_index is not None:
            batch, y = concatenate(batch, labelled.batch(labelled_index)), labelled.y[labelled_index]
        log_q = objective.log_q(networks, batch)
        guessed = unlabelled_pairs(log_q[:count].detach().exp(), k, rng)
        many = len(guessed.row)
        pairs = concatenate_pairs(replace(guessed, weight=thin * guessed.weight), labelled_pairs(count, y))
        noise = torch.randn(len(pairs.row), latent, generator=rng, device=rng.device)
        costs = cost(networks, LOG_DENSITY[likelihood], batch, pairs, noise)
        bound = classifier_loss(log_q[:count], guessed, costs[:many], 1.0)
        cross_entropy = F.nll_loss(log_q[count:], y, reduction="sum")
        (thin * bound + recipe.alpha * cross_entropy).backward()
        measured = {"unlabelled_cost": bound / count}
        if labelled_index is not None:
            measured |= {"cost": costs[many:].mean(), "cross_entropy": cross_entropy / len(y)}
        return measured

    return add


def pyro_gradients(
    networks: Networks,
    likelihood: Likelihood,
    recipe: Recipe,
    labelled: Source,
    unlabelled: Source,
    rng: torch.Generator,
) -> Gradients:
    """The Pyro programs in float32, classes enumerated in parallel: slow, the specification."""
    from .program import negative_elbo

    def add(unlabelled_index: torch.Tensor, labelled_index: torch.Tensor | None) -> dict[str, torch.Tensor]:
        with _seeded(rng):
            bound = negative_elbo(networks, likelihood, unlabelled.batch(unlabelled_index).x)
            (recipe.thin * bound).backward()
            measured = {"unlabelled_cost": bound / len(unlabelled_index)}
            if labelled_index is not None:
                x, y = labelled.batch(labelled_index).x, labelled.y[labelled_index]
                costs = negative_elbo(networks, likelihood, x, y)
                cross_entropy = F.cross_entropy(networks.classifier(x), y, reduction="sum")
                (costs + recipe.alpha * cross_entropy).backward()
                measured |= {"cost": costs / len(y), "cross_entropy": cross_entropy / len(y)}
        return measured

    return add


@contextmanager
def _seeded(rng: torch.Generator) -> Iterator[None]:
    """Pyro draws from torch's global generator: seed it from ``rng`` for the while, and put it back."""
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
