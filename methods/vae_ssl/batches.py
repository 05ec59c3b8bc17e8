"""Sequences as batches, for both recipes."""

from __future__ import annotations

import torch

from ...benchmark.sequences import FRAMES_PER_SEQUENCE, LabelledSequences, Sequences
from .objective import Batch


class Source:
    """Batches of a set of sequences. With ``turned``, the 31 frames of each start at a random one and go round: a talker
    who does not move sounds the same at any moment. With a ``level_exponent``, pixels count by their amplitude to that
    power, with mean one over the frames of each frequency: loud moments tell more of the direct path."""

    def __init__(self, sequences: Sequences, rng: torch.Generator, level_exponent: float = 0, turned: bool = False) -> None:
        self.count, self._rng, self._turned, self._exponent = len(sequences), rng, turned, level_exponent
        self._phase = sequences.phase_on(rng.device)
        self._level = sequences.level_on(rng.device) if level_exponent else None
        if isinstance(sequences, LabelledSequences):
            self.y = torch.from_numpy(sequences.doa_class).to(rng.device)

    def random(self, size: int) -> torch.Tensor:
        """Indices of ``size`` sequences, drawn with replacement."""
        return torch.randint(self.count, (size,), generator=self._rng, device=self._rng.device)

    def batch(self, index: torch.Tensor) -> Batch:
        turn = self._turn(len(index)) if self._turned else None
        x = _taken(self._phase(index), turn)[:, None] / torch.pi
        if self._level is None:
            return Batch(x)
        weight = _taken(self._level(index), turn) ** self._exponent
        return Batch(x, weight / weight.mean(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny))  # silence: no weight

    def _turn(self, size: int) -> torch.Tensor:
        first = torch.randint(FRAMES_PER_SEQUENCE, (size, 1), generator=self._rng, device=self._rng.device)
        return (first + torch.arange(FRAMES_PER_SEQUENCE, device=first.device)) % FRAMES_PER_SEQUENCE


def _taken(frames: torch.Tensor, turn: torch.Tensor | None) -> torch.Tensor:
    return frames if turn is None else frames.gather(1, turn[:, :, None].expand_as(frames))


def both(first: Batch, second: Batch) -> Batch:
    """Two batches as one."""
    weights = (first.pixel_weight, second.pixel_weight)
    return Batch(torch.cat([first.x, second.x]), None if None in weights else torch.cat(weights))  # pyright: ignore
