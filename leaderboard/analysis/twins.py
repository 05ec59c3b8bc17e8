"""Do simulated rooms predict measured ones? Rank correlation of the same methods' errors between two rooms.

Kendall's tau-b: of all pairs of methods, the share that both rooms put in the same order minus the share that they put in
opposite orders. Which of two methods is the better one is what a stand-in is asked, and a value means the same for five methods
as for fifty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...benchmark.dataset import OWN_SPEECH
from ...benchmark.results.metrics import signature
from ...benchmark.results.statistics import ALPHA, RESAMPLES, TIE_DEG, Estimate
from ...benchmark.seeds import generator
from .tables import Table

LEAST_METHODS = 4
SIGNATURE = signature(
    "tau-b",
    unit="pair-of-entries",
    errors="mae-of-sequences",
    seeds="common-pooled",
    least_methods=LEAST_METHODS,
    tie_deg=TIE_DEG,
    interval=f"{100 * (1 - ALPHA):g}-percentile-bootstrap-over-clips",
    resamples=RESAMPLES,
)
Entry = tuple[str, int]
"""A method in its form, by name, and the nominal number of labels (0: uses none)."""


@dataclass(frozen=True)
class Agreement:
    """How far two rooms agree on the order of ``entries``. ``n`` is the number of labels of all that use any (0: none does),
    None where several stand together. ``clips`` are those of the simulated and of the measured room; with too few of
    either ``tau`` has no interval."""

    simulated: Table
    measured: Table
    n: int | None
    entries: tuple[Entry, ...]
    clips: tuple[int, int]
    tau: Estimate

    @property
    def methods(self) -> int:
        return len({name for name, _ in self.entries})

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands under `HEADS`."""
        place = (self.simulated.protocol, self.simulated.split, self.simulated.dataset, self.measured.dataset)
        interval = f"{self.tau.low:.2f} to {self.tau.high:.2f}" if self.tau.has_interval else ""
        counts = ("all" if self.n is None else str(self.n), str(self.methods), str(len(self.entries)))
        return (*place, *counts, f"{self.tau.mean:.2f}", interval)


def agreements(tables: Sequence[Table]) -> list[Agreement]:
    """For every simulated and measured room with the same protocol, scored set, scale and speech (a room with talkers of its
    own stands beside any): all entries that both have, and those of each n by themselves. Nothing where fewer than
    `LEAST_METHODS` methods are left. Training sets are left out, since methods have seen them."""
    simulated, measured = ([t for t in tables if t.rows[0].first.measured == kind] for kind in (False, True))
    pairs = [(one, other) for one, other in product(simulated, measured) if _belong_together(one, other)]
    return [found for one, other in pairs for found in _agreements(one, other)]


def _belong_together(simulated: Table, measured: Table) -> bool:
    places = {(t.split, t.scale, t.rows[0].first.axes.protocol_fingerprint) for t in (simulated, measured)}
    return len(places) == 1 and simulated.split != "train" and measured.speech in (simulated.speech, OWN_SPEECH)


def _agreements(simulated: Table, measured: Table) -> Iterator[Agreement]:
    ours, theirs = _clips(simulated), _clips(measured)
    shared = [entry for entry in ours if entry in theirs]
    counts = sorted({n for _, n in shared if n})
    groups: dict[int | None, list[Entry]] = {None: shared} if len(counts) > 1 else {}
    groups |= {count: [entry for entry in shared if entry[1] in (count, 0)] for count in counts or [0]}
    for n, entries in groups.items():
        if len({name for name, _ in entries}) < LEAST_METHODS:
            continue
        one, other = (_common([room[entry] for entry in entries]) for room in (ours, theirs))
        clips = len(one), len(other)
        if min(clips) > 0 and not np.isnan(tau := float(tau_b(_mae_deg(one), _mae_deg(other)))):
            yield Agreement(simulated, measured, n, tuple(entries), clips, Estimate(tau, *tau_interval(one, other)))


def _clips(table: Table) -> dict[Entry, pd.DataFrame]:
    """Clips, seed by seed, of everything in a table that has a score; the same speech has the same name in all rooms."""
    found = {}
    for row in table.rows:
        if row.totals is not None:
            entry = (row.name, row.first.fit.nominal_labels)
            found[entry] = row.totals.rename(lambda clip: f"{table.speech} {clip}", level="clip")
    return found


def _common(entries: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The clips that all M entries have, in the seeds that all have: columns ``total_deg`` and ``sequences``, M times."""
    shared = pd.concat(entries, axis=1, join="inner", keys=range(len(entries)))
    totals = pd.DataFrame(shared.groupby(level="clip").sum())
    return totals.set_axis(totals.columns.get_level_values(1), axis=1)


def tau_b(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Kendall's tau-b of ``first [..., M]`` and ``second [..., M]`` along the last axis, as `scipy.stats.kendalltau` has it for
    one pair of vectors; NaN where either is all ties."""
    signs = []
    for values in (np.asarray(first, np.float64), np.asarray(second, np.float64)):
        left, right = np.triu_indices(values.shape[-1], 1)
        difference = values[..., left] - values[..., right]
        signs.append(np.where(np.abs(difference) > TIE_DEG, np.sign(difference), 0.0))
    one, other = signs
    with np.errstate(invalid="ignore"):
        return (one * other).sum(-1) / np.sqrt((one**2).sum(-1) * (other**2).sum(-1))


def tau_interval(simulated: pd.DataFrame, measured: pd.DataFrame) -> tuple[float, float]:
    """Ends of the 95 % percentile interval of `tau_b` over resampled clips: the rows of either table, whose columns are
    ``total_deg`` and ``sequences`` of each method. A clip that stands in both, which is the same speech in two rooms, is
    drawn for both. Clips that stand in both are drawn among themselves, and so are those of one only: NaN where either has no
    two that can take each other's place, since nothing of it would vary."""
    names = simulated.index.union(measured.index, sort=False)
    where = names.isin(simulated.index) + 2 * names.isin(measured.index)
    varies = (np.bincount(where, minlength=4) > 1)[where]
    if not all(varies[names.get_indexer(room.index)].any() for room in (simulated, measured)):
        return float("nan"), float("nan")
    rng, weights = generator("tau", len(simulated), len(measured)), np.empty((RESAMPLES, len(names)))
    for part in (np.flatnonzero(where == number) for number in np.unique(where)):
        weights[:, part] = rng.multinomial(len(part), np.full(len(part), 1 / len(part)), size=RESAMPLES)
    one, other = (_mae_deg(room, weights[:, names.get_indexer(room.index)]) for room in (simulated, measured))
    low, high = np.nanquantile(tau_b(one, other), (ALPHA / 2, 1 - ALPHA / 2))
    return float(low), float(high)


def _mae_deg(clips: pd.DataFrame, weights: ArrayLike = 1.0) -> NDArray[np.float64]:
    """MAE of every method over all sequences of ``clips``, a clip counting ``weights [..., C]`` times -> ``[..., M]``."""
    times = np.broadcast_to(weights, (*np.shape(weights)[:-1], len(clips)))
    return (times @ clips["total_deg"].to_numpy(np.float64)) / (times @ clips["sequences"].to_numpy(np.float64))
