"""One speech draw in one room: the streams that a protocol's subsets name, each built when first asked for."""

from __future__ import annotations

from functools import cache

from ..acoustics import ArraySetup
from ..dataset import OWN_SPEECH, Condition, Room, Speech, SpeechDraw
from ..digest import digest, source_digest
from ..protocol import Subset
from .half_grid import HalfGrid
from .open import open_room, open_speech
from .segments import draw_segments, role_digest
from .streams import Stream, join


class Scene:
    """Streams of one draw in one room, with the ``corpus`` that it was drawn from (None: the room brings its talkers).
    Everything that defines them is in `digest`."""

    def __init__(self, room_name: str, room: Room, draw: SpeechDraw, corpus: Speech | None = None) -> None:
        self.room_name, self.room, self.draw, self.corpus = room_name, room, draw, corpus
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
            self._streams[subset] = join(recordings)
        return self._streams[subset]

    def digest(self, subset: Subset) -> str:
        """A hash of all that determines the stream of a subset."""
        room = self.room.digest(self.condition(subset).name, subset.positions)
        speech = role_digest(self.draw, subset.speech)
        return digest([room, speech, subset.speech, subset.positions, source_digest(join)])


def data_code() -> str:
    """A hash of the code that makes streams of a room and a corpus, whichever they are."""
    return source_digest(Scene, HalfGrid, draw_segments)


_room = cache(open_room)


def make_scene(rooms: str, speech: str, seed: int, speakers_per_role: int) -> Scene:
    """The scene that names on a command line mean. A room that brings its talkers has no use for ``speech``."""
    room_name, room = _room(rooms)
    if room.brings_speech:
        return Scene(room_name, room, SpeechDraw(OWN_SPEECH, seed, {}, digest(OWN_SPEECH)))
    speech_name, corpus = open_speech(speech)
    return Scene(room_name, room, draw_segments(corpus, speech_name, seed, speakers_per_role), corpus)
