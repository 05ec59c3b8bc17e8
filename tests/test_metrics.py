"""Metrics against hand-worked values and properties that must hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark import metrics
from doabench.benchmark.statistics import mean_offsets
from hypothesis import given
from hypothesis import strategies as st

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


def test_interval_stands_around_the_mean_of_all_sequences() -> None:
    values, clip = np.array([1.0, 3.0, 4.0, 8.0, 9.0, 9.0]), np.array([0, 0, 1, 1, 2, 2])
    found = metrics.with_interval(values, clip)
    low, high = mean_offsets([2.0, 6.0, 9.0])
    assert (found.value, found.low, found.high) == pytest.approx((34 / 6, max(0, 34 / 6 + low), 34 / 6 + high))


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


def test_golden_file() -> None:
    """Worked out by hand from the definitions."""
    for case in json.loads((Path(__file__).parent / "golden" / "metrics.json").read_text()):
        error = metrics.absolute_error_deg(case["estimated_deg"], case["true_deg"])
        found = {
            "mae_deg": error.mean(),
            "median_deg": metrics.median_deg(error),
            "within_10_pct": metrics.within_pct(error),
            "gross_pct": metrics.gross_pct(error),
            "endfire_mae_deg": metrics.endfire_mae_deg(error, case["true_deg"]),
        }
        assert found == pytest.approx(case["expected"])


@given(ANGLES, st.randoms(use_true_random=False))
def test_shares_and_median_stay_in_their_bounds(true: list[float], random) -> None:
    error = metrics.absolute_error_deg(random.sample(true, len(true)), true)
    assert 0 <= metrics.gross_pct(error) <= 100 - metrics.within_pct(error) <= 100
    assert error.min() <= metrics.median_deg(error) <= error.max()


@pytest.mark.parametrize("errors", [[], [-1.0], [np.nan], [[1.0]]])
def test_errors_that_are_none_are_refused(errors: list) -> None:
    for metric in (metrics.median_deg, metrics.within_pct, metrics.gross_pct):
        with pytest.raises(ValueError, match="must be a vector"):
            metric(errors)
    with pytest.raises(ValueError, match="one length"):
        metrics.endfire_mae_deg([1.0], [1.0, 2.0])


def test_signature() -> None:
    assert metrics.signature("gross", above_deg=20) == "gross:1|above_deg=20"
