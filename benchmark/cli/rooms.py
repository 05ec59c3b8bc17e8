"""What a run says of rooms that were read from files, before it trains anything in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..data.half_grid import SUFFIX
from ..dataset import Room
from ..errors import UserError
from ..run.plan import Plan
from .printed import warn

if TYPE_CHECKING:
    from rich.console import Console

MOST_RANGES = 4


def look_at_rooms(plan: Plan, accept: bool, console: Console) -> None:
    """Say how each measured room of a plan was understood and what `doabench data verify` finds in it, and give each fit the
    findings of its rooms. Raises UserError where one is such that no number would mean anything, unless ``accept``."""
    from ...datasets.verify.report import told, verify_room

    found: dict[str, tuple[str, ...]] = {}
    for name, room in plan.rooms.items():
        if not room.measured:
            continue
        with console.status(f"looking at {name}"):
            faults = told(verify_room(room))
        console.print(f"{name}: {understood(room)}", markup=False, highlight=False, soft_wrap=True)
        for kind, line, _ in faults:
            warn(f"{name}: {kind} {line}")
        gross = [f"{kind} {line}" for kind, line, gross in faults if gross]
        if gross and not accept:
            raise UserError(f"{name}: {gross[0]}. Nothing was run; mend it, or run it as it is with --accept-findings")
        found[name] = tuple(f"{kind} {line}" for kind, line, _ in faults)
    for fit in plan.fits:
        rooms = dict.fromkeys(filter(None, [fit.axes.dataset, *(cell.axes.scored_in for cell in fit.cells)]))
        fit.findings = tuple(f"{name}: {line}" for name in rooms for line in found.get(name.removesuffix(SUFFIX), ()))


def understood(room: Room) -> str:
    """Directions, distances, array and reverberation in one line."""
    return "; ".join(_understood(room))


def _understood(room: Room) -> Iterator[str]:
    grid = room.positions("grid")
    angles = sorted({position.doa_deg for position in grid})
    found = sorted({position.range_m for position in grid})
    ranges = ", ".join(f"{range_m:g}" for range_m in found) if len(found) <= MOST_RANGES else f"{found[0]:g} to {found[-1]:g}"
    yield f"{len(angles)} directions from {angles[0]:g} to {angles[-1]:g} degrees at {ranges} m"
    if elsewhere := len(room.positions("off_range")):
        yield f"{elsewhere} positions at other distances"
    yield f"microphones {100 * room.spacing_m:.3g} cm apart"
    known = [f"{one.rt60_s:.2f} s ({one.name})" if one.rt60_s else f"not known ({one.name})" for one in room.conditions]
    yield f"RT60 {', '.join(known[:4])}" + (f" and {len(known) - 4} more" if len(known) > 4 else "")
