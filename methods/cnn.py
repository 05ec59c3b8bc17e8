"""CNN: the classifier of VAE-SSL alone, trained on labelled sequences only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.checkpoint import Checkpoint
from ..benchmark.method import FitData, FitFailed, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ._networks import class_scores, classifier, copy_of, initialise, load_network, reduced_precision, save_network

BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """Training stops after ``steps`` steps or ``epochs`` epochs, or when ``patience`` looks at the selection sequences in a
    row brought nothing better. A look comes after the first whole epoch that is ``look_every`` steps past the last one.

    With ``second_start`` the first weights have logits of zero, and training starts again from random ones at that step: zero
    logits do better with few labels, random ones with many, and the selection sequences decide.
    """

    learning_rate: float
    second_start: float | None
    steps: float
    epochs: float
    look_every: int
    patience: float


RECIPES = {
    "corrected": Recipe(
        learning_rate=5e-4, second_start=300, steps=600, epochs=float("inf"), look_every=20, patience=float("inf")
    ),
    "as-released": Recipe(learning_rate=5e-5, second_start=None, steps=float("inf"), epochs=1000, look_every=1, patience=99),
}


@dataclass
class Cnn(Method):
    """Cross-entropy on logits with dropout; the weights that classify most selection sequences are kept (section IV).

    ``as-released`` does what the program released with the paper does: its cross-entropy applies softmax to what already
    went through softmax, and dropout is never switched on again after the first look at the selection sequences.
    """

    info = MethodInfo("CNN", "Bianco et al., IEEE Access 9, 2021, Table 1")
    variant: Literal["corrected", "as-released"] = "corrected"

    def fit(self, data: FitData) -> None:
        recipe, released = RECIPES[self.variant], self.variant == "as-released"
        rng = self._build()
        if recipe.second_start is not None:
            for parameter in self.network[-1].parameters():
                torch.nn.init.zeros_(parameter)
        optimiser = torch.optim.Adam(self.network.parameters(), recipe.learning_rate, fused=True)
        phase = data.labelled.phase_on(rng.device)
        classes = torch.from_numpy(data.labelled.doa_class).to(rng.device)
        checkpoint = Checkpoint(self.context.scratch, {"network": self.network}, optimiser, rng)
        now = {"step": 0, "epoch": 0, "looked": 0, "best": -1.0, "since_best": 0, "dropout": True, "starts": 1}
        best = copy_of(self.network)
        if (resumed := checkpoint.restore()) is not None:
            now, best = resumed
            self.context.history.rows.extend(now.pop("history"))

        while now["step"] < recipe.steps and now["epoch"] < recipe.epochs and now["since_best"] < recipe.patience:
            if recipe.second_start is not None and now["step"] >= recipe.second_start and now["starts"] == 1:
                initialise(self.network, rng)
                optimiser.state.clear()
                now["starts"] = 2
            self.network.train(now["dropout"])
            loss = torch.zeros((), device=rng.device)
            for index in torch.randperm(len(classes), generator=rng, device=rng.device).split(BATCH):
                logits = self._logits(_even(phase(index)))[: len(index)]
                loss = F.cross_entropy(logits.softmax(-1) if released else logits, classes[index])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                now["step"] += 1
            now["epoch"] += 1
            if not torch.isfinite(loss):
                raise FitFailed(f"the loss is {loss.item()} at step {now['step']}")
            if now["step"] - now["looked"] >= recipe.look_every:
                accuracy_pct = self._accuracy_pct(data)
                now |= {"looked": now["step"], "since_best": now["since_best"] + 1, "dropout": not released}
                if accuracy_pct > now["best"]:
                    now |= {"best": accuracy_pct, "since_best": 0}
                    best = copy_of(self.network)
                self.context.history.add(now["step"], loss=loss.item(), selection_accuracy_pct=accuracy_pct)
                done = max(now["step"] / recipe.steps, now["epoch"] / recipe.epochs, now["since_best"] / recipe.patience)
                self.context.progress(done, f"{now['best']:.1f} % of selection right")
            checkpoint.save(now | {"history": self.context.history.rows}, best)
        self.network.load_state_dict(best)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = class_scores(self.network, sequences)
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

    def _logits(self, phase: torch.Tensor) -> torch.Tensor:
        """``[B, 31, 127]`` radians -> ``[B, T]``."""
        with reduced_precision(phase.device):
            return self.network((phase / torch.pi)[:, None]).float()

    def _accuracy_pct(self, data: FitData) -> float:
        return float((self.predict(data.selection).doa_deg == data.selection.doa_deg).mean() * 100)


def _even(batch: torch.Tensor) -> torch.Tensor:
    """One row of zeros more where the number of rows is odd: bfloat16 products over odd lengths are ten times slower."""
    return F.pad(batch, (0, 0, 0, 0, 0, len(batch) % 2))
