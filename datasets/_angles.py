"""How a table counts its angles. The suite counts degrees from broadside, positive toward microphone 2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from ..benchmark.acoustics import tdoa_s
from ..benchmark.errors import UserError
from ._table import TableRow

Angles: TypeAlias = Literal["broadside", "from-axis", "circle", "radians"]
"""From broadside, -90 to 90 (the default); from the axis through the microphones, 0 toward microphone 2 to 180; round the
circle from broadside, 0 to 360, those behind the pair not allowed; in radians from broadside."""

_BOUNDS: dict[Angles, tuple[float, float]] = {
    "broadside": (-90, 90),
    "from-axis": (0, 180),
    "circle": (-360, 360),
    "radians": (-1.571, 1.571),
}
_WORDS = {"from-axis": "from the axis through the microphones", "circle": "round the circle"}
_FIT = 0.9
"""Correlation of delays with those of a reading from which the reading is believed."""


def read_angles(
    rows: Sequence[TableRow], angles: Angles, pair: str, spacing_m: float, delay_s: Callable[[TableRow], float]
) -> list[float]:
    """DOA of every row in degrees from broadside. Raises UserError for an angle that the reading does not have; what the delays
    say of such angles is told. ``delay_s`` measures by how much earlier microphone 2 hears a row."""
    try:
        return [_read(row, angles) for row in rows]
    except UserError as error:
        if angles != "broadside":
            raise
        raise UserError(_told(rows, pair, spacing_m, delay_s) or str(error)) from error


def _read(row: TableRow, angles: Angles) -> float:
    given = row.number("doa_deg", *_BOUNDS[angles])
    if angles == "broadside":
        return given
    found = round(_from_broadside(given, angles), 2) + 0.0
    if abs(found) > 90:
        raise UserError(_behind(row, found))
    return found


def _from_broadside(given: float, angles: Angles) -> float:
    if angles == "from-axis":
        return 90 - given
    if angles == "circle":
        return 180 - (180 - given) % 360
    return max(-90.0, min(90.0, math.degrees(given)))


def _told(rows: Sequence[TableRow], pair: str, spacing_m: float, delay_s: Callable[[TableRow], float]) -> str:
    """What is wrong with angles beyond 90 degrees, and what to write instead; empty where they are no angles at all."""
    try:
        given = [row.number("doa_deg", -360, 360) for row in rows]
    except UserError:
        return ""
    beyond = next(row for row, value in zip(rows, given, strict=True) if abs(value) > 90)
    measured_s = np.array([delay_s(row) for row in rows])
    fits: dict[Angles, float] = {}
    for angles in ("from-axis", "circle"):
        low, high = _BOUNDS[angles]
        expected_s = tdoa_s([_from_broadside(value, angles) for value in given], spacing_m)
        norm = float(np.linalg.norm(expected_s) * np.linalg.norm(measured_s))
        fits[angles] = float(expected_s @ measured_s) / max(norm, 1e-300) if low <= min(given) and max(given) <= high else 0.0
    best = max(fits, key=lambda angles: abs(fits[angles]))
    said = f"{beyond.where}: doa_deg is {beyond.text('doa_deg')!r}; "
    if abs(fits[best]) < _FIT:
        choices = ", ".join(f"angles={angles} for {words}" for angles, words in _WORDS.items())
        return f"{said}expected a number from -90 to 90, 0 broadside; or write {choices}"
    if best == "circle" and max(map(abs, given)) <= 180:
        return _behind(beyond, beyond.number("doa_deg", -180, 180))
    turned = f",pair={'-'.join(reversed(pair.split('-')))}" if fits[best] < 0 else ""
    return f"{said}by the delays between the microphones angles are counted {_WORDS[best]}: write [angles={best}{turned}]"


def _behind(row: TableRow, doa_deg: float) -> str:
    before = math.copysign(180 - abs(doa_deg), doa_deg)
    return (
        f"{row.where}: doa_deg {row.text('doa_deg')} is behind the pair, which hears it like {before:g} before it and cannot "
        "tell them apart; give that, or leave the line out"
    )
