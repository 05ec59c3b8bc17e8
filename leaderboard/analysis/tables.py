"""Scored sets to tables: one for each, methods down and, for sweeps, numbers of labels across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..format import file_stem, rt60_text
from .cells import Cell, make_cell
from .reference import Reference, published
from .rows import Row
from .sets import ScoredSet

SPLIT_TITLES = {
    "train": "training set",
    "validation": "validation set",
    "off_grid": "directions between the candidates",
    "off_range": "talkers at other ranges",
    "unseen": "places that nothing was trained on",
}


@dataclass(frozen=True)
class Line:
    """A line of a table: one method in one form, and its cell in each column of the table (None: not asked for)."""

    cells: tuple[Cell | None, ...]

    @property
    def row(self) -> Row:
        """A row for what all of the line have in common."""
        return self.cell.row

    @property
    def cell(self) -> Cell:
        """The line's only or last cell, for what all of them share."""
        return next(cell for cell in reversed(self.cells) if cell is not None)

    @property
    def transductive(self) -> bool:
        """Whether its scores are for sequences that the method was trained on, be it without their labels."""
        return self.row.split == "train" and self.row.first.fit.transductive


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
        measured = "measured room" if self.rows[0].first.measured else "simulated room"
        where = f"{self.dataset}, {measured}, {rt60_text(axes)}"
        where += f", trained in {self.rows[0].first.trained_in}" if self.rows[0].first.trained_in else ""
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
        """The paper's values of methods that have no row here as they were published."""
        ours = {row.method for row in self.rows if row.first.fit.as_published}
        return {method: values for method, values in self.paper.items() if method not in ours}

    def paper_cells(self, method: str) -> tuple[Reference | None, ...]:
        """The paper's values of a method, column by column."""
        by_labels = {value.labels: value for value in self.paper[method]}
        return tuple(by_labels.get(column) for column in self.columns)

    @property
    def cells(self) -> list[Cell]:
        return [cell for line in self.lines for cell in line.cells if cell is not None]

    @property
    def most_seeds(self) -> int:
        return max(row.seeds for row in self.rows)


def make_tables(sets: Sequence[ScoredSet]) -> list[Table]:
    """One table for each scored set, in their order."""
    short = [_slug(one) for one in sets]
    slugs = [_slug(one, long=short.count(_slug(one)) > 1) for one in sets]
    again = [slugs[:number].count(slug) for number, slug in enumerate(slugs)]
    named = [f"{slug}-{times + 1}" if times else slug for slug, times in zip(slugs, again, strict=True)]
    return [_table(slug, one) for slug, one in zip(named, sets, strict=True)]


def _slug(one: ScoredSet, long: bool = False) -> str:
    fit, axes = one.rows[0].first.fit, one.rows[0].first.axes
    more = (fit.speech, axes.scale, f"rt{axes.rt60_s:g}", axes.protocol_fingerprint[:6]) if long else ()
    rooms = filter(None, (one.rows[0].first.trained_in, one.rows[0].first.room))
    return file_stem("_".join((axes.protocol, *rooms, axes.split, *more)))


def _table(slug: str, one: ScoredSet) -> Table:
    fit, axes = one.rows[0].first.fit, one.rows[0].first.axes
    counts = sorted({row.labels for row in one.rows})
    columns = tuple(counts) if sum(count > 0 for count in counts) > 1 else ()
    return Table(
        slug,
        axes.protocol,
        one.rows[0].first.room,
        fit.speech,
        axes.scale,
        axes.split,
        rows=one.rows,
        columns=columns,
        lines=tuple(_lines(one.rows, columns)),
        paper=dict(published(axes.protocol, axes.split, fit.candidates_deg)),
    )


def _lines(rows: Sequence[Row], columns: Sequence[int]) -> Iterator[Line]:
    """By method and variant, and where there are no columns by number of labels."""
    sweep = bool(columns)
    by_line: dict[tuple[str, str, int], dict[int, Cell]] = {}
    for row in rows:
        at, column = (0, row.labels) if sweep else (row.labels, 0)
        by_line.setdefault((row.method, row.variant, at), {})[column] = make_cell(row, rows, sweep)
    for _, cells in sorted(by_line.items(), key=lambda item: item[0]):
        yield Line(tuple(cells.get(column) for column in columns or (0,)))
