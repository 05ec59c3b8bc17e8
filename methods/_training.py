"""A training run: looks at the selection sequences, the best weights, checkpoints, and breakdown."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..benchmark.checkpoint import Checkpoint
from ..benchmark.method import Context, FitData, FitFailed
from ._networks import class_scores, copy_of

if TYPE_CHECKING:
    from .vae_ssl.networks import Networks


@dataclass
class Progress:
    """Where training stands; JSON on disk."""

    step: int = 0
    epoch: int = 0
    looked: int = 0
    best_accuracy_pct: float = -1.0
    last_accuracy_pct: float = -1.0
    since_best: int = 0
    first_cost: float = 0.0


class Training:
    """A training run that can be killed and resumed: networks, optimiser, an average of the classifier over the last steps
    (``averaging`` is its memory, 0 the classifier itself), and the classifier that did best on the selection sequences."""

    def __init__(
        self,
        networks: Networks,
        optimiser: torch.optim.Optimizer,
        rng: torch.Generator,
        context: Context,
        data: FitData,
        averaging: float = 0.0,
    ) -> None:
        self.networks, self.optimiser, self.rng, self.context = networks, optimiser, rng, context
        self.now, self.kept = Progress(), {}
        self._selection, self._averaging = data.selection, averaging
        self._averaged = copy.deepcopy(networks.classifier) if averaging else networks.classifier
        self._best = copy_of(networks.classifier)
        self._totals: dict[str, torch.Tensor] = {}
        modules = {"networks": networks, "averaged": self._averaged} if averaging else {"networks": networks}
        self._checkpoint = Checkpoint(context.scratch, modules, optimiser, rng)

    def resume(self) -> None:
        """Go on where an earlier run was killed, if one was; ``kept`` tensors come back too."""
        if (resumed := self._checkpoint.restore()) is None:
            return
        values, tensors = resumed
        self.context.history.rows.extend((step, name, value) for step, name, value in values.pop("history"))
        self.now = Progress(**values)
        self._best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith("best/")}
        device = self.rng.device
        self.kept = {name[5:]: tensor.to(device) for name, tensor in tensors.items() if name.startswith("kept/")}

    def stepped(self, **measured: torch.Tensor) -> None:
        """Count one step and what was ``measured`` in it, by name; all stays on the device."""
        self.now.step += 1
        for name, value in measured.items():
            total = self._totals.setdefault(name, torch.zeros(2, device=self.rng.device))
            total += torch.stack([value.detach(), torch.ones_like(value)])
        if self._averaging:
            memory = min(self._averaging, 1 - 1 / self.now.step)
            with torch.no_grad():
                pairs = zip(self._averaged.parameters(), self.networks.classifier.parameters(), strict=True)
                for average, parameter in pairs:
                    average.lerp_(parameter, 1 - memory)

    def look(self, done: float) -> None:
        """Score the selection sequences, keep the classifier if it is the best so far, and see whether training broke down."""
        means = {name: float(total[0] / total[1]) for name, total in self._totals.items()}
        self._totals = {}
        self._check(means)
        accuracy_pct = self._accuracy_pct()
        now = self.now
        now.looked, now.last_accuracy_pct, now.since_best = now.step, accuracy_pct, now.since_best + 1
        if accuracy_pct > now.best_accuracy_pct:
            now.best_accuracy_pct, now.since_best = accuracy_pct, 0
            self._best = copy_of(self._averaged)
        self.context.history.add(now.step, **means, selection_accuracy_pct=accuracy_pct)
        self.context.progress(done, f"{now.best_accuracy_pct:.1f} % of selection right")

    def save(self) -> None:
        """A checkpoint, if the last one was long enough ago; to be called right after a `look`."""
        tensors = {f"best/{name}": tensor for name, tensor in self._best.items()}
        tensors |= {f"kept/{name}": tensor for name, tensor in self.kept.items()}
        self._checkpoint.save({**vars(self.now), "history": self.context.history.rows}, tensors)

    def finish(self) -> None:
        """Put the best classifier in place. The score of the last one stays in the history beside it."""
        last = self.now.last_accuracy_pct
        best = self.now.best_accuracy_pct
        self.context.history.add(self.now.step, last_selection_accuracy_pct=last, kept_selection_accuracy_pct=best)
        self.networks.classifier.load_state_dict(self._best)

    def _accuracy_pct(self) -> float:
        scores = class_scores(self._averaged, self._selection)
        self._averaged.train()
        return float((scores.argmax(1) == self._selection.doa_class).mean() * 100)

    def _check(self, means: dict[str, float]) -> None:
        where = f"between step {self.now.looked} and step {self.now.step}"
        for name, value in means.items():
            if not math.isfinite(value):
                raise FitFailed(f"the {name.replace('_', '-')} became {value} {where}; a smaller step size may help")
        cost = means.get("cost", 0.0)
        self.now.first_cost = self.now.first_cost or cost
        if cost > 2 * abs(self.now.first_cost):
            raise FitFailed(
                f"training diverges: the cost of the labelled sequences rose to {cost:.0f} {where}, at first it was "
                f"{self.now.first_cost:.0f}; a smaller step size may help"
            )
