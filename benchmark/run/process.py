"""A worker process, seen from both of its ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from ..errors import UserError
from ..plugins.child import Child
from ..plugins.faults import described
from ..plugins.registry import METHODS, REGISTRIES
from ..results.store import Store
from .jobs import Fit, Settings
from .memory import ended_for_memory
from .watch import Watch
from .worker import Worker, prepare

EVERY_S = 0.2
"""Progress is reported no more often than this."""


class WorkerProcess:
    """A worker process, the fit that it is at, and what was stored of that fit's cells before."""

    _watch: Watch

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._child, self._store = Child(_serve, settings), Store(settings.out)
        self._began_s: float | None = None
        self._was_trained = False
        self._ended_for_memory = ended_for_memory()

    @property
    def fit(self) -> Fit:
        return self._watch.fit

    @property
    def lines(self) -> list[Any]:
        """What becomes readable when there is news."""
        return [self._child.line, self._child.sentinel]

    def is_alive(self) -> bool:
        return self._child.is_alive()

    @property
    def took_s(self) -> float | None:
        """How long the fit that has ended took; None where it did not begin, or some of it was there."""
        fresh = self._watch.began_afresh and not self._was_trained
        return time.monotonic() - self._began_s if fresh and self._began_s else None

    def take(self, fit: Fit) -> None:
        self._watch = Watch(fit, self._store)
        self._was_trained = (self._store.fits / fit.key).is_dir()
        self._began_s = None
        try:
            self._child.line.send(fit)
        except OSError:  # it has died meanwhile, which `has_ended` sees
            return

    def has_ended(self, listen: Callable[[str, float, str], None], time_limit_s: float | None) -> bool:
        """Pass progress on; whether the fit has come to its end, be it a bad one, which is recorded."""
        try:
            while self._child.line.poll():
                said = self._child.line.recv()
                if isinstance(said, _End):
                    if said.reason:
                        self._watch.fail(said.reason)
                    return True
                if isinstance(said, _Begin):
                    self._began_s = time.monotonic()
                else:
                    listen(self.fit.key, *said)
        except (EOFError, OSError):
            self._watch.fail(self._cause_of_death())
            return True
        if self._child.exitcode is not None:
            self._watch.fail(self._cause_of_death())
            return True
        if time_limit_s and self._began_s and time.monotonic() - self._began_s > time_limit_s:
            self._watch.fail(f"it took longer than --time-limit, {time_limit_s:g} s, and was ended{self._child.halt()}")
            return True
        return False

    def _cause_of_death(self) -> str:
        cause = self._child.cause_of_death()
        if self._child.exitcode == -signal.SIGKILL and ended_for_memory() > self._ended_for_memory:
            return "the worker process ran out of memory, and the system ended it: lower --jobs, or give more memory"
        return f"the worker process {cause}"

    def stop(self) -> None:
        self._child.stop()


def settings_for(fit: Fit, settings: Settings) -> Settings:
    """Those of a worker that may run a fit: it loads no other method from outside the tree, which might change what all share
    (threads, types, random generators), nor any file that cannot be loaded."""
    others = {plugin.file for name, plugin in METHODS.added.items() if name != fit.axes.method}
    broken = {plugin.file for registry in REGISTRIES for plugin in registry.added.values() if plugin.error}
    return replace(settings, plugins=tuple(path for path in settings.plugins if path.resolve() not in others | broken))


class _Begin:
    """A worker is ready, and begins with a fit."""


@dataclass(frozen=True)
class _End:
    """A fit has ended; ``reason`` says why where something broke down outside a plugin's code."""

    reason: str = ""


def _serve(line: Connection, settings: Settings) -> None:
    """What a worker process does: one fit after the other, until the line is closed."""
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
        except UserError as error:
            reason = f"UserError: {error}"
        except (Exception, SystemExit) as error:
            reason = described(error)
        line.send(_End(reason))


class _Report:
    """Sends progress, but not too often."""

    def __init__(self, line: Connection) -> None:
        self._line, self._last_s = line, 0.0

    def __call__(self, fraction: float, note: str) -> None:
        if time.monotonic() - self._last_s > EVERY_S:
            self._last_s = time.monotonic()
            self._line.send((fraction, note))
