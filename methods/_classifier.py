"""The classifier of Table 1 trained in steps on augmented sequences; methods add what they learn from unlabelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.checkpoint import Checkpoint
from ..benchmark.method import FitData, FitFailed, Method, Prediction
from ..benchmark.sequences import Sequences
from ._augment import Augmentation, Source, facing_back
from ._networks import class_scores, classifier, copy_of, load_network, reduced_precision, save_network

LEARNING_RATE = 5e-4
LOOK_EVERY = 40


def logits_of(network: torch.nn.Module, phase: torch.Tensor) -> torch.Tensor:
    """``[B, 31, 127]`` radians -> ``[B, T]``."""
    with reduced_precision(phase.device):
        return network((phase / torch.pi)[:, None]).float()


@dataclass
class AugmentedClassifier(Method):
    """Trains ``network`` for ``steps`` steps on augmented labelled sequences, plus `unlabelled_loss`. The weights of the
    `answering` network that classify most selection sequences are kept, of equals the latest."""

    steps: int = 1000

    def unlabelled_loss(self, unlabelled: Source, done: float) -> torch.Tensor:
        """What a method learns from one batch of unlabelled sequences when a share ``done`` of the steps is behind it."""
        raise NotImplementedError

    def after_step(self, step: int) -> None:
        """Called after every step."""

    def modules(self) -> dict[str, torch.nn.Module]:
        """All networks that training changes, for checkpoints."""
        return {"network": self.network}

    @property
    def answering(self) -> torch.nn.Module:
        return self.network

    def fit(self, data: FitData) -> None:
        learns_unlabelled = self.info.uses_unlabelled
        if learns_unlabelled and not len(data.unlabelled):
            raise FitFailed("there are no unlabelled sequences, and this method learns from them; cnn_augmented does not")
        rng = self._build()
        augmentation = Augmentation(self.context.setup, rng)
        labelled, unlabelled = (Source(part, augmentation, rng) for part in (data.labelled, data.unlabelled))
        y = torch.from_numpy(data.labelled.doa_class).to(rng.device)
        optimiser = torch.optim.Adam(self.network.parameters(), LEARNING_RATE, fused=True)
        checkpoint = Checkpoint(self.context.scratch, self.modules(), optimiser, rng)
        step, best_pct, best = 0, -1.0, copy_of(self.answering)
        if (resumed := checkpoint.restore()) is not None:
            values, best = resumed
            step, best_pct = values["step"], values["best_pct"]
            self.context.history.rows.extend((at, name, value) for at, name, value in values["history"])

        total = torch.zeros(2, device=rng.device)
        while step < self.steps:
            self.network.train()
            index = labelled.random()
            x, mirrored = labelled.augmented(index)
            loss = F.cross_entropy(facing_back(logits_of(self.network, x), mirrored), y[index])
            extra = self.unlabelled_loss(unlabelled, step / self.steps) if learns_unlabelled else torch.zeros_like(loss)
            optimiser.zero_grad(set_to_none=True)
            (loss + extra).backward()
            optimiser.step()
            total += torch.stack([loss.detach(), extra.detach()])
            step += 1
            self.after_step(step)
            if step % LOOK_EVERY == 0 or step == self.steps:
                accuracy_pct = self._look(step, total / ((step - 1) % LOOK_EVERY + 1), data)
                total.zero_()
                if accuracy_pct >= best_pct:
                    best_pct, best = accuracy_pct, copy_of(self.answering)
                self.context.progress(step / self.steps, f"{best_pct:.1f} % of selection right")
                checkpoint.save({"step": step, "best_pct": best_pct, "history": self.context.history.rows}, best)
        self.answering.load_state_dict(best)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = class_scores(self.answering, sequences)
        return Prediction.best_candidate(scores, self.context.setup, log_probabilities=True)

    def save(self, folder: Path) -> None:
        save_network(folder, self.answering)

    def load(self, folder: Path) -> None:
        self._build()
        load_network(folder, self.answering)

    def _build(self) -> torch.Generator:
        rng = torch.Generator(self.context.device).manual_seed(self.context.seed)
        self.network = classifier(len(self.context.setup.candidates_deg), rng)
        return rng

    def _look(self, step: int, means: torch.Tensor, data: FitData) -> float:
        loss, extra = means.tolist()
        if not torch.isfinite(means).all():
            raise FitFailed(f"the losses became {loss} (labelled) and {extra} (unlabelled) before step {step}")
        accuracy_pct = float((self.predict(data.selection).doa_deg == data.selection.doa_deg).mean() * 100)
        learnt = {"unlabelled_loss": extra} if self.info.uses_unlabelled else {}
        self.context.history.add(step, loss=loss, selection_accuracy_pct=accuracy_pct, **learnt)
        return accuracy_pct
