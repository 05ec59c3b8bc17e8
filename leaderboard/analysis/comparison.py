"""How rows of one scored set are held against each other: methods two by two on the same recordings, clip by clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ...benchmark.results.statistics import Standing, paired_difference, standings
from .claims import Claim, Verdict, paper_claims
from .clips import differences_deg
from .current import Entry
from .rows import Row


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows of one scored set, each with its standing and with what it says of published claims."""
    standing, verdicts = standing_by_entry(rows), verdicts_by_entry(paper_claims(), rows)
    return [replace(row, standing=standing.get(row.entry), verdicts=verdicts.get(row.entry, ())) for row in rows]


def standing_by_entry(rows: Sequence[Row]) -> dict[Entry, Standing]:
    """The standing of every row among those with as many labels and those that use none.

    Where the set was run at several numbers of labels, rows without labels stand among themselves. There is none for a row
    without predictions or without sequences in common with the best.
    """
    found: dict[Entry, Standing] = {}
    counts = {row.labels for row in rows if row.labels}
    for labels in counts | {0}:
        with_free = {labels, 0} if labels or len(counts) != 1 else counts | {0}
        peers = [row for row in rows if row.labels in with_free]
        found |= {row.entry: standing for row, standing in _standings(peers) if row.labels == labels}
    return found


def _standings(rows: Sequence[Row]) -> Iterator[tuple[Row, Standing]]:
    known = [(row, row.clips, row.score.mae_deg.mean) for row in rows if row.clips is not None and row.score is not None]
    if not known:
        return
    seeds = [clips.index.get_level_values("seed").nunique() for _, clips, _ in known]
    found = standings(differences_deg([clips for _, clips, _ in known]), [mae_deg for *_, mae_deg in known], seeds)
    for (row, *_), standing in zip(known, found, strict=True):
        if standing is not None:
            yield row, standing


def verdicts_by_entry(claims: Sequence[Claim], rows: Sequence[Row]) -> dict[Entry, tuple[Verdict, ...]]:
    """The verdicts that each row, as the better one, gives rise to, by number of labels. Claims are about methods as they
    were published; there is no verdict where one of two rows has no predictions."""
    found: dict[Entry, list[Verdict]] = {}
    published = [row for row in rows if row.first.fit.as_published]
    for claim, (row, other) in product(claims, product(published, repeat=2)):
        if _is_about(claim, row, other) and (verdict := _verdict(claim, row, other)) is not None:
            found.setdefault(row.entry, []).append(verdict)
    return {own: tuple(sorted(verdicts, key=lambda verdict: verdict.labels)) for own, verdicts in found.items()}


def _is_about(claim: Claim, row: Row, other: Row) -> bool:
    same_labels = row.labels == other.labels or not row.labels or not other.labels
    n = max(row.first.fit.nominal_labels, other.first.fit.nominal_labels)
    return (row.method, other.method) == (claim.better, claim.worse) and same_labels and n >= claim.from_n


def _verdict(claim: Claim, row: Row, other: Row) -> Verdict | None:
    if row.clips is None or other.clips is None:
        return None
    clips = differences_deg([row.clips, other.clips])[0, 1]
    if np.isnan(clips).all():
        return None
    return Verdict(claim, row.name, other.name, max(row.labels, other.labels), paired_difference(clips))
