"""One speech draw in one room: the streams that a protocol's subsets name, each built when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..acoustics import ArraySetup
from ..dataset import OWN_SPEECH, Condition, Room, Speech, SpeechDraw
from ..digest import digest, source_digest
from ..protocol import Subset
from .half_grid import SUFFIX, HalfGrid
from .open import notes_of, open_room, open_speech
from .segments import draw_segments, role_digest
from .streams import Stream, concatenate, excerpts


class Scene:
    """Streams of one draw in one room, and in the ``other`` where a protocol scores there, with the ``corpus`` that the draw is
    from (None: the room brings its talkers). Everything that defines them is in `digest`. ``left_out`` says what is wrong with
    utterances that could not be drawn; it grows when a further role is."""

    def __init__(
        self,
        room_name: str,
        room: Room,
        draw: SpeechDraw,
        corpus: Speech | None = None,
        other: tuple[str, Room] | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        self.room_name, self.room, self.draw, self.corpus, self.left_out = room_name, room, draw, corpus, left_out
        self.other_name, self.other = other or ("", None)
        self.setup = ArraySetup(room.spacing_m, room.candidates_deg)
        self._streams: dict[Subset, Stream] = {}

    def room_of(self, subset: Subset) -> Room:
        """The room whose recordings a subset means."""
        room = self.other if subset.room == "other" else self.room
        assert room is not None  # the plan has looked
        return room

    def condition(self, subset: Subset) -> Condition:
        """The room's condition that a subset means."""
        room = self.room_of(subset)
        name = room.transfer if subset.condition == "transfer" else room.conditions[0].name
        assert name is not None  # Protocol.skip has been asked
        return room.condition(name)

    def stream(self, subset: Subset) -> Stream:
        """Recordings of a subset as a stream of frames; built once."""
        if subset not in self._streams:
            condition = self.condition(subset).name
            recordings = self.room_of(subset).recordings(self.draw, subset.speech, condition, subset.positions)
            self._streams[subset] = concatenate(excerpts(recordings, subset.excerpts) if subset.excerpts else recordings)
        return self._streams[subset]

    def rest(self) -> None:
        """Hand back what memory of the streams can be had again."""
        for stream in self._streams.values():
            stream.store.rest()

    def digest(self, subset: Subset) -> str:
        """A hash of all that determines the stream of a subset."""
        room = self.room_of(subset).digest(self.condition(subset).name, subset.positions)
        speech = role_digest(self.draw, subset.speech)
        cut = [subset.excerpts, source_digest(excerpts)] if subset.excerpts else []
        return digest([room, speech, subset.speech, subset.positions, source_digest(concatenate), *cut])


def data_code() -> str:
    """A hash of the code that makes streams of a room and a corpus, whichever they are."""
    return source_digest(Scene, HalfGrid, draw_segments)


@dataclass(frozen=True)
class SceneSpec:
    """What makes a scene again, in any process: rooms and speech as a person writes them, the draw's seed, and its size."""

    room: str
    speech: str
    seed: int
    speakers_per_role: int
    other: str = ""


class Scenes:
    """Scenes by their specs. Rooms are opened once; the ``most`` latest scenes are kept with their streams, which are large
    (None: all)."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._rooms: dict[str, tuple[str, Room]] = {}
        self._scenes: dict[SceneSpec, Scene] = {}

    def get(self, spec: SceneSpec) -> Scene:
        """The scene of ``spec``, made if need be. Raises UserError for a room or a corpus that cannot be opened."""
        if spec not in self._scenes:
            while self._most is not None and len(self._scenes) >= self._most:
                del self._scenes[next(iter(self._scenes))]
            self._scenes[spec] = self._made(spec)
        return self._scenes[spec]

    @property
    def rooms(self) -> dict[str, Room]:
        """Whole rooms that were opened, by name."""
        return {name.removesuffix(SUFFIX): HalfGrid.whole(room) for name, room in self._rooms.values()}

    def notes(self) -> list[str]:
        """What a person should know of the rooms that were opened."""
        return [f"{name}: {note}" for name, room in self.rooms.items() for note in notes_of(room)]

    def _made(self, spec: SceneSpec) -> Scene:
        name, room = self._opened(spec.room)
        other = self._opened(spec.other) if spec.other else None
        if room.brings_speech and (other is None or other[1].brings_speech):  # there is no use for a corpus
            return Scene(name, room, SpeechDraw(OWN_SPEECH, spec.seed, {}, digest(OWN_SPEECH)), other=other)
        speech_name, corpus = open_speech(spec.speech)
        left_out: list[str] = []
        draw = draw_segments(corpus, speech_name, spec.seed, spec.speakers_per_role, left_out)
        return Scene(name, room, draw, corpus, other, left_out)

    def _opened(self, text: str) -> tuple[str, Room]:
        if text not in self._rooms:
            self._rooms[text] = open_room(text)
        return self._rooms[text]
