"""Plugin files of ``--plugin``: each is loaded in a process of its own before this one loads it, for it may end its process, or
never come back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from ..errors import UserError
from .child import Child
from .contained import contained
from .faults import ENDS_THE_PROGRAM
from .registry import add_plugin_file

LOADS_WITHIN_S = 120.0


def add_plugin_files(paths: Sequence[Path]) -> None:
    """Register files of ``--plugin``. One that cannot be loaded is registered with the reason. Raises UserError for one that is
    not there, defines nothing, or has the name of another."""
    there = [path for path in paths if path.is_file()]
    fatal: dict[Path, str] = {}
    while (left := [path for path in there if path not in fatal]) and (found := _first_fatal(left)):
        fatal[found[0]] = found[1]
    for path in paths:
        place = path.absolute()
        with contained():
            add_plugin_file(place, error=fatal.get(path, ""))


def _first_fatal(paths: Sequence[Path]) -> tuple[Path, str] | None:
    """The first file whose import ends its process or takes too long, and how."""
    child = Child(_load, paths)
    try:
        for path in paths:
            try:
                if not child.line.poll(LOADS_WITHIN_S):
                    return path, f"its import takes longer than {LOADS_WITHIN_S:g} s{child.halt()}"
                child.line.recv()
            except (EOFError, OSError):
                return path, f"the process that imports it {child.cause_of_death()}; {ENDS_THE_PROGRAM}"
    finally:
        child.stop()
    return None


def _load(line: Connection, paths: Sequence[Path]) -> None:
    with Path(os.devnull).open("w") as nowhere:  # what is printed is heard when the file is loaded for use
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    for path in paths:
        place = path.absolute()
        with suppress(UserError), contained():  # the process that asked hears of it, too
            add_plugin_file(place)
        line.send(path)
