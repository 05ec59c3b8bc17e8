"""Uncertainty over clips: an interval that holds for few, skewed clips, paired comparisons, ranks.

Clips are the sampling unit, since sequences of a clip overlap. Positions are fixed: an off-grid or off-range error is one for
the positions that the protocol names, and its interval says what other speech would bring there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..seeds import generator

ALPHA = 0.05
RESAMPLES = 2000
FEWEST = 6
"""Clips that a bootstrap needs."""
TIE_DEG = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; the interval is NaN where fewer than two clips stand behind it."""

    mean: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        return not (np.isnan(self.low) or np.isnan(self.high))


Value: TypeAlias = Estimate | float | None
"""Of a metric: with an interval over clips where it has one; None where it does not apply or was not measured."""


def point(value: Value) -> float | None:
    """A value without its interval."""
    return value.mean if isinstance(value, Estimate) else value


def mean_offsets(clips: ArrayLike) -> tuple[float, float]:
    """What to add to the mean of ``clips [C]`` for the ends of its 95 % interval; NaN for fewer than two clips.

    From `FEWEST` clips on the hull of the studentised bootstrap's equal-tailed and symmetric intervals (P. Hall, Ann. Statist.
    16, 1988), else Student's t. The first follows skewness, the second withstands a single odd clip, and differences of two
    methods have both. A test measures how often it holds on real speech.
    """
    from scipy import stats

    values = np.asarray(clips, np.float64)
    count = len(values)
    if count < 2:
        return float("nan"), float("nan")
    error = float(values.std(ddof=1)) / count**0.5
    if error == 0:
        return 0.0, 0.0
    if count < FEWEST:
        reach = float(stats.t.ppf(1 - ALPHA / 2, count - 1)) * error
        return -reach, reach
    ratios = _studentised(values)
    low, high = np.quantile(ratios, (ALPHA / 2, 1 - ALPHA / 2))
    both = float(np.quantile(np.abs(ratios), 1 - ALPHA))
    return -error * max(float(high), both), error * max(-float(low), both)


def mean_p(clips: ArrayLike) -> float:
    """Two-sided p that the mean of ``clips [C]`` is zero, the test that goes with `mean_offsets`. NaN for fewer than two."""
    from scipy import stats

    values = np.asarray(clips, np.float64)
    count = len(values)
    if count < 2:
        return float("nan")
    error = float(values.std(ddof=1)) / count**0.5
    if error == 0:
        return float(values.mean() == 0)
    ratio = float(values.mean()) / error
    if count < FEWEST:
        return 2 * float(stats.t.sf(abs(ratio), count - 1))
    ratios = _studentised(values)
    tail = min(_share(ratios >= ratio), _share(ratios <= ratio))
    return min(1.0, max(2 * tail, _share(np.abs(ratios) >= abs(ratio))))


def _share(reached: NDArray[np.bool_]) -> float:
    """Of resamples, the sample itself counted as one."""
    return (float(reached.sum()) + 1) / (len(reached) + 1)


def _studentised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how many of its own standard errors the mean of each resample is off that of ``values [C]``. A resample of equal clips
    has no standard error: none is taken to be smaller than that of all clips by more than a factor of the root of C."""
    count = len(values)
    resampled = values[_resamples(count)]
    spread = np.maximum(resampled.std(axis=1, ddof=1), values.std(ddof=1) / count**0.5)
    return (resampled.mean(axis=1) - values.mean()) / spread * count**0.5


@cache
def _resamples(count: int) -> NDArray[np.int64]:
    return generator("studentised", count).integers(0, count, (RESAMPLES - 1, count))


def paired_difference(differences: ArrayLike) -> Estimate:
    """The mean of paired ``differences [C]`` over the clips that both have; others are NaN. Raises ValueError for no clips."""
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or not len(values := values[~np.isnan(values)]):
        raise ValueError(f"differences {np.shape(differences)} must be a vector with a number in it")
    mean, (low, high) = float(values.mean()), mean_offsets(values)
    return Estimate(mean, mean + low, mean + high)


@dataclass(frozen=True)
class Standing:
    """One of M methods against the best of them on the clips that both have. ``p_holm`` is corrected for all
    comparisons with the best; ``tied`` says that it cannot be told apart from the best. The best itself has a difference of
    zero; a method with fewer seeds may lie below it."""

    rank: int
    rank_lo: int
    rank_hi: int
    difference_deg: Estimate
    p_holm: float
    tied: bool


def standings(differences_deg: ArrayLike, mae_deg: ArrayLike, seeds: ArrayLike) -> list[Standing | None]:
    """Where M methods stand by what their errors differ two by two in every clip, the first's less the second's
    ``differences_deg [M, M, C]``, NaN in clips that the two do not share; with fewer than two clips all are tied.

    The best has the smallest ``mae_deg [M]`` of those with the most ``seeds [M]``. A rank counts the better ones of those with
    at least as many, so that a method with fewer seeds changes none of the others'. None for a method that has no clip in
    common with the best. Raises ValueError for other shapes, infinite numbers or no clips.
    """
    differences, mae, count = np.asarray(differences_deg, np.float64), np.asarray(mae_deg, np.float64), np.asarray(seeds)
    shape = (len(mae), len(mae), differences.shape[-1] if differences.ndim else 0)
    if not differences.size or differences.shape != shape or count.shape != mae.shape or np.isinf(differences).any():
        raise ValueError(f"differences {differences.shape} must be finite, of shape (methods, methods, clips)")
    best = int(np.lexsort((mae, -count))[0])
    behind = {index: own for index, own in enumerate(differences[:, best]) if not np.isnan(own).all()}
    others = [index for index in behind if index != best]
    raw = np.array([mean_p(own[~np.isnan(own)]) for own in (behind[index] for index in others)])
    holm = dict(zip(others, _holm(raw), strict=True))
    rivals = count >= count[:, None]
    ranks = _ranks(differences, rivals, np.ones((1, differences.shape[-1])))[:, 0]
    low, high = rank_interval(differences, rivals)
    found: list[Standing | None] = [None] * len(mae)
    for index, own in behind.items():
        p_holm = float(holm.get(index, 1.0))
        found[index] = Standing(
            rank=int(ranks[index]),
            rank_lo=int(low[index]),
            rank_hi=int(high[index]),
            difference_deg=paired_difference(own),
            p_holm=p_holm,
            tied=not p_holm < ALPHA,
        )
    return found


def _holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's step-down correction (S. Holm, Scand. J. Statist. 6, 1979), in the order given."""
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def rank_interval(differences_deg: ArrayLike, rivals: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ends ``[M]`` of the 95 % percentile interval of each method's rank (1 is best) over resampled clips. ``rivals [M, M]``
    says by which others a method may be outranked; ``differences_deg [M, M, C]`` as for `standings`."""
    differences = np.asarray(differences_deg, np.float64)
    clips = differences.shape[-1]
    weights = generator("rank", clips).multinomial(clips, np.full(clips, 1 / clips), size=RESAMPLES)
    ranks = _ranks(differences, np.asarray(rivals, bool), weights.astype(np.float64))
    low, high = np.quantile(ranks, (ALPHA / 2, 1 - ALPHA / 2), axis=1, method="closest_observation")
    return low.astype(np.int64), high.astype(np.int64)


def _ranks(differences: NDArray[np.float64], rivals: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks ``[M, R]`` where clips count ``weights [R, C]`` times. The sign of a sum is that of the mean over shared clips."""
    known = np.nan_to_num(differences)
    behind = (own[others] @ weights.T > TIE_DEG for own, others in zip(known, rivals, strict=True))
    return np.array([1 + above.sum(0) for above in behind])
