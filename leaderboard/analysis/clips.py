"""Which clips of several seeds are one: intervals are taken over those that are not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...benchmark.results.records import CellRecord


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
