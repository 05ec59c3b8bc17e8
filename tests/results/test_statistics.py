"""Intervals that hold, comparisons that find what is there and nothing else: by theory and by simulation."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.results.statistics import Standing, mean_offsets, mean_p, paired_difference, rank_interval, standings
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CLIP_ERRORS = pd.read_csv(Path(__file__).parents[1] / "golden" / "clip_errors.csv")
"""Mean error of each of 200 clips of real speech (LibriSpeech, seeds 200 to 209, `label-sweep`, `off-grid`, `off-range` and
`unseen-place` in dtu-twin) of five methods at J = 247."""
SETS = sorted(set(CLIP_ERRORS["protocol"]))


def covered_pct(population: NDArray[np.float64], clips: int, samples: int = 400) -> float:
    """How often the interval of some clips of a population holds its mean."""
    chosen = np.random.default_rng(20).choice(population, (samples, clips))
    ends = np.array([np.add(sample.mean(), mean_offsets(sample)) for sample in chosen])
    return 100 * float(np.mean((ends[:, 0] <= population.mean()) & (population.mean() <= ends[:, 1])))


@pytest.mark.parametrize("clips", [20, 40])
@pytest.mark.parametrize("protocol", SETS)
def test_intervals_hold_for_errors_and_differences_of_real_speech(protocol: str, clips: int) -> None:
    """On average over methods and pairs of them 93 to 97 %, with room for 400 samples of each. Gross errors of one clip in a
    hundred, which 20 clips mostly do not show, take single ones lower."""
    errors = CLIP_ERRORS[CLIP_ERRORS["protocol"] == protocol].drop(columns=["protocol", "clip"]).to_numpy().T
    means = [covered_pct(one, clips) for one in errors]
    differences = [covered_pct(one - other, clips) for one, other in combinations(errors, 2)]
    for found in (means, differences):
        print(f"{protocol}, {clips} clips: {np.mean(found):.1f} % ({min(found):.1f} to {max(found):.1f})")
        assert 92.5 <= np.mean(found) <= 97
        assert min(found) > 88


HIT_RATES = ((0.50, 22), (0.86, 3.2), (0.955, 28))
"""Mean and a + b of beta distributions with the mean and spread of per-clip accuracies on LibriSpeech: `cnn` at J = 114 and
`rtf_1nn` at J = 988 in dtu-twin (whose spread is the largest of all), `vae_ssl` at J = 988 in mir-twin (the highest)."""


@pytest.mark.parametrize(("clips", "low", "high"), [(20, 92, 98), (40, 93, 98)])
@pytest.mark.parametrize(("mean", "precision"), HIT_RATES)
def test_intervals_cover_the_accuracy_of_clips(clips: int, low: float, high: float, mean: float, precision: float) -> None:
    rates = np.random.default_rng(21).beta(mean * precision, (1 - mean) * precision, (1000, clips))
    ends = np.array([np.add(sample.mean(), mean_offsets(sample)) for sample in rates])
    covered = 100 * np.mean((ends[:, 0] <= mean) & (mean <= ends[:, 1]))
    assert low <= covered <= high


def two_by_two(clip_errors_deg: ArrayLike) -> NDArray[np.float64]:
    """Differences ``[M, M, C]`` of errors ``[M, C]``."""
    errors = np.asarray(clip_errors_deg, np.float64)
    return errors[:, None] - errors[None]


def standings_of(clip_errors_deg: ArrayLike) -> list[Standing]:
    """Of methods with as many seeds, where all have all clips."""
    errors = np.asarray(clip_errors_deg, np.float64)
    found = standings(two_by_two(errors), errors.mean(1), np.ones(len(errors)))
    return [standing for standing in found if standing is not None]


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


def test_the_test_and_the_interval_agree() -> None:
    clips = np.exp(np.random.default_rng(4).standard_normal(25))
    for end in np.add(clips.mean(), mean_offsets(clips)):
        assert mean_p(clips - end) == pytest.approx(0.05, abs=2e-3)


def test_constant_clips_and_single_clips() -> None:
    assert mean_offsets([3.0, 3.0, 3.0]) == (0, 0)
    assert mean_p([0.0, 0.0]) == 1
    assert mean_p([1.0, 1.0]) == 0
    assert np.isnan([*mean_offsets([1.0]), mean_p([1.0])]).all()


def test_methods_that_differ_by_less_than_clips_do_are_told_apart_when_paired() -> None:
    rng = np.random.default_rng(0)
    hard = np.exp(rng.standard_normal(40))
    best, worse, same = hard, hard + 0.2 + 0.1 * rng.standard_normal(40), hard + 0.1 * rng.standard_normal(40)
    found = standings_of([worse, best, same])
    assert [standing.tied for standing in found] == [False, True, True]
    assert found[0].rank == found[0].rank_lo == found[0].rank_hi == 3
    assert {found[1].rank_lo, found[1].rank_hi} == {found[2].rank_lo, found[2].rank_hi} == {1, 2}
    assert found[0].difference_deg.low > 0.1


def test_holm_by_hand() -> None:
    rng = np.random.default_rng(1)
    errors = np.array([[5.0], [5.3], [5.5]]) + rng.standard_normal((3, 12)) * 0.4
    best = int(errors.mean(1).argmin())
    raw = sorted(mean_p(errors[index] - errors[best]) for index in range(3) if index != best)
    found = sorted(standing.p_holm for index, standing in enumerate(standings_of(errors)) if index != best)
    assert found == pytest.approx([min(1, 2 * raw[0]), max(min(1, 2 * raw[0]), raw[1])])


def test_equal_methods_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(2)
    wrong = sum(not all(standing.tied for standing in standings_of(np.exp(rng.standard_normal((2, 20))))) for _ in range(200))
    assert wrong < 20


def test_identical_methods_share_a_rank() -> None:
    low, high = rank_interval(two_by_two(np.ones((3, 5))), np.ones((3, 3)))
    assert low.tolist() == high.tolist() == [1, 1, 1]
    (alone,) = standings_of(np.ones((1, 1)))
    assert (alone.rank, alone.tied, alone.difference_deg.mean) == (1, True, 0)


def test_a_method_with_fewer_seeds_changes_nothing_for_the_others() -> None:
    rng = np.random.default_rng(3)
    errors = 10 + rng.standard_normal((4, 30)) + np.array([[0.0], [0.3], [2.0], [-3.0]])
    errors[3, 10:] = np.nan
    differences, mae, seeds = two_by_two(errors), np.nanmean(errors, 1), [3, 3, 3, 1]
    *others, fewer = standings(differences, mae, seeds)
    alone = standings(differences[:3, :3], mae[:3], seeds[:3])
    names = ("rank", "rank_lo", "rank_hi", "difference_deg")
    for name in names:
        assert [getattr(standing, name) for standing in others] == [getattr(standing, name) for standing in alone]
    best = int(mae[:3].argmin())
    assert [standing.rank for standing in others if standing][best] == 1
    assert fewer is not None
    assert fewer.difference_deg.mean == pytest.approx((errors[3, :10] - errors[best, :10]).mean())
    assert (fewer.rank, fewer.tied) == (1, False)


def test_a_method_that_shares_no_clip_with_the_best_has_no_standing() -> None:
    found = standings(two_by_two([[1.0, 2.0, np.nan], [3.0, 4.0, np.nan], [np.nan, np.nan, 1.0]]), [1.5, 3.5, 1.0], [2, 2, 1])
    assert [standing and standing.rank for standing in found] == [1, 2, None]


@pytest.mark.parametrize("differences", [np.zeros(0), np.zeros(1), np.zeros((1, 1, 0)), np.zeros((1, 2, 3)), [[[np.inf]]]])
def test_bad_input_is_refused(differences: ArrayLike) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        standings(differences, [1.0], [1])
