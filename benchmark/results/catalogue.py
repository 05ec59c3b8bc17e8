"""What is measured of localisation, each metric declared once.

Records, leaderboard rows, CSV columns, MLflow metrics, the page's table of further numbers and the signature follow from
`METRICS`. A new metric is one more entry there: a pure function (`metrics`), and what it takes from a cell
(`scoring.Scored`). It goes at the end, since the columns of `leaderboard.csv` may be appended and never moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from statistics import fmean
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..code import Code
from ..digest import digest, source_digest
from . import metrics
from .statistics import Estimate, Units, Value

Average: TypeAlias = Callable[[Sequence[float | None]], float | None]
Numbers: TypeAlias = float | NDArray[np.float64] | None


def mean_of_all(values: Sequence[float | None]) -> float | None:
    """None where one seed has none: a mean over some seeds would not be of what its row says."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def mean_of_known(values: Sequence[float | None]) -> float | None:
    """The mean over the seeds that have a value."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def first(values: Sequence[float | None]) -> float | None:
    """The value of the first seed, for what all seeds have in common."""
    return values[0]


def three_digits(value: float) -> str:
    """Degrees as the paper gives them."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A number that has a name, and how it is shown. The name ends in its ``unit``, if it has one; ``better`` is the better
    direction of two values; ``format`` is how tables show it, ``decimals`` how CSV files do; ``over_seeds`` makes one value of
    those of the seeds."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    heading: str
    format: Callable[[float], str]
    decimals: int = 4
    over_seeds: Average = mean_of_all

    def __post_init__(self) -> None:
        if self.unit and not self.name.endswith(f"_{self.unit}"):
            raise ValueError(f"{self.name}: the name must end in the unit, _{self.unit}")


@dataclass(frozen=True, kw_only=True)
class Metric(Declared):
    """A number that ``function`` makes of the attributes of a scored cell that it ``takes``, and of ``parameters``. It is
    absent where one of these attributes is None or the function gives None.

    With an ``interval`` the function gives one value for each sequence. The metric is their mean, with its 95 % interval
    over what was sampled.
    """

    function: Callable[..., Numbers]
    takes: tuple[str, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    interval: bool = False

    @property
    def says(self) -> str:
        """How it is computed, for the signature: ``accuracy_5_pct=within_pct[limit_deg=5]``."""
        given = ";".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name}={getattr(self.function, '__name__', self.function)}" + (f"[{given}]" if given else "")

    def of(self, cell: object) -> Numbers:
        """The value of one cell, or the values of its sequences where there is an interval."""
        taken = [attrgetter(name)(cell) for name in self.takes]
        return None if any(one is None for one in taken) else self.function(*taken, **self.parameters)

    def value(self, cells: Sequence[object], of: Units) -> Value:
        """The value of all seeds of a fit, ``cells``. ``of`` are the sampling units of their sequences, one seed after
        another."""
        of_seeds = [self.of(cell) for cell in cells]
        mean = self.over_seeds([None if one is None else float(np.asarray(one).mean()) for one in of_seeds])
        if mean is None or not self.interval:
            return mean
        largest = 100.0 if self.unit == "pct" else float("inf")
        found = metrics.with_interval(np.concatenate([one for one in of_seeds if one is not None]), of, largest)
        return Estimate(mean, found.low, found.high)


@dataclass(frozen=True, kw_only=True)
class Cost(Declared):
    """A number that is no function of predictions: the field of `CellRecord` of that name. ``says`` stands in the signature."""

    says: str = ""


MAE = Metric(
    name="mae_deg",
    unit="deg",
    better="lower",
    heading="MAE, deg",
    format=three_digits,
    function=metrics.absolute_error_deg,
    takes=("estimated_deg", "true_deg"),
    interval=True,
)
ACCURACY = Metric(
    name="accuracy_pct",
    unit="pct",
    better="higher",
    heading="Accuracy, %",
    format="{:.1f}".format,
    function=metrics.hits_pct,
    takes=("estimated_deg", "true_candidate_deg"),
    parameters={"tolerance_deg": metrics.HIT_TOLERANCE_DEG},
    interval=True,
)


def _accuracy_within(limit_deg: int) -> Metric:
    return Metric(
        name=f"accuracy_{limit_deg}_pct",
        unit="pct",
        better="higher",
        heading=f"Within {limit_deg}\u00b0, %",
        format="{:.1f}".format,
        function=metrics.within_pct,
        takes=("error_deg",),
        parameters={"limit_deg": limit_deg},
    )


METRICS: tuple[Metric, ...] = (
    MAE,
    ACCURACY,
    Metric(
        name="median_deg",
        unit="deg",
        better="lower",
        heading="Median, deg",
        format="{:.2f}".format,
        function=metrics.median_deg,
        takes=("error_deg",),
    ),
    _accuracy_within(5),
    _accuracy_within(10),
    _accuracy_within(15),
    Metric(
        name="gross_pct",
        unit="pct",
        better="lower",
        heading="Off by over 20\u00b0, %",
        format="{:.1f}".format,
        function=metrics.gross_pct,
        takes=("error_deg",),
        parameters={"limit_deg": 20},
    ),
    Metric(
        name="endfire_mae_deg",
        unit="deg",
        better="lower",
        heading="MAE from \u00b170\u00b0 on, deg",
        format="{:.2f}".format,
        function=metrics.endfire_mae_deg,
        takes=("error_deg", "true_deg"),
        parameters={"from_deg": 70},
    ),
    Metric(
        name="candidate_accuracy_pct",
        unit="pct",
        better="higher",
        heading="Accuracy of the nearest candidate, %",
        format="{:.1f}".format,
        function=metrics.candidate_hits_pct,
        takes=("estimated_deg", "true_candidate_deg", "candidates_deg"),
        interval=True,
    ),
    Metric(
        name="nll_nats",
        unit="nats",
        better="lower",
        heading="NLL, nats",
        format="{:.3f}".format,
        function=metrics.nll_nats,
        takes=("true_log_probability",),
    ),
    Metric(
        name="ece_pct",
        unit="pct",
        better="lower",
        heading="Calibration error, %",
        format="{:.1f}".format,
        function=metrics.ece_pct,
        takes=("estimated_log_probability", "hits_pct"),
        parameters={"bins": metrics.CALIBRATION_BINS},
    ),
)

COSTS: tuple[Cost, ...] = (
    Cost(
        name="parameters",
        unit="",
        better="lower",
        heading="Parameters",
        format="{:,.0f}".format,
        decimals=0,
        over_seeds=first,
        says="parameters=stored",
    ),
    Cost(
        name="fit_s",
        unit="s",
        better="lower",
        heading="Training, s",
        format="{:.0f}".format,
        decimals=2,
        over_seeds=mean_of_known,
    ),
    Cost(
        name="fit_added_rss_mb",
        unit="mb",
        better="lower",
        heading="Memory added, MB",
        format="{:.0f}".format,
        decimals=1,
        over_seeds=mean_of_known,
        says="memory=rss-added-at-peak",
    ),
    Cost(
        name="predict_us_per_sequence",
        unit="us_per_sequence",
        better="lower",
        heading="\u00b5s / sequence",
        format="{:.0f}".format,
        decimals=2,
        over_seeds=mean_of_known,
    ),
)


def code_of(declared: Sequence[Metric], *code: Code) -> str:
    """A hash of all that the values of metrics depend on: ``code``, which makes cells of what is stored, their functions and
    parameters. How they are shown does not count."""
    functions = dict.fromkeys(metric.function for metric in declared)
    how = [[metric.name, metric.takes, dict(metric.parameters), metric.interval] for metric in declared]
    return digest([source_digest(*code, Metric, *functions), how])


def flat(values: Mapping[str, Value]) -> dict[str, float]:
    """Numbers by the names that CSV files and MLflow have for them: an `Estimate` of ``mae_deg`` is ``mae_deg``, ``mae_lo`` and
    ``mae_hi``. What is not there is left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Estimate):
            low, high = ends(name)
            found |= {name: value.mean, low: value.low, high: value.high}
        else:
            found[name] = value
    return {name: value for name, value in found.items() if value is not None and not np.isnan(value)}


def ends(name: str) -> tuple[str, str]:
    """The names of the ends of an interval: ``mae_lo`` and ``mae_hi`` of ``mae_deg``."""
    stem = name.rpartition("_")[0]
    return f"{stem}_lo", f"{stem}_hi"
