"""A folder with a record: made in one piece, known by the digests of its files, and told when it is damaged."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ..durable import partial_of, sync_to_disk
from .records import StoredRecord

RECORD = "record.json"
R = TypeVar("R", bound=StoredRecord)


@contextmanager
def whole(target: Path, record: StoredRecord, stands: Callable[[], bool]) -> Iterator[Path]:
    """Make ``target`` in a hidden folder beside it and rename it into place, on the disk, when the block ends well. What stood
    there is replaced unless it ``stands``: another process was faster, and what has one key is the same."""
    partial = partial_of(target)
    partial.mkdir()
    try:
        yield partial
        full = record.model_copy(update={"digests": digests_of(partial)})
        (partial / RECORD).write_text(full.model_dump_json(indent=1))
        for path in (*partial.rglob("*"), partial):
            sync_to_disk(path)
        _publish(partial, target, stands)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(partial: Path, target: Path, stands: Callable[[], bool]) -> None:
    while True:
        try:
            partial.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES) or not target.exists():
                raise
        else:
            sync_to_disk(target.parent)
            return
        if stands():
            return
        remove(target)


def remove(folder: Path) -> None:
    """Remove a folder; it is gone at once, or not at all."""
    gone = partial_of(folder)
    try:
        folder.rename(gone)
    except FileNotFoundError:  # somebody else was faster
        return
    shutil.rmtree(gone, ignore_errors=True)


def digests_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the record, by its name within the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / RECORD)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(folder: Path, model: type[R]) -> R | None:
    """The record in ``folder``; None where there is none, a damaged one, that of another folder or one of another version of
    the suite."""
    try:
        record = model.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None
    return record if record.key == folder.name else None


def damage(folder: Path, model: type[R]) -> str:
    """Why what lies in ``folder`` is not what was written; empty if it is, or if another version of the suite wrote it."""
    if not folder.is_dir():
        return ""
    try:
        content = json.loads((folder / RECORD).read_bytes())
    except OSError:
        return f"it holds no {RECORD}"
    except (ValueError, RecursionError):
        return f"its {RECORD} is not whole"
    if not isinstance(content, dict) or content.get("key") != folder.name:
        return f"its {RECORD} is not of this folder"
    record = read(folder, model)
    try:
        for name in record.digests if record else ():
            verify(folder, record, name)
    except (OSError, ValueError) as error:
        return f"its {error}"
    return ""


def verify(folder: Path, record: StoredRecord | None, name: str) -> None:
    """Raise FileNotFoundError or ValueError where a file is not the one that ``record`` knows."""
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{name} is gone")
    expected = record.digests.get(name) if record else None
    if expected is not None and _sha256(folder / name) != expected:
        raise ValueError(f"{name} is not what was written")
