"""Tables to one HTML page that needs no network: template, style, script, plotly and data all inside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ...benchmark.results import catalogue, generation
from ...benchmark.results.catalogue import Declared
from ...benchmark.results.records import CellRecord
from ...benchmark.results.statistics import point
from ..analysis.away import AwayTable
from ..analysis.current import Installed
from ..analysis.plan import plan_views
from ..analysis.rows import Row
from ..analysis.series import confusions, doa_series, label_series, method_marks, trust_series
from ..analysis.tables import Table
from ..analysis.twins import Agreement
from ..format import mae_text, pair_text, pct_text, raised, rt60_text, value_text
from . import away as away_pages
from . import twins
from .generation import GenerationLine
from .notes import absent, left_out_text, notes, table_notes
from .numbers import page_numbers

HERE = Path(__file__).parent
SCRIPTS = ("page.js", "sources.js", "overview.js", "numbers.js")
"""In the order in which they need each other."""
OVERVIEW = (
    ("room", "Room"),
    ("speech", "Speech"),
    ("scale", "Scale"),
    ("kind", "Protocols"),
    ("j", "Labels"),
    ("place", "Sorted and drawn"),
)
FILTERS = (
    ("protocol", "Protocol"),
    ("room", "Room"),
    ("speech", "Speech"),
    ("split", "Split"),
    ("method", "Method"),
    ("kind", "Published or strict"),
    ("measured", "Measured or simulated"),
    ("origin", "Own or shipped"),
    ("status", "State"),
)
"""Fields of a row of `page_numbers` that the table of all rows is filtered by, with what people call them."""
SPLIT_NAMES = {
    "train": "Training set",
    "validation": "Validation set",
    "off_grid": "Off-grid",
    "off_range": "Off-range",
    "unseen": "Unseen places",
}


def further() -> list[Declared]:
    """What stands in a second table below the first."""
    return [one for one in (*catalogue.METRICS, *catalogue.COSTS) if one not in (catalogue.MAE, catalogue.ACCURACY)]


@dataclass(frozen=True)
class Section:
    """The tables of one protocol in one room with one corpus at one scale."""

    id: str
    title: str
    about: str
    subtitle: str
    tables: tuple[Table, ...]


def to_html(
    tables: Sequence[Table],
    left_out: int,
    installed: Installed,
    generated: Sequence[GenerationLine] = (),
    agreements: Sequence[Agreement] = (),
    away: Sequence[AwayTable] = (),
) -> str:
    """The page. ``</`` never occurs inside of the data, so that no text of a record can end its script element."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"mae": mae_text, "pct": pct_text, "seconds": seconds_text, "raised": raised}
    environment.globals |= {"pair": pair_text, "text": value_text, "point": point, "room_text": room_text}
    environment.globals |= {"table_notes": table_notes, "absent": absent, "split_names": SPLIT_NAMES, "further": further()}
    plots = {table.slug: _plots(table) for table in tables}
    return environment.get_template("page.html").render(
        sections=_sections(tables, installed),
        facts=_facts(tables),
        overview=OVERVIEW,
        filters=FILTERS,
        states=_states(tables),
        methods=_methods(tables, installed),
        smoke=any(table.scale == "smoke" for table in tables),
        left_out=left_out_text(left_out),
        notes=notes(tables),
        generated=generated,
        agreements=agreements,
        away=away,
        away_pages=away_pages,
        twins={"title": twins.TITLE, "about": twins.ABOUT, "heads": twins.HEADS},
        generation_columns=generation.METRICS,
        plots=plots,
        data=_json(
            {
                "marks": {name: asdict(mark) for name, mark in method_marks(tables).items()},
                "plots": plots,
                "numbers": page_numbers(tables),
            }
        ),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        scripts=[(HERE / name).read_text(encoding="utf-8") for name in (SCRIPTS if tables else SCRIPTS[:1])],
        plotly=get_plotlyjs(),
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _plots(table: Table) -> dict[str, Any]:
    right, kept = trust_series(table)
    return {
        "labels": [asdict(series) for series in label_series(table)],
        "doa": [asdict(series) for series in doa_series(table)],
        "confusion": [asdict(confusion) for confusion in confusions(table)],
        "calibration": [asdict(series) for series in right],
        "kept": [asdict(series) for series in kept],
        "plan": [asdict(view) for view in plan_views(table)],
    }


def _sections(tables: Sequence[Table], installed: Installed) -> list[Section]:
    def place(table: Table) -> tuple[str, str, str, str]:
        return table.protocol, table.dataset, table.speech, table.scale

    found = []
    for key, group in groupby(sorted(tables, key=place), key=place):
        members = tuple(group)
        version = members[0].rows[0].first.axes.protocol_version
        title, reference = installed.protocol_titles.get(key[0], (key[0], ""))
        found.append(
            Section(
                id="-".join("".join(letter if letter.isalnum() else "-" for letter in part) for part in key),
                title=title,
                about="; ".join(filter(None, [f"{key[0]}, version {version}", reference])),
                subtitle=f"{key[1]} \u00b7 {key[2]} \u00b7 {key[3]} scale",
                tables=members,
            )
        )
    return found


def _records(tables: Iterable[Table]) -> list[CellRecord]:
    return [row.first for table in tables for row in table.rows]


def room_text(row: Row) -> str:
    """``measured room, RT60 0.50 s (measured 0.51 s)``."""
    axes = row.first.axes
    kind = "measured room" if row.first.measured else "simulated room"
    seen = f" (measured {axes.measured_rt60_s:.2f} s)" if axes.measured_rt60_s is not None else ""
    return f"{kind}, {rt60_text(axes, 2)}{seen}"


def _facts(tables: Sequence[Table]) -> list[tuple[str, str]]:
    """What was run, where: pairs of a name and all values it has in the records, in order of appearance."""
    records = _records(tables)
    places = [record.environment for record in records if record.environment]
    rooms: dict[str, list[str]] = {}
    for table in tables:
        rooms.setdefault(table.dataset, []).append(room_text(table.rows[0]).partition(", ")[2])
    kinds = {table.dataset: room_text(table.rows[0]).partition(", ")[0] for table in tables}
    commits = [
        f"{place['commit']!s:.10}{' with uncommitted changes' if place.get('dirty') else ''}"
        for place in places
        if place.get("commit")
    ]
    machines = [
        f"{place.get('cpu', '?')}, {place.get('device', '?')}, threads per fit: {place.get('threads', '?')}" for place in places
    ]
    versions = [
        f"Python {place.get('python', '?')}"
        + "".join(f", {name} {found[name]}" for name in ("torch", "numpy") if name in found)
        for place in places
        for found in [place.get("packages", {})]
    ]
    facts = [
        ("Scale", _distinct(table.scale for table in tables)),
        ("Speech", _distinct(table.speech for table in tables)),
        ("Seeds", _distinct(str(row.seeds) for table in tables for row in table.rows if row.seeds)),
        *((name, f"{kinds[name]}, {_distinct(texts)}") for name, texts in rooms.items()),
        ("Commit", _distinct(commits)),
        ("Machine", _distinct(machines)),
        ("Software", _distinct(versions)),
    ]
    return [(name, value) for name, value in facts if value]


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


def _states(tables: Sequence[Table]) -> list[tuple[str, int]]:
    counts = Counter(row.status for table in tables for row in table.rows)
    return sorted(counts.items(), key=lambda item: (item[0] != "ok", item[0]))


def _methods(tables: Sequence[Table], installed: Installed) -> list[tuple[str, str, str]]:
    """Name, title and citation of every method with a row."""
    titles = {record.fit.method: record.fit.method_title for record in _records(tables)}
    return [(name, title, installed.citations.get(name, "")) for name, title in sorted(titles.items())]


def seconds_text(value: float | None) -> str:
    """A time of training, in the unit that reads best."""
    if value is None:
        return ""
    return f"{value:.2f} s" if value < 1 else f"{value:.0f} s" if value < 600 else f"{value / 60:.0f} min"
