"""VAE-SSL: a deep generative model of RTF phase, trained with and without labels (Bianco et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ...benchmark.method import Context, FitData, Form, GeneratedPhase, Generative, History, MethodInfo, Prediction
from ...benchmark.seeds import seed_of
from ...benchmark.sequences import LabelledSequences, Sequences
from ...benchmark.weights import FILE, load_arrays, save_arrays
from .._calibration import log_probabilities, sharpness_of
from .._networks import class_scores, copy_of
from . import published, suite
from .batches import Source
from .likelihoods import LOG_DENSITY, Likelihood, draw
from .networks import Networks, Shape
from .objective import at_once, costs_of
from .published import Estimator

GENERATED_AT_ONCE, WEIGHED_CLASSES, SURE = 64, 8, 0.9
GENERATOR_FILE = "generator.safetensors"
ALPHAS = (500.0, 1000.0, 2000.0, 5000.0, 10000.0)


@dataclass
class VaeSsl(Generative):
    """Kingma's M2: a classifier ``q(y | x)`` answers; a decoder ``p(x | y, z)`` teaches it from unlabelled sequences.

    ``variant``: ``suite`` is a model and a training of the suite's own (`suite.py`; docs/paper.md lists what is different);
    ``as-published`` is the paper's (`published.py`), in which the classifier alone answers. ``estimator``: how the sum over
    classes is taken; ``pyro`` trains the specification (`program.py`) as published. ``separate``: see `networks.Decoder`.

    Of the suite's recipe: ``passes`` says how often its second part goes over the unlabelled sequences that share no frame;
    more is better and takes longer. With ``decision=posterior`` the decoder has a say where the classifier is not sure: eight
    decodes more for such a sequence, pixels weighted by a power of their magnitude.

    As published: ``epochs`` at most, and ``alpha``; with ``alpha=search`` the paper's range is tried, and the accuracy on the
    selection sequences decides. ``thin``: see `published.py`.
    """

    info = MethodInfo("VAE-SSL", "Bianco et al., IEEE Access 9, 2021", uses_unlabelled=True, bare="suite's recipe")
    variant: Literal["suite", "as-published"] = "suite"
    estimator: Estimator = "topk"
    likelihood: Likelihood = "truncated-normal"
    separate: bool = False
    passes: float = suite.Recipe.together_passes
    decision: Literal["posterior", "classifier"] = "posterior"
    alpha: float | Literal["search"] = 5000.0
    epochs: int = 1000
    thin: int = 1

    def form(self) -> Form | None:
        if not self._as_published:
            return None
        alpha = self.alpha if self.alpha == "search" else f"{self.alpha:g}"
        departures = {
            "normal likelihood": self.likelihood == "normal",
            f"at most {self.epochs} epochs": self.epochs != VaeSsl.epochs,
        }
        choices = {
            f"unlabelled part thinned {self.thin} x": self.thin > 1,
            "top-1 estimate": self.estimator == "topk",
            "Pyro program": self.estimator == "pyro",
            f"alpha {alpha}": self.alpha != VaeSsl.alpha,
            "two first transposed convolutions": self.separate,
        }
        words = [word for word, said in (departures | choices).items() if said]
        return Form(", ".join(["as published", *words]), as_published=not any(departures.values()))

    def skip(self) -> str | None:
        own = ("alpha", "epochs", "thin") if not self._as_published else ("passes", "decision")
        if wrong := [name for name in own if getattr(self, name) != getattr(VaeSsl, name)]:
            return f"{' and '.join(wrong)} would change nothing: not of variant {self.variant}"
        return None if self.thin > 0 else "thin must be at least 1"

    def fit(self, data: FitData) -> None:
        if not self._as_published:
            exact = {"k": len(self.context.setup.candidates_deg)} if self.estimator == "exact" else {}
            recipe = suite.Recipe(together_passes=self.passes, **exact)
            suite.train(self._build(), self.likelihood, recipe, data, self._rng, self.context)
            self._calibrate(data.selection)
        elif self.alpha == "search":
            self._search(data)
        else:
            self._fit_published(self.alpha, data, self.context)

    def _fit_published(self, alpha: float, data: FitData, context: Context) -> float:
        recipe = published.Recipe(self.estimator, alpha, self.epochs, self.thin, rate=self.thin * published.RATE)
        return published.train(self._build(), self.likelihood, recipe, data, self._rng, context)

    def _search(self, data: FitData) -> None:
        """One fit for each alpha, the one with the best selection accuracy is kept."""
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
        scores = log_probabilities(self._scores(sequences), float(self.networks.sharpness))
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def _scores(self, sequences: Sequences) -> NDArray[np.float32]:
        scores = class_scores(self.networks.classifier, sequences)
        if self.decision == "posterior" and not self._as_published:
            self._weigh(scores, sequences)
        return scores

    def _calibrate(self, selection: LabelledSequences) -> None:
        """The power of the answer that makes the selection sequences likeliest. As it is, it is too sure of itself: where the
        decoder weighs it, its evidence counts twice, since the classifier has learned from the same likelihood."""
        sharpness, _ = sharpness_of(self._scores(selection), selection.doa_class)
        self.networks.sharpness.fill_(sharpness)

    def _weigh(self, scores: NDArray[np.float32], sequences: Sequences) -> None:
        """Replace ``log q(y | x)`` ``[N, T]`` by ``log q(y | x) - inverse_temperature C(x, y)``, normalised, for sequences of
        which the classifier is not sure. C is computed for the likeliest classes; the others get the highest of these."""
        self.networks.eval()
        recipe, device = suite.Recipe(), torch.device(self.context.device)
        source = Source(sequences, torch.Generator(device), recipe.posterior_exponent)
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
        """What answers and what generates, in a file each."""
        weights = {name: tensor.cpu().numpy() for name, tensor in copy_of(self.networks).items()}
        generates = {name: array for name, array in weights.items() if name.startswith(("encoder.", "decoder."))}
        save_arrays(folder, {name: array for name, array in weights.items() if name not in generates})
        save_arrays(folder, generates, GENERATOR_FILE)

    def load(self, folder: Path) -> None:
        """Where the file of what generates is not there, the classifier can answer, and nothing can be generated."""
        networks, whole = self._build(), (folder / GENERATOR_FILE).is_file()
        for file in (FILE, GENERATOR_FILE)[: 1 + whole]:
            networks.load_state_dict({k: torch.from_numpy(v) for k, v in load_arrays(folder, file).items()}, strict=False)
        if not whole:
            del networks.encoder, networks.decoder

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
        return self.variant == "as-published" or self.estimator == "pyro"

    @property
    def _shape(self) -> Shape:
        return replace(published.SHAPE if self._as_published else suite.SHAPE, separate=self.separate)

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
