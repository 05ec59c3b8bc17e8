"""Fits are put together into jobs that are worth the wait in a queue, and jobs into arrays with one time limit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from doabench.benchmark.run.batches import JOB_S, LIMIT_S, batches, jobs_of
from doabench.benchmark.run.jobs import Fit
from doabench.benchmark.run.plan import Request, make_plan

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def fit() -> Fit:
    return make_plan(Request(("off-range",), ("srp_phat",), "talkers", "smoke", seeds=(0,))).fits[0]


def several(fit: Fit, *expected_s: float) -> tuple[list[Fit], dict[str, float]]:
    """So many fits, and how long each is expected to take."""
    fits = [replace(fit, key=f"{number:04d}") for number in range(len(expected_s))]
    return fits, {one.key: took_s for one, took_s in zip(fits, expected_s, strict=True)}


@pytest.mark.parametrize(
    ("expected_s", "sizes"),
    [
        ([], []),
        ([1.0], [1]),
        ([120.0] * 12, [5, 5, 2]),
        ([599.0, 1.0, 1.0], [2, 1]),
        ([2 * HOUR_S, 2 * HOUR_S, 1.0], [1, 1, 1]),
        ([1.0, 2 * HOUR_S, 1.0], [2, 1]),
    ],
)
def test_a_job_is_filled_until_it_is_worth_it(expected_s: list[float], sizes: list[int], fit: Fit) -> None:
    fits, by_key = several(fit, *expected_s)
    jobs = jobs_of(fits, by_key)
    assert [len(job) for job in jobs] == sizes
    assert [one for job in jobs for one in job] == fits
    assert all(sum(by_key[one.key] for one in job) >= JOB_S for job in jobs[:-1])


@pytest.mark.parametrize("room", [1, 2, 3, 4, 10, 100])
def test_no_more_run_at_a_time_than_there_is_room_for(room: int, fit: Fit) -> None:
    fits, by_key = several(fit, *[600.0] * 40, *[3 * HOUR_S] * 5, *[12 * HOUR_S] * 2)
    found = list(batches(jobs_of(fits, by_key), by_key, None, room))
    assert sum(batch.most for batch in found) <= room
    assert all(batch.most >= 1 for batch in found)
    assert len(found) == (3 if room >= 3 else 1)
    assert sorted(one.key for batch in found for job in batch.jobs for one in job) == sorted(by_key)
    for batch in found:
        for job in batch.jobs:
            assert batch.limit_s >= 3 * sum(by_key[one.key] for one in job)
    assert [batch.limit_s for batch in found] == sorted((batch.limit_s for batch in found), reverse=True)


@pytest.mark.parametrize(("room", "most"), [(100, [2, 5, 40]), (20, [2, 5, 13]), (6, [2, 2, 2])])
def test_the_room_is_shared_out_by_work(room: int, most: list[int], fit: Fit) -> None:
    fits, by_key = several(fit, *[600.0] * 40, *[3 * HOUR_S] * 5, *[12 * HOUR_S] * 2)
    assert [batch.most for batch in batches(jobs_of(fits, by_key), by_key, None, room)] == most


def test_a_job_gets_the_time_that_its_fits_may_take(fit: Fit) -> None:
    fits, by_key = several(fit, *[120.0] * 5)
    limits = [next(batches([fits], by_key, limit_s, 9)).limit_s for limit_s in (None, 60.0, HOUR_S, 3 * HOUR_S)]
    assert limits == [LIMIT_S, LIMIT_S, 4 * LIMIT_S, 8 * LIMIT_S]
