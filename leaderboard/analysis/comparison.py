"""Which rows are compared with which: methods two by two on the same recordings, clip by clip."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...benchmark.results.metrics import absolute_error_deg
from ...benchmark.results.records import CellRecord
from ...benchmark.results.statistics import Standing, standings
from .clips import Clips

Totals = pd.DataFrame
"""``total_deg`` of the absolute errors and number of ``sequences`` by ``clip``, its name in `Clips`, and ``seed``. All methods
of a scored set and seed have the same sequences in a clip; published protocols alone leave out those that a fit was given with
a label, J of many thousands."""


def clip_totals(seeds: Sequence[tuple[CellRecord, pd.DataFrame]], clips: Clips) -> Totals:
    """The totals of a row's stored predictions, all seeds: what is left to compare once the sequences are gone."""
    parts = [
        pd.DataFrame(
            {
                "clip": clips.numbers(record, table["clip"].to_numpy()),
                "seed": record.fit.seed,
                "error_deg": absolute_error_deg(table["estimated_deg"], table["true_deg"]),
            }
        )
        for record, table in seeds
    ]
    grouped = pd.concat(parts, ignore_index=True).groupby(["clip", "seed"])["error_deg"]
    return pd.DataFrame(grouped.agg(total_deg="sum", sequences="size")).rename(dict(enumerate(clips.names)), level="clip")


def compare(
    places: Sequence[tuple[Hashable, int]], totals: Sequence[Totals | None], mae_deg: Sequence[float | None]
) -> list[Standing | None]:
    """The standing of every row among those of its scored set ``place`` with as many labels and those that use none.

    Where a scored set was run at several numbers of labels, rows without labels stand among themselves. ``mae_deg`` are what
    rows show. None for a row without predictions or without sequences in common with the best.
    """
    found: list[Standing | None] = [None] * len(places)
    for place in dict.fromkeys(place for place, _ in places):
        counts = {labels for where, labels in places if where == place and labels}
        for labels in counts | {0}:
            with_free = {labels, 0} if labels or len(counts) != 1 else counts | {0}
            here = [row for row, (where, own) in enumerate(places) if where == place and own in with_free]
            peers = {row: own for row in here if (own := totals[row]) is not None}
            for row, standing in zip(peers, _standings(list(peers.values()), [mae_deg[row] for row in peers]), strict=True):
                if places[row][1] == labels:
                    found[row] = standing
    return found


def _standings(totals: Sequence[Totals], mae_deg: Sequence[float | None]) -> Sequence[Standing | None]:
    if not totals:
        return []
    seeds = [own.index.get_level_values("seed").nunique() for own in totals]
    return standings(differences_deg(totals), np.array(mae_deg, np.float64), seeds)


def differences_deg(totals: Sequence[Totals]) -> NDArray[np.float64]:
    """How much larger the first row's mean error is than the second's, for every two of M rows and each of the C clips that any
    has: over the seeds that both have of a clip, ``[M, M, C]``; NaN where they have none."""
    table = pd.concat(totals, axis=1, keys=range(len(totals)))
    total, count = (table.xs(name, axis=1, level=1).to_numpy(np.float64).T for name in ("total_deg", "sequences"))
    _, clip = np.unique(table.index.get_level_values("clip"), return_inverse=True)
    belongs = np.equal.outer(clip, np.arange(clip.max() + 1)).astype(np.float64)
    there = ~np.isnan(total)
    found = []
    for own, common in enumerate(there & row for row in there):
        mine, my_count, other, their_count = (
            np.where(common, values, 0.0) @ belongs for values in (total[own], count[own], total, count)
        )
        with np.errstate(invalid="ignore"):
            found.append(mine / my_count - other / their_count)
    return np.array(found)
