"""Metrics: small pure functions of stored predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .statistics import Estimate, Units, mean_offsets

HIT_TOLERANCE_DEG = 1e-6
NORMALISED_WITHIN = 1e-3
CALIBRATION_BINS = 15
VERSION = 1
"""Raised when a metric changes what it gives; part of every `signature`."""


def absolute_error_deg(estimated_deg: ArrayLike, true_deg: ArrayLike) -> NDArray[np.float64]:
    """|estimate - truth| in degrees, element by element (eq. 17 before the mean). Raises ValueError on bad input."""
    estimated, true = np.asarray(estimated_deg, np.float64), np.asarray(true_deg, np.float64)
    if estimated.shape != true.shape or estimated.ndim != 1:
        raise ValueError(f"estimates {estimated.shape} and truth {true.shape} must be vectors of one length")
    if not (np.isfinite(estimated).all() and np.isfinite(true).all()):
        raise ValueError("angles must be finite")
    return np.abs(estimated - true)


def hits_pct(estimated_deg: ArrayLike, true_deg: ArrayLike, tolerance_deg: float = HIT_TOLERANCE_DEG) -> NDArray[np.float64]:
    """100 where the estimate is the true candidate, else 0: its mean is the accuracy in percent (eq. 18)."""
    return np.where(absolute_error_deg(estimated_deg, true_deg) <= tolerance_deg, 100.0, 0.0)


def candidate_hits_pct(estimated_deg: ArrayLike, true_deg: ArrayLike, candidates_deg: ArrayLike) -> NDArray[np.float64]:
    """100 where the candidate nearest to the estimate (of two, the first) is the true one, else 0: an accuracy for methods that
    estimate any angle. For those that choose a candidate it is that of `hits_pct`. Raises ValueError on bad input."""
    if np.ndim(candidates_deg) != 1 or not np.size(candidates_deg) or not np.isfinite(candidates_deg).all():
        raise ValueError("candidates must be a vector of finite angles")
    absolute_error_deg(estimated_deg, true_deg)  # which refuses angles that are none
    return hits_pct(np.asarray(candidates_deg, np.float64)[_nearest(estimated_deg, candidates_deg)], true_deg)


def _nearest(angles_deg: ArrayLike, candidates_deg: ArrayLike) -> NDArray[np.intp]:
    """Index of the candidate nearest to every angle."""
    candidates = np.asarray(candidates_deg, np.float64)
    return np.abs(np.asarray(angles_deg, np.float64)[:, None] - candidates).argmin(-1)


def with_interval(values: ArrayLike, of: Units, largest: float = np.inf) -> Estimate:
    """Mean over all sequences with the 95 % interval of `statistics.mean_offsets` over their sampling units, which unlike
    sequences do not overlap. The interval ends at 0 and at the ``largest`` value that there can be."""
    table = np.asarray(values, np.float64)
    if not len(table):
        return Estimate(float("nan"), float("nan"), float("nan"))
    mean, (low, high) = float(table.mean()), mean_offsets(table, of)
    return Estimate(mean, float(np.maximum(0.0, mean + low)), float(np.minimum(largest, mean + high)))  # NaN stays NaN


def median_deg(error_deg: ArrayLike) -> float:
    """Median of absolute errors. Raises ValueError for errors that are none."""
    return float(np.median(_errors(error_deg)))


def within_pct(error_deg: ArrayLike, limit_deg: float = 10.0) -> float:
    """Percentage of absolute errors of at most ``limit_deg``."""
    return 100.0 * float((_errors(error_deg) <= limit_deg + HIT_TOLERANCE_DEG).mean())


def gross_pct(error_deg: ArrayLike, limit_deg: float = 20.0) -> float:
    """Percentage of gross errors, those above ``limit_deg``."""
    return 100.0 - within_pct(error_deg, limit_deg)


def endfire_mae_deg(error_deg: ArrayLike, true_deg: ArrayLike, from_deg: float = 70.0) -> float | None:
    """Mean absolute error where the talker stands near the line of the microphones, ``|DOA| >= from_deg``; None without any."""
    error, true = _errors(error_deg), np.asarray(true_deg, np.float64)
    if error.shape != true.shape:
        raise ValueError(f"errors {error.shape} and truth {true.shape} must be of one length")
    near = np.abs(true) >= from_deg
    return float(error[near].mean()) if near.any() else None


@dataclass(frozen=True)
class ByDoa:
    """Mean absolute error and number of the sequences of each of D true angles ``true_deg [D]``, ascending."""

    true_deg: NDArray[np.float64]
    mae_deg: NDArray[np.float64]
    sequences: NDArray[np.int64]


def by_doa(error_deg: ArrayLike, true_deg: ArrayLike) -> ByDoa:
    """Absolute errors, direction by direction."""
    error, true = _errors(error_deg), np.asarray(true_deg, np.float64)
    if error.shape != true.shape:
        raise ValueError(f"errors {error.shape} and truth {true.shape} must be of one length")
    angles, index, counts = np.unique(true, return_inverse=True, return_counts=True)
    return ByDoa(angles, np.bincount(index, weights=error) / counts, counts)


def nll_nats(true_log_probability: ArrayLike) -> float:
    """Mean negative log-likelihood of the true candidates in nats. Raises ValueError for what cannot be log-probabilities."""
    return -float(_log_probabilities(true_log_probability).mean())


def ece_pct(estimated_log_probability: ArrayLike, hits_pct: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error in percent: how far the accuracy of the sequences whose estimates have about the same
    probability is from that probability, over ``bins`` of equal width, each closed above, weighted by the sequences in each
    (Guo et al., ICML 2017). ``hits_pct`` are those of `hits_pct`. Raises ValueError on bad input."""
    confidence, hits = np.exp(_log_probabilities(estimated_log_probability)), np.asarray(hits_pct, np.float64)
    if confidence.shape != hits.shape or not np.isin(hits, (0.0, 100.0)).all():
        raise ValueError(f"hits {hits.shape} must be 0 or 100, one for each of {len(confidence)} probabilities")
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(index, weights=hits - 100 * confidence)).sum() / len(hits))


def normalisation_error(log_probability: ArrayLike) -> float:
    """The largest distance of ``log sum exp`` of a row of ``[N, T]`` from 0, which it is where probabilities sum to one."""
    return float(np.abs(np.logaddexp.reduce(np.asarray(log_probability, np.float64), axis=-1)).max(initial=0.0))


def _log_probabilities(values: ArrayLike) -> NDArray[np.float64]:
    """Those above 0 by no more than `NORMALISED_WITHIN` are rounding, and count as 0."""
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or not table.size or not np.isfinite(table).all() or (table > NORMALISED_WITHIN).any():
        raise ValueError(f"log-probabilities {table.shape} must be a vector of finite numbers that are not positive")
    return np.minimum(table, 0.0)


def signature(metric: str, *more: str, **parameters: float | str) -> str:
    """What a number is, in one word to stand beside it: ``mae:1|unit=sequence|...``, as sacreBLEU does. ``more`` comes last."""
    return "|".join([f"{metric}:{VERSION}", *(f"{name}={value}" for name, value in parameters.items()), *more])


def _errors(error_deg: ArrayLike) -> NDArray[np.float64]:
    error = np.asarray(error_deg, np.float64)
    if error.ndim != 1 or not error.size or not np.isfinite(error).all() or (error < 0).any():
        raise ValueError(f"errors {error.shape} must be a vector of finite numbers that are not negative")
    return error


def confusion(estimated_deg: ArrayLike, true_deg: ArrayLike, candidates_deg: ArrayLike) -> NDArray[np.int64]:
    """Counts ``[true angle, estimated candidate]``; true angles are the distinct ones, ascending."""
    candidates = np.asarray(candidates_deg, np.float64)
    _, row = np.unique(np.asarray(true_deg, np.float64), return_inverse=True)
    column = _nearest(estimated_deg, candidates)
    table = np.zeros((int(row.max(initial=-1)) + 1, len(candidates)), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def classifier_floor_deg(true_deg: ArrayLike, candidates_deg: ArrayLike) -> float:
    """The least MAE that any choice among the candidates can reach for these true angles."""
    true, candidates = np.asarray(true_deg, np.float64), np.asarray(candidates_deg, np.float64)
    return float(np.abs(true[:, None] - candidates).min(-1).mean())
