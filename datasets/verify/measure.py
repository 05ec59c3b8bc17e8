"""What can be measured on two-channel impulse responses, position by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...benchmark.acoustics import SPEED_OF_SOUND_M_PER_S
from ...benchmark.dataset import SAMPLE_RATE_HZ
from .._decay import rt60_s
from .._measure import BEFORE_S, Floats, direct_sound, first_arrival, gcc_phat

Flags: TypeAlias = NDArray[np.bool_]

BAND_HZ = (200.0, 4000.0)
REACH = 4
"""Delays are looked for up to so many times what the spacing allows, so that wrong spacings and rates show."""


def reach_s(spacing_m: float) -> float:
    """How far from zero delays are looked for."""
    return REACH * spacing_m / SPEED_OF_SOUND_M_PER_S + 2 / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Measurements:
    """What was measured at P positions: ``[P]`` or, per channel, ``[P, 2]``. NaN where nothing can be measured.

    ``dc`` is relative to the peak. ``gain_db`` is the gain of channel 2 over channel 1. ``tdoa_s`` is how much earlier
    microphone 2 hears the direct sound (`acoustics.py`), ``same_polarity`` whether both hear it with one polarity.
    ``residual_s``, ``scale`` and ``offset_s`` belong to the line that is fitted through all positions (`responses.py`).
    """

    finite: Flags
    peak: Floats
    dc: Floats
    clipped: NDArray[np.int64]
    gain_db: Floats
    onset_s: Floats
    direct_db: Floats
    rt60_s: Floats
    tdoa_s: Floats
    same_polarity: Flags
    residual_s: Floats
    scale: float = np.nan
    offset_s: float = np.nan


def measure(responses: NDArray[np.floating], spacing_m: float) -> Measurements:
    """Everything of ``responses [P, 2, samples]`` but the fit."""
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
    onset_s, direct_db, tdoa_s, same_polarity = (np.array(column) for column in zip(*arrivals, strict=True))
    decay_s = np.array([rt60_s(pair[0]) for pair in full])
    clipped = ((np.abs(raw) >= 0.999 * peak[:, :, None]) & (peak[:, :, None] > 0)).sum(axis=2)
    no_fit = np.full(len(raw), np.nan)
    return Measurements(finite, peak, dc, clipped, gain_db, onset_s, direct_db, decay_s, tdoa_s, same_polarity, no_fit)


def _dc(channel: Floats) -> float:
    """Mean of the last quarter, where that is more than its fluctuation; zeros behind the response do not count."""
    (filled,) = np.nonzero(channel)
    if not len(filled):
        return 0.0
    tail = channel[: filled[-1] + 1][-max(1, filled[-1] // 4) :]
    mean = float(tail.mean())
    return mean if abs(mean) > tail.std() else 0.0


def _arrival(pair: Floats, spacing_m: float) -> tuple[float, float, float, bool]:
    """The direct sound of ``pair [2, samples]``: when it begins, its level in dB over all that follows, its delay as `gcc_phat`
    gives it."""
    if not np.abs(pair).max(axis=1, initial=0).all():
        return 0.0, np.nan, np.nan, True
    where, finer = direct_sound(pair, spacing_m / SPEED_OF_SOUND_M_PER_S), 64
    direct = pair[:, where]
    fade = round(BEFORE_S * SAMPLE_RATE_HZ)
    window = np.concatenate([np.ones(max(0, direct.shape[1] - fade)), np.cos(np.linspace(0, np.pi / 2, fade)) ** 2])
    n_fft = 2 ** int(np.ceil(np.log2(2 * (direct.shape[1] + reach_s(spacing_m) * SAMPLE_RATE_HZ))))
    first, second = np.fft.rfft(direct * window[-direct.shape[1] :], n_fft)
    delay = gcc_phat(first * second.conj(), n_fft, finer, reach_s(spacing_m), 1e-3, BAND_HZ, either_polarity=True)
    later = float((pair[:, where.stop :] ** 2).sum())
    direct_db = 10 * np.log10((direct**2).sum() / later) if later else np.inf
    return first_arrival(pair) / SAMPLE_RATE_HZ, float(direct_db), *delay
