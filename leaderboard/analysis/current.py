"""Which of the stored records count: those of the installed code, one for every cell and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ...benchmark.results.records import CellCode, CellRecord, FitCode, plugin_name

SPLITS = ("train", "validation", "off_grid", "off_range", "unseen")
Axes: TypeAlias = tuple[str | int | float, ...]
Entry: TypeAlias = tuple[int, str, str]
"""What tells rows of one scored set apart, in the order that they are sorted in: labels, method, variant."""


@dataclass(frozen=True)
class Installed:
    """Hashes of the code that is installed: those of `FitCode`, and for every protocol its fingerprint and `CellCode`.

    For people: ``protocol_titles`` with references, and of methods ``citations``, the values that ``parameters`` have where
    nothing is said, and the files of their ``sources``.
    """

    methods: Mapping[str, str]
    rooms: Mapping[str, str]
    speech: Mapping[str, str]
    data: str
    split: str
    protocols: Mapping[str, tuple[str, CellCode]]
    protocol_titles: Mapping[str, tuple[str, str]]
    citations: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, tuple[Path, ...]]

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
        other = self.rooms.get(plugin_name(axes.scored_in), axes.scored_in_code)
        return fit.code == today and other == axes.scored_in_code and self.protocols.get(axes.protocol, made_by) == made_by


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
            by_axes.setdefault((*set_axes(record), *entry(record), record.fit.seed), []).append(record)

    def rank(record: CellRecord) -> tuple[bool, bool, float, str]:
        age = newest(record.key) if record.key in records else 0.0
        return record.key in planned, record.state == "ok", age, record.key

    chosen = [max(found, key=rank) for found in by_axes.values()]
    return chosen, len(records) - sum(record.key in records for record in chosen)


def set_axes(record: CellRecord) -> Axes:
    """The scored set that a record belongs to, over all seeds: in the order that sets are sorted in. Data differ from seed to
    seed and do not count."""
    fit, axes = record.fit, record.axes
    split = SPLITS.index(axes.split) if axes.split in SPLITS else len(SPLITS)
    place = (axes.protocol, record.room, record.trained_in, fit.speech, split, axes.split, axes.scale, axes.rt60_s)
    return (*place, axes.protocol_version, axes.protocol_fingerprint)


def entry(record: CellRecord) -> Entry:
    fit = record.fit
    return fit.labels, fit.method, fit.variant
