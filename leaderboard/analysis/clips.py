"""Which clips of several seeds are one, and errors by the units that are sampled: comparisons are made cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...benchmark.results.records import CellRecord
from ...benchmark.results.scoring import places_of
from ...benchmark.results.statistics import Units, units

Totals: TypeAlias = pd.DataFrame
"""``total_deg`` of the absolute errors and number of ``sequences`` in each cell: by ``clip``, its name in `Clips`, ``seed``
and, where positions have one, ``place``. All methods of a scored set and seed have the same sequences there; published
protocols alone leave out those that a fit was given with a label, J of many thousands."""


class Clips:
    """Numbers for the clips of one scored set, the same for one clip in every seed and for every method.

    Seeds draw from one corpus, so a speaker who is drawn twice is one sample, be it with other words: where each clip has a
    speaker of its own, the speaker is the clip. Else seeds that score the same recordings (a room that brings its talkers) have
    their clips in common, and others none.
    """

    def __init__(self, records: Iterable[CellRecord]) -> None:
        self._numbers: dict[str, int] = {}
        self._seeds: dict[str, int] = {}
        self._speakers: dict[str, tuple[str, ...]] = {}
        for record in records:
            scored, seed = record.axes.scored_digest, record.fit.seed
            self._seeds[scored] = min(seed, self._seeds.get(scored, seed))
            if record.speakers and len(set(record.speakers)) == len(record.speakers):
                self._speakers[scored] = record.speakers

    @property
    def names(self) -> list[str]:
        """What each number stands for: the same in all rooms for the same speech."""
        return list(self._numbers)

    def numbers(self, record: CellRecord, clip: NDArray[np.integer]) -> NDArray[np.int32]:
        """Numbers of the clips that the stored predictions of ``record`` call ``clip [N]``."""
        own, index = np.unique(clip, return_inverse=True)
        names = [self._name(record.axes.scored_digest, int(one)) for one in own]
        return np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], np.int32)[index]

    def _name(self, scored: str, clip: int) -> str:
        speakers = self._speakers.get(scored, ())
        return f"speaker {speakers[clip]}" if clip < len(speakers) else f"seed {self._seeds[scored]} clip {clip}"


def sampled(seeds: Sequence[tuple[CellRecord, pd.DataFrame]], clips: Clips) -> pd.DataFrame:
    """What each sequence of a row's stored predictions is of, one seed after another: ``clip`` by its number, ``seed`` and,
    where positions have one, ``place``."""
    parts = [
        pd.DataFrame({"clip": clips.numbers(record, table["clip"].to_numpy()), "seed": record.fit.seed, **places_of(table)})
        for record, table in seeds
    ]
    return pd.concat(parts, ignore_index=True)


def units_of(names: pd.DataFrame) -> Units:
    """What of `sampled` counts as a sampling unit: each seed is another fit."""
    return units(names["clip"], **{kind: names[name] for name, kind in (("place", "place"), ("seed", "fit")) if name in names})


def totals(names: pd.DataFrame, error_deg: ArrayLike, clips: Clips) -> Totals:
    """What is left of a row to compare once the sequences are gone; ``names`` are those of `sampled`."""
    grouped = pd.Series(np.asarray(error_deg)).groupby([names[name] for name in names])
    return pd.DataFrame(grouped.agg(total_deg="sum", sequences="size")).rename(dict(enumerate(clips.names)), level="clip")


def differences_deg(rows: Sequence[Totals]) -> tuple[NDArray[np.float64], Units]:
    """How much larger the first row's mean error is than the second's, for every two of M rows and each of the K cells that any
    has, ``[M, M, K]``, NaN where one has none; and the units of cells. A cell counts by its sequences, so that the mean over
    cells is the difference of the two MAE, as they stand in tables."""
    table = pd.concat(rows, axis=1, keys=range(len(rows)))
    total, count = (table.xs(name, axis=1, level=1).to_numpy(np.float64).T for name in ("total_deg", "sequences"))
    mean, there = total / count, ~np.isnan(total)
    found = []
    for own, common in enumerate(there & row for row in there):
        mine = np.where(common, count[own], 0.0)
        with np.errstate(invalid="ignore"):
            share = mine * common.sum(-1, keepdims=True) / mine.sum(-1, keepdims=True)
        found.append((mean[own] - mean) * share)
    return np.array(found), units_of(table.index.to_frame(index=False))
