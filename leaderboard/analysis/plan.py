"""Where methods err, seen from above: the room, the array in its middle, and a circle of the error at every talker."""

from __future__ import annotations

from dataclasses import dataclass

from .series import detailed, with_labels
from .tables import Table


@dataclass(frozen=True)
class Spots:
    """The errors of one method: ``mae_deg [K]``, None where nothing was scored."""

    name: str
    method: str
    mae_deg: tuple[float | None, ...]


@dataclass(frozen=True)
class PlanView:
    """One place: ``talkers_m [K]`` and corners of ``walls_m``, in metres from the array's centre as those of `Plan`."""

    place: str
    walls_m: tuple[tuple[float, float], ...]
    talkers_m: tuple[tuple[float, float], ...]
    spots: tuple[Spots, ...]


def plan_views(table: Table) -> list[PlanView]:
    """Every place of a scored set, with each method at its largest number of labels. Empty for records of an older version."""
    rows = [row for row in detailed(table) if row.score and row.score.by_position]
    plan = rows[0].first.plan if rows else None
    if plan is None:
        return []
    views = []
    for place in dict.fromkeys(place for _, _, place in plan.talkers):
        there = [index for index, talker in enumerate(plan.talkers) if talker[2] == place]
        spots = []
        for row in rows:
            if row.score and row.first.plan == plan:
                errors = (row.score.by_position[index] for index in there)
                shown = tuple(round(error, 2) if error == error else None for error in errors)
                spots.append(Spots(with_labels(row), row.method, shown))
        talkers = tuple(plan.talkers[index][:2] for index in there)
        views.append(PlanView(place or "where the grid is", plan.walls.get(place, ()), talkers, tuple(spots)))
    return views
