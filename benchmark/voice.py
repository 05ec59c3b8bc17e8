"""Where somebody speaks, at whatever level: WebRTC voice activity detection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dataset import SAMPLE_RATE_HZ

FRAME = SAMPLE_RATE_HZ // 100
QUIETEST_PEAK, LOUDEST_PEAK, USUAL_PEAK = 1 / 16, 1.0, 0.5
"""Below a peak of 1/16 the detector misses ever more of the speech, as its floor is fixed; 1 is the largest number it has."""


def speech_frames(samples: NDArray[np.float32], mode: int) -> NDArray[np.bool_]:
    """Which of the whole 10 ms frames of ``samples [n]`` at 16 kHz hold speech, ``[n // 160]``; ``mode`` from 0 to 3, which is
    the strictest. Signals of an unusual level are brought to a usual one to be judged."""
    import webrtcvad

    detector = webrtcvad.Vad(mode)
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    peak = float(np.abs(samples).max(initial=0))
    if peak and not QUIETEST_PEAK <= peak <= LOUDEST_PEAK:
        frames = frames * (USUAL_PEAK / peak)
    pcm = np.round(np.clip(frames, -1, 32767 / 32768) * 32768).astype("<i2")
    return np.array([detector.is_speech(frame.tobytes(), SAMPLE_RATE_HZ) for frame in pcm], dtype=bool)
