"""The files of a data set. Hidden ones are none of it: `._name` beside `name` is what macOS keeps of it on foreign disks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath


def is_hidden(name: str | PurePath) -> bool:
    """Whether a file, or a folder that it is in, has a name that begins with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in PurePath(name).parts)


def files_below(folder: Path) -> Iterator[Path]:
    """All files that are not hidden, through linked folders too, each real folder once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not is_hidden(name)]
        yield from (Path(parent, name) for name in names if not is_hidden(name))
