"""Means, intervals and tests over clips, places and fits, by theory; `test_coverage` measures how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.benchmark.results.statistics import (
    Part,
    Units,
    mean_offsets,
    mean_p,
    paired_difference,
    parts_of,
    pivot,
    unit_values,
    units,
)
from numpy.typing import NDArray
from scipy import stats


def test_paired_differences_are_those_of_the_paired_t_test() -> None:
    first, second = np.array([3.0, 5.0, 9.0, 9.0, 14.0]), np.array([2.0, 3.0, 5.0, 3.0, 7.0])  # differences 1, 2, 4, 6, 7
    found, expected = paired_difference(np.append(first - second, np.nan)), stats.ttest_rel(first, second).confidence_interval()
    assert (found.mean, found.low, found.high) == pytest.approx((4, expected.low, expected.high))
    assert np.isnan(paired_difference([1.0]).high)
    for wrong in ([], [np.nan], [[1.0]]):
        with pytest.raises(ValueError, match="must be a vector with a number"):
            paired_difference(wrong)


def test_few_clips_have_the_interval_of_student() -> None:
    clips = np.array([1.0, 2.0, 4.0, 6.0, 7.0])
    expected = stats.t.interval(0.95, 4, loc=0, scale=stats.sem(clips))
    np.testing.assert_allclose(mean_offsets(clips), expected)
    assert mean_p(clips - 2) == pytest.approx(stats.ttest_1samp(clips, 2)[1])


def test_a_long_tail_above_lengthens_the_interval_above() -> None:
    low, high = mean_offsets([1, 1, 2, 2, 3, 12])
    assert high > -low > 0


@pytest.mark.parametrize(
    "of",
    [
        units(np.arange(30)),
        units(np.arange(30) // 3),
        units(np.arange(30) // 3, place=np.arange(30) % 3),
        units(np.arange(30) // 3, fit=np.arange(30) // 6),
        units(np.arange(30) // 3, place=np.arange(30) % 3, fit=np.arange(30) // 15),
    ],
)
def test_the_test_and_the_interval_agree(of: Units) -> None:
    values = np.exp(np.random.default_rng(4).standard_normal(30))
    for end in np.add(values.mean(), mean_offsets(values, of)):
        assert mean_p(values - end, of) == pytest.approx(0.05, abs=2e-3)


def variance_of_mean(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) / values.size


def test_variance_over_clips_and_places_is_that_of_their_means() -> None:
    table = np.random.default_rng(5).gamma(2, size=(8, 6)) + np.arange(6)
    clip, place = np.divmod(np.arange(48), 6)
    clips, places = parts_of(table.ravel(), units(clip, place=place))
    assert float(clips.variance) == pytest.approx(variance_of_mean(table.mean(1)))
    median = stats.chi2.median(5) / 5
    assert float(places.variance) == pytest.approx(variance_of_mean(table.mean(0)) / median - variance_of_mean(table))


def test_variance_over_fits_is_what_their_clips_do_not_explain() -> None:
    clips, fit = np.random.default_rng(6).gamma(2, size=(3, 8)), np.repeat(np.arange(3), 8)
    apart = clips + np.array([[0.0], [5.0], [7.0]])
    own, fits = parts_of(apart.ravel(), units(np.arange(24), fit=fit))
    assert float(own.variance) == pytest.approx(variance_of_mean(apart))
    expected = variance_of_mean(apart.mean(1)) / (stats.chi2.median(2) / 2) - variance_of_mean(apart)
    assert float(fits.variance) == pytest.approx(expected)
    alike = clips - clips.mean(1, keepdims=True)
    assert float(parts_of(alike.ravel(), units(np.arange(24), fit=fit))[1].variance) == 0


def test_what_kinds_of_units_have_in_common_counts_once() -> None:
    """Errors of 18 pairs of place and fit, the same for all clips: the mean has a variance of 1 / 18, and 1 / 18 is also found
    over places by themselves and over fits by themselves."""
    fit, clip, place = np.unravel_index(np.arange(180), (3, 10, 6))
    of = units(fit * 10 + clip, place=place, fit=fit)
    drawn = np.random.default_rng(7).standard_normal((2000, 3, 6))[:, fit, place]

    def variance(index: NDArray[np.intp]) -> float:
        return float((unit_values(drawn, index).var(-1, ddof=1) / (index.max() + 1)).mean())

    assert [variance(index) for index in of.beside.values()] == pytest.approx([1 / 18, 1 / 18], rel=0.1)
    common = sum(sign * variance(index) for name in of.beside for sign, index in of.shared[name])
    assert variance(of.clip) + sum(map(variance, of.beside.values())) - common == pytest.approx(1 / 18, rel=0.1)


def test_what_is_the_same_everywhere_is_one_unit() -> None:
    of = units([0, 0, 1, 1], place=[0, 1, 0, 1], fit=[3, 3, 3, 3])
    assert list(of.beside) == ["place"]
    assert list(of.of(np.array([True, False, True, False])).beside) == []


@pytest.mark.parametrize("fits", [2, 3, 5])
def test_few_units_are_off_as_student_says(fits: int) -> None:
    ratios = pivot([Part("fit", np.array(1.0), np.array([1.0, 2.0, 4.0, 4.0, 9.0])[:fits])])
    shares = np.array([0.05, 0.2, 0.5, 0.8, 0.95])
    np.testing.assert_allclose(stats.t.cdf(np.quantile(ratios, shares), fits - 1), shares, atol=0.03)


def test_constant_clips_and_single_clips() -> None:
    assert mean_offsets([3.0, 3.0, 3.0]) == (0, 0)
    assert mean_p([0.0, 0.0]) == 1
    assert mean_p([1.0, 1.0]) == 0
    assert np.isnan([*mean_offsets([1.0]), mean_p([1.0])]).all()
