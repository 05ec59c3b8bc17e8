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
    if plugin.found.reads_room:
        name, room = _of_room(match["spec"], match["path"], text)
    else:
        name, room = _of_files(match["spec"], match["path"], text)
    return (name + SUFFIX, HalfGrid(room)) if text.endswith(SUFFIX) else (name, room)


def _of_room(spec: str, other: str | None, text: str) -> tuple[str, Room]:
    """A room that is made from another one, which is written behind it."""
    if not other:
        raise UserError(f"--rooms {text}: write the room behind it: {text}:NAME or {text}:KIND:PATH")
    name, room = open_room(other)
    return f"{_shown(spec)}:{name}", make_room(spec, room=room)


def _of_files(spec: str, files: str | None, text: str) -> tuple[str, Room]:
    """A room that stands by itself, or one that reads ``files``."""
    plugin = ROOMS.get(split_spec(spec)[0])
    path = Path(files) if files else None
    if path is None and plugin.found and plugin.found.reads_path:
        path = fetched(plugin.name)
    if plugin.found.reads_path != (path is not None):
        hint = f"give its files: {plugin.name}:PATH" if path is None else f"this room reads no files: write {plugin.name}"
        raise UserError(f"--rooms {text}: {hint}")
    if path is not None and not path.exists():
        raise UserError(f"--rooms {text}: no file or folder {path}")
    if path is None:
        return _shown(spec), make_room(spec)
    return f"{_shown(spec)}:{path.resolve().stem if path.is_file() else path.resolve().name}", make_room(spec, path=path)


def _shown(spec: str) -> str:
    """A room with its parameters, under its registered name."""
    name, bracket, parameters = spec.partition("[")
    return ROOMS.get(name).name + bracket + parameters


def notes_of(room: Room) -> tuple[str, ...]:
    """What a person should know of how the files of a room were read, one line each."""
    return getattr(HalfGrid.whole(room), "notes", ())
