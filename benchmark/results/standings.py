"""How methods stand against each other: ranks, and who cannot be told apart from the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .statistics import ALPHA, RESAMPLES, TIE_DEG, Estimate, Part, Units, known, mean_p, paired_difference, parts_of, pivot


@dataclass(frozen=True)
class Standing:
    """One of M methods against the best of them on what both have scored. ``p_holm`` is corrected for all comparisons as if
    that one had been named beforehand, ``p_best`` also for its being chosen by the same numbers; ``tied`` says by this that the
    two cannot be told apart. The best itself has a difference of zero; a method with fewer seeds may lie below it."""

    rank: int
    rank_lo: int
    rank_hi: int
    difference_deg: Estimate
    p_holm: float
    p_best: float
    tied: bool


def standings(differences_deg: ArrayLike, of: Units, mae_deg: ArrayLike, seeds: ArrayLike) -> list[Standing | None]:
    """Where M methods stand by what their errors differ two by two, the first's less the second's, in K cells of sampling
    units, ``differences_deg [M, M, K]``; NaN in cells that the two do not share; with fewer than two clips all are tied.

    The best has the smallest ``mae_deg [M]`` of those with the most ``seeds [M]``. A rank counts the better ones of those with
    at least as many, so that a method with fewer seeds changes none of the others'. None for a method that has no cell in
    common with the best. Raises ValueError for other shapes, infinite numbers or no cells.

    As in multiple comparisons with the best (J. C. Hsu, Ann. Statist. 9, 1981), the truly best method is told apart from the
    one that came out best in at most 5 % of experiments. For that every p is multiplied by the number of comparisons
    (Bonferroni). Holm's steps multiply by less where other methods are far off, and tell it apart in 7 %.
    """
    differences, mae, count = np.asarray(differences_deg, np.float64), np.asarray(mae_deg, np.float64), np.asarray(seeds)
    shape = (len(mae), len(mae), len(of.clip))
    if not differences.size or differences.shape != shape or count.shape != mae.shape or np.isinf(differences).any():
        raise ValueError(f"differences {differences.shape} must be finite, of shape (methods, methods, cells)")
    best = int(np.lexsort((mae, -count))[0])
    behind = {index: own for index, own in enumerate(differences[:, best]) if not np.isnan(own).all()}
    others = [index for index in behind if index != best]
    raw = np.array([mean_p(*known(behind[index], of)) for index in others])
    p_holm, p_best = (dict(zip(others, p.tolist(), strict=True)) for p in (holm(raw), np.minimum(1, raw * len(others))))
    ranks = rank_intervals(differences, of, count >= count[:, None])
    found: list[Standing | None] = [None] * len(mae)
    for index, own in behind.items():
        found[index] = Standing(
            rank=int(ranks.rank[index]),
            rank_lo=int(ranks.low[index]),
            rank_hi=int(ranks.high[index]),
            difference_deg=paired_difference(own, of),
            p_holm=p_holm.get(index, 1.0),
            p_best=p_best.get(index, 1.0),
            tied=not p_best.get(index, 1.0) < ALPHA,
        )
    return found


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's step-down correction (S. Holm, Scand. J. Statist. 6, 1979), in the order given."""
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


class Ranks(NamedTuple):
    """Ranks ``[M]``, 1 is best, with the ends of intervals that hold for all of them together."""

    rank: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def rank_intervals(differences_deg: ArrayLike, of: Units, rivals: ArrayLike) -> Ranks:
    """Ranks by ``differences_deg [M, M, K]`` as for `standings`; ``rivals [M, M]`` says by which others a method may be
    outranked.

    The ends of a rank count the others that are better, and those that may be, by intervals that hold for all differences
    together in 95 % of experiments, and so for all ranks (M. Klein, T. Wright, J. Wieczorek, J. R. Stat. Soc. A 183, 2020).
    They reach as far as the most unlikely of all differences goes in resamples.
    """
    mean, reach = _together(np.asarray(differences_deg, np.float64), of, np.asarray(rivals, bool))
    counted = np.asarray(rivals, bool) & ~np.isnan(mean)
    np.fill_diagonal(counted, val=False)
    unknown = np.isnan(reach)  # of a single clip nothing is known for sure
    better, surely = mean > TIE_DEG, ~unknown & (mean - reach > TIE_DEG)
    perhaps = unknown | (mean + reach > TIE_DEG)
    rank, low, high = (1 + (counted & some).sum(1) for some in (better, surely, perhaps))
    return Ranks(rank, low, high)


def _together(
    differences: NDArray[np.float64], of: Units, rivals: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of the differences of rivals ``[M, M]``, and how far from them intervals for all together reach; NaN where not
    known."""
    mean, error, freedom = np.full((3, *rivals.shape), np.nan)
    largest = np.zeros(RESAMPLES - 1)
    cells, which = np.unique((~np.isnan(differences)).reshape(-1, differences.shape[-1]), axis=0, return_inverse=True)
    for number, chosen in enumerate(cells):
        pairs = (which.reshape(rivals.shape) == number) & rivals & ~np.eye(len(rivals), dtype=bool)
        sampled = of.of(chosen)
        if pairs.any() and sampled.clip.max(initial=0) > 0:
            values = differences[pairs][:, chosen]
            parts = _at_least_typical(parts_of(values, sampled))
            mean[pairs], error[pairs], freedom[pairs] = values.mean(-1), *_error_and_freedom(parts)
            largest = np.maximum(largest, _normal(pivot(parts), freedom[pairs][:, None]).max(0))
    return mean, error * _student(float(np.quantile(largest, 1 - ALPHA)), freedom)


def _at_least_typical(parts: Sequence[Part]) -> list[Part]:
    """No two methods are taken to differ less from place to place, or from fit to fit, than the median of all pairs says by
    what they differ from clip to clip: of many pairs, some agree in few fits by chance."""
    clips, *others = parts
    varies = clips.variance > 0
    ratios = [np.divide(part.variance, clips.variance, out=np.zeros_like(clips.variance), where=varies) for part in others]
    least = [np.median(ratio) * clips.variance for ratio in ratios]
    return [clips, *(part._replace(variance=np.maximum(part.variance, own)) for part, own in zip(others, least, strict=True))]


def _error_and_freedom(parts: Sequence[Part]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard errors and their degrees of freedom, by F. E. Satterthwaite (Biometrics Bull. 2, 1946)."""
    variance = np.array([part.variance for part in parts])
    free = np.array([part.values.shape[-1] - 1 for part in parts])
    total = variance.sum(0)
    share = np.divide(variance, total, out=np.ones_like(variance), where=total > 0)
    return np.sqrt(total), 1 / (share**2 / free[:, None]).sum(0)


def _normal(ratio: NDArray[np.float64], freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """The size of a ratio of Student's distribution as one of the normal distribution that is as rarely exceeded (D. L.
    Wallace, Ann. Math. Statist. 30, 1959)."""
    return (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(ratio**2 / freedom))


def _student(normal: float, freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `_normal`."""
    return np.sqrt(freedom * np.expm1((normal * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom))
