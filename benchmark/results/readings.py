"""Answers that follow the truth, but in other units, from another zero or to the other side."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

FOLLOWS = 0.3
"""The correlation with the truth from which on answers are taken to follow it."""
RADIANS = 1.6
"""Just above pi / 2."""
CONVENTION = "0 is broadside, positive is toward microphone 2, from -90 to 90 degrees"


def misread(estimated_deg: ArrayLike, true_deg: ArrayLike, candidates_deg: ArrayLike) -> str:
    """What ``estimated_deg [N]`` seem to be instead of degrees by the suite's convention; empty where they seem to be these,
    where they follow the truth in no way, or where the talkers stand on one side only."""
    estimated, true, candidates = (np.asarray(values, np.float64) for values in (estimated_deg, true_deg, candidates_deg))
    if not (len(true) and true.min() < -RADIANS and true.max() > RADIANS) or np.ptp(estimated) == 0:
        return ""
    correlation = float(np.corrcoef(estimated, true)[0, 1])
    if abs(correlation) < FOLLOWS:
        return ""
    side, last, most = "" if correlation > 0 else ", and mirrored", len(candidates), estimated.max()
    if np.abs(estimated).max() <= RADIANS:
        return f"all answers lie within +-{RADIANS}: they seem to be radians{side}; give degrees, np.degrees(...)"
    if _are_classes(estimated, last):
        return f"all answers are whole numbers below {last}: they seem to be classes{side}; give setup.candidates_deg[class]"
    if estimated.min() >= 0 and most <= 180:
        what = "from the axis" if most > 90 else "without their side"
        return f"all answers lie from 0 to {most:.0f}, talkers on both sides: angles {what}{side}? {CONVENTION}"
    return "the answers are mirrored; positive is toward microphone 2" if correlation < 0 else ""


def _are_classes(estimated: np.ndarray, count: int) -> bool:
    whole = np.array_equal(estimated, np.round(estimated))
    return bool(whole and estimated.min() >= 0 and estimated.max() < count)
