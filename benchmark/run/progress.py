"""What is seen of fits while they run: bars on a terminal, elsewhere a line for each that has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..results.records import CellRecord
from ..results.statistics import point
from ..results.store import Store
from .engine import DONE, Listener
from .jobs import Fit


@contextmanager
def shown(fits: Sequence[Fit], store: Store, console: Console) -> Iterator[Listener]:
    """A listener that shows how far ``fits`` are."""
    if not console.is_terminal:
        yield _lines(fits, store, console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as progress:
        yield _bars(fits, progress)


def _bars(fits: Sequence[Fit], progress: Progress) -> Listener:
    whole = progress.add_task(f"{len(fits)} fits", total=len(fits), note="")
    bars: dict[str, TaskID] = {}
    done: dict[str, float] = {}
    names = {fit.key: f"  {fit.method} {fit.axes.dataset} J={fit.axes.labels}" for fit in fits}

    def listen(key: str, fraction: float, note: str) -> None:
        done[key] = fraction
        if note == DONE:
            if key in bars:
                progress.remove_task(bars.pop(key))
        else:
            if key not in bars:
                bars[key] = progress.add_task(names[key], total=1.0, note=note)
            progress.update(bars[key], completed=min(fraction, 1.0), note=note)
        progress.update(whole, completed=sum(done.values()))

    return listen


def _lines(fits: Sequence[Fit], store: Store, console: Console) -> Listener:
    by_key, ended, began_s = {fit.key: fit for fit in fits}, set[str](), time.monotonic()

    def listen(key: str, _: float, note: str) -> None:
        if note != DONE:
            return
        ended.add(key)
        fit, minutes = by_key[key], (time.monotonic() - began_s) / 60
        name = f"{fit.method} in {fit.axes.dataset}, J={fit.axes.labels}, seed {fit.axes.seed}"
        found = "; ".join(_found(record) for cell in fit.cells if (record := store.cell(cell.key)))
        line = f"{len(ended)}/{len(fits)} after {minutes:.1f} min: {name}: {found}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    return listen


def _found(record: CellRecord) -> str:
    where = f"{record.axes.protocol} {record.axes.split}"
    mae_deg = point(record.metrics.values.get("mae_deg")) if record.metrics else None
    return f"{where} {record.state}" if mae_deg is None else f"{where} {mae_deg:.2f} deg"
