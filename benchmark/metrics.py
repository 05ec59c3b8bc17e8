"""Metrics: small pure functions of stored predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

HIT_TOLERANCE_DEG = 1e-6


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; the interval is NaN where fewer than two clips stand behind it."""

    value: float
    low: float
    high: float


def absolute_error_deg(estimated_deg: ArrayLike, true_deg: ArrayLike) -> NDArray[np.float64]:
    """|estimate - truth| in degrees, element by element (eq. 17 before the mean). Raises ValueError on bad input."""
    estimated, true = np.asarray(estimated_deg, np.float64), np.asarray(true_deg, np.float64)
    if estimated.shape != true.shape or estimated.ndim != 1:
        raise ValueError(f"estimates {estimated.shape} and truth {true.shape} must be vectors of one length")
    if not (np.isfinite(estimated).all() and np.isfinite(true).all()):
        raise ValueError("angles must be finite")
    return np.abs(estimated - true)


def hits_pct(estimated_deg: ArrayLike, true_deg: ArrayLike) -> NDArray[np.float64]:
    """100 where the estimate is the true candidate, else 0: its mean is the accuracy in percent (eq. 18)."""
    return np.where(absolute_error_deg(estimated_deg, true_deg) <= HIT_TOLERANCE_DEG, 100.0, 0.0)


def clip_means(values: ArrayLike, clip: ArrayLike) -> NDArray[np.float64]:
    """Mean of ``values`` over the sequences of each clip, in ascending order of clip."""
    table = np.asarray(values, np.float64)
    _, index = np.unique(np.asarray(clip), return_inverse=True)
    return np.bincount(index, weights=table) / np.bincount(index)


def with_interval(values: ArrayLike, clip: ArrayLike) -> Estimate:
    """Mean over all sequences with a 95 % t interval over clips: sequences of one clip overlap, clips do not."""
    table = np.asarray(values, np.float64)
    if not len(table):
        return Estimate(float("nan"), float("nan"), float("nan"))
    from scipy import stats

    mean, means = float(table.mean()), clip_means(table, clip)
    if len(means) < 2:
        return Estimate(mean, float("nan"), float("nan"))
    half = float(stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    return Estimate(mean, max(0.0, mean - half), mean + half)


def confusion(estimated_deg: ArrayLike, true_deg: ArrayLike, candidates_deg: ArrayLike) -> NDArray[np.int64]:
    """Counts ``[true angle, estimated candidate]``; true angles are the distinct ones, ascending."""
    candidates = np.asarray(candidates_deg, np.float64)
    _, row = np.unique(np.asarray(true_deg, np.float64), return_inverse=True)
    column = np.abs(np.asarray(estimated_deg, np.float64)[:, None] - candidates).argmin(-1)
    table = np.zeros((int(row.max(initial=-1)) + 1, len(candidates)), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def classifier_floor_deg(true_deg: ArrayLike, candidates_deg: ArrayLike) -> float:
    """The least MAE that any choice among the candidates can reach for these true angles."""
    true, candidates = np.asarray(true_deg, np.float64), np.asarray(candidates_deg, np.float64)
    return float(np.abs(true[:, None] - candidates).min(-1).mean())
