"""What every training loop needs beside its steps: evaluation, the best weights, checkpoints, detection of breakdown."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import nn

from ..benchmark.checkpoint import Checkpoint
from ..benchmark.method import Context, FitFailed
from ..benchmark.sequences import LabelledSequences
from ._networks import Images, class_scores, copy_of, phase_images


@dataclass
class Progress:
    """Where training stands; JSON on disk. ``evaluated`` is the step of the last evaluation, and ``since_best`` the number of
    evaluations since the best one."""

    step: int = 0
    epoch: int = 0
    evaluated: int = 0
    best_accuracy_pct: float = -1.0
    last_accuracy_pct: float = -1.0
    since_best: int = 0
    first_cost: float = 0.0


class Training:
    """A training run that can be killed and resumed. The method's own loop makes the steps and calls `stepped` after each;
    now and then it calls `evaluate`, and at the end `finish`. A new object goes on where a killed run of the same fit was.

    ``networks`` is all that is trained, where that is more than the ``classifier``. ``averaging`` is the memory of a running
    average of the classifier's weights; 0 means no average. ``answering`` is what is evaluated: the average if there is one,
    else the classifier. Its weights are kept, or, with ``keep_all``, those of all ``networks`` at that moment. Of equally good
    weights the first are kept, or, with ``latest_of_equals``, the last. ``images`` is what the classifier sees of sequences.

    ``now`` may be read at any time. The loop counts its own epochs there. Tensors that the loop puts into ``kept`` are in the
    checkpoint too.
    """

    def __init__(
        self,
        classifier: nn.Module,
        optimiser: torch.optim.Optimizer,
        rng: torch.Generator,
        context: Context,
        selection: LabelledSequences,
        *,
        networks: nn.Module | None = None,
        averaging: float = 0.0,
        keep_all: bool = False,
        latest_of_equals: bool = False,
        images: Images = phase_images,
    ) -> None:
        self.now, self.kept = Progress(), dict[str, torch.Tensor]()
        self.answering = copy.deepcopy(classifier).eval() if averaging else classifier
        self._classifier, self._context, self._selection, self._device = classifier, context, selection, rng.device
        self._averaging, self._latest_of_equals, self._images = averaging, latest_of_equals, images
        everything = classifier if networks is None else networks
        self._kept_of, self._kept_in = (everything, everything) if keep_all else (self.answering, classifier)
        self._best = copy_of(self._kept_of)
        self._totals: dict[str, torch.Tensor] = {}
        modules = {"networks": everything}
        if averaging:
            modules["average"] = self.answering
        self._checkpoint = Checkpoint(context.scratch, modules, optimiser, rng)
        self._resume()

    def stepped(self, **measured: torch.Tensor) -> None:
        """Count one step. The history shows the mean of each ``measured`` value; until then all stays on the device."""
        self.now.step += 1
        for name, value in measured.items():
            total = self._totals.setdefault(name, torch.zeros(2, device=self._device))
            total += torch.stack([value.detach(), torch.ones_like(value)])
        if self._averaging:
            memory = min(self._averaging, 1 - 1 / self.now.step)
            with torch.no_grad():
                for average, weight in zip(self.answering.parameters(), self._classifier.parameters(), strict=True):
                    average.lerp_(weight, 1 - memory)

    def evaluate(self, done: float, **last: float) -> None:
        """Score the selection sequences and keep the weights if they are the best so far. The history gets the score, the
        means since the last evaluation, and values of the ``last`` step alone. A checkpoint is written if the one before is
        old enough. ``done`` is the share of the training that is over. Raises FitFailed if training has broken down."""
        now = self.now
        values = {name: float(total[0] / total[1]) for name, total in self._totals.items()} | last
        self._totals = {}
        self._check(values)
        right = class_scores(self.answering, self._selection, self._images).argmax(1) == self._selection.doa_class
        accuracy_pct = float(right.mean() * 100)
        better = accuracy_pct > now.best_accuracy_pct
        now.evaluated, now.last_accuracy_pct, now.since_best = now.step, accuracy_pct, now.since_best + 1
        if better or (self._latest_of_equals and accuracy_pct == now.best_accuracy_pct):
            now.best_accuracy_pct, now.since_best = accuracy_pct, 0
            self._best = copy_of(self._kept_of)
        self._context.history.add(now.step, **values, selection_accuracy_pct=accuracy_pct)
        self._context.progress(done, f"{now.best_accuracy_pct:.1f} % of selection right")
        self._save()

    def finish(self) -> None:
        """Put the best weights into the classifier, or, with ``keep_all``, into all networks."""
        self._kept_in.load_state_dict(self._best)

    def add_final_scores(self) -> None:
        """Add the scores of the last and of the kept weights to the history."""
        last, best = self.now.last_accuracy_pct, self.now.best_accuracy_pct
        self._context.history.add(self.now.step, last_selection_accuracy_pct=last, kept_selection_accuracy_pct=best)

    def _save(self) -> None:
        tensors = {f"best/{name}": tensor for name, tensor in self._best.items()}
        tensors |= {f"kept/{name}": tensor for name, tensor in self.kept.items()}
        self._checkpoint.save({**vars(self.now), "history": self._context.history.rows}, tensors)

    def _resume(self) -> None:
        if (resumed := self._checkpoint.restore()) is None:
            return
        values, tensors = resumed
        self._context.history.rows.extend((step, name, value) for step, name, value in values.pop("history"))
        self.now = Progress(**values)
        self._best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith("best/")}
        self.kept = {name[5:]: tensor.to(self._device) for name, tensor in tensors.items() if name.startswith("kept/")}

    def _check(self, values: dict[str, float]) -> None:
        """A value that is not finite is a breakdown, and so is a ``cost`` that rises to twice its first value."""
        where = f"between step {self.now.evaluated} and step {self.now.step}"
        for name, value in values.items():
            if not math.isfinite(value):
                raise FitFailed(f"the {name.replace('_', '-')} became {value} {where}; a smaller step size may help")
        cost = values.get("cost", 0.0)
        self.now.first_cost = self.now.first_cost or cost
        if cost > 2 * abs(self.now.first_cost):
            raise FitFailed(
                f"training diverges: the cost of the labelled sequences rose to {cost:.0f} {where}, at first it was "
                f"{self.now.first_cost:.0f}; a smaller step size may help"
            )
