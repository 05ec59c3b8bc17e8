"""Which rows are compared with which: methods on the very same sequences, clip by clip."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmark.metrics import absolute_error_deg
from ..benchmark.statistics import Standing, standings

Errors = pd.DataFrame
"""Absolute errors ``error_deg`` and ``clip`` of sequences, indexed by seed and start."""


def errors_of(seeds: Sequence[tuple[int, pd.DataFrame]]) -> Errors:
    """The errors of a row's stored predictions, all seeds; small numbers, since many rows wait for each other."""
    parts = [
        pd.DataFrame(
            {
                "seed": np.full(len(table), seed, np.int16),
                "start": table["start"].to_numpy(np.int32),
                "clip": table["clip"].to_numpy(np.int16),
                "error_deg": absolute_error_deg(table["estimated_deg"], table["true_deg"]).astype(np.float32),
            }
        )
        for seed, table in seeds
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


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
    means = []
    for key, error in zip(keys, errors, strict=True):
        shared = error[np.isin(key, common)]
        means.append(shared.groupby(["seed", "clip"], sort=True)["error_deg"].mean())
    return np.array(means, np.float64)
