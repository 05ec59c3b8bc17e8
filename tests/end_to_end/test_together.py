"""Several runs on one folder share the work and leave what one alone leaves. `DOABENCH_ROUNDS`: how often each is tried."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from doabench.benchmark.results.folders import damage
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.leaderboard.mlflow.content import CELL, KEY, KIND, ROW
from mlflow import MlflowClient
from support import plugins
from support.command import SMOKE, plugin

ROUNDS = int(os.environ.get("DOABENCH_ROUNDS", "1"))
METHODS = tuple(f"counts_{number}" for number in range(4))
COUNTS = (
    plugins.HEADER.format(labels=True)
    + """
    def fit(self, data):
        import pathlib, time
        time.sleep(0.5)
        pathlib.Path(__file__).with_name(f"{pathlib.Path(__file__).stem}.{os.getpid()}").touch()

    def predict(self, sequences):
        return Prediction(np.zeros(len(sequences)))
"""
)


def start(folder: Path, out: Path) -> subprocess.Popen[str]:
    options = [part for name in METHODS for part in ("--plugin", str(folder / f"{name}.py"), "--method", name)]
    options += ["--protocol", "off-range", "--jobs", "1", "--threads", "1", "--out", str(out)]
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in METHODS:
        plugin(tmp_path, name, COUNTS)
    return tmp_path


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize(
    ("count", "apart_s"), [(2, 0.0), (4, 1.0)] if ROUNDS == 1 else [(2, 0.0), (2, 1.0), (4, 0.0), (4, 1.0)]
)
def test_together_they_do_what_one_does(count: int, apart_s: float, turn: int, folder: Path) -> None:
    out, drivers = folder / "out", list[subprocess.Popen[str]]()
    for _ in range(count):
        drivers.append(start(folder, out))
        time.sleep(apart_s)
    said = [driver.communicate()[1] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0] * count, (turn, said)
    assert "Traceback" not in "".join(said)
    trained = Counter(path.stem for path in folder.glob("counts_*.*") if path.suffix != ".py")
    assert trained == dict.fromkeys(METHODS, 1)
    for kind, model in (("fits", FitRecord), ("cells", CellRecord)):
        folders = list((out / kind).iterdir())
        assert len(folders) == len(METHODS)
        assert [damage(one, model) for one in folders] == [""] * len(METHODS)
    assert not list((out / "claims").iterdir())
    assert not list((out / "scratch").iterdir())
    table = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    assert sorted(table.query("origin == 'own'")["method"]) == sorted(METHODS)
    client = MlflowClient(f"sqlite:///{out}/mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert len({run.data.tags[KEY] for run in runs}) == len(runs)
    assert Counter(run.data.tags[KIND] for run in runs) == {CELL: len(METHODS), ROW: len(METHODS)}
