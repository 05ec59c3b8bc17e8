"""How rows of one scored set are held against each other: methods two by two on the same recordings, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, product

import numpy as np

from ...benchmark.results.standings import Standing, holm, standings
from ...benchmark.results.statistics import known, mean_p, paired_difference
from .claims import Claim, Verdict, paper_claims
from .clips import differences_deg
from .current import Entry
from .rows import Row


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows of one scored set, each with its standing and with what it says of published claims."""
    standing, verdicts = standings_by_labels(rows), verdicts_by_entry(paper_claims(), rows)
    return [
        replace(
            row,
            standings={labels: found[row.entry] for labels, found in standing.items() if row.entry in found},
            verdicts=verdicts.get(row.entry, ()),
        )
        for row in rows
    ]


def standings_by_labels(rows: Sequence[Row]) -> dict[int, dict[Entry, Standing]]:
    """For each number of labels, the standings of all rows with as many and of those that use none.

    Where the set was run at several numbers of labels, rows without labels stand among themselves at 0. There is none for a
    row without predictions or without sequences in common with the best.
    """
    found: dict[int, dict[Entry, Standing]] = {}
    counts = {row.labels for row in rows if row.labels}
    for labels in sorted(counts | {0}):
        with_free = {labels, 0} if labels or len(counts) != 1 else counts | {0}
        peers = [row for row in rows if row.labels in with_free]
        found[labels] = {row.entry: standing for row, standing in _standings(peers)}
    return found


def _standings(rows: Sequence[Row]) -> Iterator[tuple[Row, Standing]]:
    known = [(row, row.totals, row.score.mae_deg.mean) for row in rows if row.totals is not None and row.score is not None]
    if not known:
        return
    seeds = [totals.index.get_level_values("seed").nunique() for _, totals, _ in known]
    differences = differences_deg([totals for _, totals, _ in known])
    found = standings(*differences, [mae_deg for *_, mae_deg in known], seeds)
    for (row, *_), standing in zip(known, found, strict=True):
        if standing is not None:
            yield row, standing


def verdicts_by_entry(claims: Sequence[Claim], rows: Sequence[Row]) -> dict[Entry, tuple[Verdict, ...]]:
    """The verdicts that each row, as the better one, gives rise to, by number of labels. Claims are about methods as they
    were published; there is no verdict where one of two rows has no predictions."""
    found: dict[Entry, list[Verdict]] = {}
    published = sorted((row for row in rows if row.first.fit.as_published), key=lambda row: row.name)
    by_name = [list(group) for _, group in groupby(published, key=lambda row: row.name)]
    for claim, (better, worse) in product(claims, product(by_name, repeat=2)):
        pairs = [(row, other) for row, other in product(better, worse) if _is_about(claim, row, other)]
        for row, verdict in _verdicts(claim, pairs):
            found.setdefault(row.entry, []).append(verdict)
    return {own: tuple(sorted(verdicts, key=lambda verdict: verdict.labels)) for own, verdicts in found.items()}


def _is_about(claim: Claim, row: Row, other: Row) -> bool:
    n, other_n = (one.first.fit.nominal_labels if one.labels else 0 for one in (row, other))
    return (row.method, other.method) == (claim.better, claim.worse) and claim.is_about(row.first.axes.protocol, n, other_n)


def _verdicts(claim: Claim, pairs: Sequence[tuple[Row, Row]]) -> Iterator[tuple[Row, Verdict]]:
    """Of two methods at all numbers of labels, each with the row of the better one; p corrected for how many these are."""
    both = [
        (row, other, row.totals, other.totals) for row, other in pairs if row.totals is not None and other.totals is not None
    ]
    compared = [(row, other, *differences_deg([mine, theirs])) for row, other, mine, theirs in both]
    shared = [(row, other, values[0, 1], of) for row, other, values, of in compared if not np.isnan(values[0, 1]).all()]
    corrected = holm(np.array([mean_p(*known(values, of)) for *_, values, of in shared]))
    for (row, other, values, of), p_holm in zip(shared, corrected.tolist(), strict=True):
        labels, difference = max(row.labels, other.labels), paired_difference(values, of)
        yield row, Verdict(claim, row.name, other.name, labels, difference, p_holm)
