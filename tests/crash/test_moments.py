"""Killed at any moment, the whole run or a worker of it, a run loses time and nothing else. `DOABENCH_ROUNDS`: how often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from doabench.benchmark.results.folders import damage
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.benchmark.seeds import generator
from support.command import SMOKE

ROUNDS = max(1, int(os.environ.get("DOABENCH_ROUNDS", "1")) * 3 // 2)
TURNS = [(turn, clock_jumps) for turn in range(ROUNDS) for clock_jumps in ((False, True) if ROUNDS > 1 else (True,))]
CHANGES_ANYWAY = ["fit_s", "fit_added_rss_mb", "predict_us_per_sequence"]
OPTIONS = ("--method", "rtf_1nn", "--method", "srp_phat", "--method", "von_mises", "--protocol", "label-sweep")
COMMAND = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *OPTIONS, "--jobs", "2", "--threads", "1", "--out"]


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    """What a run that nobody disturbed leaves, and the seconds that it took."""
    out = tmp_path_factory.mktemp("whole") / "out"
    began = time.monotonic()
    assert start(out).wait() == 0
    return table(out), time.monotonic() - began


def start(out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, str(out)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def table(out: Path) -> str:
    rows = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    return rows.query("origin == 'own'").drop(columns=CHANGES_ANYWAY).to_csv()


def check(out: Path, expected: str) -> None:
    assert start(out).wait() == 0
    assert table(out) == expected
    for kind, model in (("fits", FitRecord), ("cells", CellRecord)):
        for folder in (out / kind).iterdir():
            assert damage(folder, model) == "", folder
            assert not folder.name.startswith("."), folder
    assert not list((out / "claims").iterdir())
    assert not list((out / "scratch").iterdir())


@pytest.mark.parametrize(("turn", "clock_jumps"), TURNS)
def test_a_run_that_is_killed_is_finished_by_the_next(
    turn: int, clock_jumps: bool, whole: tuple[str, float], tmp_path: Path
) -> None:
    """Also where the clock jumps back between the two: to the next, all that was written before was written tomorrow."""
    expected, takes_s = whole
    out = tmp_path / "out"
    run = start(out)
    time.sleep(takes_s * generator("killed", "clock" if clock_jumps else "run", turn).uniform(0.1, 1.0))
    run.kill()
    run.wait()
    tomorrow = time.time() + 24 * 3600
    for path in [out, *out.rglob("*")] if clock_jumps and out.exists() else []:
        os.utime(path, (tomorrow, tomorrow))
    check(out, expected)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_worker_that_is_killed_costs_its_fit_and_the_next_run_makes_it(
    turn: int, whole: tuple[str, float], tmp_path: Path
) -> None:
    expected, takes_s = whole
    rng = generator("killed", "worker", turn)
    run = start(tmp_path / "out")
    time.sleep(takes_s * rng.uniform(0.1, 1.0))
    children = psutil.Process(run.pid).children(recursive=True) if run.poll() is None else []
    for child in rng.permutation(len(children))[:1]:
        children[child].send_signal(signal.SIGKILL)
    assert run.wait() in (0, 1)
    check(tmp_path / "out", expected)
