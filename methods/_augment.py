"""Sequences changed in ways that keep their direction, or mirror it."""

from __future__ import annotations

import torch

from ..benchmark.acoustics import ArraySetup
from ..benchmark.sequences import FRAMES_PER_SEQUENCE, PHASE_BINS, Sequences

BATCH = 128
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
