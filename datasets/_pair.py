"""Two microphones out of many: how a pair is written, what it sees of a talker, and which of the two is microphone 2."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..benchmark.acoustics import tdoa_s
from ..benchmark.errors import UserError

UP = (0.0, 0.0, 1.0)
"""Coordinates are front, left, up, as in AES69."""

_LEAST_AGREEMENT = 0.5


def parse_pair(text: str, channels: int, where: object) -> list[int]:
    """``4-3`` -> indices ``[3, 2]`` of microphones 1 and 2 among ``channels``. Raises UserError."""
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", text)
    pair = [int(number) - 1 for number in match.groups()] if match else []
    if not pair or pair[0] == pair[1] or not all(0 <= index < channels for index in pair):
        raise UserError(
            f"{where}: pair={text} does not name two of its {channels} channels; write microphones 1 and 2 like pair=2-1"
        )
    return pair


def see(
    direction: ArrayLike, axis: ArrayLike, front: ArrayLike = (1.0, 0.0, 0.0), up: ArrayLike = UP
) -> tuple[float, float, float]:
    """A unit ``direction [3]`` as a pair along ``axis [3]`` (microphone 1 to 2) sees it: DOA and bearing in degrees, depth.

    The DOA is that of the cone around the axis. The bearing is the angle in the array's plane; the depth is positive in the
    half-space that the pair is taken to look into, which is ahead, or to the right where the pair points ahead or back.
    Raises ValueError for a pair whose microphones stand one above the other.
    """
    along, ahead, above = (np.asarray(vector, np.float64) for vector in (axis, front, up))
    along = along / np.linalg.norm(along)
    broadside = np.cross(above, along)
    if np.linalg.norm(broadside) < 0.1:
        raise ValueError("one microphone stands above the other")
    broadside /= np.linalg.norm(broadside)
    for wanted in (ahead, np.cross(ahead, above)):
        if abs(side := float(broadside @ wanted)) > 1e-6:
            broadside *= np.sign(side)
            break
    x, y = float(np.dot(direction, along)), float(np.dot(direction, broadside))
    return float(np.degrees(np.arcsin(np.clip(x, -1, 1)))), float(np.degrees(np.arctan2(x, y))), y


def settle_order(measured_s: Sequence[float], doa_deg: Sequence[float], spacing_m: float, where: object) -> bool:
    """Whether the channels stand as labelled (True), or must change places so that microphone 2 lies on the positive side.

    ``measured_s`` is how much earlier channel 2 hears the sound from each of ``doa_deg``. Raises UserError where these delays
    follow the angles neither way.
    """
    expected = tdoa_s(doa_deg, spacing_m)
    slope = float(np.dot(measured_s, expected) / max(np.dot(expected, expected), 1e-30))
    if abs(slope) < _LEAST_AGREEMENT:
        raise UserError(
            f"{where}: delays between the microphones do not follow the labelled angles (slope {slope:.2f}, expected 1 or -1), "
            f"so it cannot be told which side is positive; check the files, the pair and the spacing of {spacing_m:g} m"
        )
    return slope > 0
