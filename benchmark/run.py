"""`doabench run`: plan, run what is missing with progress and time left, and say how it ended."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .engine import Engine
from .plan import Fit, Plan, Request, make_plan
from .records import CellRecord
from .store import Store
from .worker import Settings

PLAN = "plan.json"


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
    _write_plan(settings.out, plan)
    for record in plan.not_run:
        store.add_cell(record)
    todo = [fit for fit in plan.fits if not all(_is_ok(store, cell.key) for cell in fit.cells)]
    cells = sum(not _is_ok(store, cell.key) for fit in todo for cell in fit.cells)
    if todo:
        _run_with_progress(todo, settings, engine, console)
    found = [store.cell(key) for key in dict.fromkeys(plan.cell_keys)]
    return Outcome([record for record in found if record is not None], cells)


def _is_ok(store: Store, key: str) -> bool:
    record = store.cell(key)
    return record is not None and record.state == "ok"


def _run_with_progress(fits: list[Fit], settings: Settings, engine: Engine, console: Console) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as progress:
        whole = progress.add_task(f"{len(fits)} fits", total=len(fits), note="")
        bars: dict[str, TaskID] = {}
        done: dict[str, float] = {}
        names = {fit.key: f"  {fit.spec} {fit.axes.dataset} J={fit.axes.labels}" for fit in fits}

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


def _write_plan(out: Path, plan: Plan) -> None:
    """The cells of the latest request, so that the leaderboard can tell which of them are missing."""
    cells = [
        {"key": cell.key, "fit_key": fit.key, "fit": fit.axes.model_dump(), "axes": cell.axes.model_dump()}
        for fit in plan.fits
        for cell in fit.cells
    ]
    partial = out / f".{PLAN}.{os.getpid()}"
    partial.write_text(json.dumps(cells))
    partial.replace(out / PLAN)


def finish(outcome: Outcome, out: Path, console: Console) -> None:
    """Sync MLflow, build the leaderboard and say how it ended. An MLflow that cannot be reached is a warning."""
    from ..leaderboard.build import build
    from .mlflow_sync import sync

    with console.status("syncing MLflow"):
        try:
            logged = f"{sync(out)} runs logged to MLflow"
        except Exception as error:
            logged = f"MLflow was not reached ({type(error).__name__}: {error}); the next run catches up"
    with console.status("building the leaderboard"):
        paths = build(out)
    states = ", ".join(f"{count} {state}" for state, count in sorted(outcome.states.items()))
    console.print(f"{len(outcome.records)} cells: {states}; {outcome.computed} computed now; {logged}")
    for record in outcome.failed:
        what = f"{record.fit.method}{f'[{record.fit.variant}]' if record.fit.variant else ''}"
        console.print(f"failed: {what} on {record.axes.protocol}, {record.axes.split}, J={record.fit.labels}: {record.reason}")
    console.print(f"leaderboard: {next(path for path in paths if path.suffix == '.html')}")
