"""A worker process, seen from both of its ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from ..results.records import CellRecord
from ..results.store import Store
from .jobs import Fit, Settings
from .memory import ended_for_memory
from .worker import Worker, prepare

EVERY_S = 0.2
"""Progress is reported no more often than this."""
ENDS_WITHIN_S = 2.0
"""How long a worker that was asked to end may take before it is made to."""
PR_SET_PDEATHSIG = 1


class WorkerProcess:
    """A worker process, the line to it, the fit that it is at, and what was stored of that fit's cells before."""

    fit: Fit

    def __init__(self, child: Any, line: Connection, store: Store) -> None:
        self._child, self._line, self._store = child, line, store
        self._earlier: Sequence[CellRecord | None] = ()
        self._began_s: float | None = None
        self._was_trained = False
        self._ended_for_memory = ended_for_memory()

    @classmethod
    def start(cls, settings: Settings) -> WorkerProcess:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(settings, theirs), daemon=True)
        child.start()
        theirs.close()
        return cls(child, ours, Store(settings.out))

    @property
    def lines(self) -> list[Any]:
        """What becomes readable when there is news."""
        return [self._line, self._child.sentinel]

    def is_alive(self) -> bool:
        return self._child.is_alive()

    @property
    def took_s(self) -> float | None:
        """How long the fit that has ended took; None where it did not begin, or some of it was there."""
        fresh = not any(self._earlier) and not self._was_trained
        return time.monotonic() - self._began_s if fresh and self._began_s else None

    def take(self, fit: Fit) -> None:
        self.fit, self._earlier = fit, [self._store.cell(cell.key) for cell in fit.cells]
        self._was_trained = (self._store.fits / fit.key).is_dir()
        self._began_s = None
        try:
            self._line.send(fit)
        except OSError:  # it has died meanwhile, which `has_ended` sees
            return

    def has_ended(self, listen: Callable[[str, float, str], None], time_limit_s: float | None) -> bool:
        """Pass progress on; whether the fit has come to its end, be it a bad one, which is recorded."""
        try:
            while self._line.poll():
                said = self._line.recv()
                if isinstance(said, _End):
                    if said.reason:
                        self._fail(said.reason)
                    return True
                if isinstance(said, _Begin):
                    self._began_s = time.monotonic()
                else:
                    listen(self.fit.key, *said)
        except (EOFError, OSError):
            self._child.join()
        if self._child.exitcode is not None:
            self._fail(self._cause_of_death())
            return True
        if time_limit_s and self._began_s and time.monotonic() - self._began_s > time_limit_s:
            self._child.kill()
            self._child.join()
            self._fail(f"it took longer than --time-limit, {time_limit_s:g} s, and was ended")
            return True
        return False

    def _cause_of_death(self) -> str:
        code = self._child.exitcode
        if code == -signal.SIGKILL and ended_for_memory() > self._ended_for_memory:
            return "the worker process ran out of memory, and the system ended it: lower --jobs, or give more memory"
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"the worker process died ({how})"

    def _fail(self, reason: str) -> None:
        """Record the cells that this fit has brought nothing new about as failed."""
        for cell, earlier in zip(self.fit.cells, self._earlier, strict=True):
            found = self._store.cell(cell.key)
            if found == earlier and not (found and found.state == "ok"):
                axes = {"fit_key": self.fit.key, "fit": self.fit.axes, "axes": cell.axes}
                self._store.add_cell(CellRecord(key=cell.key, state="failed", reason=reason, **axes))

    def stop(self) -> None:
        self._line.close()
        self._child.terminate()
        self._child.join(ENDS_WITHIN_S)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()


class _Begin:
    """A worker is ready, and begins with a fit."""


@dataclass(frozen=True)
class _End:
    """A fit has ended; ``reason`` says why where something broke down outside a plugin's code."""

    reason: str = ""


def _serve(settings: Settings, line: Connection) -> None:
    """What a worker process does: one fit after the other, until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    _end_with_parent()
    prepare(settings)
    worker = Worker(settings)
    while True:
        try:
            fit = line.recv()
        except EOFError:
            return
        line.send(_Begin())
        reason = ""
        try:
            worker.run(fit, _Report(line))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        line.send(_End(reason))


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went: by a signal of the kernel where it has one for
    that, and when the line to the parent, which Python keeps anyway, is closed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Report:
    """Sends progress, but not too often."""

    def __init__(self, line: Connection) -> None:
        self._line, self._last_s = line, 0.0

    def __call__(self, fraction: float, note: str) -> None:
        if time.monotonic() - self._last_s > EVERY_S:
            self._last_s = time.monotonic()
            self._line.send((fraction, note))
