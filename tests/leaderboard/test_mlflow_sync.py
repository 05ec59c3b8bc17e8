"""MLflow: every stored cell once, whatever was killed, unreachable or started twice before."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import History
from doabench.benchmark.results.records import CellAxes, CellCode, CellRecord, FitAxes, FitCode, FitRecord, Metrics
from doabench.benchmark.results.statistics import Estimate
from doabench.benchmark.results.store import Store
from doabench.leaderboard.mlflow import sync as mlflow_sync
from doabench.leaderboard.mlflow.database import EXPERIMENT
from doabench.leaderboard.mlflow.sync import KEY, sync
from doabench.leaderboard.mlflow.ui import serve
from mlflow import MlflowClient
from mlflow.entities import Run

CANDIDATES = (-30.0, 0.0, 30.0)
STEPS = 1200  # more than MLflow takes in one batch
PROGRAM = "import sys, pathlib; from doabench.leaderboard.mlflow.{0} import {1} as f; print(f(pathlib.Path(sys.argv[1]){2}))"


def fit_axes(method: str, labels: int) -> FitAxes:
    return FitAxes(
        method=method,
        variant="as-released" if labels else "",
        form="as released" if labels else "",
        as_published=labels > 0,
        method_title=method.upper(),
        code=FitCode(method="0", room="0", speech="0", data="0", split="0"),
        dataset="some-room",
        measured=False,
        speech="some-speech",
        data_digest="d" * 32,
        seed=0,
        nominal_labels=labels and 120,
        labels=labels,
        transductive=False,
        candidates_deg=CANDIDATES,
        spacing_m=0.08,
    )


def cell_record(key: str, fit: FitAxes, protocol: str, **changes: object) -> CellRecord:
    axes = CellAxes(
        protocol=protocol,
        protocol_version=1,
        protocol_fingerprint="f" * 32,
        scale="smoke",
        split="validation",
        rt60_s=0.5,
        measured_rt60_s=None,
        scored_digest="e" * 32,
        code=CellCode(scored="0", scoring="0"),
        counts_hits=True,
    )
    scores = Metrics(
        values={"mae_deg": Estimate(1.5, 1.0, 2.0), "accuracy_pct": None, "median_deg": 1.25},
        sequences=6,
        clips=2,
        floor_deg=0.0,
    )
    costs = {"fit_s": 2.0, "fit_added_rss_mb": 300.5, "parameters": 7} if fit.labels else {}
    own = costs | {"predict_us_per_sequence": 7.0, "environment": {"commit": "abc", "threads": 2}}
    record = {"key": key, "fit_key": f"fit-{fit.method}", "state": "ok", "fit": fit, "axes": axes, "metrics": scores}
    return CellRecord.model_validate(record | own | changes)


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two fits, one of them with a training curve: three ok cells of two protocols, and one that failed."""
    folder = tmp_path_factory.mktemp("mlflow") / "some results"  # a blank, as in many a home folder
    store = Store(folder)
    predictions = pd.DataFrame({"true_deg": np.repeat(CANDIDATES, 2), "estimated_deg": [-30.0, 0.0, 0.0, 0.0, 30.0, 0.0]})
    trained, classical = fit_axes("learner", 114), fit_axes("classic", 0)
    history = History()
    for step in range(1, STEPS + 1):
        history.add(step, loss=1.0 / step)
    with store.new_fit(FitRecord(key="fit-learner", axes=trained, fit_s=2.0), history):
        pass
    store.add_cell(cell_record("a1", trained, "sweep"), predictions)
    store.add_cell(cell_record("a2", trained, "other"), predictions)
    store.add_cell(cell_record("b1", classical, "sweep"), predictions)
    store.add_cell(cell_record("b2", classical, "other", state="failed", metrics=None, reason="broke"))
    return folder


@pytest.fixture
def out(results: Path, tmp_path: Path) -> Path:
    """The results, never synced."""
    return shutil.copytree(results, tmp_path / "fresh results")


@pytest.fixture(scope="module")
def synced(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results after one sync; not to be changed."""
    folder = shutil.copytree(results, tmp_path_factory.mktemp("mlflow") / "synced results")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert sync(folder) == 3
    return folder


def client(out: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{out}/mlflow.db")


def runs(out: Path) -> dict[str, Run]:
    """Active runs by the key of their cell; no key twice."""
    experiments = [e.experiment_id for e in client(out).search_experiments(filter_string=f"name LIKE '{EXPERIMENT}%'")]
    found = client(out).search_runs(experiments)
    by_key = {run.data.tags[KEY]: run for run in found}
    assert len(by_key) == len(found)
    return by_key


@pytest.mark.parametrize("page", [1, 1000])
def test_every_ok_cell_becomes_one_run(synced: Path, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_sync, "PAGE", page)
    environment = dict(os.environ)
    assert sync(synced) == 0
    assert dict(os.environ) == environment
    assert set(runs(synced)) == {"a1", "a2", "b1"}
    history = client(synced).get_metric_history(runs(synced)["a1"].info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(step, 1.0 / step) for step in range(1, STEPS + 1)]


def test_what_a_run_shows(synced: Path) -> None:
    run = runs(synced)["a1"]
    assert run.info.run_name == "learner (as released) J=114 validation some-room 0.5 s seed 0"
    assert runs(synced)["b1"].info.run_name == "classic validation some-room 0.5 s seed 0"
    assert run.info.end_time is not None
    assert run.info.end_time - run.info.start_time == pytest.approx(2000, abs=1)
    assert run.data.params == {
        "method": "learner",
        "variant": "as-released",
        "form": "as released",
        "labels": "114",
        "nominal_labels": "120",
        "dataset": "some-room",
        "measured": "False",
        "speech": "some-speech",
        "seed": "0",
        "rt60_s": "0.5",
        "split": "validation",
        "scale": "smoke",
        "protocol_version": "1",
    }
    scores = {
        "mae_deg": 1.5,
        "mae_lo": 1.0,
        "mae_hi": 2.0,
        "median_deg": 1.25,
        "floor_deg": 0.0,
        "sequences": 6.0,
        "clips": 2.0,
        "fit_s": 2.0,
    }
    scores |= {"parameters": 7.0, "fit_added_rss_mb": 300.5, "mae_deg_at/-30": 15.0, "mae_deg_at/0": 0.0, "mae_deg_at/30": 15.0}
    assert run.data.metrics == scores | {"predict_us_per_sequence": 7.0, "train/loss": 1.0 / STEPS}
    shown = {"doabench.fit_key": "fit-learner", "fingerprint": "f" * 32, "commit": "abc", "threads": "2"}
    assert shown.items() <= run.data.tags.items()
    assert run.data.tags["signature"].startswith("errors:1|")
    both = {"training": "d" * 32, "evaluation": "e" * 32}
    assert datasets(run) == {use: ("some-room + some-speech", digest) for use, digest in both.items()}
    assert set(datasets(runs(synced)["b1"])) == {"evaluation"}


def datasets(run: Run) -> dict[str, tuple[str, str]]:
    """Name and digest of the datasets of a run by what they were used for."""
    assert run.inputs is not None
    return {used.tags[0].value: (used.dataset.name, used.dataset.digest) for used in run.inputs.dataset_inputs}


def test_figures_are_artifacts_and_follow_a_moved_folder(synced: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(synced, tmp_path / "moved")
    assert sync(moved) == 0
    for run in runs(moved).values():
        assert str(run.info.artifact_uri).startswith(moved.as_uri())
        names = {file.path: file.file_size for file in client(moved).list_artifacts(run.info.run_id)}
        assert set(names) == {"confusion.png", "error_by_doa.png"}
        assert min(size or 0 for size in names.values()) > 3000


def test_a_killed_sync_is_made_good(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_inputs", killed)  # the scores are logged, the run is not finished
        with pytest.raises(KeyboardInterrupt):
            sync(out)
    (half,) = runs(out).values()
    assert half.info.status == "RUNNING"
    assert sync(out) == 3
    assert {run.info.status for run in runs(out).values()} == {"FINISHED"}
    assert half.info.run_id not in {run.info.run_id for run in runs(out).values()}


def test_a_deleted_experiment_comes_back(synced: Path, tmp_path: Path) -> None:
    out = shutil.copytree(synced, tmp_path / "copy")
    client(out).delete_experiment(runs(out)["b1"].info.experiment_id)
    assert set(runs(out)) == {"a2"}
    sync(out)
    assert set(runs(out)) == {"a1", "a2", "b1"}


def test_two_processes_may_start_on_a_fresh_store(out: Path) -> None:
    command = [sys.executable, "-c", PROGRAM.format("sync", "sync", ""), str(out)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(int(output) for output, _ in said) == [0, 3], said
    assert [errors for _, errors in said] == ["", ""]
    assert len(runs(out)) == 3


def test_an_unreachable_server_is_given_up_soon_and_nothing_is_lost(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        sync(out)
    assert time.monotonic() - began < 8
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync(out) == 3


def test_the_ui_serves_the_store_and_ends_with_an_interrupt(synced: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", PROGRAM.format("ui", "serve", ", int(sys.argv[2])"), str(synced), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert f"http://127.0.0.1:{port}" in server.stdout.readline()
        run = runs(synced)["a1"].info.run_id
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/get-artifact?path=confusion.png&run_uuid={run}") as reply:
            assert reply.read(4) == b"\x89PNG"
        with pytest.raises(UserError, match="another program"):
            serve(synced, port)
    finally:
        server.send_signal(signal.SIGINT)
    assert server.wait(10) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_no_ui_without_a_store(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no MLflow store"):
        serve(out, free_port())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere:5000")
    with pytest.raises(UserError, match="open http://somewhere:5000"):
        serve(out, free_port())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
