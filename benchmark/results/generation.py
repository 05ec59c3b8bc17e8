"""Numbers for generated RTF phase (Bianco et al. 2021, section V): delays, circular correlation, histograms.

All are pure functions of what is stored with a cell. Phases are in radians, ``[..., frames, 127]``; delays in microseconds,
positive where microphone 2 hears the talker first (`acoustics`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..acoustics import ArraySetup, free_space_phase, tdoa_s
from ..sequences import PHASE_BINS
from ..weights import load_arrays, save_arrays
from .metrics import signature
from .records import GenerationMetrics

FILE = "generated.safetensors"
INTERPOLATION = 16
SIGNATURE = signature(
    "generation",
    delay="median-over-sequences-then-doas",
    sample_delay="largest-of-doas",
    interpolation=INTERPOLATION,
    reconstruction="mean",
    histogram="wasserstein-by-bin",
)
"""How the numbers of a generation cell were computed."""


@dataclass(frozen=True)
class Generated:
    """What a cell keeps: R sequences, their reconstructions, and S samples, each with its direction; and the direction at
    which histograms are compared."""

    doa_deg: NDArray[np.float64]
    input_rad: NDArray[np.float32]
    mean_rad: NDArray[np.float32]
    draw_rad: NDArray[np.float32]
    sampled_doa_deg: NDArray[np.float64]
    sampled_mean_rad: NDArray[np.float32]
    sampled_draw_rad: NDArray[np.float32]
    histogram_doa_deg: NDArray[np.float64]

    def save(self, folder: Path) -> None:
        save_arrays(folder, {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}, FILE)

    @classmethod
    def load(cls, folder: Path) -> Generated:
        return cls(**load_arrays(folder, FILE))


@dataclass(frozen=True)
class DelayByDoa:
    """Medians over the sequences of each of D directions ``doa_deg [D]``, in microseconds."""

    doa_deg: NDArray[np.float64]
    delay_us: NDArray[np.float64]
    absolute_error_us: NDArray[np.float64]


def delay_us(phase_rad: ArrayLike, setup: ArraySetup) -> NDArray[np.float64]:
    """Delay of every sequence, ``[..., frames, 127] -> [...]``: where the inverse transform of ``exp(j phase)``, averaged over
    frames, has the highest real part (section V-A), on a grid 16 times finer than the sample interval.

    The peak of the inverse transform of the RTF lies at minus the delay; the axis is negated here (`acoustics`).
    """
    spectrum = np.exp(1j * np.asarray(phase_rad, np.float64)).mean(-2).conj()
    points = INTERPOLATION * setup.n_fft
    response = np.fft.irfft(spectrum, points)
    lag = np.fft.fftfreq(points, 1 / points)[response.argmax(-1)]
    return lag / (INTERPOLATION * setup.sample_rate_hz) * 1e6


def delays_by_doa(phase_rad: ArrayLike, doa_deg: ArrayLike, setup: ArraySetup) -> DelayByDoa:
    """Delay and its absolute error against free space, ``r sin(theta) / c``, for sequences ``[N, frames, 127]``."""
    doa, delay = np.asarray(doa_deg, np.float64), delay_us(phase_rad, setup)
    error = np.abs(delay - 1e6 * tdoa_s(doa, setup.spacing_m))
    angles = np.unique(doa)
    medians = [[float(np.median(values[doa == angle])) for angle in angles] for values in (delay, error)]
    return DelayByDoa(angles, np.array(medians[0]), np.array(medians[1]))


def circular_correlation(phase_rad: ArrayLike, doa_deg: ArrayLike, setup: ArraySetup) -> float:
    """Mean cosine of the difference to the free-space phase (eq. 22) over all pixels: 1 the same, 0 unrelated."""
    free = free_space_phase(doa_deg, setup.frequency_hz[:PHASE_BINS], setup.spacing_m)
    return float(np.cos(np.asarray(phase_rad, np.float64) - free[:, None, :]).mean())


def pull_us(by_doa: DelayByDoa, setup: ArraySetup) -> float:
    """By how much the delays fall short of free space toward zero: the mean over all directions but broadside."""
    true = 1e6 * tdoa_s(by_doa.doa_deg, setup.spacing_m)
    off_broadside = true != 0
    return float((np.sign(true) * (true - by_doa.delay_us))[off_broadside].mean())


def histogram_distance_rad(first_rad: ArrayLike, second_rad: ArrayLike) -> float:
    """Wasserstein distance between the values of two sets of phases, bin by bin of frequency, averaged over the bins."""
    from scipy.stats import wasserstein_distance

    first, second = (np.asarray(phase, np.float64).reshape(-1, PHASE_BINS) for phase in (first_rad, second_rad))
    return float(np.mean([wasserstein_distance(first[:, k], second[:, k]) for k in range(PHASE_BINS)]))


def score(generated: Generated, setup: ArraySetup) -> GenerationMetrics:
    """All numbers of a cell from what is stored with it."""
    inputs = delays_by_doa(generated.input_rad, generated.doa_deg, setup)
    means = delays_by_doa(generated.mean_rad, generated.doa_deg, setup)
    samples = delays_by_doa(generated.sampled_mean_rad, generated.sampled_doa_deg, setup)
    at = generated.doa_deg == generated.histogram_doa_deg
    return GenerationMetrics(
        input_delay_error_us=float(np.median(inputs.absolute_error_us)),
        reconstruction_delay_error_us=float(np.median(means.absolute_error_us)),
        sample_delay_error_us=float(samples.absolute_error_us.max()),
        reconstruction_pull_us=pull_us(means, setup),
        input_circular_correlation=circular_correlation(generated.input_rad, generated.doa_deg, setup),
        reconstruction_circular_correlation=circular_correlation(generated.mean_rad, generated.doa_deg, setup),
        sample_circular_correlation=circular_correlation(generated.sampled_mean_rad, generated.sampled_doa_deg, setup),
        reconstruction_histogram_distance_rad=histogram_distance_rad(generated.input_rad[at], generated.draw_rad[at]),
        sequences=len(generated.input_rad),
    )


def nearest_deg(doa_deg: float, setup: ArraySetup) -> float:
    """The candidate nearest to an angle."""
    return setup.candidates_deg[int(setup.class_of(doa_deg))]
