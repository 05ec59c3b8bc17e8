"""Rooms that are known by their impulse responses: dry speech in, noisy two-channel recordings out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..benchmark.dataset import Position, PositionKind, Recording, Room, Segment, SpeechDraw, SpeechRole
from ..benchmark.digest import array_digest, digest, source_digest
from ..benchmark.seeds import generator

SNR_DB = 20.0
ONSET = 500
"""Samples dropped at the start of each recording, where the room still fills (released program)."""


class ImpulseResponseRoom(Room):
    """A room given by one two-channel response per position: segment * response, cut to the segment's length, plus white
    sensor noise at 20 dB below each microphone's own power."""

    @abstractmethod
    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        """Impulse responses ``[positions, 2, samples]`` at 16 kHz."""

    def recordings(self, draw: SpeechDraw, role: SpeechRole, condition: str, kind: PositionKind) -> Iterator[Recording]:
        responses, positions = self.responses(condition, kind), self.positions(kind)
        for segment in draw.segments[role]:
            yield from heard(segment, positions, responses, draw.digest, role, condition, kind)

    def digest(self, condition: str, kind: PositionKind) -> str:
        positions = [[p.doa_deg, p.range_m, *filter(None, [p.place])] for p in self.positions(kind)]
        responses = array_digest(self.responses(condition, kind))
        return digest([self.spacing_m, condition, positions, responses, source_digest(type(self).recordings)])


def heard(segment: Segment, positions: Sequence[Position], responses: NDArray[np.float32], *axes: str) -> Iterator[Recording]:
    """A segment from every position, through ``responses [positions, 2, samples]``. ``axes`` name the noise."""
    for index, wet in enumerate(_convolve(segment.samples, responses)):
        rng = generator("sensor-noise", *axes, segment.clip, index)
        yield Recording(positions[index], segment.clip, segment.speaker, add_sensor_noise(wet, rng)[ONSET:])


def add_sensor_noise(clean: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """White noise on ``[samples, 2]``, independent between microphones, at `SNR_DB` below each one's own power."""
    power = np.mean(clean.astype(np.float64) ** 2, axis=0)
    scale = np.sqrt(power * 10 ** (-SNR_DB / 10)).astype(np.float32)
    return clean + scale * rng.standard_normal(clean.shape, dtype=np.float32)


def _convolve(samples: NDArray[np.float32], responses: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """``samples`` through every response, each ``[len(samples), 2]``; the speech is transformed once."""
    size = scipy.fft.next_fast_len(len(samples) + responses.shape[-1] - 1, real=True)
    spectrum = np.asarray(scipy.fft.rfft(samples, size))
    for response in responses:
        wet = np.asarray(scipy.fft.irfft(np.asarray(scipy.fft.rfft(response, size)) * spectrum, size))[:, : len(samples)]
        yield np.ascontiguousarray(wet.T, dtype=np.float32)


def arc(doa_deg: tuple[float, ...], range_m: float) -> tuple[Position, ...]:
    """Positions at one range, one for each angle."""
    return tuple(Position(float(angle), range_m) for angle in doa_deg)
