"""Every number of the page with all that stands behind it, as data: what the first screen and the table of all rows show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from ...benchmark.results.catalogue import COSTS, METRICS
from ...benchmark.results.records import CellRecord
from ...benchmark.results.standings import Standing
from ...benchmark.results.statistics import Estimate, Value, point
from ..analysis.away import HOME, SIMULATED, STRICT, UNSEEN
from ..analysis.rows import Row
from ..analysis.shipped import command
from ..analysis.tables import Table

PLACES = {
    HOME: "Home",
    UNSEEN: "Unseen places",
    ("off-grid", "off_grid"): "Off-grid",
    ("off-range", "off_range"): "Off-range",
    ("rt60-transfer", "validation"): "Other reverberation",
    (SIMULATED, "validation"): "Measured room",
}
"""Columns of the first screen: where a fit is scored, from home outwards."""


def page_numbers(tables: Sequence[Table]) -> dict[str, Any]:
    """What the script draws from: ``rows``, their ``columns`` by name, ``places`` of the first screen, and ``machines``, to
    which the records of rows point by number, since most share one."""
    machines: list[dict[str, Any]] = []
    rows = [_row(row, table, machines) for table in tables for row in table.rows]
    return {
        "rows": rows,
        "columns": [
            {"name": one.name, "heading": one.heading, "better": one.better, "decimals": len(_decimals(one.format(0.5)))}
            for one in (*METRICS, *COSTS)
        ],
        "places": list(PLACES.values()),
        "machines": machines,
        "paper": [one for table in tables for one in _paper(table)],
    }


def _paper(table: Table) -> list[dict[str, Any]]:
    """The paper's values of one scored set, with what tells where they belong."""
    axes = table.rows[0].first.axes
    place = PLACES.get((axes.protocol, axes.split), "")
    about = {"place": place, "room": table.dataset, "speech": table.speech, "scale": table.scale}
    return [
        {**about, "kind": "published", "method": method, "labels": value.labels, "mae_deg": value.mae_deg}
        for method, values in table.paper.items()
        for value in values
    ]


def _decimals(shown: str) -> str:
    return shown.partition(".")[2]


def _row(row: Row, table: Table, machines: list[dict[str, Any]]) -> dict[str, Any]:
    fit, axes = row.first.fit, row.first.axes
    values = row.score.values if row.score else {}
    return {
        "name": row.name,
        "method": row.method,
        "variant": row.variant,
        "form": "published" if row.marked_published else "suite",
        "protocol": axes.protocol,
        "version": axes.protocol_version,
        "kind": "strict" if axes.protocol.endswith(STRICT) or axes.protocol == SIMULATED else "published",
        "place": PLACES.get((axes.protocol.removesuffix(STRICT), axes.split), ""),
        "room": row.first.room,
        "trained_in": row.first.trained_in,
        "measured": "measured" if row.first.measured else "simulated",
        "rt60_s": axes.rt60_s if axes.rt60_known else None,
        "speech": fit.speech,
        "scale": axes.scale,
        "split": axes.split,
        "labels": row.labels,
        "seeds": row.seeds,
        "origin": row.origin.name,
        "outdated": row.origin.outdated,
        "status": row.status,
        "reasons": list(row.reasons),
        "table": table.slug,
        "values": {name: _value(value) for name, value in values.items() if _finite(value)},
        "sequences": row.score.sequences if row.score else None,
        "clips": row.score.clips if row.score else None,
        "paper": [row.reference.mae_deg, row.reference.accuracy_pct] if row.reference else None,
        "standings": {labels: _standing(standing) for labels, standing in row.standings.items()},
        "command": command(row.first),
        "records": [_record(record, machines) for record in row.records],
    }


def _finite(value: Value) -> bool:
    shown = point(value)
    return shown is not None and isfinite(shown)


def _value(value: Value) -> float | list[float | None] | None:
    """A number, with the ends of its interval where it has one."""
    if not isinstance(value, Estimate):
        return value
    return [value.mean, value.low, value.high] if value.has_interval else [value.mean, None, None]


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "rank": [standing.rank, standing.rank_lo, standing.rank_hi],
        "difference_deg": _value(standing.difference_deg),
        "p_best": standing.p_best,
        "tied": standing.tied,
    }


def _record(record: CellRecord, machines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "key": record.key,
        "fit": record.fit_key,
        "seed": record.fit.seed,
        "state": record.state,
        "reason": record.reason,
        "hint": record.hint,
        "digests": _digests(record),
        "machine": _number(record.environment, machines),
    }


def _digests(record: CellRecord) -> dict[str, str]:
    """Hashes of the data, of the code and of the stored files that a number is made of."""
    fit, axes = record.fit, record.axes
    named: Iterable[tuple[str, str]] = (
        ("training data", fit.data_digest),
        ("scored set", axes.scored_digest),
        ("protocol", axes.protocol_fingerprint),
        ("method code", fit.code.method),
        ("data code", fit.code.data),
        ("scoring code", axes.code.scoring),
        *record.digests.items(),
    )
    return {name: digest for name, digest in named if digest}


def _number(environment: dict[str, Any], machines: list[dict[str, Any]]) -> int | None:
    if not environment:
        return None
    if environment not in machines:
        machines.append(environment)
    return machines.index(environment)
