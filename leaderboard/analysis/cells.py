"""What stands in one cell of a table: values, which of them are the best, and marks. Renderers only mark it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmark.results.catalogue import ACCURACY, MAE, Metric
from ...benchmark.results.statistics import Estimate
from ..format import interval_text, value_text
from .rows import Row


@dataclass(frozen=True)
class Number:
    """A value with its interval. ``best`` says that none of those beside it is better, as they are shown."""

    metric: Metric
    value: Estimate
    best: bool

    @property
    def text(self) -> str:
        return value_text(self.metric, self.value)

    @property
    def interval(self) -> str:
        """``3.1 - 4.4``; empty where there is none."""
        return interval_text(self.metric, self.value)


@dataclass(frozen=True)
class Cell:
    """A row in its place in a table, without numbers where it has no score. ``tied`` says that it cannot be told apart from the
    best of those that it is compared with, and is not itself the best shown; ``fewer_seeds`` is the number of seeds behind a
    score where others in the table have more, else 0."""

    row: Row
    mae: Number | None
    accuracy: Number | None
    tied: bool
    fewer_seeds: int


def make_cell(row: Row, rows: Sequence[Row], sweep: bool) -> Cell:
    """The cell of one of the ``rows`` of a table. In a sweep those with as many labels are beside it, else all."""
    rows = [other for other in rows if not other.origin.outdated]
    most = max((other.seeds for other in rows), default=0)
    beside = [other for other in rows if other.seeds == most and (not sweep or other.labels == row.labels)]
    rivals = beside if row in beside else []  # a mean over fewer seeds is of other speech
    return Cell(
        row,
        mae=_number(MAE, row, rivals),
        accuracy=_number(ACCURACY, row, rivals),
        tied=_tied(row, rows, sweep),
        fewer_seeds=row.seeds if row.score and row.seeds < most else 0,
    )


def _number(metric: Metric, row: Row, rivals: Sequence[Row]) -> Number | None:
    value = _value(metric, row)
    if value is None:
        return None
    means = [found.mean for other in rivals if (found := _value(metric, other)) is not None]
    pick = min if metric.better == "lower" else max
    return Number(metric, value, best=bool(means) and value_text(metric, value) == value_text(metric, pick(means)))


def _value(metric: Metric, row: Row) -> Estimate | None:
    value = row.score.values[metric.name] if row.score else None
    return value if isinstance(value, Estimate) else None


def _tied(row: Row, rows: Sequence[Row], sweep: bool) -> bool:
    if row.standing is None or row.score is None or not row.standing.tied:
        return False
    rivals = [other for other in rows if other.score and (not sweep or other.labels in (0, row.labels))]
    most = max(other.seeds for other in rivals)
    best_deg = min(other.score.mae_deg.mean for other in rivals if other.score and other.seeds == most)
    return row.seeds < most or value_text(MAE, row.score.mae_deg) != value_text(MAE, best_deg)
