"""At home and away side by side, as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ...benchmark.results.records import LeakShares
from ..analysis.away import AwayLine, AwayTable, Place
from ..format import csv_cell, mae_text, pct_text
from .notes import marked
from .text import MARKDOWN

TITLE = "At home and away"

ABOUT = (
    "MAE in degrees of the same trained models where they were trained (home: the validation set of the label sweep) and "
    "where they were not. No response of an unseen place was heard in training: other ranges, the array moved and turned, "
    "other rooms. A method that has learned directions loses little there, one that has learned a room loses much. "
    "With simulated labels too (sim-to-real), J counts those from the room itself, 0 for none. "
    "Calibration error: how far the stated probability of an answer is from how often it is right. Bold: the lowest of those "
    "with as many labels or none."
)

SHARES = tuple(LeakShares.model_fields)


def heads(table: AwayTable) -> list[str]:
    return ["Method", "J", *(place.title for place in table.places), "Calibration error at home, %", "Unseen, %"]


def cells(table: AwayTable, line: AwayLine) -> list[tuple[str, bool]]:
    """Text, and whether it is the best of its column."""
    values = [(mae_text(value) if value else "", table.is_best(line, column)) for column, value in enumerate(line.mae_deg)]
    sure = [("" if value is None else pct_text(value), False) for value in (line.home_ece_pct, line.unseen_ece_pct)]
    return [(marked(line.row.name, line.row.origin), False), (str(line.row.labels), False), *values, *sure]


def shares_note(table: AwayTable) -> str:
    """What the sequences of each column share with labelled and selection ones."""
    known = [f"{place.title}: {_shares_text(place.shares)}" for place in table.places if place.shares]
    return f"Up to so many % of the scored sequences share a frame / clip / speaker / room response: {'; '.join(known)}."


def _shares_text(shares: LeakShares) -> str:
    values = [getattr(shares, name) for name in SHARES]
    return " / ".join("?" if value is None else f"{value:.0f}" for value in values)


def to_markdown(tables: Sequence[AwayTable]) -> str:
    """The section; empty where there is nothing to say."""
    if not tables:
        return ""
    parts = [f"\n## {TITLE}\n\n{MARKDOWN.escape(ABOUT)}\n"]
    for table in tables:
        lines = [[*map(MARKDOWN.escape, heads(table))], ["---", *["---:"] * (len(heads(table)) - 1)]]
        lines += [
            [f"**{text}**" if best else MARKDOWN.escape(text) for text, best in cells(table, line)] for line in table.lines
        ]
        rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"### {MARKDOWN.escape(table.title)}\n\n{rows}\n\n{MARKDOWN.escape(shares_note(table))}\n")
    return "\n".join(parts)


def to_csv(tables: Sequence[AwayTable]) -> str:
    """One line for each method, number of labels and place: `AwayTable.places`, then every unseen place by itself."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    shares = [f"leak_{name}" for name in SHARES]
    writer.writerow(["room", "method", "variant", "labels", "seeds", "place", "mae_deg", "mae_lo", "mae_hi", *shares])
    for table in tables:
        for line in table.lines:
            row = line.row
            same = [table.title, row.method, row.variant, row.labels, row.seeds]
            for place, *numbers in _numbers(table, line):
                writer.writerow([*map(csv_cell, (*same, place)), *numbers])
    return file.getvalue()


def _numbers(table: AwayTable, line: AwayLine) -> Iterator[list[str]]:
    for place, value in zip(table.places, line.mae_deg, strict=True):
        if value is not None:
            ends = [f"{end:.4f}" for end in (value.low, value.high)] if value.has_interval else ["", ""]
            yield [place.title, f"{value.mean:.4f}", *ends, *_shares_cells(place)]
    for name, deg in line.by_place.items():
        yield [name, f"{deg:.4f}", "", "", *[""] * len(SHARES)]


def _shares_cells(place: Place) -> list[str]:
    values = [getattr(place.shares, name) if place.shares else None for name in SHARES]
    return ["" if value is None else f"{value:.2f}" for value in values]
