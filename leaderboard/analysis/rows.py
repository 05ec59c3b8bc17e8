"""Records to table rows: which records count, and what their seeds come to. Pure but for the reader it is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...benchmark.results import metrics
from ...benchmark.results.catalogue import ACCURACY, COSTS, MAE
from ...benchmark.results.records import CellCode, CellRecord, FitCode, Leaks, State, plugin_name
from ...benchmark.results.scoring import Scored, values_of
from ...benchmark.results.statistics import Estimate, Standing, Value
from .claims import Contender, Verdict, judge, paper_claims
from .clips import Clips
from .comparison import Totals, clip_totals, compare
from .reference import Reference, reference

SPLITS = ("train", "validation", "off_grid", "off_range")
WORST_FIRST: tuple[State, ...] = ("failed", "missing", "not-installed", "skipped", "ok")
Read = Callable[[str], pd.DataFrame]
Axes = tuple[str | int | float, ...]
Good = list[tuple[CellRecord, pd.DataFrame]]


@dataclass(frozen=True)
class Installed:
    """Hashes of the code that is installed: those of `FitCode`, and for every protocol its fingerprint and `CellCode`.

    For people: ``protocol_titles`` with references, and ``citations`` of methods.
    """

    methods: Mapping[str, str]
    rooms: Mapping[str, str]
    speech: Mapping[str, str]
    data: str
    split: str
    protocols: Mapping[str, tuple[str, CellCode]]
    protocol_titles: Mapping[str, tuple[str, str]]
    citations: Mapping[str, str]

    def is_current(self, record: CellRecord) -> bool:
        """Whether the record is of the installed code, all of it. What is not installed cannot be out of date."""
        fit, axes = record.fit, record.axes
        today = FitCode(
            method=self.methods.get(fit.method, fit.code.method),
            room=self.rooms.get(plugin_name(fit.dataset), fit.code.room),
            speech=self.speech.get(plugin_name(fit.speech), fit.code.speech),
            data=self.data,
            split=self.split,
        )
        made_by = axes.protocol_fingerprint, axes.code
        return fit.code == today and self.protocols.get(axes.protocol, made_by) == made_by


@dataclass(frozen=True)
class Score:
    """Scores and costs of a row: ``values`` by the names of `catalogue.METRICS` and `catalogue.COSTS`, made of those of the
    seeds; intervals over the clips of all seeds, as `Clips` counts them. ``by_doa`` and ``confusion`` are of the sequences of
    all seeds together.

    ``confusion [D, T]`` counts estimates by the D true angles of ``by_doa`` and by candidate, where it is drawn.
    """

    values: Mapping[str, Value]
    sequences: int
    clips: int
    floor_deg: float
    by_doa: metrics.ByDoa
    confusion: NDArray[np.int64] | None

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
    that the seeds have in common; ``reasons`` say why seeds are not there; ``clips`` are those of `clip_totals`."""

    first: CellRecord
    seeds: int
    status: State
    reasons: tuple[str, ...]
    score: Score | None
    reference: Reference | None
    leaks: Leaks | None = None
    standing: Standing | None = None
    clips: Totals | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def method(self) -> str:
        return self.first.fit.method

    @property
    def variant(self) -> str:
        return self.first.fit.variant

    @property
    def labels(self) -> int:
        return self.first.fit.labels

    @property
    def split(self) -> str:
        return self.first.axes.split


def choose(
    stored: Iterable[CellRecord], planned: Mapping[str, CellRecord], installed: Installed, newest: Callable[[str], float]
) -> tuple[list[CellRecord], int]:
    """One current record for every cell and seed, and how many stored ones were left out.

    ``planned`` are the cells of the latest request by key; those that are not stored come back as ``missing``. Two records of
    the same axes differ by code or data that only their keys know of: the planned one counts, else the newest by
    ``newest(key)``.
    """
    records = {record.key: record for record in stored}
    waiting = {key: record for key, record in planned.items() if key not in records}
    by_axes: dict[Axes, list[CellRecord]] = {}
    for record in (*records.values(), *waiting.values()):
        if installed.is_current(record):
            by_axes.setdefault((*row_axes(record), record.fit.seed), []).append(record)

    def rank(record: CellRecord) -> tuple[bool, bool, float, str]:
        age = newest(record.key) if record.key in records else 0.0
        return record.key in planned, record.state == "ok", age, record.key

    chosen = [max(found, key=rank) for found in by_axes.values()]
    return chosen, len(records) - sum(record.key in records for record in chosen)


def row_axes(record: CellRecord) -> Axes:
    """What rows are grouped by, in the order that they are sorted in. Data differ from seed to seed and do not count."""
    fit, axes = record.fit, record.axes
    split = SPLITS.index(axes.split) if axes.split in SPLITS else len(SPLITS)
    place = (axes.protocol, fit.dataset, fit.speech, split, axes.split, axes.scale, axes.rt60_s)
    return (*place, axes.protocol_version, axes.protocol_fingerprint, fit.labels, fit.method, fit.variant)


def aggregate(records: Sequence[CellRecord], read: Read) -> list[Row]:
    """Rows in their fixed order. ``read(key)`` gives the stored predictions of a cell and is asked once for each that is ok."""
    groups: dict[Axes, list[CellRecord]] = {}
    for record in sorted(records, key=lambda record: (row_axes(record), record.fit.seed)):
        groups.setdefault(row_axes(record), []).append(record)
    most: dict[Axes, int] = {}
    for group in groups.values():
        if any(record.state == "ok" for record in group):
            most[_curve(group[0])] = max(most.get(_curve(group[0]), 0), group[0].fit.labels)
    clips = {place: Clips(found) for place, found in _by_place(records).items()}
    # only the largest number of labels is drawn angle by angle, and that is the slow part of scoring
    rows = []
    for group in groups.values():
        good, states, reasons = _read(group, read)
        with_confusion = most.get(_curve(group[0])) == group[0].fit.labels
        rows.append(_row(group, good, clips[_place(group[0])], states, reasons, with_confusion))
    places = [_place(row.first) for row in rows]
    contenders = [
        Contender(place, row.method, not row.variant, row.labels, row.first.fit.nominal_labels)
        for row, place in zip(rows, places, strict=True)
    ]
    totals, shown = [row.clips for row in rows], [row.score.mae_deg.mean if row.score else None for row in rows]
    standing = compare([(place, row.labels) for row, place in zip(rows, places, strict=True)], totals, shown)
    verdicts = judge(paper_claims(), contenders, totals)
    found = zip(rows, standing, verdicts, strict=True)
    return [replace(row, standing=where, verdicts=claims) for row, where, claims in found]


def _place(record: CellRecord) -> Axes:
    """The scored set that a record belongs to, over all seeds."""
    return row_axes(record)[:-3]


def _by_place(records: Iterable[CellRecord]) -> dict[Axes, list[CellRecord]]:
    found: dict[Axes, list[CellRecord]] = {}
    for record in records:
        found.setdefault(_place(record), []).append(record)
    return found


def _curve(record: CellRecord) -> Axes:
    *place, _, method, variant = row_axes(record)
    return (*place, method, variant)


def _read(group: list[CellRecord], read: Read) -> tuple[Good, set[State], list[str]]:
    """Records with their predictions, the states of all seeds, and why some are not there."""
    good: list[tuple[CellRecord, pd.DataFrame]] = []
    states, reasons = set[State](), []
    for record in group:
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


def _row(
    group: list[CellRecord], good: Good, clips: Clips, states: set[State], reasons: list[str], with_confusion: bool
) -> Row:
    first = group[0]
    fit, axes = first.fit, first.axes
    return Row(
        first=first,
        seeds=len(good),
        status=next(state for state in WORST_FIRST if state in states),
        reasons=tuple(dict.fromkeys(reasons)),
        score=_score(good, clips, with_confusion) if good else None,
        reference=reference(axes.protocol, axes.split, fit.candidates_deg, fit.method, fit.variant, fit.labels),
        leaks=_worst([record.leaks for record, _ in good if record.leaks]),
        clips=clip_totals(good, clips) if good else None,
    )


def _worst(leaks: list[Leaks]) -> Leaks | None:
    """Of the seed whose scored sequences share most frames, then clips, then speakers, with labelled ones."""
    return max(leaks, key=lambda leak: tuple(leak.labelled.model_dump().values()), default=None)


def _score(good: Good, clips: Clips, with_confusion: bool) -> Score:
    """Everything from the predictions but the costs."""
    first = good[0][0]
    clip = np.concatenate([clips.numbers(record, table["clip"].to_numpy()) for record, table in good])
    seeds = [Scored(table, record.fit.candidates_deg, record.axes.counts_hits) for record, table in good]
    estimated, true = (np.concatenate([getattr(seed, name) for seed in seeds]) for name in ("estimated_deg", "true_deg"))
    costs = {cost.name: cost.over_seeds([getattr(record, cost.name) for record, _ in good]) for cost in COSTS}
    return Score(
        values=values_of(seeds, clip) | costs,
        sequences=len(true),
        clips=len(np.unique(clip)),
        floor_deg=fmean(metrics.classifier_floor_deg(seed.true_deg, seed.candidates_deg) for seed in seeds),
        by_doa=metrics.by_doa(metrics.absolute_error_deg(estimated, true), true),
        confusion=metrics.confusion(estimated, true, first.fit.candidates_deg) if with_confusion else None,
    )
