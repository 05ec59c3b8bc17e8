"""Corpora and rooms by what a person writes: names, kinds with parameters, and paths."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import NamedTuple

from ..dataset import Room, Speech
from ..errors import UserError
from ..fetch.sources import SOURCES, fetched
from ..plugins.registry import ROOMS, SPEECH
from ..plugins.spec import make_room, split_spec
from .half_grid import SUFFIX, HalfGrid

_WRITTEN = re.compile(r"(?P<spec>[\w-]+(\[[^\[\]]*\])?)(:(?P<path>.+))?")
_NAME = re.compile(r"\w[\w .-]*")


def open_speech(text: str) -> tuple[str, Speech]:
    """A corpus by name, as KIND:PATH or KIND[name=...]:PATH, or by folder; with the name that tables show."""
    kind, parameters, path = _speech(text)
    found = SPEECH.get(kind).found
    if path is None:
        return kind, found()
    own = {key: value for key, value in parameters.items() if key != "name"}
    return _shown(kind, parameters, path)[0], found.from_path(path, **own)


def named_speech(text: str) -> tuple[str, Path | None]:
    """The name that tables show of a corpus, and where it is, if it has a place. Raises UserError."""
    kind, parameters, path = _speech(text)
    return _shown(kind, parameters, path) if path else (kind, None)


def _speech(text: str) -> tuple[str, dict[str, str], Path | None]:
    """Kind, parameters and place of a corpus."""
    match = _WRITTEN.fullmatch(text)
    if not (match and match["path"]) and (folder := _place(text)) is not None and folder.exists():
        kind = next(name for name, plugin in SPEECH.plugins().items() if plugin.found and plugin.found.reads_folder)
        return kind, {}, folder
    kind, parameters = split_spec(match["spec"]) if match else (text.partition(":")[0], {})
    path = match["path"] if match else None
    if match is None and ("/" in text or text.startswith(("~", "."))):
        raise UserError(f"--speech {text}: no file or folder {_place(text) or text}")
    if not path and (there := fetched(text)) is not None:
        kind, path = SOURCES.get(text).found.reader, str(there)
    plugin = SPEECH.get(kind)
    if not path and plugin.found.reads_folder:
        raise UserError(
            f"--speech {text}: this corpus is not shipped; give the folder that holds it: --speech {plugin.name}:PATH"
        )
    if path and not plugin.found.reads_folder:
        raise UserError(f"--speech {text}: this corpus reads no files: write {plugin.name}")
    known = ["name", *list(signature(plugin.found.from_path).parameters)[1:]] if path else []
    if strange := sorted(set(parameters) - set(known)):
        raise UserError(f"--speech {text}: {plugin.name} has no parameter {strange[0]}; it has: {', '.join(known) or 'none'}")
    place = _place(path) if path else None
    if path and place is None:
        raise UserError(f"--speech {text}: no file or folder {path}")
    return plugin.name, parameters, place


def _place(path: str) -> Path | None:
    """Where a file or folder is, or would be; None where none can be: too long, with a zero byte, of an unknown user."""
    try:
        place = Path(path).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            place.lstat()
        return place
    except (OSError, ValueError, RuntimeError):
        return None


class _Written(NamedTuple):
    """What a person wrote for a room, and what tables call it; ``path`` is where it is read, ``other`` the room it is made
    from."""

    spec: str
    name: str
    path: Path | None = None
    other: str = ""


def open_room(text: str) -> tuple[str, Room]:
    """A room by ``NAME``, ``KIND[parameter=value,...]:PATH`` or, of one that is made from another, ``KIND:ROOM``, each with
    ``/half-grid`` behind it to hold out every second direction; with the name that tables show. Raises UserError."""
    written = _written(text)
    if written.path is not None and not written.path.exists():
        raise UserError(f"--rooms {text}: no file or folder {written.path}")
    if written.other:
        room = make_room(written.spec, room=open_room(written.other)[1])
    else:
        room = make_room(written.spec, **({"path": written.path} if written.path else {}))
    return (written.name + SUFFIX, HalfGrid(room)) if text.endswith(SUFFIX) else (written.name, room)


def named_room(text: str) -> tuple[str, Path | None]:
    """The name that tables show of a room, half a grid or whole, and where it is, if it has a place: for a room made from
    another one, where that is. Raises UserError."""
    written = _written(text)
    return written.name, named_room(written.other)[1] if written.other else written.path


def notes_of(room: Room) -> tuple[str, ...]:
    """What a person should know of how the files of a room were read, one line each."""
    return getattr(HalfGrid.whole(room), "notes", ())


def _written(text: str) -> _Written:
    match = _WRITTEN.fullmatch(text.removesuffix(SUFFIX))
    if match is None:
        raise UserError(f"--rooms {text}: cannot be read; write NAME or KIND[parameter=value]:PATH, such as sofa:{text}")
    kind, parameters = split_spec(match["spec"])
    plugin = ROOMS.get(kind)
    if plugin.found.reads_room:
        if not match["path"]:
            raise UserError(f"--rooms {text}: write the room behind it: {text}:NAME or {text}:KIND:PATH")
        name = f"{_spec(plugin.name, parameters)}:{named_room(match['path'])[0]}"
        return _Written(match["spec"], name, other=match["path"])
    path = _place(match["path"]) if match["path"] else None
    if match["path"] and path is None:
        raise UserError(f"--rooms {text}: no file or folder {match['path']}")
    if path is None and plugin.found and plugin.found.reads_path:
        path = fetched(plugin.name)
    if plugin.found.reads_path != (path is not None):
        hint = f"give its files: {plugin.name}:PATH" if path is None else f"this room reads no files: write {plugin.name}"
        raise UserError(f"--rooms {text}: {hint}")
    if path is None:
        return _Written(match["spec"], _spec(plugin.name, parameters))
    name, _ = _shown(plugin.name, parameters, path)
    return _Written(_spec(plugin.name, {key: value for key, value in parameters.items() if key != "name"}), name, path)


def _spec(kind: str, parameters: dict[str, str]) -> str:
    return kind + (f"[{','.join(f'{key}={value}' for key, value in parameters.items())}]" if parameters else "")


def _shown(kind: str, parameters: dict[str, str], path: Path) -> tuple[str, Path]:
    """The name of what is read from ``path``: the parameter ``name``, else the folder's name, and that of a file in it."""
    own, place = {**parameters}, path.resolve()
    name = own.pop("name", f"{place.parent.name}/{place.stem}" if path.is_file() else place.name)
    if "name" in parameters and not _NAME.fullmatch(name):
        raise UserError(f"{kind}: name={name} may hold letters, digits, spaces and . - _ alone")
    shown = os.fsencode(name).decode(errors="replace")  # of a disk whose names are in another encoding
    return f"{_spec(kind, own)}:{shown}", path
