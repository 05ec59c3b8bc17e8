"""Reverberation time as the responses show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ

DECAY_DB = 30


def measured_rt60_s(responses: NDArray[np.float32]) -> float:
    """Mean over positions of the RT60 that a 30 dB decay at microphone 1 extrapolates to; ``[positions, 2, samples]``."""
    from pyroomacoustics.experimental import measure_rt60

    return float(np.mean([measure_rt60(pair[0], fs=SAMPLE_RATE_HZ, decay_db=DECAY_DB) for pair in responses]))
