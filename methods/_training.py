"""The classifier of Table 1 trained in steps on augmented sequences; methods add what they learn from unlabelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from ..benchmark.acoustics import ArraySetup
from ..benchmark.checkpoint import Checkpoint
from ..benchmark.method import FitData, FitFailed, Method, Prediction
from ..benchmark.sequences import FRAMES_PER_SEQUENCE, PHASE_BINS, Sequences
from ._networks import class_scores, classifier, copy_of, load_network, reduced_precision, save_network

BATCH = 128
LEARNING_RATE = 5e-4
LOOK_EVERY = 40
NOISE_DB = (-35.0, -15.0)
"""Level of the noise that is added to each microphone, beside the power of the sequence."""
MASKED_FRAMES, MASKED_BINS = 8, 24
"""At most so many neighbours are masked."""


class Augmentation:
    """Sequences made into others from the same direction, or, with the microphones exchanged, from the mirrored one.

    Sensor noise is drawn anew, the frames begin at a random one and go round, a stretch of frames and one of bins are
    masked, and half of the sequences are mirrored where the candidates are symmetric. Nothing scales a phase, stretches
    time or shifts a frequency: that would change the direction.
    """

    def __init__(self, setup: ArraySetup, rng: torch.Generator) -> None:
        self._rng = rng
        self.symmetric = tuple(-angle for angle in reversed(setup.candidates_deg)) == tuple(setup.candidates_deg)

    def __call__(self, phase: torch.Tensor, level: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Phase in radians and level ``[B, 31, 127]`` -> phase ``[B, 31, 127]``, and which of them are mirrored ``[B]``."""
        first = self._below(FRAMES_PER_SEQUENCE, len(phase))[:, None]
        turn = (first + torch.arange(FRAMES_PER_SEQUENCE, device=phase.device)) % FRAMES_PER_SEQUENCE
        noisy = (phase + self._phase_noise(level)).gather(1, turn[:, :, None].expand_as(phase))
        noisy = torch.remainder(noisy + torch.pi, 2 * torch.pi) - torch.pi
        frames, bins = self._stretch(FRAMES_PER_SEQUENCE, MASKED_FRAMES, phase), self._stretch(PHASE_BINS, MASKED_BINS, phase)
        noisy = noisy.masked_fill(frames[:, :, None] | bins[:, None], 0)
        mirrored = (self._below(2, len(phase)) == 1) & self.symmetric
        return torch.where(mirrored[:, None, None], -noisy, noisy), mirrored

    def _phase_noise(self, level: torch.Tensor) -> torch.Tensor:
        """Change of ``angle(d2 conj(d1))`` when white noise is added to two microphones that are equally loud."""
        low, high = NOISE_DB
        db = low + (high - low) * torch.rand(len(level), 1, 1, generator=self._rng, device=level.device)
        power = level.square().mean((1, 2), keepdim=True) * 10 ** (db / 10)
        shape = (2, 2, *level.shape)
        noise = torch.randn(shape, generator=self._rng, device=level.device) * (power / 2).sqrt()
        real, imaginary = noise[0] + level, noise[1]
        return torch.atan2(imaginary[1], real[1]) - torch.atan2(imaginary[0], real[0])

    def _stretch(self, length: int, most: int, like: torch.Tensor) -> torch.Tensor:
        """True for up to ``most`` neighbours out of ``length`` in each row, ``[B, length]``."""
        size = self._below(most + 1, len(like))[:, None]
        start = (torch.rand(size.shape, generator=self._rng, device=like.device) * (length - size + 1)).long()
        place = torch.arange(length, device=like.device)
        return (place >= start) & (place < start + size)

    def _below(self, limit: int, size: int) -> torch.Tensor:
        return torch.randint(limit, (size,), generator=self._rng, device=self._rng.device)


class Source:
    """Random batches of a set of sequences, plain and augmented."""

    def __init__(self, sequences: Sequences, augmentation: Augmentation, rng: torch.Generator) -> None:
        self._count, self._augmentation, self._rng = len(sequences), augmentation, rng
        self.phase, self._level = sequences.phase_on(rng.device), sequences.level_on(rng.device)

    def random(self, size: int = BATCH) -> torch.Tensor:
        """Indices of ``size`` sequences, drawn with replacement."""
        return torch.randint(self._count, (size,), generator=self._rng, device=self._rng.device)

    def augmented(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._augmentation(self.phase(index), self._level(index))


def facing_back(logits: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """``[B, T]`` of mirrored sequences as they would be of the sequences themselves (and the other way round)."""
    return torch.where(mirrored[:, None], logits.flip(1), logits)


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
