"""How many fits run at a time, and how long that may take."""

from __future__ import annotations

from pathlib import Path

import pytest
from doabench.benchmark.run import resources
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.resources import forecast, jobs_and_threads, remember


@pytest.mark.parametrize(
    ("fits", "device", "jobs", "threads", "memory_mb", "expected"),
    [
        (9, "cpu", None, None, 1e6, (4, 1)),
        (3, "cpu", None, None, 1e6, (3, 1)),
        (1, "cpu", None, None, 1e6, (1, 4)),
        (0, "cpu", None, None, 1e6, (1, 4)),
        (9, "cpu", None, None, 3100, (2, 2)),  # memory for two workers
        (9, "cpu", None, None, 100, (1, 4)),
        (9, "cpu", None, 2, 1e6, (2, 2)),
        (9, "cpu", 8, None, 100, (8, 1)),  # who says how many gets them
        (9, "cpu", 2, None, 1e6, (2, 2)),
        (9, "cuda:0", None, None, 1e6, (1, 4)),
    ],
)
def test_one_fit_a_core_where_there_are_as_many_and_memory_for_them(
    fits: int,
    device: str,
    jobs: int | None,
    threads: int | None,
    memory_mb: float,
    expected: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "cores", lambda: 4)
    monkeypatch.setattr(resources, "available_mb", lambda: memory_mb)
    assert jobs_and_threads(fits, device, jobs, threads) == expected


@pytest.mark.parametrize(("cpu_max", "expected"), [("max 100000", 3), ("200000 100000", 2), ("50000 100000", 1)])
def test_a_container_may_give_less_than_the_machine_has(
    cpu_max: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "CGROUP", tmp_path)
    monkeypatch.setattr(resources.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert resources.cores() == expected
    (tmp_path / "memory.max").write_text("3000000")
    (tmp_path / "memory.current").write_text("1000000")
    assert resources.available_mb() == 2.0


def test_a_forecast_is_of_what_was_run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOABENCH_CACHE", str(tmp_path / "cache"))
    plan = make_plan(Request(("off-range",), ("srp_phat", "music", "norm_music"), "talkers", "smoke"))
    settings = Settings(tmp_path / "out")
    assert forecast(plan.fits, settings, 2) == ""
    for fit in plan.fits[:2]:
        remember(fit, settings, 300)
    assert forecast(plan.fits, settings, 2) == "about 5 minutes by earlier runs here; 1 were never run here"
    assert forecast(plan.fits[:2], settings, 1) == "about 10 minutes by earlier runs here"
    assert forecast(plan.fits, Settings(tmp_path / "out", threads=2), 2) == ""
