"""Fits in jobs of a real Slurm leave what they leave here, whoever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Stored
from support import plugins
from support.command import SMOKE, doabench, files, plugin

WITHIN_S = 300.0
WAITS = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        import pathlib, time
        here = pathlib.Path(__file__).parents[1]
        tries = len(list(here.glob("*.try")))
        (here / f"{tries}.try").touch()
        while not (here / "go").exists():
            time.sleep(0.1)
        return Prediction(np.full(len(sequences), 10.0))
"""
)
KILLS_ITS_JOB = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        import pathlib, signal, time
        here = pathlib.Path(__file__).parents[1]
        (here / f"{len(list(here.glob('*.try')))}.try").touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
"""
)
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a run through Slurm of the plugin ``odd``, and of two methods of the suite, one before and one after it."""
    runs = list[subprocess.Popen[str]]()

    def started(*arguments: str, publish: bool = False, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "doabench.benchmark", "run", "--engine", "slurm", *options(tmp_path)]
        command += ["--out", str(tmp_path / "out"), *arguments, *(() if publish else ("--no-publish",))]
        runs.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | variables))
        return runs[-1]

    yield started
    for run in runs:
        run.kill()
        run.wait()


def odd(folder: Path, text: str) -> None:
    """The plugin, in a folder of its own: what lies beside it and is named in it is part of it."""
    (folder / "methods").mkdir()
    plugin(folder / "methods", "odd", text)


def options(folder: Path) -> list[str]:
    methods = [
        "--method",
        "srp_phat",
        "--plugin",
        str(folder / "methods" / "odd.py"),
        "--method",
        "odd",
        "--method",
        "von_mises",
    ]
    return [*SMOKE, "--protocol", "off-range", *methods]


def until(true: Callable[[], bool], *runs: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        for run in runs:
            assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def tried(folder: Path, times: int) -> Callable[[], bool]:
    return lambda: len(list(folder.glob("*.try"))) >= times


def jobs(folder: Path) -> dict[str, list[str]]:
    """Keys of fits by the jobs that were submitted."""
    return {name: keys for file in (folder / "out" / "slurm").glob("*.json") for name, keys in read(file).items()}


def read(file: Path) -> dict[str, list[str]]:
    return json.loads(file.read_text())["jobs"]


def latest(folder: Path) -> str:
    return max(jobs(folder), key=lambda name: int(name.partition("_")[0]))


def found(out: Path) -> dict[str, CellRecord]:
    return {record.fit.method: record for record in Stored(out).all_cells()}


def leaderboard(out: Path) -> pd.DataFrame:
    """What does not depend on how busy the machine was."""
    table = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    return table.drop(columns=["fit_s", "predict_us_per_sequence", "fit_added_rss_mb"])


def test_a_job_that_is_requeued_twice_leaves_what_a_run_here_leaves(start: Start, tmp_path: Path) -> None:
    """Once by the signal that comes before preemption, once by Slurm itself, which kills it."""
    odd(tmp_path, WAITS)
    run = start(publish=True)
    until(tried(tmp_path, 1), run)
    (job,) = jobs(tmp_path)
    subprocess.run(["scancel", "--signal=USR2", job], check=True)
    until(tried(tmp_path, 2), run)
    before = files(tmp_path / "out")
    subprocess.run(["scontrol", "requeue", job], check=True)
    until(tried(tmp_path, 3), run)
    (tmp_path / "go").touch()
    _, said = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 0, said
    assert list(jobs(tmp_path)) == [job]
    assert "Restarts=2" in subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    assert before
    assert before.items() <= files(tmp_path / "out").items()
    doabench("run", *options(tmp_path), "--jobs", "1", "--threads", "1", "--out", tmp_path / "here")
    pd.testing.assert_frame_equal(leaderboard(tmp_path / "out"), leaderboard(tmp_path / "here"))


def test_a_run_that_is_killed_finds_its_jobs_again(start: Start, tmp_path: Path) -> None:
    """Of two that are started together, by a job of their own, one is killed; a third comes later."""
    odd(tmp_path, WAITS)
    inside = {"SLURM_JOB_ID": "1", "SLURM_MEM_PER_CPU": "7", "SLURM_MEM_PER_NODE": "9", "SLURM_CPUS_PER_TASK": "99"}
    first, second = start(**inside), start(**inside)
    until(tried(tmp_path, 1), first, second)
    first.kill()
    third = start()
    assert third.stderr is not None
    assert "2 fits with 2 cells to do, 1 fits are there" in third.stderr.readline()
    time.sleep(8)  # it would have submitted them by now
    second.terminate()
    _, said = second.communicate(timeout=WITHIN_S)
    assert second.returncode == 143
    assert "jobs in the queue go on" in said
    (tmp_path / "go").touch()
    _, said = third.communicate(timeout=WITHIN_S)
    assert third.returncode == 0, said
    keys = [key for fits in jobs(tmp_path).values() for key in fits]
    assert len(keys) == len({*keys}) == 3
    assert len(list(tmp_path.glob("*.try"))) == 1
    assert {record.state for record in found(tmp_path / "out").values()} == {"ok"}


def test_a_fit_that_its_job_does_not_survive_is_tried_twice_and_says_why(start: Start, tmp_path: Path) -> None:
    odd(tmp_path, KILLS_ITS_JOB)
    run = start()
    _, said = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 1, said
    records = found(tmp_path / "out")
    assert len(list(tmp_path.glob("*.try"))) == 2
    assert records["odd"].reason == f"its Slurm job {job_of(records['odd'], tmp_path)} was killed"
    assert [records[name].state for name in ("srp_phat", "odd", "von_mises")] == ["ok", "failed", "ok"]


def test_a_job_that_comes_to_its_time_limit_twice_costs_the_fit_it_was_at(start: Start, tmp_path: Path) -> None:
    """So short a limit that any signal means that it has come."""
    odd(tmp_path, WAITS)
    run = start("--slurm", "time=9")
    for times in (1, 2):
        until(tried(tmp_path, times), run)
        until(lambda: len(jobs(tmp_path)) == times, run)  # noqa: B023 (used at once)
        subprocess.run(["scancel", "--signal=USR2", latest(tmp_path)], check=True)
    _, said = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 1, said
    records = found(tmp_path / "out")
    assert "came to its time limit: give more" in records["odd"].reason
    assert [records[name].state for name in ("srp_phat", "odd", "von_mises")] == ["ok", "failed", "ok"]


def test_what_a_person_cancels_is_not_submitted_again(start: Start, tmp_path: Path) -> None:
    odd(tmp_path, WAITS)
    run = start()
    until(tried(tmp_path, 1), run)
    (job,) = jobs(tmp_path)
    subprocess.run(["scancel", job], check=True)
    _, said = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 1, said
    assert list(jobs(tmp_path)) == [job]
    states = {name: (record.state, record.reason) for name, record in found(tmp_path / "out").items()}
    lost = ("failed", f"its Slurm job {job} was cancelled")
    assert states == {"srp_phat": ("ok", ""), "odd": lost, "von_mises": lost}


def test_what_sbatch_refuses_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    odd(tmp_path, WAITS)
    run = start("--slurm", "partition=nowhere")
    _, said = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 2
    assert said.splitlines()[-1].startswith(
        "doabench: sbatch refused the jobs (sbatch: error: invalid partition specified: nowhere"
    )
    assert "Traceback" not in said
    assert "in the queue" not in said


def job_of(record: CellRecord, folder: Path) -> str:
    """The last job that had the fit of a record."""
    return max(name for name, keys in jobs(folder).items() if record.fit_key in keys)
