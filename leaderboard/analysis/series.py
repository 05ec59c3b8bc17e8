"""Tables to curves: what the PNG figures and the interactive ones both draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .marks import Mark, marks
from .rows import Row
from .tables import Table
from .trust import SHARES_PCT


@dataclass(frozen=True)
class Series:
    """A curve in degrees. ``lo`` and ``hi`` bound the 95 % interval of each point (None: not known); ``flat`` curves hold for
    any ``x`` and have one point; ``source`` is ``ours``, ``published`` (our run of a form as published or as released) or
    ``paper``."""

    name: str
    method: str
    source: str
    flat: bool
    x: tuple[float, ...]
    y: tuple[float, ...]
    lo: tuple[float | None, ...]
    hi: tuple[float | None, ...]


@dataclass(frozen=True)
class Confusion:
    """Counts ``counts [D][T]`` of estimates ``estimated_deg [T]`` for true angles ``true_deg [D]``."""

    name: str
    mae_deg: float
    true_deg: tuple[float, ...]
    estimated_deg: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


def label_series(table: Table) -> list[Series]:
    """MAE against labels: our methods, then the paper's. Empty where there is one number of labels only, here and there."""
    counts = {row.labels for row in table.rows if row.score} | {v.labels for values in table.paper.values() for v in values}
    if sum(count > 0 for count in counts) < 2:
        return []
    return [*_ours(table), *_paper(table)]


def _ours(table: Table) -> Iterator[Series]:
    by_name: dict[str, list[Row]] = {}
    for row in table.rows:
        if row.score is not None and not row.origin.outdated:
            by_name.setdefault(row.name, []).append(row)
    for name, rows in sorted(by_name.items()):
        scores = [row.score for row in rows if row.score is not None]
        yield Series(
            name=name,
            method=rows[0].method,
            source=_source(rows[0]),
            flat=all(row.labels == 0 for row in rows),
            x=tuple(float(row.labels) for row in rows),
            y=tuple(score.mae_deg.mean for score in scores),
            lo=tuple(_known(score.mae_deg.low) for score in scores),
            hi=tuple(_known(score.mae_deg.high) for score in scores),
        )


def _paper(table: Table) -> Iterator[Series]:
    for method, values in table.paper.items():
        unknown = (None,) * len(values)
        x, y = tuple(float(value.labels) for value in values), tuple(value.mae_deg for value in values)
        yield Series(f"{method}, paper", method, "paper", values[0].labels == 0, x, y, unknown, unknown)


def doa_series(table: Table) -> list[Series]:
    """Mean absolute error at each true angle, per method at its largest number of labels."""
    return [
        _curve(row, tuple(row.score.by_doa.true_deg.tolist()), tuple(row.score.by_doa.mae_deg.tolist()))
        for row in detailed(table)
        if row.score
    ]


def confusions(table: Table) -> list[Confusion]:
    """Confusion of every method at its largest number of labels, the best first."""
    found = [
        Confusion(
            name=with_labels(row),
            mae_deg=row.score.mae_deg.mean,
            true_deg=tuple(row.score.by_doa.true_deg.tolist()),
            estimated_deg=row.first.fit.candidates_deg,
            counts=tuple(tuple(line) for line in row.score.confusion.tolist()),
        )
        for row in detailed(table)
        if row.score and row.score.confusion is not None
    ]
    return sorted(found, key=lambda confusion: confusion.mae_deg)


def trust_series(table: Table) -> tuple[list[Series], list[Series]]:
    """Per method with probabilities, at its largest number of labels: how often it is right against how sure it is, and its
    error against the share of sequences that is kept, the surest first. Both in percent along x."""
    known = [(row, row.score.trust) for row in detailed(table) if row.score and row.score.trust]
    right = [_curve(row, trust.confidence_pct, trust.accuracy_pct) for row, trust in known]
    return right, [_curve(row, tuple(map(float, SHARES_PCT)), trust.kept_mae_deg) for row, trust in known]


def _curve(row: Row, x: tuple[float, ...], y: tuple[float, ...]) -> Series:
    unknown = (None,) * len(x)
    return Series(with_labels(row), row.method, _source(row), flat=False, x=x, y=y, lo=unknown, hi=unknown)


def method_marks(tables: Sequence[Table]) -> dict[str, Mark]:
    """The mark of each method that has a row or a value in the paper."""
    names = {row.method for table in tables for row in table.rows} | {method for table in tables for method in table.paper}
    return marks(names)


def detailed(table: Table) -> list[Row]:
    """Of every method the row with the most labels."""
    scored = (row for row in table.rows if row.score and not row.origin.outdated)
    drawn = (row for row in scored if row.score and row.score.confusion is not None)
    return sorted(drawn, key=lambda row: (row.method, row.variant))


def with_labels(row: Row) -> str:
    """``cnn, J = 988``."""
    return f"{row.name}, J = {row.labels}" if row.labels else row.name


def _source(row: Row) -> str:
    return "published" if row.marked_published else "ours"


def _known(value: float) -> float | None:
    return None if value != value else value
