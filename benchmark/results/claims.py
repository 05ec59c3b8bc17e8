"""Who works on what, where several processes, on one machine or on many, share a folder of results.

A claim is a file that one process alone can create: `KEY.0`, and `KEY.1` over a `KEY.0` whose holder is gone. No lock of the
file system is needed. On its own machine a holder is gone when its process is. Elsewhere, when the time of its file has not
changed for `LEASE_S`, by the clock of the one who waits: clocks that are wrong or jump do no harm.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel

from ..durable import born, machine

BEAT_S, LEASE_S = 5.0, 60.0


class _Holder(BaseModel):
    """Which process holds a claim; one that nobody knows while its file is being written."""

    machine: str = ""
    pid: int = 0
    born: str = ""


class Claims:
    """The claims of this process in ``folder``. A context: when it ends, all are given back."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._held = folder, dict[str, Path]()
        self._watched: dict[Path, tuple[int, float]] = {}
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Claims:
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heart.join()
        for key in list(self._held):
            self.release(key)

    def take(self, key: str) -> bool:
        """Claim ``key``, and look afterwards whether it is still to be done; False while another process holds it."""
        numbered = self._numbered(key)
        last = max(numbered, default=-1)
        if numbered and self._is_held(numbered[last]):
            return False
        mine = self._folder / f"{key}.{last + 1}"
        try:
            with mine.open("x") as file:
                file.write(_Holder(machine=machine(), pid=os.getpid(), born=born(os.getpid())).model_dump_json())
        except FileExistsError:
            return False
        if max(self._numbered(key), default=-1) > last + 1:  # the listing before was of a folder in motion
            mine.unlink(missing_ok=True)
            return False
        self._held[key] = mine
        for path in numbered.values():
            path.unlink(missing_ok=True)
        return True

    def _numbered(self, key: str) -> dict[int, Path]:
        return {int(path.suffix[1:]): path for path in self._folder.glob(f"{key}.*") if path.suffix[1:].isdigit()}

    def release(self, key: str) -> None:
        """Give a claim back."""
        self._held.pop(key).unlink(missing_ok=True)

    def _is_held(self, path: Path) -> bool:
        try:
            changed, text = path.stat().st_mtime_ns, path.read_bytes()
        except FileNotFoundError:
            return False
        try:
            holder = _Holder.model_validate_json(text)
        except ValueError:
            holder = _Holder()
        if holder.machine == machine():
            return born(holder.pid) == holder.born
        known, since = self._watched.get(path, (None, 0.0))
        if known != changed:
            self._watched[path] = (changed, time.monotonic())
            return True
        return time.monotonic() - since < LEASE_S

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            for path in list(self._held.values()):
                with suppress(FileNotFoundError):
                    os.utime(path)
