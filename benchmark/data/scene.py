"""One speech draw in one room: the streams that a protocol's subsets name, each built when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..acoustics import ArraySetup
from ..dataset import OWN_SPEECH, Condition, Room, Speech, SpeechDraw
from ..digest import digest, source_digest
from ..protocol import Subset
from .half_grid import HalfGrid
from .open import open_room, open_speech
from .segments import draw_segments, role_digest
from .streams import Stream, concatenate, excerpts


class Scene:
    """Streams of one draw in one room, with the ``corpus`` that it was drawn from (None: the room brings its talkers).
    Everything that defines them is in `digest`. ``left_out`` says what is wrong with utterances that could not be drawn; it
    grows when a further role is."""

    def __init__(
        self, room_name: str, room: Room, draw: SpeechDraw, corpus: Speech | None = None, left_out: Sequence[str] = ()
    ) -> None:
        self.room_name, self.room, self.draw, self.corpus, self.left_out = room_name, room, draw, corpus, left_out
        self.setup = ArraySetup(room.spacing_m, room.candidates_deg)
        self._streams: dict[Subset, Stream] = {}

    def condition(self, subset: Subset) -> Condition:
        """The room's condition that a subset means."""
        name = self.room.transfer if subset.condition == "transfer" else self.room.conditions[0].name
        assert name is not None  # Protocol.skip has been asked
        return self.room.condition(name)

    def stream(self, subset: Subset) -> Stream:
        """Recordings of a subset as a stream of frames; built once."""
        if subset not in self._streams:
            recordings = self.room.recordings(self.draw, subset.speech, self.condition(subset).name, subset.positions)
            self._streams[subset] = concatenate(excerpts(recordings, subset.excerpts) if subset.excerpts else recordings)
        return self._streams[subset]

    def digest(self, subset: Subset) -> str:
        """A hash of all that determines the stream of a subset."""
        room = self.room.digest(self.condition(subset).name, subset.positions)
        speech = role_digest(self.draw, subset.speech)
        cut = [subset.excerpts, source_digest(excerpts)] if subset.excerpts else []
        return digest([room, speech, subset.speech, subset.positions, source_digest(concatenate), *cut])


def data_code() -> str:
    """A hash of the code that makes streams of a room and a corpus, whichever they are."""
    return source_digest(Scene, HalfGrid, draw_segments)


@dataclass(frozen=True)
class SceneSpec:
    """What makes a scene again, in any process: room and speech as a person writes them, the seed of the draw, and its size."""

    room: str
    speech: str
    seed: int
    speakers_per_role: int


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

    def _made(self, spec: SceneSpec) -> Scene:
        if spec.room not in self._rooms:
            self._rooms[spec.room] = open_room(spec.room)
        name, room = self._rooms[spec.room]
        if room.brings_speech:  # it has no use for a corpus
            return Scene(name, room, SpeechDraw(OWN_SPEECH, spec.seed, {}, digest(OWN_SPEECH)))
        speech_name, corpus = open_speech(spec.speech)
        left_out: list[str] = []
        draw = draw_segments(corpus, speech_name, spec.seed, spec.speakers_per_role, left_out)
        return Scene(name, room, draw, corpus, left_out)
