"""Local processes: every fit runs in a worker of its own kind, so that one that dies takes nobody with it."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, as_completed
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from ..results.records import CellRecord
from ..results.store import Store
from . import worker
from .jobs import Fit, Settings

Listener = Callable[[str, float, str], None]
"""Called with a fit's key, the share of it that is done and a note."""


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
        context = multiprocessing.get_context("spawn")
        queue = context.SimpleQueue()
        listener = threading.Thread(target=_relay, args=(queue, listen), daemon=True)
        listener.start()
        jobs = min(self.jobs, len(fits))
        with ProcessPool(max_workers=jobs, context=context, initializer=_start, initargs=(settings, queue)) as pool:  # pyright: ignore
            futures: dict[Any, Fit] = {pool.schedule(_run, args=(fit, settings)): fit for fit in fits}
            try:
                for future in as_completed(futures):
                    _settle(futures[future], future, settings)
                    listen(futures[future].key, 1.0, "done")
            except BaseException:
                pool.stop()
                raise
        queue.put(None)
        listener.join(timeout=5)


_queue: Any = None


def _start(settings: Settings, queue: Any) -> None:
    global _queue
    _queue = queue
    worker.start(settings)


def _run(fit: Fit, settings: Settings) -> None:
    last = 0.0

    def report(fraction: float, note: str) -> None:
        nonlocal last
        if time.monotonic() - last > 0.2:
            last = time.monotonic()
            _queue.put((fit.key, fraction, note))

    worker.run(fit, settings, report)


def _relay(queue: Any, listen: Listener) -> None:
    while (message := queue.get()) is not None:
        listen(*message)


def _settle(fit: Fit, future: Any, settings: Settings) -> None:
    """Record a fit whose worker died or broke down outside a plugin's code as failed."""
    try:
        future.result()
    except ProcessExpired as error:
        reason = f"the worker process died (exit code {error.exitcode}): out of memory, or killed from outside"
    except CancelledError:
        return
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    else:
        return
    store = Store(settings.out)
    for cell in fit.cells:
        if store.cell(cell.key) is None:
            record = CellRecord(key=cell.key, fit_key=fit.key, state="failed", fit=fit.axes, axes=cell.axes, reason=reason)
            store.add_cell(record)
