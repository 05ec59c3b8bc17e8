"""Which rows are compared with which: methods on the very same sequences, clip by clip."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmark.metrics import absolute_error_deg, clip_means
from ..benchmark.records import CellRecord
from ..benchmark.statistics import Standing, standings
from .clips import Clips

Errors = pd.DataFrame
"""Absolute errors ``error_deg`` of sequences, which ``seed`` and ``start`` name; ``clip`` by the numbers of `Clips`."""


def errors_of(seeds: Sequence[tuple[CellRecord, pd.DataFrame]], clips: Clips) -> Errors:
    """The errors of a row's stored predictions, all seeds; small numbers, since many rows wait for each other."""
    parts = [
        pd.DataFrame(
            {
                "seed": np.full(len(table), record.fit.seed, np.int16),
                "start": table["start"].to_numpy(np.int32),
                "clip": clips.numbers(record, table["clip"].to_numpy()),
                "error_deg": absolute_error_deg(table["estimated_deg"], table["true_deg"]).astype(np.float32),
            }
        )
        for record, table in seeds
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def clip_totals(errors: Errors, clips: Clips) -> pd.DataFrame:
    """``total_deg`` and ``sequences`` of every clip by its name: what is left to resample once the sequences are gone."""
    totals = pd.DataFrame(errors.groupby("clip")["error_deg"].agg(total_deg="sum", sequences="size"))
    return totals.set_axis(pd.Index([clips.names[number] for number in totals.index]))


def compare(places: Sequence[tuple[Hashable, int]], errors: Sequence[Errors]) -> list[Standing | None]:
    """The standing of every row among those of its scored set ``place`` with as many labels and those that use none.

    Where a scored set was run at several numbers of labels, rows without labels stand among themselves. None for a row without
    predictions or without sequences in common with the others.
    """
    found: list[Standing | None] = [None] * len(places)
    for place in dict.fromkeys(place for place, _ in places):
        counts = {labels for where, labels in places if where == place and labels}
        for labels in counts | {0}:
            with_free = {labels, 0} if labels or len(counts) != 1 else counts | {0}
            peers = [row for row, (where, own) in enumerate(places) if where == place and own in with_free and len(errors[row])]
            for row, standing in zip(peers, _standings([errors[row] for row in peers]), strict=True):
                if places[row][1] == labels:
                    found[row] = standing
    return found


def _standings(errors: Sequence[Errors]) -> Sequence[Standing | None]:
    clips = clip_errors(errors)
    return [None] * len(errors) if clips is None else standings(clips)


def clip_errors(errors: Sequence[Errors]) -> NDArray[np.float64] | None:
    """The mean error of every clip over the sequences that all M have in common, ``[M, C]``; None where they share none."""
    if not errors or not all(map(len, errors)):
        return None
    keys = [(error["seed"].to_numpy(np.int64) << 32) + error["start"].to_numpy(np.int64) for error in errors]
    common = keys[0]
    for key in keys[1:]:
        common = np.intersect1d(common, key)
    if not len(common):
        return None
    rows = [np.intersect1d(key, common, return_indices=True)[1] for key in keys]
    clip = errors[0]["clip"].to_numpy()[rows[0]]
    return np.array([clip_means(error["error_deg"].to_numpy()[own], clip) for error, own in zip(errors, rows, strict=True)])
