"""One speech draw in one room: the streams that a protocol's subsets name, each built when first asked for."""

from __future__ import annotations

from pathlib import Path

from .acoustics import ArraySetup
from .dataset import Condition, Room, Speech, SpeechDraw
from .digest import digest, source_digest, versions
from .errors import UserError
from .protocol import Subset
from .registry import ROOMS, SPEECH, split_spec
from .segments import draw_segments
from .source import SOURCES, fetched
from .streams import Stream, join


def open_speech(text: str) -> tuple[str, Speech]:
    """A corpus by name, as KIND:PATH, or by folder; with the name that tables show."""
    kind, colon, path = text.partition(":")
    if not colon and Path(text).exists():
        kind = next(name for name, plugin in SPEECH.plugins().items() if plugin.found and plugin.found.reads_folder)
        path = text
    if not path and (there := fetched(text)) is not None:
        kind, path = SOURCES.get(text).found.reader, str(there)
    plugin = SPEECH.get(kind)
    if not path and plugin.found.reads_folder:
        raise UserError(
            f"--speech {text}: this corpus is not shipped; give the folder that holds it: --speech {plugin.name}:PATH"
        )
    if path:
        return f"{plugin.name}:{Path(path).resolve().name}", plugin.found.from_path(Path(path))
    return plugin.name, plugin.found()


def open_room(text: str) -> tuple[str, Room]:
    """A room by name; with the name that tables show."""
    plugin = ROOMS.get(split_spec(text)[0])
    return plugin.name, plugin.found()


class Scene:
    """Streams of one draw in one room. Everything that defines them is in `digest`."""

    def __init__(self, room_name: str, room: Room, draw: SpeechDraw) -> None:
        self.room_name, self.room, self.draw = room_name, room, draw
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
        code = source_digest(Path(__file__).with_name("streams.py"))
        return digest([room, self.draw.digest, subset.speech, subset.positions, code, versions("numpy", "scipy")])


def make_scene(rooms: str, speech: str, seed: int, speakers_per_role: int) -> Scene:
    """The scene that names on a command line mean."""
    speech_name, corpus = open_speech(speech)
    room_name, room = open_room(rooms)
    return Scene(room_name, room, draw_segments(corpus, speech_name, seed, speakers_per_role))
