"""The sign convention and the free-space physics of two microphones, written down once.

Angles are in degrees, 0 = broadside, positive toward microphone 2. For theta > 0 microphone 2 hears the source first, so
the relative transfer function (RTF) h = d2 / d1 has, in free space, the phase ``+2 pi f r sin(theta) / c`` (Bianco et al.
2021, eq. 22; their eq. 26 has the opposite sign and is not used here) and the peak of its inverse transform lies at
``-r sin(theta) / c``. All phases are ``angle(d2 conj(d1))`` under the usual e^{-j} DFT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_SOUND_M_PER_S = 343.0


def tdoa_s(doa_deg: ArrayLike, spacing_m: float) -> NDArray[np.float64]:
    """How much earlier microphone 2 hears a plane wave from ``doa_deg``, in seconds (negative: later)."""
    return spacing_m * np.sin(np.radians(np.asarray(doa_deg, dtype=np.float64))) / SPEED_OF_SOUND_M_PER_S


def free_space_phase(doa_deg: ArrayLike, frequency_hz: ArrayLike, spacing_m: float) -> NDArray[np.float64]:
    """Unwrapped free-space RTF phase in radians, shape ``[doas, frequencies]`` (eq. 22)."""
    tau_s = np.atleast_1d(tdoa_s(doa_deg, spacing_m))
    return 2 * np.pi * tau_s[:, None] * np.asarray(frequency_hz, dtype=np.float64)[None, :]


@dataclass(frozen=True)
class ArraySetup:
    """What a method knows of the array and the analysis: never of the room or the talker.

    ``candidates_deg`` are the T classes, in ascending order.
    """

    spacing_m: float
    candidates_deg: tuple[float, ...]
    sample_rate_hz: int = 16_000
    n_fft: int = 256

    @property
    def frequency_hz(self) -> NDArray[np.float64]:
        """Centre frequencies of all ``n_fft / 2 + 1`` bins, in Hz."""
        return np.asarray(np.fft.rfftfreq(self.n_fft, 1 / self.sample_rate_hz), np.float64)

    def steering_phase(self, n_bins: int) -> NDArray[np.float64]:
        """Free-space RTF phase of every candidate in the first ``n_bins`` bins, in radians, shape ``[T, n_bins]``."""
        return free_space_phase(self.candidates_deg, self.frequency_hz[:n_bins], self.spacing_m)

    def class_of(self, doa_deg: ArrayLike) -> NDArray[np.int64]:
        """Index of the nearest candidate of every angle."""
        distance = np.abs(np.asarray(doa_deg, dtype=np.float64)[..., None] - np.asarray(self.candidates_deg))
        return distance.argmin(-1)
