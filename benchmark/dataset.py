"""The contracts of data: a speech corpus, a room, and the recordings that come of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000

Sex = Literal["F", "M", ""]
PositionKind = Literal["grid", "off_grid", "off_range", "unseen"]
SpeechRole = Literal["train", "validation", "scored"]


@dataclass(frozen=True)
class Speaker:
    """A speaker of a corpus; ``sex`` is empty where the corpus does not tell."""

    id: str
    sex: Sex
    utterances: tuple[str, ...]


class Speech(ABC):
    """A corpus of dry, single-channel speech at 16 kHz.

    A corpus with ``reads_folder`` is made by ``from_path``, whose further arguments are its parameters.
    """

    reads_folder: ClassVar[bool] = False

    @classmethod
    def from_path(cls, path: Path) -> Self:
        """Open the corpus in a folder. Raises UserError where there is none."""
        raise NotImplementedError

    @abstractmethod
    def speakers(self) -> list[Speaker]:
        """All speakers, in a fixed order, each with the ids of its utterances."""

    @abstractmethod
    def load(self, utterance: str) -> NDArray[np.float32]:
        """Samples of one utterance at 16 kHz, full scale 1. Raises UserError that names the file and the remedy."""


@dataclass(frozen=True)
class Segment:
    """A stretch of one speaker's voiced speech; ``clip`` numbers it within its role."""

    clip: int
    speaker: str
    samples: NDArray[np.float32]


@dataclass(frozen=True)
class SpeechDraw:
    """The segments of one data seed, by role, and a digest of all that they hold."""

    corpus: str
    seed: int
    segments: Mapping[SpeechRole, tuple[Segment, ...]]
    digest: str


@dataclass(frozen=True)
class Position:
    """Where the talker stands, seen from the array centre. ``place`` names where that is, if it is not where the grid
    is: a kind of place and which of them, ``range: 2.2 m``."""

    doa_deg: float
    range_m: float
    place: str = ""


@dataclass(frozen=True)
class Condition:
    """One state of a room. ``measured_rt60_s`` is what the responses show, beside the nominal ``rt60_s``."""

    name: str
    rt60_s: float
    measured_rt60_s: float | None = None


@dataclass(frozen=True)
class Recording:
    """A noisy two-channel recording ``[samples, 2]`` of one clip from one position."""

    position: Position
    clip: int
    speaker: str
    waveform: NDArray[np.float32]


class Room(ABC):
    """A room with a talker's positions and two microphones.

    ``conditions`` come in order: the first is where methods train; ``transfer`` names the one that rt60-transfer scores.
    A room with ``reads_path`` is a dataclass: its first field is the ``path``, the others are its parameters. One that
    ``reads_room`` has a ``room`` there, from which it is made. One that ``brings_speech`` has recordings of talkers of its own:
    it takes no account of the draw. ``notes``, where a room has them, are what a person should know of how its files were read,
    one line each: what was left out.
    """

    measured: ClassVar[bool] = False
    reads_path: ClassVar[bool] = False
    reads_room: ClassVar[bool] = False
    brings_speech: ClassVar[bool] = False
    spacing_m: float
    conditions: tuple[Condition, ...]
    transfer: str | None = None

    @abstractmethod
    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        """Positions of one kind, empty where the room has none. ``grid`` positions define the candidate directions; ``unseen``
        ones are in these directions at places that share no response with the grid, each with its ``place``."""

    @abstractmethod
    def recordings(self, draw: SpeechDraw, role: SpeechRole, condition: str, kind: PositionKind) -> Iterator[Recording]:
        """Every clip of ``role`` from every position of ``kind``: clip by clip, and within a clip by position."""

    @abstractmethod
    def digest(self, condition: str, kind: PositionKind) -> str:
        """A hash of all that this room brings into the recordings of one condition and kind of position."""

    def walls_m(self, place: str = "") -> tuple[tuple[float, float], ...]:  # noqa: ARG002
        """Corners of the room seen from above, at a ``place`` of `Position`, in metres from the array's centre: x toward
        microphone 2, y to where broadside is. Empty where nobody knows."""
        return ()

    def untrainable(self) -> str | None:
        """Why nothing can be trained in this room; None if it can. What was trained elsewhere may be scored in it."""
        directions = len(self.candidates_deg)
        return None if directions >= 2 else f"{directions} direction; methods need at least two to choose from"

    @property
    def candidates_deg(self) -> tuple[float, ...]:
        """The T candidate directions: the distinct angles of the grid, ascending."""
        return tuple(sorted({position.doa_deg for position in self.positions("grid")}))

    def condition(self, name: str) -> Condition:
        return {condition.name: condition for condition in self.conditions}[name]


OWN_SPEECH = "own"
"""What stands for the corpus of a room that brings its talkers."""
