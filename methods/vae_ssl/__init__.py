"""VAE-SSL: a deep generative model of RTF phase, trained with and without labels (Bianco et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ...benchmark.method import Context, FitData, GeneratedPhase, Generative, History, MethodInfo, Prediction
from ...benchmark.seeds import seed_of
from ...benchmark.sequences import Sequences
from .._networks import class_scores, copy_of, load_network, save_network
from . import fast, published
from .batches import Source
from .likelihoods import LOG_DENSITY, Likelihood, draw
from .networks import Networks, Shape
from .objective import at_once, costs_of
from .published import Estimator

GENERATED_AT_ONCE, WEIGHED_CLASSES, SURE = 64, 8, 0.9
ALPHAS = (500.0, 1000.0, 2000.0, 5000.0, 10000.0)


@dataclass
class VaeSsl(Generative):
    """Kingma's M2: a classifier ``q(y | x)`` answers; a decoder ``p(x | y, z)`` teaches it from unlabelled sequences.

    ``recipe``: ``fast`` (`fast.py`), or ``paper`` as published (`published.py`). ``passes`` belongs to the former: how often
    its second part goes over the unlabelled sequences that share no frame; more is better and takes longer. ``epochs`` and
    ``alpha`` belong to the latter; with ``alpha=search`` the paper's range is tried, and the accuracy on the selection
    sequences decides. ``estimator``: how the sum over classes is taken; ``pyro`` trains the specification (`program.py`) with
    the published recipe. ``separate``: see `networks.Decoder`.

    ``decision``: with ``classifier``, the classifier answers, as published. With ``posterior``, where the classifier is not
    sure, the decoder has a say in its answer: eight decodes more for such a sequence, pixels weighted by a power of their
    magnitude unless the recipe is the published one. ``recipe`` means ``classifier`` for the published recipe and
    ``posterior`` for the fast one.
    """

    info = MethodInfo("VAE-SSL", "Bianco et al., IEEE Access 9, 2021", uses_unlabelled=True)
    recipe: Literal["fast", "paper"] = "fast"
    estimator: Estimator = "topk"
    likelihood: Likelihood = "truncated-normal"
    alpha: float | Literal["search"] = 5000.0
    epochs: int = 1000
    passes: float = fast.Fast.together_passes
    separate: bool = False
    decision: Literal["recipe", "classifier", "posterior"] = "recipe"

    def fit(self, data: FitData) -> None:
        if not self._as_published:
            exact = {"k": len(self.context.setup.candidates_deg)} if self.estimator == "exact" else {}
            recipe = fast.Fast(together_passes=self.passes, **exact)
            fast.train(self._build(), self.likelihood, recipe, data, self._rng, self.context)
        elif self.alpha == "search":
            self._search(data)
        else:
            self._fit_published(self.alpha, data, self.context)

    def _fit_published(self, alpha: float, data: FitData, context: Context) -> float:
        recipe = published.Published(self.estimator, alpha, self.epochs)
        return published.train(self._build(), self.likelihood, recipe, data, self._rng, context)

    def _search(self, data: FitData) -> None:
        """One fit for each alpha, the one with the best selection accuracy is kept (section IV)."""
        best_pct, best = -1.0, {}
        for alpha in ALPHAS:
            scratch = self.context.scratch and self.context.scratch / f"alpha-{alpha:g}"
            history = History()
            context = replace(self.context, scratch=scratch, history=history)
            accuracy_pct = self._fit_published(alpha, data, context)
            rows = [(step, f"alpha_{alpha:g}_{name}", value) for step, name, value in history.rows]
            self.context.history.rows.extend(rows)
            if accuracy_pct > best_pct:
                best_pct, best = accuracy_pct, copy_of(self.networks)
        self.networks.load_state_dict(best)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = class_scores(self.networks.classifier, sequences)
        if self.decision == "posterior" or (self.decision == "recipe" and not self._as_published):
            self._weigh(scores, sequences)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def _weigh(self, scores: NDArray[np.float32], sequences: Sequences) -> None:
        """Replace ``log q(y | x)`` ``[N, T]`` by ``log q(y | x) - inverse_temperature C(x, y)``, normalised, for sequences of
        which the classifier is not sure. C is computed for the likeliest classes; the others get the highest of these."""
        self.networks.eval()
        recipe, device = fast.Fast(), torch.device(self.context.device)
        exponent = 0.0 if self._as_published else recipe.posterior_exponent
        source = Source(sequences, torch.Generator(device), exponent)
        unsure = np.flatnonzero(scores.max(1) < math.log(SURE))
        step = at_once(device)[1] // WEIGHED_CLASSES
        for first in range(0, len(unsure), step):
            rows = unsure[first : first + step]
            prior = torch.from_numpy(scores[rows]).to(device)
            y = prior.topk(min(WEIGHED_CLASSES, prior.shape[1]), dim=1).indices
            costs = costs_of(self.networks, LOG_DENSITY[self.likelihood], source.batch(torch.from_numpy(rows).to(device)), y)
            every = costs.amax(1, keepdim=True).expand_as(prior).scatter(1, y, costs)
            scores[rows] = (prior - recipe.inverse_temperature * every).log_softmax(1).cpu().numpy()

    def save(self, folder: Path) -> None:
        save_network(folder, self.networks)

    def load(self, folder: Path) -> None:
        self._build()
        load_network(folder, self.networks)

    @torch.no_grad()
    def reconstruct(self, sequences: Sequences, doa_deg: NDArray[np.float64]) -> GeneratedPhase:
        """Each sequence through a random z of ``q(z | x, y)`` and back."""
        rng = self._generation_rng("reconstruct")
        y = torch.from_numpy(self.context.setup.class_of(doa_deg)).to(rng.device)
        phase = sequences.phase_on(rng.device)
        parts = []
        for index in torch.arange(len(sequences), device=rng.device).split(GENERATED_AT_ONCE):
            encoder = self.networks.encoder
            location, scale = encoder(encoder.from_x(phase(index)[:, None] / torch.pi), y[index])
            z = location + scale * torch.randn(location.shape, generator=rng, device=rng.device)
            parts.append(self._decoded(z, y[index], rng))
        return _concatenated(parts)

    @torch.no_grad()
    def sample(self, doa_deg: float, count: int) -> GeneratedPhase:
        """Random z, the class of the candidate nearest to ``doa_deg``."""
        rng = self._generation_rng("sample", doa_deg)
        y = torch.full((count,), int(self.context.setup.class_of(doa_deg)), device=rng.device)
        z = torch.randn(count, self._shape.latent, generator=rng, device=rng.device)
        return _concatenated([self._decoded(part, y[: len(part)], rng) for part in z.split(GENERATED_AT_ONCE)])

    @property
    def _as_published(self) -> bool:
        return self.recipe == "paper" or self.estimator == "pyro"

    @property
    def _shape(self) -> Shape:
        return replace(published.SHAPE if self._as_published else fast.SHAPE, separate=self.separate)

    def _build(self) -> Networks:
        self._rng = torch.Generator(self.context.device).manual_seed(self.context.seed)
        self.networks = Networks(len(self.context.setup.candidates_deg), self._shape, self._rng)
        return self.networks

    def _generation_rng(self, *axes: str | float) -> torch.Generator:
        self.networks.eval()
        return torch.Generator(self.context.device).manual_seed(seed_of(*axes, self.context.seed))

    def _decoded(self, z: torch.Tensor, y: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        mean, scale = self.networks.decoder(z, y)
        return mean, draw(self.likelihood, mean, scale, rng)


def _concatenated(parts: list[tuple[torch.Tensor, torch.Tensor]]) -> GeneratedPhase:
    mean, drawn = (np.pi * torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    return GeneratedPhase(mean.astype(np.float32), drawn.astype(np.float32))
