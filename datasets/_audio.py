"""Reading audio files, with one clear line for whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ
from ..benchmark.errors import UserError

SILENT_PEAK = 1e-4
CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 1e-3
"""More than one sample in a thousand at full scale is clipping, not a chance peak."""


def read_speech(path: Path) -> NDArray[np.float32]:
    """Samples of a mono file at 16 kHz, full scale 1. Raises UserError that names the file and what to do."""
    samples, rate_hz = read_audio(path)
    if rate_hz != SAMPLE_RATE_HZ:
        raise UserError(f"{path}: {rate_hz} Hz; speech must be at {SAMPLE_RATE_HZ} Hz: resample it or remove it")
    if samples.shape[1] != 1:
        raise UserError(f"{path}: {samples.shape[1]} channels; speech must be mono: keep one channel or remove the file")
    clipped = float((np.abs(samples) >= CLIPPED_LEVEL).mean())
    if clipped > CLIPPED_SHARE:
        raise UserError(f"{path}: {clipped:.1%} of its samples are clipped; record at a lower level or remove it")
    return samples[:, 0].astype(np.float32, copy=False)


def read_audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples ``[n, channels]``, full scale 1, and rate of an audio file that holds sound. Raises UserError."""
    if _is_cut_wav(path):
        raise UserError(f"{path}: is cut short; copy or download it again, or remove it")
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as audio ({error}); replace the file or remove it") from error
    if not len(samples):
        raise UserError(f"{path}: holds no samples; replace the file or remove it")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: holds NaN or infinite samples; export it again or remove it")
    peak = float(np.abs(samples).max())
    if peak < SILENT_PEAK:
        raise UserError(f"{path}: is silent (peak {peak:.1g} of full scale); replace the file or remove it")
    return samples.astype(np.float32, copy=False), rate_hz


def _is_cut_wav(path: Path) -> bool:
    """Whether a WAV file is shorter than its header says, which the reader would pass over in silence."""
    try:
        with path.open("rb") as file:
            header = file.read(12)
        promised = 8 + int.from_bytes(header[4:8], "little")
        return header[:4] == b"RIFF" and header[8:] == b"WAVE" and path.stat().st_size < promised
    except OSError:
        return False
