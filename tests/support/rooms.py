"""Rooms that tests need: a free field, where every answer is known by formula, and a room small enough to simulate."""

from __future__ import annotations

import numpy as np
from doabench.benchmark.dataset import Condition, Position, PositionKind
from doabench.datasets._convolution import ImpulseResponseRoom, arc
from doabench.datasets._shoebox import ShoeboxRoom
from numpy.typing import NDArray

RATE_HZ, SOUND_M_PER_S = 16_000, 343.0
"""Written again here, so that tests do not take them from what they test."""


class AnechoicRoom(ImpulseResponseRoom):
    """Plane waves from 19 directions, and from three between them, to microphones 8.5 cm apart. No second condition."""

    spacing_m = 0.085
    conditions = (Condition("anechoic", 0.0),)

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        angles = {"grid": tuple(range(-90, 91, 10)), "off_grid": (25, 28, 45)}
        return arc(angles.get(kind, ()), 1.5)

    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        assert condition == "anechoic"
        return np.array([plane_wave(position.doa_deg, self.spacing_m) for position in self.positions(kind)], np.float32)


class SmallRoom(ShoeboxRoom):
    """A cupboard with two positions and nothing off the grid: simulated from scratch in about half a second."""

    name = "small"
    size_m = (3.0, 2.5, 2.2)
    array_centre_m = (1.4, 0.8, 1.1)
    spacing_m = 0.085
    directivity = 0.5
    rt60_s = (0.2,)
    places = {"grid": arc((-30, 30), 1.0)}


def plane_wave(doa_deg: float, spacing_m: float) -> NDArray[np.float64]:
    """Responses ``[2, 128]`` to a plane wave; from a positive angle it reaches microphone 2 first."""
    lead = spacing_m * np.sin(np.radians(doa_deg)) / SOUND_M_PER_S * RATE_HZ
    return np.stack([fractional_delay(64 + lead / 2), fractional_delay(64 - lead / 2)])


def fractional_delay(delay: float, reach: int = 56) -> NDArray[np.float64]:
    """A sinc delayed by ``delay`` samples under a Hann window that moves with it: flat to within 0.2 % up to 7.5 kHz."""
    distance = np.arange(128) - delay
    window = np.where(np.abs(distance) < reach, np.cos(np.pi * distance / (2 * reach)) ** 2, 0.0)
    return np.asarray(np.sinc(distance) * window, np.float64)
