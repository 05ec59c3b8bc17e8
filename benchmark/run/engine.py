"""Local processes: fits run in workers, so that one that dies takes nobody with it. Several such runs may share a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Protocol

from ..results.claims import Claims
from ..results.store import Store
from .jobs import Fit, Settings
from .process import WorkerProcess, settings_for
from .resources import remember

Listener = Callable[[str, float, str], None]
"""Called with a fit's key, the share of it that is done and a note."""
DONE = "done"
POLL_S = 1.0
"""How often is looked whether another process has ended what it holds, and whether a fit takes too long."""


class Engine(Protocol):
    """A way to run fits. Other engines (a cluster's queue, say) meet this and nothing else."""

    def run(self, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        """Bring all fits and their cells into the store; failures end up there too."""
        ...


class LocalProcesses:
    """``jobs`` processes at a time on this machine; a fit that takes longer than ``time_limit_s`` is ended."""

    def __init__(self, jobs: int, time_limit_s: float | None = None) -> None:
        self.jobs, self.time_limit_s = jobs, time_limit_s

    def run(self, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        store = Store(settings.out)
        waiting, busy = list(fits), list[WorkerProcess]()
        with Claims(settings.out / "claims") as claims:
            free = list[WorkerProcess]()
            try:
                while waiting or busy:
                    while len(busy) < self.jobs and (fit := _next(waiting, store, claims, listen)):
                        process = _ready(free, settings_for(fit, settings))
                        process.take(fit)
                        busy.append(process)
                    if not busy and not waiting:
                        return
                    wait([line for process in busy for line in process.lines], POLL_S)
                    for process in [one for one in busy if one.has_ended(listen, self.time_limit_s)]:
                        busy.remove(process)
                        if process.is_alive() and (took_s := process.took_s):
                            remember(process.fit, settings, took_s)
                        claims.release(process.fit.key)
                        listen(process.fit.key, 1.0, DONE)
                        if process.is_alive():
                            free.append(process)
                        else:
                            process.stop()
            finally:
                for process in (*busy, *free):
                    process.stop()


def _ready(free: list[WorkerProcess], settings: Settings) -> WorkerProcess:
    """A free process with these settings, taken out; where there is none, a new one in the place of one that is free."""
    process = next((one for one in free if one.settings == settings), free[0] if free else None)
    if process is not None:
        free.remove(process)
        if process.settings == settings:
            return process
        process.stop()
    return WorkerProcess(settings)


def _next(waiting: list[Fit], store: Store, claims: Claims, listen: Listener) -> Fit | None:
    """The first fit that is still to be done and that nobody else holds, which is claimed; done ones are taken out."""
    for fit in list(waiting):
        if not _is_done(fit, store):
            if not claims.take(fit.key):
                continue
            waiting.remove(fit)
            if not _is_done(fit, store):  # the one that held it may just have ended
                return fit
            claims.release(fit.key)
        else:
            waiting.remove(fit)
        listen(fit.key, 1.0, DONE)
    return None


def _is_done(fit: Fit, store: Store) -> bool:
    return all(store.has_ok(cell.key) for cell in fit.cells)
