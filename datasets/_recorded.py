"""Rooms that come as recordings of talkers: reverberant already, so no speech is drawn and nothing is convolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..benchmark.dataset import Position, PositionKind, Recording, Room, SpeechDraw, SpeechRole
from ..benchmark.digest import array_digest, digest, source_digest


@dataclass(frozen=True)
class Take:
    """One clip from one position; ``read`` gives its waveform ``[samples, 2]`` at 16 kHz."""

    role: SpeechRole
    kind: PositionKind
    condition: str
    position: Position
    clip: int
    speaker: str
    read: Callable[[], NDArray[np.float32]]


class RecordedRoom(Room):
    """A room with talkers of its own. A subclass sets ``takes``, ``spacing_m`` and ``conditions``.

    Takes are of those who train and those who select. Where nothing is trained here, all are ``scored``.
    """

    measured = True
    reads_path = True
    brings_speech = True
    takes: Sequence[Take]

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        places = {take.position for take in self.takes if take.kind == kind}
        return tuple(sorted(places, key=lambda position: (position.doa_deg, position.range_m)))

    def recordings(self, draw: SpeechDraw, role: SpeechRole, condition: str, kind: PositionKind) -> Iterator[Recording]:  # noqa: ARG002
        takes = self._in_order(condition, kind)
        clips = {own: number for number, own in enumerate(dict.fromkeys((take.role, take.clip) for take in takes))}
        for take in takes:
            if role in (take.role, "scored"):
                clip = clips[take.role, take.clip] if role == "scored" else take.clip
                yield Recording(take.position, clip, take.speaker, self.heard(take))

    def heard(self, take: Take) -> NDArray[np.float32]:
        """What a method gets to hear of a take; as it was recorded, unless a subclass knows better."""
        return take.read()

    def digest(self, condition: str, kind: PositionKind) -> str:
        return self._digest(condition, kind)

    @cache  # noqa: B019 - a room lives as long as the process
    def _digest(self, condition: str, kind: PositionKind) -> str:
        takes = [
            [take.role, take.position.doa_deg, take.position.range_m, take.clip, take.speaker, array_digest(self.heard(take))]
            for take in self._in_order(condition, kind)
        ]
        return digest([self.spacing_m, condition, takes, source_digest(type(self).recordings)])

    def _in_order(self, condition: str, kind: PositionKind) -> list[Take]:
        chosen = [take for take in self.takes if (take.condition, take.kind) == (condition, kind)]
        return sorted(chosen, key=lambda take: (take.role, take.clip, take.position.doa_deg, take.position.range_m))
