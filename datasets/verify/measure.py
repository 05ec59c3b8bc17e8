"""What can be measured on two-channel impulse responses, one position at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ...benchmark.acoustics import SPEED_OF_SOUND_M_PER_S
from ...benchmark.dataset import SAMPLE_RATE_HZ

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

BAND_HZ = (200.0, 4000.0)
BEFORE_S, AFTER_S = 0.001, 0.002
"""The direct sound, around the first arrival: in these rooms the first reflection is later."""
REACH = 4
"""Delays are looked for up to so many times what the spacing allows, so that wrong spacings and rates show."""


@dataclass(frozen=True)
class Figures:
    """What was measured, ``[P]`` or, per channel, ``[P, 2]``; NaN where nothing can be measured.

    ``dc`` is relative to the peak, ``gain_db`` that of channel 2 over 1, ``lead_s`` how much earlier microphone 2 hears the
    direct sound (`acoustics.py`), ``upright`` whether both hear it with one polarity. ``residual_s``, ``scale`` and
    ``offset_s`` belong to the line fitted through all positions (`responses.py`).
    """

    finite: Flags
    peak: Floats
    dc: Floats
    clipped: NDArray[np.int64]
    gain_db: Floats
    onset_s: Floats
    direct_db: Floats
    rt60_s: Floats
    lead_s: Floats
    upright: Flags
    residual_s: Floats
    scale: float = np.nan
    offset_s: float = np.nan


def measure(responses: NDArray[np.floating], spacing_m: float) -> Figures:
    """All figures of ``responses [P, 2, samples]`` but those of the fit."""
    raw = np.asarray(responses, np.float64)
    finite = np.array([bool(np.isfinite(pair).all()) for pair in raw])
    raw = np.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0)
    peak = np.abs(raw).max(axis=2, initial=0)
    offset = np.array([[_dc(channel) for channel in pair] for pair in raw])
    full = np.where(raw != 0, raw - offset[:, :, None], 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        energy_db = 10 * np.log10((full**2).sum(axis=2))
        dc = np.where(peak > 0, offset / peak, 0)
        gain_db = energy_db[:, 1] - energy_db[:, 0]
    arrivals = [_arrival(pair, spacing_m) for pair in full]
    onset, direct_db, lead_s, upright = (np.array(column) for column in zip(*arrivals, strict=True))
    rt60_s = np.array([_rt60_s(pair[0]) for pair in full])
    clipped = ((np.abs(raw) >= 0.999 * peak[:, :, None]) & (peak[:, :, None] > 0)).sum(axis=2)
    blank = np.full(len(raw), np.nan)
    return Figures(
        finite, peak, dc, clipped, gain_db, onset / SAMPLE_RATE_HZ, direct_db, rt60_s, lead_s, upright.astype(bool), blank
    )


def _dc(channel: Floats) -> float:
    """Mean of the last quarter, where that is more than its fluctuation; zeros behind the response do not count."""
    (filled,) = np.nonzero(channel)
    if not len(filled):
        return 0.0
    tail = channel[: filled[-1] + 1][-max(1, filled[-1] // 4) :]
    mean = float(tail.mean())
    return mean if abs(mean) > tail.std() else 0.0


def _rt60_s(channel: Floats) -> float:
    """RT60 of one response, by a decay of 30 or 20 dB, whichever its noise leaves; NaN where it leaves none.

    Noise is taken to be the last tenth. It is weighed out of what comes before, and the response ends where it drowns: backward
    integration of a noisy tail gives several times the RT60 otherwise, even at 60 dB below the peak.
    """
    from pyroomacoustics.experimental import measure_rt60

    (filled,) = np.nonzero(channel)
    if len(filled) < 2:
        return np.nan
    power = channel[: filled[-1] + 1] ** 2
    noise = max(float(power[-max(1, len(power) // 10) :].mean()), 1e-15 * float(power.max()))
    local = np.maximum(uniform_filter1d(power, round(0.02 * SAMPLE_RATE_HZ)), 1e-300)
    peak = int(power.argmax())
    drowned = np.flatnonzero(local[peak:] < 2 * noise)
    end = peak + int(drowned[0]) if len(drowned) else len(power)
    decay = np.sqrt(power[:end] * np.clip(1 - noise / local[:end], 0, 1))
    # What backward integration misses of a tail that goes on below the noise, for an RT60 of half a second.
    range_db = 10 * np.log10(max(float((decay**2).sum()), 1e-300) / (noise * 0.036 * SAMPLE_RATE_HZ))
    for decay_db in (30, 20):
        if range_db > decay_db + 10:
            with suppress(ValueError, IndexError), np.errstate(all="ignore"):
                return float(measure_rt60(decay, fs=SAMPLE_RATE_HZ, decay_db=decay_db))
    return np.nan


def _arrival(pair: Floats, spacing_m: float) -> tuple[int, float, float, bool]:
    """First arrival of ``pair [2, samples]``: its sample, its level over all that follows in dB, by how many seconds channel 2
    leads (band-limited GCC-PHAT) and whether with the same polarity."""
    level = np.abs(pair).max(axis=0)
    if not np.abs(pair).max(axis=1, initial=0).all():
        return 0, np.nan, np.nan, True
    onset, travel_s = int(np.argmax(level > 0.5 * level.max())), spacing_m / SPEED_OF_SOUND_M_PER_S
    start, stop = max(0, onset - round(BEFORE_S * SAMPLE_RATE_HZ)), onset + round((AFTER_S + travel_s) * SAMPLE_RATE_HZ)
    direct, finer = pair[:, start:stop], 64
    fade = round(BEFORE_S * SAMPLE_RATE_HZ)
    window = np.concatenate([np.ones(max(0, direct.shape[1] - fade)), np.cos(np.linspace(0, np.pi / 2, fade)) ** 2])
    reach_s = REACH * travel_s + 2 / SAMPLE_RATE_HZ
    size = 2 ** int(np.ceil(np.log2(2 * (direct.shape[1] + reach_s * SAMPLE_RATE_HZ))))
    first, second = np.fft.rfft(direct * window[-direct.shape[1] :], size)
    cross, frequency_hz = first * second.conj(), np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    inside = (frequency_hz >= BAND_HZ[0]) & (frequency_hz <= BAND_HZ[1])
    # The floor keeps bins without sound, such as those above the band of a slower recording, from being whitened into noise.
    white = np.where(inside, cross / (np.abs(cross) + 1e-3 * np.abs(cross).max()), 0)
    correlation = np.fft.irfft(white, finer * size)
    lags = np.arange(-int(reach_s * SAMPLE_RATE_HZ * finer), int(reach_s * SAMPLE_RATE_HZ * finer) + 1)
    best = lags[np.abs(correlation[lags]).argmax()]
    later = float((pair[:, stop:] ** 2).sum())
    direct_db = 10 * np.log10((direct**2).sum() / later) if later else np.inf
    return onset, float(direct_db), float(best / (finer * SAMPLE_RATE_HZ)), bool(correlation[best] > 0)
