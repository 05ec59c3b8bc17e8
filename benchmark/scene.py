"""One speech draw in one room: the streams that a protocol's subsets name, each built when first asked for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from .acoustics import ArraySetup
from .dataset import Condition, Room, Speech, SpeechDraw
from .digest import digest, source_digest
from .errors import UserError
from .half_grid import SUFFIX, HalfGrid
from .protocol import Subset
from .registry import ROOMS, SPEECH, make_room, split_spec
from .segments import draw_segments, role_digest
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


OWN_SPEECH = "own"
"""What stands for the corpus of a room that brings its talkers."""

_ROOM = re.compile(r"(?P<spec>[\w-]+(\[[^\[\]]*\])?)(:(?P<path>.+))?")


def open_room(text: str) -> tuple[str, Room]:
    """A room by ``NAME`` or ``KIND[parameter=value,...]:PATH``, either with ``/half-grid`` behind it to hold out every second
    direction; with the name that tables show. Raises UserError."""
    match = _ROOM.fullmatch(text.removesuffix(SUFFIX))
    if match is None:
        raise UserError(f"--rooms {text}: cannot be read; write NAME or KIND[parameter=value]:PATH, such as sofa:{text}")
    plugin = ROOMS.get(split_spec(match["spec"])[0])
    path = Path(match["path"]) if match["path"] else None
    if path is None and plugin.found and plugin.found.reads_path:
        path = fetched(plugin.name)
    if plugin.found.reads_path != (path is not None):
        hint = f"give its files: {plugin.name}:PATH" if path is None else f"this room reads no files: write {plugin.name}"
        raise UserError(f"--rooms {text}: {hint}")
    if path is not None and not path.exists():
        raise UserError(f"--rooms {text}: no file or folder {path}")
    room, name = make_room(match["spec"], path), plugin.name + match["spec"].partition("[")[1] + match["spec"].partition("[")[2]
    if path is not None:
        name += f":{path.resolve().stem if path.is_file() else path.resolve().name}"
    return (name + SUFFIX, HalfGrid(room)) if text.endswith(SUFFIX) else (name, room)


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
