"""Do a room's impulse responses fit what is said of them? Each response by itself, then the delays of all together.

The delay of the direct sound is fitted over positions as ``scale * r sin(theta) / c + offset`` (Theil and Sen, so that up to a
quarter of the positions may be wrong). Scale, sign and offset show which fault the array has; residuals show faults of single
positions.

Thresholds stand well clear of clean rooms. "Clean" below is the worst value in `dtu-twin`, `mir-twin` (three reverberation
times) and the measured R3VIVAL (eight settings, seven pairs of microphones).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from ...benchmark.acoustics import tdoa_s
from ...benchmark.dataset import SAMPLE_RATE_HZ
from .._measure import Floats
from .measure import REACH, Flags, Measurements, measure

DELAY_S = 25e-6
"""Residual and offset, 0.4 samples, or a tenth of the largest delay where that is more. Clean: 0.18 and 0.11 samples."""
OFFSET_S = 45e-6
"""The largest offset that passes, however wide the pair is: one sample is 62.5 us."""
SCALE = 0.05
"""Of 1. Clean: 0.023; temperature alone is worth 0.02."""
RT60 = 0.25
"""Of the label. Clean: 0.10; nominal values of published rooms are rounded more than that."""
GAIN_DB, SILENT_DB = 3.0, 30.0
"""Between the channels, over all positions and at one. Clean: 1.4 and 1.9 dB."""
DC = 1e-3
"""Mean of the last quarter over the peak. Clean: 2e-6."""
CLIPPED = 3
"""Samples within a thousandth of the peak. Clean: 2."""
LOST_DB, LATE_S = 6.0, 0.001
"""How far the direct sound may lie below that of other positions, corrected for range; half as far if the onset is late too.
Clean: 2.4 dB."""
SAME = 0.9999
"""Correlation of two responses, or of two channels. Clean: 0.83."""
LEAST_SCALE = 0.1
"""Below this scale, delays do not change with the angle at all."""
MOST = 0.7
"""Share of positions that must agree before the others are blamed: Theil-Sen breaks down at 0.71."""


GROSS = frozenset({"radians", "from-axis", "front-back", "swapped", "sample-rate", "delays"})
"""Kinds of findings with which all directions of a room are something else than they are called."""
TELL_NOTHING = frozenset({"silent", "identical"})
"""Kinds of findings with which a position has no direction."""


@dataclass(frozen=True)
class Finding:
    """A fault: its ``kind``, the positions that show it, what was found there, what to do about it."""

    kind: str
    positions: tuple[int, ...]
    found: str
    todo: str


def verify(
    responses: NDArray[np.floating], doa_deg: ArrayLike, range_m: ArrayLike, spacing_m: float, rt60_s: float | None
) -> tuple[list[Finding], Measurements]:
    """Faults of one condition's ``responses [P, 2, samples]`` at 16 kHz, and all that was measured to find them.

    ``rt60_s`` is the label; none or 0 is not compared.
    """
    angles, ranges = np.asarray(doa_deg, np.float64), np.asarray(range_m, np.float64)
    measured = measure(responses, spacing_m)
    findings, unfit = _faults_of_responses(responses, measured, tdoa_s(angles, spacing_m), ranges)
    if (~unfit).sum() >= 3 and len(set(angles[~unfit])) >= 3:
        more, measured = faults_of_delays(measured, angles, spacing_m, ~unfit, rt60_s)
        findings += more
    else:
        findings += _wrong_rt60(measured, rt60_s)
    return findings, measured


def _faults_of_responses(
    responses: NDArray[np.floating], measured: Measurements, expected_s: Floats, range_m: Floats
) -> tuple[list[Finding], Flags]:
    """The faults that single responses show, and which responses have no delay that means anything."""
    finite, gain_db = measured.finite, measured.gain_db
    flat = np.nan_to_num(np.asarray(responses, np.float64), nan=0, posinf=0, neginf=0)
    silent, identical = without_delay(measured, _correlation(flat[:, 0], flat[:, 1]), expected_s)
    unfit = ~finite | silent | identical
    flat_tops = finite & ~silent & _flat_tops(measured)
    lost, cut = _lost_direct(measured, range_m, ~unfit & ~flat_tops)
    typical_db = float(np.median(gain_db[~unfit])) if (~unfit).any() else 0.0
    loud, turned = ~unfit & (abs(typical_db) > GAIN_DB), ~(unfit | lost | cut | measured.same_polarity)
    checks = [
        ("non-finite", ~finite, "NaN or infinite samples", "export these responses again"),
        ("silent", silent, f"a channel is silent or {SILENT_DB:g} dB below the other", "choose another pair or measure again"),
        ("identical", identical, "both channels hold one signal", "export two microphones, not one twice"),
        ("clipped", flat_tops, "flat tops", "measure at a lower level"),
        ("dc", finite & (np.abs(measured.dc) > DC).any(axis=1), "a constant is added", "take out the mean of the tail"),
        ("polarity", turned, "the channels have opposite polarity", "turn one channel's sign"),
        ("gain", loud, f"channel 2 is {typical_db:+.1f} dB over channel 1", "calibrate the gains"),
        ("no-direct-sound", lost, "far less direct sound than elsewhere", "check for a blocked path, a late cut or clipping"),
        ("cut-onset", cut, "begins in the direct sound", "cut the responses earlier"),
    ]
    found = [Finding(kind, at(where), text, todo) for kind, where, text, todo in checks if where.any()]
    for copies in _duplicates(flat, finite & (measured.peak > 0).all(axis=1)):
        todo = "all but one are copies under a wrong name: export them again"
        found.append(Finding("duplicate", copies, f"{len(copies)} positions hold one response", todo))
    return found, unfit | lost | cut


def without_delay(measured: Measurements, alike: Floats, expected_s: Floats) -> tuple[Flags, Flags]:
    """Where a channel is silent, and where both hold one signal. ``alike [P]`` is the correlation between the channels."""
    silent = measured.finite & ((measured.peak == 0).any(axis=1) | (np.abs(measured.gain_db) > SILENT_DB))
    same = measured.finite & ~silent & (alike > SAME)
    return silent, same & ((np.abs(expected_s) > DELAY_S) | same.all())  # one at broadside may hear the same twice


def _flat_tops(measured: Measurements) -> Flags:
    return np.asarray((measured.clipped >= CLIPPED).any(axis=1))


def _lost_direct(measured: Measurements, range_m: Floats, usable: Flags) -> tuple[Flags, Flags]:
    """Where the direct sound is missing, and where a response begins in it."""
    cut = usable & (measured.onset_s < 4 / SAMPLE_RATE_HZ)
    lost = np.zeros(len(usable), bool)
    if usable.sum() >= 3:
        direct_db = np.minimum(np.nan_to_num(measured.direct_db), 20.0)  # beyond that there is no room to speak of
        at_1_m = direct_db + 20 * np.log10(np.maximum(range_m, 0.1))
        less_db = np.median(at_1_m[usable]) - at_1_m
        late_s = np.zeros(len(usable))
        for ring in (usable & (range_m == metres) for metres in set(range_m[usable])):
            late_s[ring] = measured.onset_s[ring] - np.median(measured.onset_s[ring])
        lost = usable & ~cut & ((less_db > LOST_DB) | ((less_db > LOST_DB / 2) & (late_s > LATE_S)))
    return lost, cut


def faults_of_delays(
    measured: Measurements, doa_deg: Floats, spacing_m: float, usable: Flags, rt60_s: float | None, tolerance: float = SCALE
) -> tuple[list[Finding], Measurements]:
    """What the delays of all usable positions together show, and what was measured with the fit. The scale of clean positions
    lies within ``tolerance`` of 1."""
    found: list[Finding] = []
    limit_s, ratio = max(DELAY_S, 0.1 * float(tdoa_s(90, spacing_m))), _rt60_ratio(measured, rt60_s)
    reading, expected_s, line = _read_angles(measured.tdoa_s, doa_deg, spacing_m, usable, limit_s)
    residual_s = measured.tdoa_s - (line.scale * expected_s + line.offset_s)
    measured = replace(measured, residual_s=residual_s, scale=line.scale, offset_s=line.offset_s)
    off = usable & (np.abs(residual_s) > line.limit_s(limit_s))
    if (np.abs(doa_deg) > 90).any() and not reading:
        todo = "a pair cannot tell front from back: give angles of one half plane, -90 to 90, positive toward microphone 2"
        found.append(Finding("front-back", at(np.abs(doa_deg) > 90), "angles beyond +-90 degrees", todo))
    if (~off)[usable].mean() < MOST or abs(line.scale) < LEAST_SCALE:
        off = off if abs(line.scale) >= LEAST_SCALE else usable
        text = f"delays do not follow the angles at {off.sum()} of {usable.sum()} positions"
        todo = "check the table of angles, the pair, and whether the files are of this array"
        found.append(Finding("delays", at(off), text, todo))
    else:
        faults = _faults_of_array(reading, line, spacing_m, min(OFFSET_S, limit_s), ratio, tolerance)
        found += [Finding(kind, tuple(range(len(doa_deg))), text, todo) for kind, text, todo in faults]
        found += _faults_of_positions(measured, expected_s, line, off, limit_s, spacing_m)
    if not any(finding.kind == "sample-rate" for finding in found):  # that explains a wrong RT60
        found += _wrong_rt60(measured, rt60_s)
    return found, measured


def _faults_of_array(
    reading: str, line: _Line, spacing_m: float, offset_s: float, ratio: float | None, tolerance: float
) -> Iterator[tuple[str, str, str]]:
    """Kind, text and remedy of what is wrong with all positions alike. ``ratio`` is the measured over the labelled RT60."""
    if reading:
        yield reading, *_READINGS[reading]
    if line.scale < 0 and reading != "front-back":
        todo = "swap the two channels, as [pair=2-1] does, or turn the sign of the angles: positive is toward microphone 2"
        yield "swapped", "delays follow the angles with the opposite sign", todo
    factor = abs(line.scale)
    if abs(factor - 1) > tolerance and not line.low <= 1 <= line.high:
        if ratio and 1 / (1 + RT60) < factor / ratio < 1 + RT60 < max(ratio, 1 / ratio):
            text = f"delays are {factor:.2f} and the RT60 is {ratio:.2f} times what it should be"
            yield "sample-rate", text, f"the files were sampled at {factor:.2f} times the rate that they state: correct it"
        else:
            fit_cm = f"{100 * factor * spacing_m:.3g} cm"
            todo = "correct the spacing or the pair" + ("" if ratio else ", or the sample rate: there is no RT60 to tell")
            yield "spacing", f"delays are {factor:.2f} times what {100 * spacing_m:.3g} cm give: they fit {fit_cm}", todo
    if abs(line.offset_s) > line.limit_s(offset_s):
        samples = line.offset_s * SAMPLE_RATE_HZ
        text = f"channel 2 leads by {1e6 * line.offset_s:+.0f} us ({samples:+.1f} samples) at broadside"
        yield "offset", text, "align the channels"


def _faults_of_positions(
    measured: Measurements, expected_s: Floats, line: _Line, off: Flags, limit_s: float, spacing_m: float
) -> list[Finding]:
    """What is wrong with single positions: those that are ``off`` the line of the others, unless clipping explains it."""
    found, strays = [], off & ~_flat_tops(measured)
    mirrored = strays & (np.abs(measured.tdoa_s + line.scale * expected_s + line.offset_s) <= line.limit_s(limit_s))
    if mirrored.any():
        todo = "swap the channels there, or turn the sign of the angle"
        found.append(Finding("position-swapped", at(mirrored), "the delay has the opposite sign", todo))
    for index in at(strays & ~mirrored):
        sine = (measured.tdoa_s[index] - line.offset_s) / (line.scale * float(tdoa_s(90, spacing_m)))
        heard = f"the delay says {np.degrees(np.arcsin(sine)):.0f} degrees" if abs(sine) <= 1 else "no direction has its delay"
        found.append(Finding("position", (index,), heard, "correct its angle, or measure it again"))
    return found


@dataclass(frozen=True)
class _Line:
    scale: float
    offset_s: float
    low: float
    high: float

    @staticmethod
    def through(expected_s: Floats, measured_s: Floats) -> _Line:
        with np.errstate(invalid="ignore"):  # many equal delays leave no interval
            fit: Any = scipy.stats.theilslopes(measured_s, expected_s)
        low, high = sorted((abs(float(fit.low_slope)), abs(float(fit.high_slope))))
        return _Line(float(fit.slope), float(np.median(measured_s - fit.slope * expected_s)), low, high)

    def limit_s(self, limit_s: float) -> float:
        """The limit for delays of this line. Where delays are stretched, their errors are stretched by as much."""
        return limit_s * max(1.0, abs(self.scale)) if abs(self.scale) < REACH else limit_s


_READINGS = {
    "radians": ("the angles are in radians", "give degrees, or for a table of your own write [angles=radians]"),
    "from-axis": (
        "the angles are counted from the microphones' axis",
        "give 90 degrees minus that, 0 is broadside, or for a table of your own write [angles=from-axis]",
    ),
    "front-back": (
        "the angles have lost their sign: both sides are given as one",
        "give -90 to 90, positive toward microphone 2",
    ),
}


def _read_angles(
    measured_s: Floats, doa_deg: Floats, spacing_m: float, usable: Flags, limit_s: float
) -> tuple[str, Floats, _Line]:
    """The angles as given, or another reading of them that explains many more of the delays: name, expected delays, line."""
    readings = {"": tdoa_s(doa_deg, spacing_m)}
    if np.abs(doa_deg).max() <= 1.6:
        readings["radians"] = tdoa_s(np.degrees(doa_deg), spacing_m)
    readings["from-axis"] = tdoa_s(90 - doa_deg, spacing_m)
    if (doa_deg >= 0).all() or (doa_deg <= 0).all():
        readings["front-back"] = np.sign(measured_s) * np.abs(readings[""])
    best, share = ("", readings[""], _Line.through(readings[""][usable], measured_s[usable])), 0.0
    for name, expected_s in readings.items():
        line = _Line.through(expected_s[usable], measured_s[usable])
        agree = (np.abs(measured_s - line.scale * expected_s - line.offset_s)[usable] <= line.limit_s(limit_s)).mean()
        if not name or (agree >= max(MOST, share + 0.15) and abs(np.log(abs(line.scale) + 1e-9)) < np.log(1.25)):
            possible = abs(line.scale) < REACH  # delays are not looked for any farther
            best, share = (name, expected_s, line), float(agree) if possible else 0.0
    return best


def _rt60_ratio(measured: Measurements, rt60_s: float | None) -> float | None:
    """Measured over labelled RT60, where both are known."""
    known = measured.rt60_s[np.isfinite(measured.rt60_s) & (measured.rt60_s > 0)]
    return float(np.median(known)) / rt60_s if rt60_s and len(known) else None


def _wrong_rt60(measured: Measurements, rt60_s: float | None) -> list[Finding]:
    ratio = _rt60_ratio(measured, rt60_s)
    if not rt60_s or ratio is None or abs(ratio - 1) <= RT60:
        return []
    text = f"the RT60 is {ratio * rt60_s:.2f} s, labelled {rt60_s:.2f} s"
    return [Finding("rt60", tuple(range(len(measured.rt60_s))), text, "correct the label, or check whose files these are")]


def _correlation(first: Floats, second: Floats) -> Floats:
    norm = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return (first * second).sum(axis=-1) / np.maximum(norm, 1e-300)


def _duplicates(responses: Floats, usable: Flags) -> list[tuple[int, ...]]:
    """Groups of positions with one and the same response."""
    flat = responses.reshape(len(responses), -1) * usable[:, None]
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-300)
    same = flat @ flat.T > SAME
    return sorted({at(row) for row in same if row.sum() > 1})


def at(flags: Flags) -> tuple[int, ...]:
    """Where ``flags [P]`` are set."""
    return tuple(int(index) for index in np.flatnonzero(flags))
