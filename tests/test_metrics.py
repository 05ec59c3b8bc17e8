"""Metrics against hand-worked values and properties that must hold."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.benchmark import metrics
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

ANGLES = st.lists(st.sampled_from([-90.0, -30.0, 0.0, 10.0, 90.0]), min_size=1, max_size=40)


def test_worked_example() -> None:
    estimated, true = [10.0, 20.0, -30.0, 0.0], [10.0, 10.0, -90.0, 10.0]
    np.testing.assert_array_equal(metrics.absolute_error_deg(estimated, true), [0, 10, 60, 10])
    np.testing.assert_array_equal(metrics.hits_pct(estimated, true), [100, 0, 0, 0])


@given(ANGLES)
def test_perfect_estimates_score_perfectly(true: list[float]) -> None:
    assert metrics.absolute_error_deg(true, true).sum() == 0
    assert (metrics.hits_pct(true, true) == 100).all()


@given(ANGLES, st.randoms(use_true_random=False))
def test_error_is_symmetric_and_order_free(true: list[float], random) -> None:
    estimated = random.sample(true, len(true))
    assert metrics.absolute_error_deg(estimated, true).sum() == pytest.approx(metrics.absolute_error_deg(true, estimated).sum())


@pytest.mark.parametrize(("estimated", "true"), [([1.0], [1.0, 2.0]), ([np.nan], [0.0]), ([0.0], [np.inf]), ([[0.0]], [[0.0]])])
def test_bad_input_is_refused(estimated: list, true: list) -> None:
    with pytest.raises(ValueError, match=r"must be|finite"):
        metrics.absolute_error_deg(estimated, true)


def test_interval_is_students_t_on_clip_means() -> None:
    values, clip = np.array([1.0, 3.0, 4.0, 8.0, 9.0, 9.0]), np.array([0, 0, 1, 1, 2, 2])
    found = metrics.with_interval(values, clip)
    expected = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem([2.0, 6.0, 9.0]))
    assert (found.value, found.low, found.high) == pytest.approx((34 / 6, max(0, expected[0]), expected[1]))


def test_one_clip_has_no_interval() -> None:
    found = metrics.with_interval([1.0, 2.0], [7, 7])
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()


def test_no_sequences_score_nan() -> None:
    assert np.isnan(metrics.with_interval([], []).value)


def test_confusion_counts_every_sequence() -> None:
    table = metrics.confusion([0, 10, 10, -10], [0, 0, 10, 25], [-10, 0, 10])
    np.testing.assert_array_equal(table, [[0, 1, 1], [0, 0, 1], [1, 0, 0]])


def test_floor_of_the_papers_off_grid_positions() -> None:
    assert metrics.classifier_floor_deg([25, 28, 45], range(-90, 91, 10)) == pytest.approx((5 + 2 + 5) / 3)


def test_floor_on_the_grid_is_zero() -> None:
    assert metrics.classifier_floor_deg([-90, 0, 40], range(-90, 91, 10)) == 0
