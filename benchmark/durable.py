"""Files and folders that are whole or not there at all, whoever else writes and whenever the power fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

FORGOTTEN_S = 24 * 3600.0
"""A partial file of another machine, of whose processes nothing is known, is garbage after this time."""


def partial_of(target: Path) -> Path:
    """A hidden name beside ``target`` that nobody else uses and that says who does."""
    return target.with_name(f".{target.name}~{machine()}~{os.getpid()}~{uuid.uuid4().hex[:8]}")


@contextmanager
def replacing(target: Path, synced: bool = True) -> Iterator[Path]:
    """A path to write a file at; it takes the place of ``target`` when the block ends well. With ``synced`` it is on the disk
    then; without, a power cut may leave an older or an empty one."""
    partial = partial_of(target)
    try:
        yield partial
        if synced:
            sync_to_disk(partial)
        partial.replace(target)
        if synced:
            sync_to_disk(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def write(target: Path, content: bytes | str) -> None:
    """Replace ``target`` as a whole."""
    with replacing(target) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def sync_to_disk(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # which knows no such thing
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what processes that are no more left half-written in ``folder``."""
    for path in folder.glob(".*~*~*~*"):
        where, pid, _ = path.name.split("~")[-3:]
        with suppress(OSError):  # somebody else sweeps, too
            gone = not born(int(pid)) if where == machine() and pid.isdigit() else None
            if gone or (gone is None and time.time() - path.stat().st_mtime > FORGOTTEN_S):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@cache
def machine() -> str:
    """A name for the place in which a process number means one process: this machine since it was started, and its
    container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def born(pid: int) -> str:
    """Tells a process from an earlier one of its number; empty where there is none. Setting the clock does not change it."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return ""
        return "" if state in "ZX" else fields[18]
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""
