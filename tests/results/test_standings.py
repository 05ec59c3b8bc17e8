"""Ranks, and who cannot be told apart from the best: they find what is there and nothing else, by theory and by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from doabench.benchmark.results.standings import Standing, rank_intervals, standings
from doabench.benchmark.results.statistics import Units, mean_p, units
from numpy.typing import ArrayLike, NDArray

from .test_coverage import CLIPS, PLACES, ROUNDS, SETS, at_places, clip_errors, of_fits, skewed


def two_by_two(clip_errors_deg: ArrayLike) -> NDArray[np.float64]:
    """Differences ``[M, M, C]`` of errors ``[M, C]``."""
    errors = np.asarray(clip_errors_deg, np.float64)
    return errors[:, None] - errors[None]


def standings_of(clip_errors_deg: ArrayLike, of: Units | None = None) -> list[Standing]:
    """Of methods with as many seeds, where all have all clips."""
    errors = np.asarray(clip_errors_deg, np.float64)
    found = standings(two_by_two(errors), of or units(np.arange(errors.shape[1])), errors.mean(1), np.ones(len(errors)))
    return [standing for standing in found if standing is not None]


def test_methods_that_differ_by_less_than_clips_do_are_told_apart_when_paired() -> None:
    rng = np.random.default_rng(0)
    hard = np.exp(rng.standard_normal(40))
    best, worse, same = hard, hard + 0.2 + 0.1 * rng.standard_normal(40), hard + 0.1 * rng.standard_normal(40)
    found = standings_of([worse, best, same])
    assert [standing.tied for standing in found] == [False, True, True]
    assert found[0].rank == found[0].rank_lo == found[0].rank_hi == 3
    assert {found[1].rank_lo, found[1].rank_hi} == {found[2].rank_lo, found[2].rank_hi} == {1, 2}
    assert found[0].difference_deg.low > 0.1


def test_corrections_by_hand() -> None:
    rng = np.random.default_rng(1)
    errors = np.array([[5.0], [5.3], [5.5]]) + rng.standard_normal((3, 12)) * 0.4
    best = int(errors.mean(1).argmin())
    raw = sorted(mean_p(errors[index] - errors[best]) for index in range(3) if index != best)
    found = sorted(standing.p_holm for index, standing in enumerate(standings_of(errors)) if index != best)
    assert found == pytest.approx([min(1, 2 * raw[0]), max(min(1, 2 * raw[0]), raw[1])])
    found = sorted(standing.p_best for index, standing in enumerate(standings_of(errors)) if index != best)
    assert found == pytest.approx([min(1, 2 * p) for p in raw])


def test_equal_methods_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(2)
    wrong = sum(not all(standing.tied for standing in standings_of(np.exp(rng.standard_normal((2, 20))))) for _ in range(200))
    assert wrong < 20


def test_identical_methods_share_a_rank() -> None:
    found = rank_intervals(two_by_two(np.ones((3, 5))), units(np.arange(5)), np.ones((3, 3)))
    assert found.rank.tolist() == found.low.tolist() == found.high.tolist() == [1, 1, 1]
    (alone,) = standings_of(np.ones((1, 1)))
    assert (alone.rank, alone.tied, alone.difference_deg.mean) == (1, True, 0)


def test_a_method_with_fewer_seeds_changes_nothing_for_the_others() -> None:
    rng = np.random.default_rng(3)
    errors = 10 + rng.standard_normal((4, 30)) + np.array([[0.0], [0.3], [2.0], [-3.0]])
    errors[3, 10:] = np.nan
    differences, mae, seeds = two_by_two(errors), np.nanmean(errors, 1), [3, 3, 3, 1]
    *others, fewer = standings(differences, units(np.arange(30)), mae, seeds)
    alone = standings(differences[:3, :3], units(np.arange(30)), mae[:3], seeds[:3])
    names = ("rank", "rank_lo", "rank_hi", "difference_deg")
    for name in names:
        assert [getattr(standing, name) for standing in others] == [getattr(standing, name) for standing in alone]
    best = int(mae[:3].argmin())
    assert [standing.rank for standing in others if standing][best] == 1
    assert fewer is not None
    assert fewer.difference_deg.mean == pytest.approx((errors[3, :10] - errors[best, :10]).mean())
    assert (fewer.rank, fewer.tied) == (1, False)


def test_a_method_that_shares_no_clip_with_the_best_has_no_standing() -> None:
    differences = two_by_two([[1.0, 2.0, np.nan], [3.0, 4.0, np.nan], [np.nan, np.nan, 1.0]])
    found = standings(differences, units(range(3)), [1.5, 3.5, 1.0], [2, 2, 1])
    assert [standing and standing.rank for standing in found] == [1, 2, None]


@pytest.mark.parametrize("differences", [np.zeros(0), np.zeros(1), np.zeros((1, 1, 0)), np.zeros((1, 2, 3)), [[[np.inf]]]])
def test_bad_input_is_refused(differences: ArrayLike) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        standings(differences, units(range(1)), [1.0], [1])


def held_pct(draw: Callable[[], NDArray[np.float64]], truth: NDArray[np.float64], of: Units) -> tuple[float, float]:
    """How often the intervals hold the ranks of the true errors ``[M]``, all of them, and how often the truly best method is
    not told apart from the best."""
    rank, ranks_held, best_held, trials = truth.argsort().argsort() + 1, 0, 0, 150 * ROUNDS
    for _ in range(trials):
        found = standings_of(draw(), of)
        ranks_held += all(one.rank_lo <= own <= one.rank_hi for one, own in zip(found, rank, strict=True))
        best_held += found[int(truth.argmin())].tied
    return 100 * ranks_held / trials, 100 * best_held / trials


@pytest.mark.parametrize("protocol", SETS)
@pytest.mark.parametrize("gap_deg", [None, 1e-4])
def test_ranks_and_the_best_hold_on_real_speech(protocol: str, gap_deg: float | None) -> None:
    """With the errors as they are, and with methods whose means all but coincide, which is the hardest: percentiles of
    resampled ranks hold in 50 to 60 % there. Off-grid two methods are as good as each other and three far off."""
    rng = np.random.default_rng(30)
    errors = clip_errors(protocol).drop(columns=["protocol", "clip"]).to_numpy(np.float64).T
    if gap_deg is not None:
        errors = errors - errors.mean(1, keepdims=True) + gap_deg * np.arange(len(errors))[:, None]
    found = held_pct(lambda: errors[:, rng.integers(0, errors.shape[1], CLIPS)], errors.mean(1), units(np.arange(CLIPS)))
    print(f"{protocol}, {gap_deg}: ranks {found[0]:.0f} %, best {found[1]:.0f} %")
    assert min(found) >= 92


@pytest.mark.parametrize("share", [0, 1, 25])
@pytest.mark.parametrize("fits", [3, 5])
def test_ranks_and_the_best_hold_for_other_fits(fits: int, share: float) -> None:
    rng, truth = np.random.default_rng(31), np.linspace(0, 1e-4, 8)

    def drawn() -> NDArray[np.float64]:
        fitted = (share / CLIPS) ** 0.5 * rng.standard_normal((8, fits, 1))
        return (truth[:, None, None] + skewed(rng, 1, 8, fits, CLIPS) + fitted).reshape(8, -1)

    found = held_pct(drawn, truth, of_fits(fits))
    print(f"{fits} fits, share {share}: ranks {found[0]:.0f} %, best {found[1]:.0f} %")
    assert min(found) >= 92


@pytest.mark.parametrize("place", [0, 0.5, 2])
def test_ranks_and_the_best_hold_at_other_places(place: float) -> None:
    rng, truth = np.random.default_rng(32), np.linspace(0, 1e-4, 8)

    def drawn() -> NDArray[np.float64]:
        other = skewed(rng, 1, 8, CLIPS, 1) + place * skewed(rng, 2, 8, 1, PLACES)
        return (truth[:, None, None] + other + skewed(rng, 1, 8, CLIPS, PLACES)).reshape(8, -1)

    found = held_pct(drawn, truth, at_places())
    print(f"places {place}: ranks {found[0]:.0f} %, best {found[1]:.0f} %")
    assert min(found) >= 92
