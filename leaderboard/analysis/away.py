"""At home and away: the errors of one fit where it was trained and where it was not, side by side.

A method that has learned directions loses little away from home; one that has learned a room loses much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...benchmark.results.records import LeakShares
from ...benchmark.results.statistics import Estimate, point
from .current import Entry
from .rows import Row, largest_shares
from .sets import ScoredSet

HOME, UNSEEN = ("label-sweep", "validation"), ("unseen-place", "unseen")
SIMULATED = "sim-to-real"
ELSEWHERE = {
    ("off-grid", "off_grid"): "Off-grid",
    ("off-range", "off_range"): "Off-range",
    (SIMULATED, "validation"): "Home, simulated labels too",
}
STRICT = "-strict"


@dataclass(frozen=True)
class Place:
    """A column: what is scored there, and the most that any fit shares with it."""

    title: str
    shares: LeakShares | None


@dataclass(frozen=True)
class AwayLine:
    """One method at one number of labels from the room. ``mae_deg`` stands below `AwayTable.places` (None: not scored there);
    calibration errors are of home and of all unseen places; ``by_place`` is that of `rows.Score`."""

    row: Row
    mae_deg: tuple[Estimate | None, ...]
    home_ece_pct: float | None
    unseen_ece_pct: float | None
    by_place: Mapping[str, float]


@dataclass(frozen=True)
class AwayTable:
    """All methods that were scored at unseen places of one room. ``best`` has the lowest MAE of each column, by number of
    labels."""

    title: str
    places: tuple[Place, ...]
    lines: tuple[AwayLine, ...]

    def is_best(self, line: AwayLine, column: int) -> bool:
        """Whether none with as many labels, or with none, is better there."""
        rivals = [other for other in self.lines if other.row.labels in (0, line.row.labels)]
        known = [value.mean for other in rivals if (value := other.mae_deg[column]) is not None]
        own = line.mae_deg[column]
        return own is not None and round(own.mean, 2) == round(min(known), 2)


def away_tables(sets: Sequence[ScoredSet]) -> list[AwayTable]:
    """One for each room, corpus, scale and kind of protocol (published, strict) with unseen places."""
    by_axes = {_axes(one): one for one in sets}
    return [_table(one, by_axes) for axes, one in by_axes.items() if axes[1:3] == UNSEEN]


def _axes(one: ScoredSet) -> tuple[str, ...]:
    """Whether strict, protocol and split; room, corpus and scale."""
    fit, axes = one.rows[0].first.fit, one.rows[0].first.axes
    strict = STRICT if axes.protocol.endswith(STRICT) or axes.protocol == SIMULATED else ""
    return strict, axes.protocol.removesuffix(STRICT), axes.split, one.rows[0].first.room, fit.speech, axes.scale


def _table(unseen: ScoredSet, by_axes: Mapping[tuple[str, ...], ScoredSet]) -> AwayTable:
    strict, _, _, *where = _axes(unseen)
    home = _rows(by_axes.get((strict, *HOME, *where)))
    others = {
        title: found
        for (protocol, split), title in ELSEWHERE.items()
        if (found := _rows(by_axes.get((strict, protocol, split, *where))))
    }
    away = {row.entry: row for row in unseen.rows if row.score is not None and not row.origin.outdated}
    kinds = dict.fromkeys(_kind(place) for row in away.values() if row.score for place in row.score.by_place)
    places = [Place("Home", largest_shares(home.values())), Place("Unseen places", largest_shares(away.values()))]
    places += [Place(kind, None) for kind in kinds]
    places += [Place(title, largest_shares(found.values())) for title, found in others.items()]
    rows = others.get(ELSEWHERE[SIMULATED, "validation"], {}) | away
    lines = tuple(
        _line(rows[own], home.get(own), away.get(own), list(kinds), [found.get(own) for found in others.values()])
        for own in sorted(rows)
    )
    return AwayTable(f"{where[0]}, {where[1]}, {where[2]} scale{', strict' if strict else ''}", tuple(places), lines)


def _rows(one: ScoredSet | None) -> dict[Entry, Row]:
    return {row.entry: row for row in one.rows if row.score is not None} if one else {}


def _kind(place: str) -> str:
    return place.partition(":")[0].capitalize()


def _line(row: Row, home: Row | None, away: Row | None, kinds: Sequence[str], others: Sequence[Row | None]) -> AwayLine:
    by_place = away.score.by_place if away and away.score else {}
    by_kind = [[deg for place, deg in by_place.items() if _kind(place) == kind] for kind in kinds]
    unknown = float("nan")
    return AwayLine(
        row,
        mae_deg=(
            _mae(home),
            _mae(away),
            *(Estimate(fmean(degs), unknown, unknown) if degs else None for degs in by_kind),
            *(_mae(other) for other in others),
        ),
        home_ece_pct=_ece(home),
        unseen_ece_pct=_ece(away),
        by_place=by_place,
    )


def _mae(row: Row | None) -> Estimate | None:
    return row.score.mae_deg if row and row.score else None


def _ece(row: Row | None) -> float | None:
    return point(row.score.values["ece_pct"]) if row and row.score else None
