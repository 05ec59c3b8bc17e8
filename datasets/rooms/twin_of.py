"""twin-of: simulated rooms around the array of another room, which is what one can train in without having been there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydantic import InstanceOf

from ...benchmark.dataset import Condition, Position, PositionKind, Recording, Room, SpeechDraw, SpeechRole
from ...benchmark.digest import digest, source_digest
from ...benchmark.seeds import generator
from .._convolution import ImpulseResponseRoom, arc, heard
from .._shoebox import XYZ, Elsewhere, kept, simulated, towards

SIZE_M, HEIGHT_M = ((3.5, 3.0, 2.3), (10.0, 8.0, 3.5)), (1.0, 1.6)
"""The smallest and the largest room for talkers up to 1.5 m away, for others as much larger; and where the array stands."""
ABSORPTION = (0.15, 0.6)
RANGE = (0.7, 1.5)
"""Of the distance at which most talkers of the other room are."""
WALL_M = 0.3
DIRECTIVITY = 0.5
ROLES: tuple[SpeechRole, ...] = ("train", "validation", "scored")


@dataclass(eq=False)
class TwinOf(ImpulseResponseRoom):
    """``twin-of:ROOM``: the distance of the microphones and the directions of ROOM, in ``rooms`` shoeboxes that are drawn at
    random: size, absorption, where the array stands and how it is turned, how far the talkers are. They are meant to be of
    every kind: nothing that was measured in ROOM is used.

    Each clip is heard in one of them, and those to train on in others than those to select on, as far as there are enough.
    """

    reads_room = True
    room: InstanceOf[Room]
    rooms: int = 60

    def __post_init__(self) -> None:
        self.spacing_m, self.conditions = self.room.spacing_m, (Condition("simulated", 0.0),)
        self._angles = self.room.candidates_deg
        range_m = float(np.median([position.range_m for position in self.room.positions("grid")]))
        self._places = tuple(_drawn(number, range_m, self._angles) for number in range(self.rooms))

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        return tuple(position for place in self._places for position in self._at(place)) if kind == "grid" else ()

    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:  # noqa: ARG002
        return np.concatenate([self._responses(place) for place in self._places])

    def recordings(self, draw: SpeechDraw, role: SpeechRole, condition: str, kind: PositionKind) -> Iterator[Recording]:
        for segment in draw.segments[role]:
            place = self._places[(len(ROLES) * segment.clip + ROLES.index(role)) % self.rooms]
            yield from heard(segment, self._at(place), self._responses(place), draw.digest, role, condition, kind)

    def digest(self, condition: str, kind: PositionKind) -> str:
        places = [vars(place) for place in self._places]  # what each sounds like follows: no need to have it simulated
        return digest([self.spacing_m, condition, kind, places, self._angles, source_digest(TwinOf)])

    def _at(self, place: Elsewhere) -> tuple[Position, ...]:
        return tuple(Position(p.doa_deg, p.range_m, place.name) for p in arc(self._angles, place.range_m))

    @cache  # noqa: B019 - a room lives as long as the process
    def _responses(self, place: Elsewhere) -> NDArray[np.float32]:
        inputs = [vars(place), self._angles, self.spacing_m, source_digest(simulated)]
        made = kept(
            "twin-of",
            inputs,
            lambda: {"responses": simulated(place, self._at(place), self.spacing_m, DIRECTIVITY, "twin-of", place.name)},
        )
        return made["responses"].astype(np.float32, copy=False)


def _drawn(number: int, range_m: float, angles: tuple[float, ...]) -> Elsewhere:
    """A random room in which talkers at all ``angles`` stand clear of the walls."""
    rng = generator("twin-of", number)
    distance_m = range_m * rng.uniform(*RANGE)
    absorption = float(np.exp(rng.uniform(*np.log(ABSORPTION))))
    while True:
        size = rng.uniform(*SIZE_M) * (*(2 * [max(1.0, distance_m / 1.5)]), 1.0)
        centre = np.array([*rng.uniform(WALL_M, size[:2] - WALL_M), rng.uniform(*HEIGHT_M)])
        turned_deg = float(rng.uniform(0, 360))
        talkers = np.array([centre + distance_m * towards(angle, turned_deg) for angle in angles])
        if (talkers[:, :2] > WALL_M).all() and (talkers[:, :2] < size[:2] - WALL_M).all():
            name = f"room {number}: {size[0]:.1f} x {size[1]:.1f} x {size[2]:.1f} m"
            return Elsewhere(name, distance_m, _xyz(centre), turned_deg, _xyz(size), absorption)


def _xyz(vector: NDArray[np.float64]) -> XYZ:
    x, y, z = (float(value) for value in vector)
    return x, y, z
