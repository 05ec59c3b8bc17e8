"""Uncertainty of a mean over the units that were sampled: clips, and beside them places and fits.

Sequences of a clip overlap, so clips are the least that is sampled. Places are sampled as well where nothing was trained on
them (`unseen-place`): every clip is heard at every place. Several seeds are as many fits, each with its own draw of training
data, and most often with clips of its own. With one seed an interval is about that fit. Positions of other protocols are
fixed: an off-grid error is one for the positions that the protocol names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..seeds import generator

ALPHA = 0.05
RESAMPLES = 2000
FEWEST = 6
"""Clips, places or fits that a bootstrap needs."""
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
"""Of a metric: with an interval where it has one; None where it does not apply or was not measured."""


def point(value: Value) -> float | None:
    """A value without its interval."""
    return value.mean if isinstance(value, Estimate) else value


@dataclass(frozen=True)
class Units:
    """The sampling unit that each of K values is of, by index. ``beside`` clips there may be places and fits, by name; a kind
    of which there is but one is not sampled, and not in it."""

    clip: NDArray[np.intp]
    beside: Mapping[str, NDArray[np.intp]]

    def of(self, chosen: NDArray[np.bool_]) -> Units:
        """Those of some of the values."""
        return units(self.clip[chosen], **{name: index[chosen] for name, index in self.beside.items()})

    @cached_property
    def shared(self) -> dict[str, list[tuple[int, NDArray[np.intp]]]]:
        """For each kind beside clips the units that it has in common with those before it: by index, and +1 or -1 as they count
        where all that is in common is to count once."""
        found, before = dict[str, list[tuple[int, NDArray[np.intp]]]](), [self.clip]
        for name, own in self.beside.items():
            chosen = [(size, some) for size in range(1, len(before) + 1) for some in combinations(before, size)]
            found[name] = [(2 * (size % 2) - 1, _index(_crossed((own, *some)))) for size, some in chosen]
            before.append(own)
        return found


def units(clip: ArrayLike, **beside: ArrayLike) -> Units:
    """Sampling units by their names or numbers ``[K]``: ``units(clip, place=..., fit=...)``."""
    found = {name: _index(labels) for name, labels in beside.items()}
    return Units(_index(clip), {name: index for name, index in found.items() if index.max(initial=0) > 0})


def _index(labels: ArrayLike) -> NDArray[np.intp]:
    """Of each label among all, in ascending order."""
    return pd.factorize(np.asarray(labels), sort=True)[0]


def _crossed(indices: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    return np.ravel_multi_index(tuple(indices), tuple(int(index.max()) + 1 for index in indices))


def unit_values(values: ArrayLike, index: NDArray[np.intp]) -> NDArray[np.float64]:
    """What each of U units says of the mean of ``values [..., K]``, ``[..., U]``: the mean of its own, drawn toward or away
    from that of all as it has fewer or more values than others. Their mean is that of all values."""
    table = np.asarray(values, np.float64)
    mean, count = table.mean(-1, keepdims=True), int(index.max()) + 1
    sums = [np.bincount(index, own, count) for own in (table - mean).reshape(-1, table.shape[-1])]
    return mean + np.reshape(sums, (*table.shape[:-1], count)) * (count / table.shape[-1])


def mean_offsets(values: ArrayLike, of: Units | None = None) -> tuple[float, float]:
    """What to add to the mean of ``values [K]`` for the ends of its 95 % interval over units (None: each value is a clip of its
    own); NaN for fewer than two clips.

    The hull of the equal-tailed and the symmetric interval that follow from `pivot`. The first follows skewness, the second
    withstands a single odd clip, and differences of two methods have both. For fewer than `FEWEST` clips alone it is Student's.
    Tests measure how often it holds on real speech, over clips, over clips and places, and over fits.
    """
    from scipy import stats

    parts = _sampled(values, of)
    error = _error(parts)
    if not error > 0:
        return error, error
    if (count := _few(parts)) is not None:
        reach = float(stats.t.ppf(1 - ALPHA / 2, count - 1)) * error
        return -reach, reach
    ratios = pivot(parts)
    low, high = np.quantile(ratios, (ALPHA / 2, 1 - ALPHA / 2))
    both = float(np.quantile(np.abs(ratios), 1 - ALPHA))
    return -error * max(float(high), both), error * max(-float(low), both)


def mean_p(values: ArrayLike, of: Units | None = None) -> float:
    """Two-sided p that the mean of ``values [K]`` is zero, the test that goes with `mean_offsets`. NaN for fewer than two
    clips."""
    from scipy import stats

    parts = _sampled(values, of)
    mean = float(parts[0].values.mean())
    error = _error(parts)
    if not error > 0:
        return float(mean == 0) if error == 0 else error
    ratio = mean / error
    if (count := _few(parts)) is not None:
        return 2 * float(stats.t.sf(abs(ratio), count - 1))
    ratios = pivot(parts)
    tail = min(_share(ratios >= ratio), _share(ratios <= ratio))
    return min(1.0, max(2 * tail, _share(np.abs(ratios) >= abs(ratio))))


def _share(reached: NDArray[np.bool_]) -> float:
    """Of resamples, the sample itself counted as one."""
    return (float(reached.sum()) + 1) / (len(reached) + 1)


class Part(NamedTuple):
    """What one kind of unit adds to the variance of means, ``[...]``, and the values of its units, ``[..., U]``."""

    unit: str
    variance: NDArray[np.float64]
    values: NDArray[np.float64]


def parts_of(values: ArrayLike, of: Units) -> list[Part]:
    """Parts of the variance of the means of ``values [..., K]``: that over clips; then, for places and for fits, how much
    larger the variance over them is than what they have in common with the kinds before. That is zero on average where they
    make no difference, whether each clip is heard at all places or in one fit alone (A. C. Cameron, J. B. Gelbach, D. L.
    Miller, J. Bus. Econ. Stat. 29, 2011).

    The variance found among few units is too small more often than too large. So theirs is taken to be the one of which what
    was found is the median.
    """
    clips = unit_values(values, of.clip)
    found = [Part("clip", _variance(clips), clips)]
    for unit, index in of.beside.items():
        own = unit_values(values, index)
        common = sum(sign * _variance(unit_values(values, cells)) for sign, cells in of.shared[unit])
        more = _variance(own) / _median_share(own.shape[-1]) - common
        found.append(Part(unit, np.maximum(more, 0.0), own))
    return found


@cache
def _median_share(count: int) -> float:
    """The median of the variance found in ``count`` values of a normal distribution, as a share of its own."""
    from scipy import stats

    return float(stats.chi2.median(count - 1)) / (count - 1)


def _variance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the mean of ``values [..., U]``; NaN for one."""
    count = values.shape[-1]
    return values.var(-1, ddof=1) / count if count > 1 else np.full(values.shape[:-1], np.nan)


def _sampled(values: ArrayLike, of: Units | None) -> list[Part]:
    """The parts of one mean that are not zero, clips first."""
    clips, *others = parts_of(values, of or Units(np.arange(np.size(values)), {}))
    return [clips, *(part for part in others if part.variance > 0)]


def _few(parts: Sequence[Part]) -> int | None:
    """The number of clips where there are too few for a bootstrap, and nothing beside."""
    count = parts[0].values.shape[-1]
    return count if len(parts) == 1 and count < FEWEST else None


def _error(parts: Sequence[Part]) -> float:
    return float(sum(part.variance for part in parts)) ** 0.5


def pivot(parts: Sequence[Part]) -> NDArray[np.float64]:
    """By how many standard errors means may be off, in draws ``[..., R]``: the sum of what each kind of unit brings about by
    itself, as in the solution of Behrens and Fisher. Draws are made together for all means, and so hold for several at once."""
    if len(parts) == 1:
        return _ratios(parts[0])
    variance = np.sum([part.variance for part in parts], axis=0)
    shares = (np.sqrt(np.divide(part.variance, variance, out=np.zeros_like(variance), where=variance > 0)) for part in parts)
    return np.sum([share[..., None] * _ratios(part) for share, part in zip(shares, parts, strict=True)], axis=0)


def _ratios(part: Part) -> NDArray[np.float64]:
    """For `FEWEST` units or more the studentised bootstrap (P. Hall, Ann. Statist. 16, 1988): by how many of its own standard
    errors the mean of each resample is off. A resample of equal units has none: it is taken to be no smaller than that of all
    units by more than a factor of the root of U. For fewer units draws of Student's t."""
    count = part.values.shape[-1]
    centred = part.values - part.values.mean(-1, keepdims=True)
    deviation = centred.std(-1, ddof=1, keepdims=True)
    if count < FEWEST:
        cosine = np.divide(centred, deviation * (count - 1) ** 0.5, out=np.zeros_like(centred), where=deviation > 0)
        cosine = cosine @ _directions(part.unit, count)
        return (count - 1) ** 0.5 * cosine / np.sqrt(np.maximum(1 - cosine**2, np.finfo(float).eps))
    times = _times(part.unit, count)
    mean, square = centred @ times / count, centred**2 @ times / count
    spread = np.sqrt(np.maximum(square - mean**2, 0) * count / (count - 1))
    return np.divide(
        mean * count**0.5, np.maximum(spread, deviation / count**0.5), out=np.zeros_like(mean), where=deviation > 0
    )


@cache
def _times(unit: str, count: int) -> NDArray[np.float64]:
    """How many times each of ``count`` units is drawn, ``[U, R]``."""
    axes = ("studentised", count) if unit == "clip" else ("studentised", unit, count)
    drawn = generator(*axes).integers(0, count, (RESAMPLES - 1, count))
    return np.array([np.bincount(one, minlength=count) for one in drawn], np.float64).T


@cache
def _directions(unit: str, count: int) -> NDArray[np.float64]:
    """Directions in the space of ``count`` units, each as likely as any other, ``[U, R]``. The cotangent of the angle with a
    given one has Student's distribution, and with several it is as alike as these are (O. Langsrud, Stat. Comput. 15, 2005)."""
    drawn = generator("direction", unit, count).standard_normal((count, RESAMPLES - 1))
    return drawn / np.linalg.norm(drawn, axis=0)


def paired_difference(differences: ArrayLike, of: Units | None = None) -> Estimate:
    """The mean of paired ``differences [K]`` where both are known; others are NaN. Raises ValueError where none is."""
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or np.isnan(values).all():
        raise ValueError(f"differences {np.shape(differences)} must be a vector with a number in it")
    values, of = known(values, of)
    mean, (low, high) = float(values.mean()), mean_offsets(values, of)
    return Estimate(mean, mean + low, mean + high)


def known(values: NDArray[np.float64], of: Units | None) -> tuple[NDArray[np.float64], Units | None]:
    """Those that are not NaN, and their units."""
    chosen = ~np.isnan(values)
    return values[chosen], of and of.of(chosen)
