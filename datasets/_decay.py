"""The reverberation time of a response: its decay down to where noise, or the end of the file, hides it.

Method: A. Lundeby, T. E. Vigran, H. Bietz, M. Vorlaender, Acustica 81 (1995): level in short blocks, noise behind the decay, a
line through the late decay; where the line meets the noise, the decay is cut, and what the line holds beyond is added to the
backward integral (M. R. Schroeder, JASA 37, 1965). The noise before is taken away (W. T. Chu, JASA 63, 1978). T30 or T20
after ISO 3382-1, which asks for 10 dB between the decay that is fitted and what hides the rest.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ

Floats: TypeAlias = NDArray[np.float64]

FITTED_DB, FROM_DB, MARGIN_DB = (30, 20), 5, 10
"""Decays to fit, the first that there is room for; how far below the start they begin; what must lie below them."""
LEAST_S = 0.01
"""A shorter decay is that of the direct sound."""
STRAIGHT = 0.95
"""Squared correlation of the decay with its line. Rooms: above 0.97, even with two slopes. A filter that rings: below 0.92;
noise that is faded out: 0.89."""
ROUNDS, TAIL = 6, 0.1
ABOVE_NOISE_DB, LATE_DB, BLOCKS_PER_10_DB = 8, 20, 5
SHORTEST, LONGEST, FIRST = 32, 320, 60
"""Blocks are of 32 to 320 samples, in the first round of a sixtieth of the response."""


class _Knee(NamedTuple):
    """Where the decay drowns, and what is there: ``end`` and ``noise`` (0: the response ends before), the level of the decay at
    ``end`` as power, and how many samples it falls in by a factor of e."""

    end: int
    noise: float
    level: float
    fall: float


def rt60_s(response: NDArray[np.floating]) -> float:
    """RT60 of ``response [samples]`` at 16 kHz in seconds; NaN where the response does not show enough of a decay to tell."""
    (filled,) = np.nonzero(response)
    if not len(filled):
        return np.nan
    power = np.asarray(response[: filled[-1] + 1], np.float64) ** 2
    power = power[int(power.argmax()) :] / power.max()
    knee = _knee(power)
    if knee is None:
        return np.nan
    hidden = knee.level * knee.fall
    integral = np.cumsum((power[: knee.end] - knee.noise)[::-1])[::-1] + hidden
    decay_db = 10 * np.log10(np.maximum(integral / integral[0], 1e-300))
    for fitted_db in FITTED_DB:
        if integral[0] >= hidden * 10 ** ((FROM_DB + fitted_db + MARGIN_DB) / 10):
            return _slope_s(decay_db, fitted_db)
    return np.nan


def _slope_s(decay_db: Floats, fitted_db: int) -> float:
    """The time of 60 dB of the line through ``fitted_db`` of a decay; NaN where that is no line."""
    first, last = (int(np.argmax(decay_db < -level)) for level in (FROM_DB, FROM_DB + fitted_db))
    if last - first < LEAST_S * SAMPLE_RATE_HZ:
        return np.nan
    time = np.arange(first, last) / SAMPLE_RATE_HZ
    slope = float(np.polyfit(time, decay_db[first:last], 1)[0])
    straight = float(np.corrcoef(time, decay_db[first:last])[0, 1]) ** 2
    return -60 / slope if straight >= STRAIGHT else np.nan


def _knee(power: Floats) -> _Knee | None:
    """The end of the decay in ``power [samples]``, which begins at its peak; None where no decay is to be seen."""
    size, crossing, line = len(power), 0.0, (0.0, 0.0)
    tenth, width = max(1, round(TAIL * size)), int(np.clip(size // FIRST, SHORTEST, LONGEST))
    noise = last = _mean(power[-tenth:])
    for _ in range(ROUNDS):
        found = _late_line(power, width, 10 * np.log10(noise))
        if found is None:
            return None
        slope, start = line = found
        crossing = (10 * np.log10(noise) - start) / slope
        noise = _mean(power[min(int(crossing - 10 / slope), size - tenth) :])
        width = int(np.clip(-10 / slope / BLOCKS_PER_10_DB, SHORTEST, LONGEST))
    slope, start = line
    still_falls_db = 10 * np.log10(_mean(power[-2 * tenth : -tenth]) / last) if size > 2 * tenth else 0.0
    drowns = crossing < size - tenth and still_falls_db < -slope * tenth / 2
    end = max(1, int(crossing)) if drowns else size
    return _Knee(end, noise if drowns else 0.0, 10 ** ((start + slope * end) / 10), -10 / np.log(10) / slope)


def _mean(power: Floats) -> float:
    return max(float(power.mean()), 1e-30)


def _late_line(power: Floats, width: int, noise_db: float) -> tuple[float, float] | None:
    """Slope in dB per sample and level at the start of the line through the last 20 dB above the noise."""
    blocks = len(power) // width
    level_db = 10 * np.log10(np.maximum(power[: blocks * width].reshape(blocks, width).mean(axis=1), 1e-30))
    heard = level_db >= noise_db + ABOVE_NOISE_DB  # not always: nothing may come between the direct sound and the first echo
    together = np.flatnonzero(heard[1:] & heard[:-1])
    stop = int(together[-1]) + 2 if len(together) else 0
    loud = np.flatnonzero(level_db[:stop] > noise_db + ABOVE_NOISE_DB + LATE_DB)
    late = np.arange(loud[-1] if len(loud) else 0, stop)
    late = late[heard[late]]
    if len(late) < 3:
        return None
    slope, first_db = np.polyfit((late + 0.5) * width, level_db[late], 1)
    return (float(slope), float(first_db)) if slope < 0 else None
