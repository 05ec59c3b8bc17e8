"""`doabench run`: plan, run what is missing with progress and time left, and say how it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..results.records import CellRecord
from ..results.store import Store
from .engine import Engine
from .jobs import Fit, Settings
from .plan import Request, make_plan


@dataclass(frozen=True)
class Outcome:
    """How a run ended: records of all cells that were asked for, and how many of them were computed now."""

    records: list[CellRecord]
    computed: int

    @property
    def states(self) -> Counter[str]:
        return Counter(record.state for record in self.records)

    @property
    def failed(self) -> list[CellRecord]:
        return [record for record in self.records if record.state == "failed"]


def execute(request: Request, settings: Settings, engine: Engine, console: Console) -> Outcome:
    """Run a request. Raises UserError for bad input, before anything is written."""
    with console.status("preparing speech and rooms"):
        plan = make_plan(request)
    for note in plan.notes:
        console.print(note)
    store = Store(settings.out)
    store.sweep()
    store.write_plan(plan.cells())
    for record in plan.not_run:
        store.add_cell(record)
    todo = [fit for fit in plan.fits if not all(store.has_ok(cell.key) for cell in fit.cells)]
    cells = sum(not store.has_ok(cell.key) for fit in todo for cell in fit.cells)
    if todo:
        _run_with_progress(todo, settings, engine, console)
    found = [store.cell(key) for key in dict.fromkeys(plan.cell_keys)]
    return Outcome([record for record in found if record is not None], cells)


def _run_with_progress(fits: list[Fit], settings: Settings, engine: Engine, console: Console) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as progress:
        whole = progress.add_task(f"{len(fits)} fits", total=len(fits), note="")
        bars: dict[str, TaskID] = {}
        done: dict[str, float] = {}
        names = {fit.key: f"  {fit.method} {fit.axes.dataset} J={fit.axes.labels}" for fit in fits}

        def listen(key: str, fraction: float, note: str) -> None:
            done[key] = fraction
            if note == "done":
                if key in bars:
                    progress.remove_task(bars.pop(key))
            else:
                if key not in bars:
                    bars[key] = progress.add_task(names[key], total=1.0, note=note)
                progress.update(bars[key], completed=min(fraction, 1.0), note=note)
            progress.update(whole, completed=sum(done.values()))

        engine.run(fits, settings, listen)
