"""Which rooms and corpora the names in a folder of results stand for. Two of one name would take each other's rows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter

from ..data.open import named_room, named_speech
from ..digest import digest
from ..durable import write
from ..errors import UserError

FILE = "places.json"
Places: TypeAlias = dict[str, Annotated[list[str], Field(min_length=2, max_length=2)]]
"""By name: a hash of where it is, and one of its files. Of one that was moved the second stays, of one that was mended the
first."""
TABLE_BYTES, HEAD_BYTES, LOOKED_INTO, MOST = 2**20, 2**14, 1000, 200_000
"""A smaller file is taken for a table of the others in its folder; what is read of a file, of how many, and of how many no more
than name and size are."""


def places_of(rooms: Sequence[str], speech: str, out: Path) -> Places:
    """The names of a request and of the results in ``out``. Raises UserError where a name means two places."""
    found = _kept(out)
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
    if places != _kept(out):
        out.mkdir(parents=True, exist_ok=True)
        write(out / FILE, json.dumps(places, indent=1, sort_keys=True))


def _kept(out: Path) -> Places:
    with suppress(OSError, ValueError):
        return TypeAdapter(Places).validate_json((out / FILE).read_bytes())
    return {}


def _with_name(name: str) -> str:
    kind = name.partition(":")[0]
    return f"{kind[:-1]},name=mine]" if kind.endswith("]") else f"{kind}[name=mine]"


def _files(path: Path) -> list[list[str | int]]:
    """Names and sizes of all files, and a hash of how some of them begin: rooms measured alike have files of one size."""
    if path.is_file() and path.stat().st_size >= TABLE_BYTES:
        files = [path]
    else:
        folder = path if path.is_dir() else path.resolve().parent
        files = sorted(islice((Path(place, name) for place, _, names in os.walk(folder) for name in names), MOST))
    looked_into = set(files[:: max(1, len(files) // LOOKED_INTO)])
    return [[file.name, *_look(file, file in looked_into)] for file in files]


def _look(file: Path, into: bool) -> list[str | int]:
    try:
        with file.open("rb") as opened:
            head = hashlib.sha256(opened.read(HEAD_BYTES)).hexdigest() if into else ""
        return [file.stat().st_size, head]
    except OSError:  # a link that leads nowhere
        return [0, ""]
