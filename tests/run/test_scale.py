"""The formula of docs/scale.md against the simulated scheduler, and both against what cannot be otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from development.scale_model import MOST_JOBS, POLL_S, Asked, Costs, modelled
from development.scale_scheduler import simulated

IDEAL = Costs(start_s=0, drawn_s=0, streams_s=0, dispatched_s=0, preempted=0, slow=0, spread=0)
MIXED = {5.0: 0.5, 60.0: 0.3, 600.0: 0.15, 1800.0: 0.05}


@pytest.mark.parametrize(
    ("mix", "seed", "costs"),
    [
        ({60.0: 1.0}, 0, Costs()),
        ({1800.0: 1.0}, 1, Costs()),
        (MIXED, 2, Costs()),
        (MIXED, 3, Costs(preempted=0.2, slow=1 / 3, slowness=2.0, spread=0.6, dispatched_s=60.0)),
    ],
)
def test_ten_thousand_fits_on_a_hundred_workers(mix: dict[float, float], seed: int, costs: Costs) -> None:
    asked = Asked(10_000, 100, mix)
    model, found = modelled(asked, costs), simulated(asked, costs, seed)
    assert model.computed_s == pytest.approx(found.computed_s, rel=0.2)
    assert model.total_s == pytest.approx(found.total_s, rel=0.2)


@pytest.mark.parametrize("mix", [{1.0: 1.0}, {60.0: 1.0}, {5000.0: 1.0}, MIXED])
@pytest.mark.parametrize("workers", [1, 10, 100, 1000])
@pytest.mark.parametrize("fits", [1, 10, 100, 10_000])
def test_no_request_is_done_sooner_than_its_work_allows(fits: int, workers: int, mix: dict[float, float]) -> None:
    for known in (True, False):
        asked = Asked(fits, workers, mix, known=known)
        work_s = fits * asked.moment(1) / workers
        ideal, usual = modelled(asked, IDEAL), modelled(asked, Costs())
        assert work_s <= ideal.computed_s <= usual.computed_s
        assert min(usual.planned_s, usual.published_s) > 0


@pytest.mark.parametrize(("field", "worse"), [("slow", 0.5), ("preempted", 0.3), ("dispatched_s", 100.0), ("start_s", 60.0)])
@pytest.mark.parametrize("jobs", [3, 3000])
def test_what_goes_wrong_costs_time(jobs: int, field: str, worse: float) -> None:
    asked = Asked(jobs, 10, {600.0: 1.0})
    assert modelled(asked, replace(Costs(), **{field: worse})).computed_s > modelled(asked, Costs()).computed_s


@pytest.mark.parametrize(("jobs", "workers", "rounds"), [(8, 1, 8), (5, 10, 1), (300, 100, 3), (1000, 100, 10)])
def test_where_nothing_is_left_to_chance_the_scheduler_can_be_counted(jobs: int, workers: int, rounds: int) -> None:
    found = simulated(Asked(jobs, workers, {600.0: 1.0}), IDEAL, 0)
    assert found.computed_s == pytest.approx(rounds * 600.0, abs=POLL_S)


def test_one_worker_does_one_job_after_the_other() -> None:
    asked = Asked(100, 1, {60.0: 1.0})
    assert modelled(asked, IDEAL).computed_s == pytest.approx(6000.0, rel=0.01)


def test_the_submitter_is_the_one_of_the_suite() -> None:
    pytest.importorskip("submitit")
    from doabench.benchmark.run import slurm

    assert (POLL_S, MOST_JOBS) == (slurm.POLL_S, slurm.MOST_JOBS)
