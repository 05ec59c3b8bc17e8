"""What responses and recordings show: the direct sound, the delay between the channels, the reverberation time."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..benchmark.acoustics import tdoa_s
from ..benchmark.dataset import SAMPLE_RATE_HZ

DECAY_DB = 30
_FINER = 16
_DIRECT_S = (0.001, 0.002)


def measured_rt60_s(responses: NDArray[np.float32]) -> float:
    """Mean over positions of the RT60 that a 30 dB decay at microphone 1 extrapolates to; ``[positions, 2, samples]``."""
    from pyroomacoustics.experimental import measure_rt60

    return float(np.mean([measure_rt60(pair[0], fs=SAMPLE_RATE_HZ, decay_db=DECAY_DB) for pair in responses]))


def direct_sound(response: NDArray[np.float32]) -> NDArray[np.float32]:
    """``response [2, samples]`` around the first arrival only."""
    level = np.abs(response).max(axis=0)
    onset = int(np.argmax(level > 0.5 * level.max()))
    before, after = (round(second * SAMPLE_RATE_HZ) for second in _DIRECT_S)
    return response[:, max(0, onset - before) : onset + after]


def lead_s(channels: NDArray[np.float32], spacing_m: float) -> float:
    """By how much the second of ``channels [2, samples]`` leads the first, in seconds: the peak of GCC-PHAT within what the
    spacing allows."""
    size = int(scipy.fft.next_fast_len(2 * channels.shape[1], real=True) or 0)
    first, second = np.asarray(scipy.fft.rfft(channels.astype(np.float64), size))
    cross = first * second.conj()
    correlation = np.fft.irfft(cross / np.maximum(np.abs(cross), 1e-12 * np.abs(cross).max() + 1e-300), _FINER * size)
    reach = int(np.ceil(1.2 * float(tdoa_s(90, spacing_m)) * SAMPLE_RATE_HZ * _FINER))
    lags = np.arange(-reach, reach + 1)
    return float(lags[correlation[lags].argmax()] / (_FINER * SAMPLE_RATE_HZ))
