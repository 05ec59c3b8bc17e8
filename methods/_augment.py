"""Sequences changed in ways that keep their direction or mirror it."""

from __future__ import annotations

import torch

from ..benchmark.acoustics import ArraySetup
from ..benchmark.sequences import FRAMES_PER_SEQUENCE, PHASE_BINS, Sequences

BATCH = 128
NOISE_DB = (-35.0, -15.0)
"""Lowest and highest power of the noise that is added to each microphone, relative to the power of the sequence."""
MASKED_FRAMES, MASKED_BINS = 8, 24
"""At most this many neighbouring frames and bins are masked."""


class Augmentation:
    """Sequences made into others from the same direction, or, with the microphones exchanged, from the mirrored one.

    New sensor noise is added; the frames are shifted cyclically; some neighbouring frames and some neighbouring bins are
    masked; where the candidates are symmetric, half of the sequences are mirrored. Nothing scales a phase, stretches time or
    shifts a frequency: that would change the direction.
    """

    def __init__(self, setup: ArraySetup, rng: torch.Generator) -> None:
        self._rng = rng
        self.symmetric = tuple(-angle for angle in reversed(setup.candidates_deg)) == tuple(setup.candidates_deg)

    def __call__(self, phase: torch.Tensor, magnitude: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Phase in radians and magnitude ``[B, 31, 127]`` -> phase ``[B, 31, 127]``, and which of them are mirrored ``[B]``."""
        order = cyclic_shifts(len(phase), self._rng)
        noisy = in_order(phase + self._phase_noise(magnitude), order)
        noisy = torch.remainder(noisy + torch.pi, 2 * torch.pi) - torch.pi
        frames, bins = self._masks(FRAMES_PER_SEQUENCE, MASKED_FRAMES, phase), self._masks(PHASE_BINS, MASKED_BINS, phase)
        noisy = noisy.masked_fill(frames[:, :, None] | bins[:, None], 0)
        mirrored = (self._below(2, len(phase)) == 1) & self.symmetric
        return torch.where(mirrored[:, None, None], -noisy, noisy), mirrored

    def _phase_noise(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Change of ``angle(d2 conj(d1))`` when white noise is added to two microphones that are equally loud."""
        low, high = NOISE_DB
        db = low + (high - low) * torch.rand(len(magnitude), 1, 1, generator=self._rng, device=magnitude.device)
        power = magnitude.square().mean((1, 2), keepdim=True) * 10 ** (db / 10)
        shape = (2, 2, *magnitude.shape)
        noise = torch.randn(shape, generator=self._rng, device=magnitude.device) * (power / 2).sqrt()
        real, imaginary = noise[0] + magnitude, noise[1]
        return torch.atan2(imaginary[1], real[1]) - torch.atan2(imaginary[0], real[0])

    def _masks(self, length: int, most: int, like: torch.Tensor) -> torch.Tensor:
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
        self._count, self._augmentation, self.rng = len(sequences), augmentation, rng
        self.phase, self._magnitude = sequences.phase_on(rng.device), sequences.level_on(rng.device)

    def random(self) -> torch.Tensor:
        """Indices of one batch of sequences, drawn with replacement."""
        return torch.randint(self._count, (BATCH,), generator=self.rng, device=self.rng.device)

    def augmented(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sequences at ``index [B]`` -> phase ``[B, 31, 127]``, and which of them are mirrored ``[B]``."""
        return self._augmentation(self.phase(index), self._magnitude(index))


def cyclic_shifts(count: int, rng: torch.Generator) -> torch.Tensor:
    """For each of ``count`` sequences the order of its frames after a random cyclic shift, ``[count, 31]``."""
    first = torch.randint(FRAMES_PER_SEQUENCE, (count, 1), generator=rng, device=rng.device)
    return (first + torch.arange(FRAMES_PER_SEQUENCE, device=rng.device)) % FRAMES_PER_SEQUENCE


def in_order(frames: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """``frames [B, 31, 127]`` in the ``order [B, 31]`` that `cyclic_shifts` gave."""
    return frames.gather(1, order[:, :, None].expand_as(frames))


def facing_back(logits: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Logits ``[B, T]`` with those of mirrored sequences mirrored back: as if no sequence had been mirrored."""
    return torch.where(mirrored[:, None], logits.flip(1), logits)
