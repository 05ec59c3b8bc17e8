"""Stores with records of many methods, made from real record models and scored by the suite, without training anything."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pandas as pd
from doabench.benchmark.results.records import CellRecord, Plan
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.store import Store

from .leaderboard_files import GRID, cell

PLACES = {"label-sweep": "validation", "unseen-place": "unseen", "off-range": "off_range"}
LABELS = (114, 247, 988)
ENVIRONMENT = {
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "dirty": False,
    "python": "3.11.7",
    "packages": {"torch": "2.0", "numpy": "2.0"},
    "system": "Linux",
    "cpu": "a processor",
    "cores": 2,
    "device": "cpu",
    "threads": 1,
}
CLIPS = 20
PLAN = Plan(
    talkers=tuple((1.5 * sin(radians(angle)), 1.5 * cos(radians(angle)), "") for angle in GRID),
    walls={"": ((-4.1, -2.6), (4.9, -2.6), (4.9, 3.4), (-4.1, 3.4))},
)
METHODS = ("srp_phat", "rtf_1nn", "cnn", "von_mises", "music")


def many(out: Path, methods: Sequence[str], seeds: int = 1, places: Sequence[str] = tuple(PLACES)) -> int:
    """Fill the store ``out``: every method at all `LABELS`, in ``places``, over ``seeds``; the number of records. Later methods
    make larger errors, more labels smaller ones, and away from home all err more."""
    store, count = Store(out), 0
    for rank, method in enumerate(methods):
        for labels in LABELS:
            for away, protocol in enumerate(places):
                for seed in range(seeds):
                    changed = {"protocol": protocol, "split": PLACES[protocol], "seed": seed, "environment": ENVIRONMENT}
                    changed |= {"plan": PLAN.model_dump()}
                    record = cell(f"{count:032x}", method, labels=labels, fit_s=10.0 * (rank + 1), **changed)
                    spread_deg = (4 + 2 * rank) * (1 + away) * (114 / labels) ** 0.25
                    _add(store, record, spread_deg, count)
                    count += 1
    return count


def _add(store: Store, record: CellRecord, spread_deg: float, number: int) -> None:
    chance = np.random.default_rng(number)
    true = np.tile(GRID, CLIPS)
    grid = np.array(GRID)
    heard = true + chance.normal(0, spread_deg, len(true))
    table = pd.DataFrame(
        {
            "start": np.arange(len(true)),
            "clip": np.repeat(np.arange(CLIPS), len(GRID)),
            "position": np.arange(len(true)) % len(GRID),
            "true_deg": true,
            "estimated_deg": grid[np.abs(heard[:, None] - grid).argmin(1)],
            "estimated_log_probability": np.log(chance.uniform(0.3, 1, len(true))),
            "true_log_probability": np.log(chance.uniform(0.3, 1, len(true))),
        }
    )
    metrics = score(table, record.fit.candidates_deg, record.axes.counts_hits)
    store.add_cell(record.model_copy(update={"metrics": metrics, "predict_us_per_sequence": 12.3}), table)
