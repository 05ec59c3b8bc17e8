"""Sequences as batches, for both recipes."""

from __future__ import annotations

import torch

from ...benchmark.sequences import LabelledSequences, Sequences
from .._augment import cyclic_shifts, in_order
from .objective import Batch


class Source:
    """Batches of a set of sequences.

    With ``shifted``, the frames of each sequence are shifted cyclically by a random number: a talker who does not move sounds
    the same at any moment. With a ``magnitude_exponent``, pixels are weighted by their magnitude to that power, with mean one
    over the frames of each frequency: loud moments tell more of the direct path.
    """

    def __init__(
        self, sequences: Sequences, rng: torch.Generator, magnitude_exponent: float = 0, shifted: bool = False
    ) -> None:
        self.count, self._rng, self._shifted, self._exponent = len(sequences), rng, shifted, magnitude_exponent
        self._phase = sequences.phase_on(rng.device)
        self._magnitude = sequences.level_on(rng.device) if magnitude_exponent else None
        if isinstance(sequences, LabelledSequences):
            self.y = torch.from_numpy(sequences.doa_class).to(rng.device)

    def random(self, size: int) -> torch.Tensor:
        """Indices of ``size`` sequences, drawn with replacement."""
        return torch.randint(self.count, (size,), generator=self._rng, device=self._rng.device)

    def batch(self, index: torch.Tensor) -> Batch:
        """The sequences at ``index [B]``."""
        order = cyclic_shifts(len(index), self._rng) if self._shifted else None
        x = _in_order(self._phase(index), order)[:, None] / torch.pi
        if self._magnitude is None:
            return Batch(x)
        weight = _in_order(self._magnitude(index), order) ** self._exponent
        return Batch(x, weight / weight.mean(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny))  # silence: no weight


def _in_order(frames: torch.Tensor, order: torch.Tensor | None) -> torch.Tensor:
    return frames if order is None else in_order(frames, order)


def concatenate(first: Batch, second: Batch) -> Batch:
    """Two batches as one."""
    weights = (first.pixel_weight, second.pixel_weight)
    return Batch(torch.cat([first.x, second.x]), None if None in weights else torch.cat(weights))  # pyright: ignore
