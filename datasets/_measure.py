"""What responses and recordings show: the first arrival, the delay between the channels, the reverberation time.

Room loaders decide by these numbers and `verify` reports them. Each is measured here, or in `_decay.py`, and nowhere else.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..benchmark.acoustics import tdoa_s
from ..benchmark.dataset import SAMPLE_RATE_HZ
from ._decay import rt60_s

Floats: TypeAlias = NDArray[np.float64]

BEFORE_S, AFTER_S = 0.001, 0.002
"""The direct sound, around the first arrival: in these rooms the first reflection is later."""


def first_arrival(response: NDArray[np.floating]) -> int:
    """The first sample of ``response [2, samples]`` at which a channel is above half of the largest magnitude."""
    level = np.abs(response).max(axis=0)
    return int(np.argmax(level > 0.5 * level.max()))


def direct_sound(response: NDArray[np.floating], travel_s: float = 0.0) -> slice:
    """Which samples of ``response [2, samples]`` hold the direct sound. ``travel_s`` is the time that it needs from one
    microphone to the other."""
    onset = first_arrival(response)
    return slice(max(0, onset - round(BEFORE_S * SAMPLE_RATE_HZ)), onset + round((AFTER_S + travel_s) * SAMPLE_RATE_HZ))


def gcc_phat(
    cross: NDArray[np.complex128],
    n_fft: int,
    finer: int,
    reach_s: float,
    floor: float,
    band_hz: tuple[float, float] = (0.0, np.inf),
    either_polarity: bool = False,
) -> tuple[float, bool]:
    """By how many seconds microphone 2 hears the sound earlier (`acoustics.py`), and whether with the polarity of microphone 1.

    This is the peak of the generalised cross-correlation with phase transform (Knapp and Carter 1976). ``cross`` is the
    cross-spectrum ``d1 conj(d2)`` of ``n_fft`` points. Only bins in ``band_hz`` are used. Each is divided by its magnitude plus
    ``floor`` times the largest magnitude: without a floor, bins that hold no sound, such as those above the band of a slower
    recording, count as much as the others. The correlation is sampled at ``finer`` times 16 kHz, up to ``reach_s`` to both
    sides. With ``either_polarity`` its peak is the largest magnitude, otherwise the largest value.
    """
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE_HZ)
    inside = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    magnitude = np.abs(cross)
    white = np.where(inside, cross / (magnitude + (floor * magnitude.max() + 1e-300)), 0)
    reach = int(reach_s * SAMPLE_RATE_HZ * finer)
    lags = np.arange(-reach, reach + 1)
    correlation = np.fft.irfft(white, finer * n_fft)[lags]
    best = int((np.abs(correlation) if either_polarity else correlation).argmax())
    return float(lags[best] / (finer * SAMPLE_RATE_HZ)), bool(correlation[best] > 0)


def array_tdoa_s(channels: NDArray[np.floating], spacing_m: float) -> float:
    """By how many seconds the second of ``channels [2, samples]`` is earlier, within 1.2 times what the spacing allows. All
    frequencies count alike, and the channels have one polarity: this is for data that are trusted but for their order."""
    n_fft, finer = int(scipy.fft.next_fast_len(2 * channels.shape[1], real=True) or 0), 16
    first, second = np.fft.rfft(channels.astype(np.float64), n_fft)
    reach_s = 1.2 * float(tdoa_s(90, spacing_m)) + 1 / (SAMPLE_RATE_HZ * finer)
    return gcc_phat(first * second.conj(), n_fft, finer, reach_s, floor=1e-12)[0]


def measured_rt60_s(responses: NDArray[np.floating]) -> float | None:
    """RT60 of a room as it stands in tables: the mean over ``responses [positions, 2, samples]`` at microphone 1; None unless
    half of the positions, at least, show it."""
    known = [value for value in (rt60_s(pair[0]) for pair in responses) if np.isfinite(value)]
    return float(np.mean(known)) if known and 2 * len(known) >= len(responses) else None
