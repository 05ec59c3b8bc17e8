"""Metrics against hand-worked values and properties that must hold."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.results import metrics
from doabench.benchmark.results.catalogue import flat
from doabench.benchmark.results.records import Metrics
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.statistics import mean_offsets, point, units
from hypothesis import assume, given
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
    found = metrics.with_interval(values, units(clip))
    low, high = mean_offsets([2.0, 6.0, 9.0])
    assert (found.mean, found.low, found.high) == pytest.approx((34 / 6, max(0, 34 / 6 + low), 34 / 6 + high))


def test_one_clip_has_no_interval() -> None:
    found = metrics.with_interval([1.0, 2.0], units([7, 7]))
    assert found.mean == 1.5
    assert np.isnan([found.low, found.high]).all()


def test_no_sequences_score_nan() -> None:
    assert np.isnan(metrics.with_interval([], units([])).mean)


def test_confusion_counts_every_sequence() -> None:
    table = metrics.confusion([0, 10, 10, -10], [0, 0, 10, 25], [-10, 0, 10])
    np.testing.assert_array_equal(table, [[0, 1, 1], [0, 0, 1], [1, 0, 0]])


def test_floor_of_the_papers_off_grid_positions() -> None:
    assert metrics.classifier_floor_deg([25, 28, 45], range(-90, 91, 10)) == pytest.approx((5 + 2 + 5) / 3)


def test_floor_on_the_grid_is_zero() -> None:
    assert metrics.classifier_floor_deg([-90, 0, 40], range(-90, 91, 10)) == 0


def test_golden_file() -> None:
    """Worked out by hand from the definitions."""
    for case in json.loads((Path(__file__).parents[1] / "golden" / "metrics.json").read_text()):
        table = pd.DataFrame({name: case[name] for name in ("estimated_deg", "true_deg")}).assign(clip=0)
        values = score(table, range(-90, 91, 10), case["counts_hits"]).values
        assert {name: point(values[name]) for name in case["expected"]} == pytest.approx(case["expected"])


def test_golden_cell() -> None:
    """All metrics of twelve stored predictions, by hand. Clips have means 12.5, 10, 7.5 and 25, 50, 75 %: no skewness, so the
    interval is Student's, 4.302653 sd / sqrt(3). Probabilities .95, .85, .5, .3 come with 2 of 3, 2 of 3, 2 of 4, 0 of 2 hits.
    """
    golden = Path(__file__).parents[1] / "golden"
    table = pd.read_csv(golden / "predictions.csv")
    found, expected = score(table, range(-90, 91, 10), counts_hits=True), json.loads((golden / "cell.json").read_text())
    assert (found.sequences, found.clips, found.floor_deg) == (12, 3, 0)
    assert flat(found.values) == pytest.approx(flat(Metrics.model_validate(expected).values), abs=1e-6)
    assert list(found.values) == list(expected["values"])
    by_doa = metrics.by_doa(metrics.absolute_error_deg(table["estimated_deg"], table["true_deg"]), table["true_deg"])
    np.testing.assert_array_equal(by_doa.true_deg, [-90, 0, 30, 80])
    np.testing.assert_allclose(by_doa.mae_deg, [0, 10 / 3, 10, 80 / 3])
    np.testing.assert_array_equal(by_doa.sequences, [3, 3, 3, 3])
    older = table.drop(columns=["true_log_probability", "estimated_log_probability"])
    assert score(older, range(-90, 91, 10), True).values == found.values | {"nll_nats": None, "ece_pct": None}


@given(st.lists(st.floats(-90, 90), min_size=1, max_size=30), st.sampled_from([5.0, 10.0, 15.0, 30.0]), st.randoms())
def test_the_nearest_candidate_is_right_where_the_error_is_below_half_a_step(
    true: list[float], step: float, random: Random
) -> None:
    candidates = np.arange(-90, 91, step)
    at = np.array([random.choice(candidates.tolist()) for _ in true])
    assume((np.abs(np.abs(np.array(true) - at) - step / 2) > 1e-9).all())  # of two candidates as near the first counts
    inside = (np.abs(np.array(true) - at) < step / 2) | (np.abs(at) == 90) & (np.sign(at) * (true - at) >= 0)
    np.testing.assert_array_equal(metrics.candidate_hits_pct(true, at, candidates), np.where(inside, 100.0, 0.0))
    snapped = candidates[np.abs(np.array(true)[:, None] - candidates).argmin(1)]
    np.testing.assert_array_equal(metrics.candidate_hits_pct(snapped, at, candidates), metrics.hits_pct(snapped, at))


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), min_size=1, max_size=30))
def test_accuracies_within_wider_limits_are_larger(pairs: list[tuple[float, float]]) -> None:
    estimated, true = np.array(pairs).T
    error = metrics.absolute_error_deg(estimated, true)
    exact, *within, all_of_them = [metrics.within_pct(error, limit) for limit in (0, 5, 10, 15, 180)]
    assert metrics.hits_pct(estimated, true).mean() == pytest.approx(exact)
    assert [exact, *within, all_of_them] == sorted([exact, *within, 100.0])


@pytest.mark.parametrize("candidates", [[], [np.nan], [[0.0]]])
def test_candidates_that_are_none_are_refused(candidates: list) -> None:
    with pytest.raises(ValueError, match="candidates must be"):
        metrics.candidate_hits_pct([0.0], [0.0], candidates)


@given(ANGLES, st.randoms(use_true_random=False))
def test_errors_by_direction_come_to_the_mean(true: list[float], random) -> None:
    error = metrics.absolute_error_deg(random.sample(true, len(true)), true)
    found = metrics.by_doa(error, true)
    assert found.sequences.sum() == len(true)
    assert np.average(found.mae_deg, weights=found.sequences) == pytest.approx(error.mean())


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
    with pytest.raises(ValueError, match="one length"):
        metrics.by_doa([1.0], [1.0, 2.0])


PROBABILITIES = st.lists(st.tuples(st.floats(1e-6, 1.0), st.booleans()), min_size=1, max_size=60)


def test_likelihood_and_calibration_by_hand() -> None:
    """Three sequences in the bin (12/15, 13/15], two of them right; one at 1/2, right; one that is certain, and wrong."""
    confidence, hits = np.array([0.82, 0.83, 0.84, 0.5, 1.0]), np.array([100.0, 0, 100, 100, 0])
    expected = (abs(0.82 + 0.83 + 0.84 - 2) + abs(0.5 - 1) + abs(1 - 0)) / 5
    assert metrics.ece_pct(np.log(confidence), hits) == pytest.approx(100 * expected)
    assert metrics.ece_pct(np.log(confidence), hits, bins=1) == pytest.approx(100 * abs(confidence.sum() - 3) / 5)
    assert metrics.nll_nats(np.log([0.5, 0.25, 1.0])) == pytest.approx(np.log(2))
    assert metrics.nll_nats(np.full(7, -np.log(19))) == pytest.approx(np.log(19))


@given(PROBABILITIES, st.integers(1, 20))
def test_calibration_is_that_of_guo_et_al(pairs: list[tuple[float, bool]], bins: int) -> None:
    """Their equation 3, bin by bin, with sets instead of arithmetic on indices."""
    confidence, right = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    expected = 0.0
    for low, high in itertools.pairwise(np.linspace(0, 1, bins + 1)):
        inside = (low < confidence) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    on_an_edge = np.abs(confidence * bins - np.round(confidence * bins)) < 1e-9
    assume(not (on_an_edge & (confidence < 1)).any())  # which side an edge falls on is the rounding of a logarithm
    assert metrics.ece_pct(np.log(confidence), 100.0 * right, bins) == pytest.approx(100 * expected)


@given(PROBABILITIES)
def test_likelihood_and_calibration_stay_in_their_bounds(pairs: list[tuple[float, bool]]) -> None:
    log_probability, hits = np.log([pair[0] for pair in pairs]), np.array([100.0 * pair[1] for pair in pairs])
    gap = abs(hits.mean() - 100 * np.exp(log_probability).mean())
    assert gap - 1e-9 <= metrics.ece_pct(log_probability, hits) <= 100 + 1e-9
    assert -log_probability.max() - 1e-12 <= metrics.nll_nats(log_probability) <= -log_probability.min() + 1e-12


def test_certain_and_right_is_perfect() -> None:
    assert metrics.nll_nats([0.0, 1e-4]) == 0
    assert metrics.ece_pct([0.0, 1e-4], [100, 100]) == 0


def test_drawn_at_the_stated_probability_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.1, 1, 200_000)
    hits = 100.0 * (rng.uniform(size=confidence.size) < confidence)
    assert metrics.ece_pct(np.log(confidence), hits) < 0.6
    assert metrics.ece_pct(np.log(confidence**0.5), hits) > 10


@pytest.mark.parametrize("values", [[], [0.1], [np.nan], [-np.inf], [[-1.0]]])
def test_what_is_no_log_probability_is_refused(values: list) -> None:
    with pytest.raises(ValueError, match="must be a vector"):
        metrics.nll_nats(values)
    with pytest.raises(ValueError, match="must be a vector"):
        metrics.ece_pct(values, np.zeros(len(values)))


@pytest.mark.parametrize("hits", [[100], [1, 0], [50, 100]])
def test_hits_that_are_none_are_refused(hits: list) -> None:
    with pytest.raises(ValueError, match="must be 0 or 100"):
        metrics.ece_pct([-1.0, -2.0], hits)


def test_normalisation_error() -> None:
    logits = np.random.default_rng(0).normal(size=(20, 5))
    normal = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert metrics.normalisation_error(normal) < 1e-12
    assert metrics.normalisation_error(normal + 0.25) == pytest.approx(0.25)
    assert metrics.normalisation_error(np.empty((0, 5))) == 0


def test_signature() -> None:
    assert metrics.signature("gross", "by=hand", above_deg=20) == "gross:1|above_deg=20|by=hand"
