"""Records of one method to a table row: what its seeds come to. Pure but for the reader that is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...benchmark.results import metrics
from ...benchmark.results.catalogue import ACCURACY, COSTS, MAE
from ...benchmark.results.records import CellRecord, Leaks, LeakShares, State
from ...benchmark.results.scoring import Scored, values_of
from ...benchmark.results.standings import Standing
from ...benchmark.results.statistics import Estimate, Value
from .claims import Verdict
from .clips import Clips, Totals, sampled, totals, units_of
from .current import Entry, entry
from .reference import Reference, reference
from .shipped import OWN, Origin
from .trust import Trust, trust_of

WORST_FIRST: tuple[State, ...] = ("failed", "missing", "not-installed", "skipped", "ok")
Read: TypeAlias = Callable[[str], pd.DataFrame]
"""The stored predictions of a cell by its key."""
Good: TypeAlias = list[tuple[CellRecord, pd.DataFrame]]


@dataclass(frozen=True)
class Score:
    """Scores and costs of a row: ``values`` by the names of `catalogue.METRICS` and `catalogue.COSTS`, made of those of the
    seeds; intervals over clips as `Clips` counts them, places and fits. ``by_doa``, ``by_place`` (MAE where positions have a
    place, else empty) and ``confusion`` are of the sequences of all seeds together.

    ``confusion [D, T]`` counts estimates by the D true angles of ``by_doa`` and by candidate, where it is drawn; so with
    ``trust``, where there are probabilities, and with ``by_position``, the MAE of each of `Plan.talkers` (nan: not scored).
    """

    values: Mapping[str, Value]
    sequences: int
    clips: int
    floor_deg: float
    by_doa: metrics.ByDoa
    by_place: Mapping[str, float]
    confusion: NDArray[np.int64] | None
    trust: Trust | None
    by_position: tuple[float, ...]

    @property
    def mae_deg(self) -> Estimate:
        found = self.values[MAE.name]
        assert isinstance(found, Estimate)
        return found

    @property
    def accuracy_pct(self) -> Estimate | None:
        found = self.values[ACCURACY.name]
        assert found is None or isinstance(found, Estimate)
        return found


@dataclass(frozen=True)
class Row:
    """One method at one number of labels on one scored set, over its seeds. ``first`` is the record of the lowest seed, for all
    that the seeds have in common; ``reasons`` say why seeds are not there; ``totals`` are those of
    `clips` (None where nothing is to be compared); `comparison` adds ``standings``, by the number of labels of those that
    it is compared with, and ``verdicts``."""

    first: CellRecord
    seeds: int
    status: State
    reasons: tuple[str, ...]
    score: Score | None
    reference: Reference | None
    leaks: Leaks | None = None
    standings: Mapping[int, Standing] = field(default_factory=dict)
    totals: Totals | None = None
    verdicts: tuple[Verdict, ...] = ()
    origin: Origin = OWN
    records: tuple[CellRecord, ...] = ()

    @property
    def standing(self) -> Standing | None:
        """Among rows with as many labels and those that use none."""
        return self.standings.get(self.labels)

    @property
    def entry(self) -> Entry:
        return entry(self.first)

    @property
    def method(self) -> str:
        return self.first.fit.method

    @property
    def variant(self) -> str:
        return self.first.fit.variant

    @property
    def marked_published(self) -> bool:
        """Whether it is the published form of a method that has another one, too."""
        return self.first.fit.as_published and bool(self.variant)

    @property
    def name(self) -> str:
        """Of the method in its form."""
        return self.first.fit.name

    @property
    def labels(self) -> int:
        return self.first.fit.labels

    @property
    def split(self) -> str:
        return self.first.axes.split


def make_row(seeds: Sequence[CellRecord], clips: Clips, read: Read, with_confusion: bool, origin: Origin = OWN) -> Row:
    """The row of the records of one method, one for each seed. ``read`` is asked once for each that is ok."""
    first = seeds[0]
    fit, axes = first.fit, first.axes
    good, states, reasons = _read(seeds, read)
    score, cells = _score(good, clips, with_confusion) if good else (None, None)
    return Row(
        first=first,
        seeds=len(good),
        status=next(state for state in WORST_FIRST if state in states),
        reasons=tuple(dict.fromkeys(reasons)),
        score=score,
        reference=reference(axes.protocol, axes.split, fit.candidates_deg, fit.method, fit.labels)
        if fit.as_published
        else None,
        leaks=_worst([record.leaks for record, _ in good if record.leaks]),
        totals=None if origin.outdated else cells,
        origin=origin,
        records=tuple(seeds),
    )


def _read(seeds: Sequence[CellRecord], read: Read) -> tuple[Good, set[State], list[str]]:
    """Records with their predictions, the states of all seeds, and why some are not there."""
    good: list[tuple[CellRecord, pd.DataFrame]] = []
    states, reasons = set[State](), []
    for record in seeds:
        state, reason = record.state, record.reason
        if state == "ok":
            try:
                good.append((record, read(record.key)))
            except (OSError, ValueError) as error:  # a damaged file costs its own row, not the whole page
                state, reason = "failed", f"its stored predictions cannot be read ({error})"
        states.add(state)
        if state != "ok":
            reasons.append(" ".join(reason.split()) or "not run yet")
    return good, states, reasons


def _worst(leaks: list[Leaks]) -> Leaks | None:
    """Of the seed whose scored sequences share most frames, then clips, then speakers, with labelled ones."""
    return max(leaks, key=lambda leak: tuple(leak.labelled.model_dump().values()), default=None)


def largest_shares(rows: Iterable[Row]) -> LeakShares | None:
    """The largest of each share of labelled sequences among ``rows`` that learned; None where there are none."""
    found = [row.leaks.labelled for row in rows if row.leaks and (row.labels or row.first.learned)]
    if not found:
        return None
    known = [share.response_pct for share in found if share.response_pct is not None]
    return LeakShares(
        frame_pct=max(share.frame_pct for share in found),
        clip_pct=max(share.clip_pct for share in found),
        speaker_pct=max(share.speaker_pct for share in found),
        response_pct=max(known, default=None),
    )


def _score(good: Good, clips: Clips, with_confusion: bool) -> tuple[Score, Totals]:
    """Everything from the predictions but the costs."""
    first, names = good[0][0], sampled(good, clips)
    seeds = [Scored(table, record.fit.candidates_deg, record.axes.counts_hits) for record, table in good]
    estimated, true = (np.concatenate([getattr(seed, name) for seed in seeds]) for name in ("estimated_deg", "true_deg"))
    costs = {cost.name: cost.over_seeds([getattr(record, cost.name) for record, _ in good]) for cost in COSTS}
    error_deg = metrics.absolute_error_deg(estimated, true)
    score = Score(
        values=values_of(seeds, units_of(names)) | costs,
        sequences=len(true),
        clips=len(np.unique(names["clip"])),
        floor_deg=fmean(metrics.classifier_floor_deg(seed.true_deg, seed.candidates_deg) for seed in seeds),
        by_doa=metrics.by_doa(error_deg, true),
        by_place=_by_place([table for _, table in good]),
        confusion=metrics.confusion(estimated, true, first.fit.candidates_deg) if with_confusion else None,
        trust=trust_of(seeds) if with_confusion else None,
        by_position=_by_position(good) if with_confusion and first.plan else (),
    )
    return score, totals(names, error_deg, clips)


def _by_position(good: Good) -> tuple[float, ...]:
    """MAE of every position over all seeds."""
    plan = good[0][0].plan
    assert plan is not None
    found = pd.concat([table[["position", "estimated_deg", "true_deg"]] for _, table in good])
    error_deg = metrics.absolute_error_deg(found["estimated_deg"], found["true_deg"])
    position, count = np.asarray(found["position"], np.int64), len(plan.talkers)
    heard = np.bincount(position, minlength=count)[:count]
    total_deg = np.bincount(position, weights=error_deg, minlength=count)[:count]
    return tuple(np.where(heard > 0, total_deg / np.maximum(heard, 1), np.nan).tolist())


def _by_place(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """MAE by place, in the order in which places are scored."""
    errors: dict[str, list[NDArray[np.float64]]] = {}
    for table in (table for table in tables if "place" in table):
        error_deg = metrics.absolute_error_deg(table["estimated_deg"], table["true_deg"])
        place, position = table["place"].astype(str).to_numpy(), table["position"].to_numpy()
        for name in dict.fromkeys(place[np.argsort(position, kind="stable")]):
            errors.setdefault(name, []).append(error_deg[place == name])
    return {name: float(np.concatenate(found).mean()) for name, found in errors.items()}
