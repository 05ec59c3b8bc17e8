"""Which clips of several seeds are one, and errors by clip: intervals are taken over clips, and comparisons clip by clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...benchmark.results.metrics import absolute_error_deg
from ...benchmark.results.records import CellRecord

Totals: TypeAlias = pd.DataFrame
"""``total_deg`` of the absolute errors and number of ``sequences`` by ``clip``, its name in `Clips`, and ``seed``. All methods
of a scored set and seed have the same sequences in a clip; published protocols alone leave out those that a fit was given with
a label, J of many thousands."""


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


def differences_deg(totals: Sequence[Totals]) -> NDArray[np.float64]:
    """How much larger the first row's mean error is than the second's, for every two of M rows and each of the C clips that any
    has: over the seeds that both have of a clip, ``[M, M, C]``; NaN where they have none. A clip counts by its sequences, so
    that the mean over clips is the difference of the two MAE, as they stand in tables."""
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
            share = my_count * (my_count > 0).sum(-1, keepdims=True) / my_count.sum(-1, keepdims=True)
            found.append((mine / my_count - other / their_count) * share)
    return np.array(found)
