"""Local processes: fits run in workers, so that one that dies takes nobody with it."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from ..results.records import CellRecord
from ..results.store import Store
from .jobs import Fit, Settings
from .worker import Worker, prepare

Listener = Callable[[str, float, str], None]
"""Called with a fit's key, the share of it that is done and a note."""
EVERY_S = 0.2
"""Progress is reported no more often than this."""


class Engine(Protocol):
    """A way to run fits. Other engines (a cluster's queue, say) meet this and nothing else."""

    def run(self, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        """Bring all fits and their cells into the store; failures end up there too."""
        ...


class LocalProcesses:
    """``jobs`` processes at a time on this machine."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        waiting, busy = deque(fits), list[_Process]()
        try:
            while waiting or busy:
                free = min(self.jobs - len(busy), len(waiting))
                busy += [_Process.start(settings, waiting.popleft()) for _ in range(free)]
                wait([line for process in busy for line in (process.line, process.sentinel)])
                for process in [one for one in busy if one.has_ended(listen)]:
                    listen(process.fit.key, 1.0, "done")
                    if waiting and process.is_alive():
                        process.take(waiting.popleft())
                    else:
                        busy.remove(process)
                        process.stop()
        finally:
            for process in busy:
                process.stop()


@dataclass
class _Process:
    """A worker process, the line to it, the fit that it is at, and what was stored of that fit's cells before."""

    child: Any
    line: Connection
    store: Store
    fit: Fit
    earlier: Sequence[CellRecord | None] = ()

    @classmethod
    def start(cls, settings: Settings, fit: Fit) -> _Process:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(settings, theirs), daemon=True)
        child.start()
        theirs.close()
        process = cls(child, ours, Store(settings.out), fit)
        process.take(fit)
        return process

    @property
    def sentinel(self) -> int:
        return self.child.sentinel

    def is_alive(self) -> bool:
        return self.child.is_alive()

    def take(self, fit: Fit) -> None:
        self.fit, self.earlier = fit, [self.store.cell(cell.key) for cell in fit.cells]
        try:
            self.line.send(fit)
        except OSError:  # it has died meanwhile, which `has_ended` sees
            return

    def has_ended(self, listen: Listener) -> bool:
        """Pass progress on; whether the fit has come to its end, be it a bad one, which is recorded."""
        try:
            while self.line.poll():
                said = self.line.recv()
                if isinstance(said, _End):
                    if said.reason:
                        self._fail(said.reason)
                    return True
                listen(self.fit.key, *said)
        except (EOFError, OSError):
            self.child.join()
        if self.child.exitcode is None:
            return False
        died = f"the worker process died (exit code {self.child.exitcode}): out of memory, or killed from outside"
        self._fail(died)
        return True

    def _fail(self, reason: str) -> None:
        """Record the cells that this fit has brought nothing new about as failed."""
        for cell, earlier in zip(self.fit.cells, self.earlier, strict=True):
            found = self.store.cell(cell.key)
            if found == earlier and not (found and found.state == "ok"):
                axes = {"fit_key": self.fit.key, "fit": self.fit.axes, "axes": cell.axes}
                self.store.add_cell(CellRecord(key=cell.key, state="failed", reason=reason, **axes))

    def stop(self) -> None:
        self.line.close()
        self.child.terminate()
        self.child.join()


@dataclass(frozen=True)
class _End:
    """A fit has ended; ``reason`` says why where something broke down outside a plugin's code."""

    reason: str = ""


def _serve(settings: Settings, line: Connection) -> None:
    """What a worker process does: one fit after the other, until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    prepare(settings)
    worker = Worker(settings)
    while True:
        try:
            fit = line.recv()
        except EOFError:
            return
        reason = ""
        try:
            worker.run(fit, _Report(line))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        line.send(_End(reason))


class _Report:
    """Sends progress, but not too often."""

    def __init__(self, line: Connection) -> None:
        self._line, self._last_s = line, 0.0

    def __call__(self, fraction: float, note: str) -> None:
        if time.monotonic() - self._last_s > EVERY_S:
            self._last_s = time.monotonic()
            self._line.send((fraction, note))
