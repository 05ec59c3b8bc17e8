"""A recording of any length, of two microphones, read block by block, with what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import gcd
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from ..benchmark.acoustics import SPEED_OF_SOUND_M_PER_S
from ..benchmark.dataset import SAMPLE_RATE_HZ
from ..benchmark.errors import UserError
from ._audio import FORMATS, UNKNOWN_FRAMES
from ._container import is_cut
from ._pair import parse_pair
from .verify.recordings import verify_recordings

BLOCK_S, MARGIN_S = 20, 1
"""Seconds that are read at a time, and more to both sides that a filter may look at."""
LONGEST_DELAY, MOST = 1.15, 0.5
"""Of what the spacing allows, and the share of blocks in which something must be odd to be said."""


class TwoChannels:
    """Two channels of an audio file, by their numbers from 1 (``pair`` ``1-2``: microphones 1 and 2). Raises UserError where it
    cannot be read, or has no such channels."""

    def __init__(self, path: Path, pair: str = "1-2") -> None:
        self.path = path
        try:
            if is_cut(path):
                raise UserError(f"{path}: is cut short; copy or download it again")
            with soundfile.SoundFile(path) as file:
                self.rate_hz, self._count, channels = file.samplerate, file.frames, file.channels
                if file.format not in FORMATS or self._count >= UNKNOWN_FRAMES:
                    raise UserError(f"{path}: cannot be told to be whole; convert it to WAV or FLAC")
        except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
            raise UserError(f"{path}: cannot be read as audio ({error})") from error
        if channels < 2:
            raise UserError(f"{path}: is mono; a direction needs the recording of two microphones, one channel each")
        if self.rate_hz < SAMPLE_RATE_HZ:
            raise UserError(f"{path}: {self.rate_hz} Hz; recordings must be at {SAMPLE_RATE_HZ} Hz or above")
        self._pair = parse_pair(pair, channels, path)
        self._odd: Counter[str] = Counter()
        self._delays_s: list[float] = []
        self._blocks = 0

    def blocks(self, spacing_m: float) -> Iterator[NDArray[np.float32]]:
        """All of it, ``[n, 2]`` at 16 kHz. Raises UserError for samples that are no numbers."""
        with soundfile.SoundFile(self.path) as file:
            for first in range(0, self._count, BLOCK_S * self.rate_hz):
                block = self._block(file, first)
                if np.abs(block).max(initial=0) > 0:
                    self._look(block, spacing_m)
                yield block

    def warnings(self, spacing_m: float) -> list[str]:
        """What is odd about what was read, one line each."""
        if not self._blocks:
            return ["it is silent"]
        found = [text for text, count in self._odd.items() if count > MOST * self._blocks]
        allowed_s = spacing_m / SPEED_OF_SOUND_M_PER_S
        delay_s = float(np.median(np.abs(self._delays_s)))
        if delay_s > LONGEST_DELAY * allowed_s + 1 / SAMPLE_RATE_HZ:
            found.append(
                f"the channels are {1e3 * delay_s:.2f} ms apart, microphones {100 * spacing_m:.3g} cm apart allow "
                f"{1e3 * allowed_s:.2f} ms: another spacing, or other channels?"
            )
        return found

    def _block(self, file: soundfile.SoundFile, first: int) -> NDArray[np.float32]:
        before = min(first, MARGIN_S * self.rate_hz)
        file.seek(first - before)
        samples = file.read(before + (BLOCK_S + MARGIN_S) * self.rate_hz, dtype="float32", always_2d=True)[:, self._pair]
        if not np.isfinite(samples).all():
            raise UserError(f"{self.path}: holds NaN or infinite samples after {first / self.rate_hz:.0f} s; export it again")
        if self.rate_hz != SAMPLE_RATE_HZ:
            common = gcd(self.rate_hz, SAMPLE_RATE_HZ)
            samples = scipy.signal.resample_poly(samples, SAMPLE_RATE_HZ // common, self.rate_hz // common, axis=0)
        begin = before * SAMPLE_RATE_HZ // self.rate_hz
        return np.asarray(samples[begin : begin + BLOCK_S * SAMPLE_RATE_HZ], np.float32)

    def _look(self, block: NDArray[np.float32], spacing_m: float) -> None:
        findings, measured = verify_recordings([block], [0.0], spacing_m)
        self._odd.update(f"{finding.found}: {finding.todo}" for finding in findings)
        self._delays_s.append(float(measured.tdoa_s[0]))
        self._blocks += 1
