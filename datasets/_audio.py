"""Reading audio files, with one clear line for whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ
from ..benchmark.errors import UserError
from ._container import is_cut
from ._measured import at_16_khz

SILENT_STEPS = 3
INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
"""In whole numbers, a few steps are no sound. Floating point has no full scale: only zeros are silent."""
UNKNOWN_FRAMES = 2**62
FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST", "FLAC", "OGG", "MP3")
"""Of these it can be told whether a file is whole."""
CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 1e-3
"""More than one sample in a thousand at full scale is clipping, not a chance peak."""


def read_speech(path: Path) -> NDArray[np.float32]:
    """Samples of a mono file of any rate from 16 kHz up, at 16 kHz. Raises UserError that names the file and what to do."""
    samples, rate_hz = read_audio(path)
    if rate_hz < SAMPLE_RATE_HZ:
        raise UserError(f"{path}: {rate_hz} Hz; speech must be at {SAMPLE_RATE_HZ} Hz or above: remove it")
    if samples.shape[1] != 1:
        raise UserError(f"{path}: {samples.shape[1]} channels; speech must be mono: keep one channel or remove the file")
    level = np.abs(samples)
    clipped = float((level >= CLIPPED_LEVEL * max(1.0, float(level.max()))).mean())
    if clipped > CLIPPED_SHARE:
        raise UserError(f"{path}: {clipped:.1%} of its samples are clipped; record at a lower level or remove it")
    return at_16_khz(samples, rate_hz, path)[:, 0]


def read_audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples ``[n, channels]``, full scale 1, and rate of an audio file that holds sound, all of it. Raises UserError."""
    try:
        if is_cut(path):
            raise UserError(f"{path}: is cut short; copy or download it again, or remove it")
        with soundfile.SoundFile(path) as file:
            rate_hz, promised, step = file.samplerate, file.frames, 2.0 ** (1 - INTEGER_BITS.get(file.subtype, np.inf))
            if file.format not in FORMATS:
                raise UserError(f"{path}: is in format {file.format}, where a cut file looks whole; convert it to WAV or FLAC")
            if promised >= UNKNOWN_FRAMES:
                raise UserError(f"{path}: does not say how long it is, as if from a pipe; convert it to WAV")
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as audio ({error}); replace the file or remove it") from error
    except MemoryError as error:
        raise UserError(f"{path}: is longer than memory holds, or says so wrongly; cut it, convert it or remove it") from error
    if len(samples) < promised:
        raise UserError(f"{path}: is cut short; copy or download it again, or remove it")
    if not len(samples):
        raise UserError(f"{path}: holds no samples, or its recorder was stopped before it wrote how many; replace or remove it")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: holds NaN or infinite samples; export it again or remove it")
    peak = float(np.abs(samples).max())
    if peak <= SILENT_STEPS * step:
        raise UserError(f"{path}: is silent (peak {peak:.1g} of full scale); replace the file or remove it")
    return samples.astype(np.float32, copy=False), rate_hz
