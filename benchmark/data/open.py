"""Corpora and rooms by what a person writes: names, kinds with parameters, and paths."""

from __future__ import annotations

import re
from pathlib import Path

from ..dataset import Room, Speech
from ..errors import UserError
from ..fetch.sources import SOURCES, fetched
from ..plugins.registry import ROOMS, SPEECH
from ..plugins.spec import make_room, split_spec
from .half_grid import SUFFIX, HalfGrid


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


def notes_of(room: Room) -> tuple[str, ...]:
    """What a person should know of how the files of a room were read, one line each."""
    return getattr(HalfGrid.whole(room), "notes", ())
