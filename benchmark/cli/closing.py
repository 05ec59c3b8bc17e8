"""How a run ended, for the terminal: a table of methods by what they were scored on, at one number of labels; what was lost and
why; where to look next."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ..results.records import CellRecord
from ..results.statistics import point
from ..run.execute import Outcome
from .printed import warn
from .publish import Published


def closing_table(records: Sequence[CellRecord]) -> Group | None:
    """Mean absolute errors over seeds, at the number of labels that most was scored with; None where nothing was scored."""
    errors: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        mae_deg = point(record.metrics.values.get("mae_deg")) if record.metrics else None
        if mae_deg is not None and record.axes.split != "train":
            errors[record.fit.name, _place(record)][record.fit.nominal_labels].append(mae_deg)
    counts = [n for by_labels in errors.values() for n in by_labels]
    if not counts:
        return None
    chosen = max(sorted({*counts} - {0} or {0}), key=counts.count)
    shown = {at: fmean(by_labels.get(chosen) or by_labels[0]) for at, by_labels in errors.items() if {0, chosen} & {*by_labels}}
    places = list(dict.fromkeys(place for _, place in shown))
    others = "; other numbers of labels are on the page" if {*counts} - {0, chosen} else ""
    title = f"MAE, deg, mean over seeds{f', n = {chosen} labels' if chosen else ''}{others}"
    table = Table(box=None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for place in places:
        table.add_column(Text(place), justify="right")  # names of rooms have brackets, which would be taken for markup
    first = {name: shown.get((name, places[0]), float("inf")) for name, _ in shown}
    for name in sorted(first, key=lambda one: (first[one], one)):
        table.add_row(Text(name), *(f"{shown[name, place]:.2f}" if (name, place) in shown else "" for place in places))
    return Group(f"[bold]{title}", table)


def _place(record: CellRecord) -> str:
    protocol, split = record.axes.protocol, record.axes.split
    said = split in ("validation", protocol.replace("-", "_"))
    return f"{protocol} {record.room}" if said else f"{protocol} {split} {record.room}"


def say_how_it_ended(outcome: Outcome, published: Published | None, out: Path, console: Console) -> None:
    """Say how it ended and where to look. An MLflow that fails is a warning."""
    if table := closing_table(outcome.records):
        console.print(table)
    logged = f"{published.runs} runs logged to MLflow" if published else "not published, a run without --no-publish does so"
    if published and published.problem:
        logged = "MLflow is not up to date"
        warn(f"{logged}, the next run catches up: {published.problem}")
    states = ", ".join(f"{count} {state}" for state, count in sorted(outcome.states.items()))
    summary = f"{len(outcome.records)} cells: {states}; {outcome.computed} computed now; {logged}"
    console.print(summary, markup=False, soft_wrap=True)
    for record in outcome.records:
        said = record.hint if record.state == "ok" else "" if record.state == "skipped" else record.reason
        if said:
            where = f"{record.fit.name} on {record.axes.protocol}, {record.axes.split}, J={record.fit.labels}"
            warn(f"{'look at' if record.hint else record.state}: {where}: {said}")
    if not published:
        return
    page = next(path for path in published.files if path.suffix == ".html")
    console.print(f"leaderboard: {page}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"runs in MLflow: doabench ui --out {shlex.quote(str(out))}", markup=False, highlight=False, soft_wrap=True)
