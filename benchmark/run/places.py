"""Which rooms and corpora the names in a folder of results stand for. Two of one name would take each other's rows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ..data.open import named_room, named_speech
from ..digest import digest
from ..durable import write
from ..errors import UserError

FILE = "places.json"
Places: TypeAlias = dict[str, list[str]]
"""By name: a hash of where it is, and one of the names and sizes of its files. Of one that was moved the second stays, of one
that was mended the first."""


def places_of(rooms: Sequence[str], speech: str, out: Path) -> Places:
    """The names of a request and of the results in ``out``. Raises UserError where a name means two places."""
    found: Places = {}
    with suppress(OSError, ValueError):
        found = json.loads((out / FILE).read_text())
    named = [("rooms", *named_room(text)) for text in rooms]
    with suppress(UserError):  # who needs it hears of it; rooms with talkers of their own do not
        named.append(("speech", *named_speech(speech)))
    here: dict[str, Path] = {}
    for option, name, path in named:
        if path is None:
            continue
        hint = f"give one a name of its own: --{option} '{_with_name(name)}:PATH'"
        if here.setdefault(name, path.resolve()) != path.resolve():
            raise UserError(f"--{option}: {here[name]} and {path} would both be called {name}; {hint}")
        place, files = digest(str(path.resolve())), digest(_files(path))
        known_place, known_files = found.setdefault(name, [place, files])
        if place != known_place and files != known_files:
            raise UserError(f"--out {out}: holds results of another {name} than {path}; {hint}, or choose another folder")
        found[name] = [place, files]
    return found


def keep_places(places: Places, out: Path) -> None:
    """Write them into the results."""
    if places:
        out.mkdir(parents=True, exist_ok=True)
        write(out / FILE, json.dumps(places, indent=1, sort_keys=True))


def _with_name(name: str) -> str:
    kind = name.partition(":")[0]
    return f"{kind[:-1]},name=mine]" if kind.endswith("]") else f"{kind}[name=mine]"


def _files(path: Path) -> list[list[str | int]]:
    if path.is_file():
        return [[path.name, path.stat().st_size]]
    found = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sorted([file.relative_to(path).as_posix(), file.lstat().st_size] for file in found)
