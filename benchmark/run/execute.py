"""`doabench run`: plan, run what is missing with progress and time left, and say how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from ..plugins.spec import MethodSpec
from ..results.records import CellRecord
from ..results.store import Store
from .engine import DONE, Engine
from .jobs import Fit, Settings
from .plan import Plan, Request, make_plan
from .progress import shown
from .resources import WORKER_MB, forecast


@dataclass(frozen=True)
class Outcome:
    """How a run ended: records of all cells that were asked for, and how many of them were computed now."""

    records: list[CellRecord]
    computed: int

    @property
    def states(self) -> Counter[str]:
        return Counter(record.state for record in self.records)

    @property
    def lost(self) -> list[CellRecord]:
        """What was asked for and is not there, though the method did not refuse it."""
        return [record for record in self.records if record.state not in ("ok", "skipped")]


News = Callable[[bool], None]
"""Called when a fit has ended (True) or has trained on."""


def planned(request: Request, console: Console, *others: MethodSpec) -> Plan:
    """Spell a request out, with ``others`` beside the methods that it names. Raises UserError for bad input; nothing is
    written."""
    with console.status("preparing speech and rooms"):
        plan = make_plan(request, *others)
    for note in plan.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)  # names of rooms have brackets
    return plan


def execute(plan: Plan, settings: Settings, jobs: int, engine: Engine, console: Console, news: News) -> Outcome:
    """Run what is missing of a plan, ``jobs`` fits at a time. Raises UserError where results cannot be written."""
    store = Store(settings.out)
    store.sweep()
    store.write_plan(plan.cells())
    for record in plan.not_run:
        store.add_cell(record)
    todo = [fit for fit in plan.fits if not all(store.has_ok(cell.key) for cell in fit.cells)]
    cells = sum(not store.has_ok(cell.key) for fit in todo for cell in fit.cells)
    if todo:
        console.print(_before(plan, todo, cells, settings, jobs), soft_wrap=True)
        with shown(todo, store, console) as show:

            def listen(key: str, fraction: float, note: str) -> None:
                show(key, fraction, note)
                news(note == DONE)

            engine.run(todo, settings, listen)
    found = [store.cell(key) for key in dict.fromkeys(plan.cell_keys)]
    return Outcome([record for record in found if record is not None], cells)


def _before(plan: Plan, todo: list[Fit], cells: int, settings: Settings, jobs: int) -> str:
    """What is going to be done."""
    there = len(plan.fits) - len(todo)
    what = f"{len(todo)} fits with {cells} cells to do" + (f", {there} fits are there" if there else "")
    how = f"{min(jobs, len(todo))} at a time, {settings.threads} thread{'s' * (settings.threads > 1)} each"
    memory = f"up to {min(jobs, len(todo)) * WORKER_MB / 1000:.1f} GB"
    return "; ".join(filter(None, [what, how, forecast(todo, settings, jobs), memory]))
