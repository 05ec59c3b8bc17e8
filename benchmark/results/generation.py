"""Numbers for generated RTF phase (Bianco et al. 2021, Figs. 4-11): delays, circular correlation, histograms.

All are pure functions of what is stored with a cell. Phases are in radians, ``[..., frames, 127]``; delays in microseconds,
positive where microphone 2 hears the talker first (`acoustics`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..acoustics import ArraySetup, free_space_phase, tdoa_s
from ..sequences import PHASE_BINS
from ..weights import load_arrays, save_arrays
from . import metrics
from .catalogue import Metric, code_of
from .records import GenerationMetrics
from .statistics import units

FILE = "generated.safetensors"
INTERPOLATION = 16


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
    frames, has the highest real part (Figs. 7, 8 and 11), on a grid 16 times finer than the sample interval.

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


def median_error_us(by_doa: DelayByDoa) -> float:
    return float(np.median(by_doa.absolute_error_us))


def largest_error_us(by_doa: DelayByDoa) -> float:
    return float(by_doa.absolute_error_us.max())


@dataclass(frozen=True)
class Measured:
    """What metrics take from a generation cell (`Metric.takes`)."""

    generated: Generated
    setup: ArraySetup

    @cached_property
    def input_delays(self) -> DelayByDoa:
        return delays_by_doa(self.generated.input_rad, self.generated.doa_deg, self.setup)

    @cached_property
    def mean_delays(self) -> DelayByDoa:
        return delays_by_doa(self.generated.mean_rad, self.generated.doa_deg, self.setup)

    @cached_property
    def sample_delays(self) -> DelayByDoa:
        return delays_by_doa(self.generated.sampled_mean_rad, self.generated.sampled_doa_deg, self.setup)

    @property
    def compared_input_rad(self) -> NDArray[np.float32]:
        """Of the direction at which histograms are compared."""
        return self.generated.input_rad[self.generated.doa_deg == self.generated.histogram_doa_deg]

    @property
    def compared_draw_rad(self) -> NDArray[np.float32]:
        return self.generated.draw_rad[self.generated.doa_deg == self.generated.histogram_doa_deg]


def _delay(name: str, heading: str, function: Callable[..., float], *takes: str) -> Metric:
    return Metric(
        name=name,
        unit="us",
        better="lower",
        heading=heading,
        format="{:.1f}".format,
        function=function,
        takes=takes,
    )


def _correlation(name: str, heading: str, phase: str, doa: str) -> Metric:
    return Metric(
        name=name,
        unit="",
        better="higher",
        heading=heading,
        format="{:.3f}".format,
        function=circular_correlation,
        takes=(f"generated.{phase}", f"generated.{doa}", "setup"),
    )


METRICS: tuple[Metric, ...] = (
    _delay("input_delay_error_us", "Delay error of the input, \u00b5s", median_error_us, "input_delays"),
    _delay("reconstruction_delay_error_us", "of reconstructions, \u00b5s", median_error_us, "mean_delays"),
    _delay("sample_delay_error_us", "of samples, \u00b5s", largest_error_us, "sample_delays"),
    _delay("reconstruction_pull_us", "Pull toward zero delay, \u00b5s", pull_us, "mean_delays", "setup"),
    _correlation("input_circular_correlation", "Correlation with free space, input", "input_rad", "doa_deg"),
    _correlation("reconstruction_circular_correlation", "reconstructions", "mean_rad", "doa_deg"),
    _correlation("sample_circular_correlation", "samples", "sampled_mean_rad", "sampled_doa_deg"),
    Metric(
        name="reconstruction_histogram_distance_rad",
        unit="rad",
        better="lower",
        heading="Histogram distance, rad",
        format="{:.3f}".format,
        function=histogram_distance_rad,
        takes=("compared_input_rad", "compared_draw_rad"),
    ),
)
"""What is measured of generated phase, each declared once: record, CSV, page, MLflow and signature follow."""


def score(generated: Generated, setup: ArraySetup) -> GenerationMetrics:
    """All numbers of a cell from what is stored with it."""
    cell = Measured(generated, setup)
    values = {metric.name: metric.value([cell], units(())) for metric in METRICS}
    return GenerationMetrics.model_validate({"values": values, "sequences": len(generated.input_rad)})


def signature() -> str:
    """How the numbers of a generation cell were computed."""
    says = [metric.says for metric in METRICS]
    return metrics.signature("generation", *says, delay="median-over-sequences", interpolation=INTERPOLATION)


def scoring_code() -> str:
    """A hash of all that the numbers of a generation cell depend on beside what was generated."""
    return code_of(METRICS, Measured)


def nearest_deg(doa_deg: float, setup: ArraySetup) -> float:
    """The candidate nearest to an angle."""
    return setup.candidates_deg[int(setup.class_of(doa_deg))]
