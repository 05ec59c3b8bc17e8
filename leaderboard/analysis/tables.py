"""Rows to tables: one for every scored set, methods down and, for sweeps, numbers of labels across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..format import mae_text, method_name, pct_text, rt60_text
from .reference import Reference, published
from .rows import Row
from .sets import ScoredSet

SPLIT_TITLES = {
    "train": "training set",
    "validation": "validation set",
    "off_grid": "directions between the candidates",
    "off_range": "talkers at other ranges",
}


@dataclass(frozen=True)
class Line:
    """A line of a table: one method and variant, and its row in each column of the table (None: not asked for)."""

    name: str
    method: str
    variant: str
    cells: tuple[Row | None, ...]

    @property
    def row(self) -> Row:
        """The line's only or last row, for what all of them share."""
        return next(row for row in reversed(self.cells) if row is not None)


@dataclass(frozen=True)
class Table:
    """All rows of one scored set. ``columns`` are numbers of labels where the table is a ``sweep``; else each row is a line."""

    slug: str
    protocol: str
    dataset: str
    speech: str
    scale: str
    split: str
    rows: tuple[Row, ...]
    columns: tuple[int, ...]
    lines: tuple[Line, ...]
    paper: dict[str, tuple[Reference, ...]]

    @property
    def sweep(self) -> bool:
        return bool(self.columns)

    @property
    def title(self) -> str:
        axes = self.rows[0].first.axes
        measured = "measured room" if self.rows[0].first.fit.measured else "simulated room"
        where = f"{self.dataset}, {measured}, {rt60_text(axes)}"
        return f"{SPLIT_TITLES.get(self.split, self.split)}: {where}"

    @property
    def has_accuracy(self) -> bool:
        return any(row.first.axes.counts_hits for row in self.rows)

    @property
    def has_paper_accuracy(self) -> bool:
        return any(value.accuracy_pct is not None for values in self.paper.values() for value in values)

    @property
    def floor_deg(self) -> float:
        """The least MAE that a choice among the candidates can reach; 0 where the true angles are candidates."""
        return max((row.score.floor_deg for row in self.rows if row.score), default=0.0)

    @property
    def paper_only(self) -> dict[str, tuple[Reference, ...]]:
        """The paper's values of methods that have no row here."""
        ours = {row.method for row in self.rows}
        return {method: values for method, values in self.paper.items() if method not in ours}

    @property
    def most_seeds(self) -> int:
        return max((row.seeds for row in self.rows), default=0)

    def best(self, row: Row) -> tuple[str, str]:
        """The best MAE and the best accuracy where ``row`` stands, its column or the whole table, as they are shown. Empty for
        a row with fewer seeds than others: a mean over more of them is of other speech."""
        if row.seeds < self.most_seeds:
            return "", ""
        rivals = [other for other in self.rows if other.seeds == row.seeds and (not self.sweep or other.labels == row.labels)]
        scores = [other.score for other in rivals if other.score]
        hits = [score.accuracy_pct.mean for score in scores if score.accuracy_pct is not None]
        return mae_text(min((score.mae_deg.mean for score in scores), default=None)), pct_text(max(hits, default=None))


def make_tables(sets: Sequence[ScoredSet]) -> list[Table]:
    """One table for each scored set, in their order."""
    short = [_slug(one.rows) for one in sets]
    return [_table(_slug(one.rows, long=short.count(_slug(one.rows)) > 1), one.rows) for one in sets]


def _slug(group: Sequence[Row], long: bool = False) -> str:
    fit, axes = group[0].first.fit, group[0].first.axes
    more = (fit.speech, axes.scale, f"rt{axes.rt60_s:g}", axes.protocol_fingerprint[:6]) if long else ()
    text = "_".join((axes.protocol, fit.dataset, axes.split, *more))
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text)


def _table(slug: str, group: Sequence[Row]) -> Table:
    fit, axes = group[0].first.fit, group[0].first.axes
    counts = sorted({row.labels for row in group})
    sweep = sum(count > 0 for count in counts) > 1
    by_line: dict[tuple[str, str, int], dict[int, Row]] = {}
    for row in group:
        by_line.setdefault((row.method, row.variant, 0 if sweep else row.labels), {})[row.labels if sweep else 0] = row
    columns = tuple(counts) if sweep else ()
    lines = tuple(
        Line(method_name(method, variant), method, variant, tuple(cells.get(column) for column in columns or (0,)))
        for (method, variant, _), cells in sorted(by_line.items())
    )
    paper = dict(published(axes.protocol, axes.split, fit.candidates_deg))
    return Table(slug, axes.protocol, fit.dataset, fit.speech, axes.scale, axes.split, tuple(group), columns, lines, paper)
