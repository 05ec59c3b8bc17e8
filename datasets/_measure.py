"""What responses and recordings show: the first arrival, the delay between the channels, the reverberation time.

Room loaders decide by these numbers and `verify` reports them. Each is measured here and nowhere else.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ..benchmark.acoustics import tdoa_s
from ..benchmark.dataset import SAMPLE_RATE_HZ

Floats: TypeAlias = NDArray[np.float64]

BEFORE_S, AFTER_S = 0.001, 0.002
"""The direct sound, around the first arrival: in these rooms the first reflection is later."""
DECAY_DB = 30
"""The decay that gives the RT60 of a room."""


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


def measured_rt60_s(responses: NDArray[np.float32]) -> float:
    """Mean over positions of the RT60 at microphone 1, as it stands in tables and as twins are calibrated to;
    ``[positions, 2, samples]``."""
    return float(np.mean([rt60_s(pair[0]) for pair in responses]))


def rt60_s(response: NDArray[np.floating], noisy: bool = False) -> float:
    """RT60 of one response ``[samples]`` at 16 kHz, extrapolated from a decay of 30 dB of its backward-integrated energy.

    As it is, everything in the response counts as decay. ``noisy`` first weighs out the noise, and falls back to a decay of
    20 dB where the noise leaves no more; the answer is NaN where it leaves none. The two differ in the last digits for clean
    responses, by several times for noisy ones.
    """
    from pyroomacoustics.experimental import measure_rt60

    if not noisy:
        return float(measure_rt60(response, fs=SAMPLE_RATE_HZ, decay_db=DECAY_DB))
    decay, range_db = _without_noise(np.asarray(response, np.float64))
    for decay_db in (DECAY_DB, 20):
        if range_db > decay_db + 10:
            with suppress(ValueError, IndexError), np.errstate(all="ignore"):
                return float(measure_rt60(decay, fs=SAMPLE_RATE_HZ, decay_db=decay_db))
    return np.nan


def _without_noise(response: Floats) -> tuple[Floats, float]:
    """The magnitude of ``response [samples]`` without noise, up to where it drowns, and how many dB of decay that shows.

    Noise is taken to be the last tenth. Backward integration of a noisy tail gives several times the RT60 otherwise, even at
    60 dB below the peak.
    """
    (filled,) = np.nonzero(response)
    if len(filled) < 2:
        return response, -np.inf
    power = response[: filled[-1] + 1] ** 2
    noise = max(float(power[-max(1, len(power) // 10) :].mean()), 1e-15 * float(power.max()))
    local = np.maximum(uniform_filter1d(power, round(0.02 * SAMPLE_RATE_HZ)), 1e-300)
    peak = int(power.argmax())
    drowned = np.flatnonzero(local[peak:] < 2 * noise)
    end = peak + int(drowned[0]) if len(drowned) else len(power)
    decay = np.sqrt(power[:end] * np.clip(1 - noise / local[:end], 0, 1))
    # What backward integration misses of a tail that goes on below the noise, for an RT60 of half a second.
    missed = noise * 0.036 * SAMPLE_RATE_HZ
    return decay, float(10 * np.log10(max(float((decay**2).sum()), 1e-300) / missed))
