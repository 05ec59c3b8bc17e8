"""Records to scored sets with their rows, in one grouping from which clips, comparisons and tables follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.results.records import CellRecord
from .clips import Clips
from .comparison import compared
from .current import Axes, Entry, entry, set_axes
from .rows import Read, Row, make_row
from .shipped import NOTHING, Origin, Shipped


@dataclass(frozen=True)
class ScoredSet:
    """The rows of one scored set, over all its seeds, in their fixed order. It has at least one."""

    rows: tuple[Row, ...]


def scored_sets(records: Iterable[CellRecord], read: Read, shipped: Shipped = NOTHING) -> list[ScoredSet]:
    """Scored sets in their fixed order. ``read(key)`` gives the stored predictions of a cell and is asked once for each that is
    ok. ``shipped`` knows which of the records came with the suite."""
    grouped: dict[Axes, dict[Entry, list[CellRecord]]] = {}
    for record in sorted(records, key=lambda record: (set_axes(record), entry(record), record.fit.seed)):
        grouped.setdefault(set_axes(record), {}).setdefault(entry(record), []).append(record)
    return [_scored_set(by_entry, read, shipped) for by_entry in grouped.values()]


def _scored_set(by_entry: Mapping[Entry, Sequence[CellRecord]], read: Read, shipped: Shipped) -> ScoredSet:
    clips = Clips(record for seeds in by_entry.values() for record in seeds)
    drawn = _most_labels(by_entry)  # angle by angle, which is the slow part of scoring
    origins = {own: _origin(shipped, seeds) for own, seeds in by_entry.items()}
    rows = [make_row(seeds, clips, read, own in drawn, origins[own]) for own, seeds in by_entry.items()]
    return ScoredSet(tuple(compared(rows)))


def _origin(shipped: Shipped, seeds: Sequence[CellRecord]) -> Origin:
    """That of the seed that says most against a row."""
    return max((shipped.origin(record) for record in seeds), key=lambda origin: (origin.name == "shipped", origin.outdated))


def _most_labels(by_entry: Mapping[Entry, Sequence[CellRecord]]) -> set[Entry]:
    """Of every method and variant the entry with the most labels that came through."""
    found: dict[tuple[str, str], Entry] = {}
    for own in sorted(by_entry):
        if any(record.state == "ok" for record in by_entry[own]):
            _, method, variant = own
            found[method, variant] = own
    return set(found.values())
