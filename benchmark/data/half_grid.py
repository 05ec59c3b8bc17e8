"""Off-grid for any room: every second direction of its grid is held out."""

from __future__ import annotations

from collections.abc import Iterator

from ..dataset import Position, PositionKind, Recording, Room, SpeechDraw, SpeechRole
from ..digest import digest

SUFFIX = "/half-grid"
"""Follows a room's name in tables and on the command line."""


class HalfGrid(Room):
    """A room whose candidates are every other direction of another's grid, from the first on. Those between are off-grid."""

    def __init__(self, room: Room) -> None:
        self.room, self.measured, self.brings_speech = room, room.measured, room.brings_speech  # pyright: ignore
        self.spacing_m, self.conditions, self.transfer = room.spacing_m, room.conditions, room.transfer
        angles = room.candidates_deg
        self._angles: dict[PositionKind, frozenset[float]] = {
            "grid": frozenset(angles[::2]),
            "off_grid": frozenset(angles[1::2]),
            "off_range": frozenset(angles[::2]),
            "unseen": frozenset(angles[::2]),
        }

    @staticmethod
    def whole(room: Room) -> Room:
        """The room behind a half grid; any other room as it is."""
        return room.room if isinstance(room, HalfGrid) else room

    @staticmethod
    def suits(room: Room) -> bool:
        """Whether enough is left of a grid to choose from, and something lies between."""
        return len(room.candidates_deg) >= 3

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        return tuple(p for p in self.room.positions(_whole(kind)) if p.doa_deg in self._angles[kind])

    def walls_m(self, place: str = "") -> tuple[tuple[float, float], ...]:
        return self.room.walls_m(place)

    def recordings(self, draw: SpeechDraw, role: SpeechRole, condition: str, kind: PositionKind) -> Iterator[Recording]:
        for recording in self.room.recordings(draw, role, condition, _whole(kind)):
            if recording.position.doa_deg in self._angles[kind]:
                yield recording

    def digest(self, condition: str, kind: PositionKind) -> str:
        return digest(["half-grid", sorted(self._angles[kind]), self.room.digest(condition, _whole(kind))])


def _whole(kind: PositionKind) -> PositionKind:
    return kind if kind in ("off_range", "unseen") else "grid"
