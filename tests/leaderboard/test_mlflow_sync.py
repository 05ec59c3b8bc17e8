"""MLflow: every stored cell once, whatever was killed, unreachable or started twice before."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import History
from doabench.benchmark.results.records import CellAxes, CellCode, CellRecord, FitAxes, FitCode, FitRecord, Metrics
from doabench.benchmark.results.statistics import Estimate
from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.sets import scored_sets
from doabench.leaderboard.analysis.tables import Table, make_tables
from doabench.leaderboard.mlflow import sync as mlflow_sync
from doabench.leaderboard.mlflow.content import CELL, KEY, KIND, NOTE, ROW
from doabench.leaderboard.mlflow.sqlite import EXPERIMENT
from doabench.leaderboard.mlflow.sync import sync
from doabench.leaderboard.mlflow.ui import serve
from doabench.leaderboard.mlflow.views import CHARTS, TABLE, addresses
from mlflow import MlflowClient
from mlflow.entities import Run
from numpy.typing import ArrayLike
from support.free_port import free_port

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


def answers(estimated_deg: ArrayLike) -> pd.DataFrame:
    """To two sequences of each candidate, of two clips."""
    places = {"start": np.arange(6), "clip": np.tile([0, 1], 3), "position": np.repeat([0, 1, 2], 2)}
    return pd.DataFrame({**places, "true_deg": np.repeat(CANDIDATES, 2), "estimated_deg": estimated_deg})


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two fits, one of them with a training curve: three ok cells of two protocols, and one that failed."""
    folder = tmp_path_factory.mktemp("mlflow") / "some results"  # a blank, as in many a home folder
    store = Store(folder)
    predictions = answers([-30.0, 0.0, 0.0, 0.0, 30.0, 0.0])
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
        assert sync(folder, tables(folder)) == 3
    return folder


def tables(out: Path) -> list[Table]:
    store = Store(out)
    return make_tables(scored_sets(store.all_cells(), store.predictions))


def client(out: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{out}/mlflow.db")


def runs(out: Path, kind: str = CELL) -> dict[str, Run]:
    """Active runs by the key of their cell or row; no key twice."""
    experiments = [e.experiment_id for e in client(out).search_experiments(filter_string=f"name LIKE '{EXPERIMENT}%'")]
    found = client(out).search_runs(experiments, f"tags.`{KIND}` = '{kind}'")
    by_key = {run.data.tags[KEY]: run for run in found}
    assert len(by_key) == len(found)
    return by_key


@pytest.mark.parametrize("page", [1, 1000])
def test_every_ok_cell_becomes_one_run(synced: Path, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_sync, "PAGE", page)
    environment = dict(os.environ)
    assert sync(synced, tables(synced)) == 0
    assert dict(os.environ) == environment
    assert set(runs(synced)) == {"a1", "a2", "b1"}
    history = client(synced).get_metric_history(runs(synced)["a1"].info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(step, 1.0 / step) for step in range(1, STEPS + 1)]


def test_what_a_run_shows(synced: Path) -> None:
    run = runs(synced)["a1"]
    shown = r"J=%d [0-9a-f]{3} s0 %s in some-room 0\.5 s"
    assert re.fullmatch(shown % (114, r"learner \(as released\)"), str(run.info.run_name))
    assert re.fullmatch(shown % (0, "classic"), str(runs(synced)["b1"].info.run_name))
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
        "more/median_deg": 1.25,
        "more/floor_deg": 0.0,
        "more/sequences": 6.0,
        "more/clips": 2.0,
    }
    spent = {"fit_s": 2.0, "parameters": 7.0, "fit_added_rss_mb": 300.5, "predict_us_per_sequence": 7.0}
    assert run.data.metrics == scores | {f"spent/{name}": value for name, value in spent.items()} | {"train/loss": 1.0 / STEPS}
    first = sorted(run.data.metrics)[:4]
    assert first == ["mae_deg", "mae_hi", "mae_lo", "more/clips"]  # where there is an accuracy, that comes before
    assert "`sweep` on `validation` in `some-room`" in run.data.tags[NOTE]
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
    assert sync(moved, tables(moved)) == 0
    for run in runs(moved, ROW).values():
        assert str(run.info.artifact_uri).startswith(moved.as_uri())
        names = {file.path: file.file_size for file in client(moved).list_artifacts(run.info.run_id)}
        assert set(names) == {"confusion.png", "error_by_doa.png", "error_by_doa.json"}
        assert min(size or 0 for name, size in names.items() if name.endswith("png")) > 3000
        table = json.loads(Path(client(moved).download_artifacts(run.info.run_id, "error_by_doa.json")).read_text())
        assert table == {"columns": ["true_deg", "mae_deg"], "data": [[-30.0, 15.0], [0.0, 0.0], [30.0, 15.0]]}


def test_a_row_is_the_mean_of_its_seeds_and_stands_above_them(out: Path) -> None:
    sync(out, tables(out))
    cells, rows = runs(out), runs(out, ROW)
    above = {key: run.data.tags["mlflow.parentRunId"] for key, run in cells.items()}
    assert sorted(above.values()) == sorted(run.info.run_id for run in rows.values())
    (row,) = [run for run in rows.values() if run.info.run_id == above["a1"]]
    assert (row.data.metrics["mae_deg"], row.data.metrics["more/seeds"]) == (10.0, 1.0)
    assert "seed" not in row.data.params

    store = Store(out)
    axes = fit_axes("learner", 114).model_copy(update={"seed": 1})
    store.add_cell(cell_record("a3", axes, "sweep"), answers(np.repeat(CANDIDATES, 2)))
    assert sync(out, tables(out)) == 1
    assert sync(out, tables(out)) == 0
    both, again = runs(out), runs(out, ROW)
    assert {key: run.info.run_id for key, run in again.items()} == {key: run.info.run_id for key, run in rows.items()}
    assert both["a3"].data.tags["mlflow.parentRunId"] == both["a1"].data.tags["mlflow.parentRunId"] == row.info.run_id
    (mean,) = [run for run in again.values() if run.info.run_id == row.info.run_id]
    assert (mean.data.metrics["mae_deg"], mean.data.metrics["more/seeds"]) == (5.0, 2.0)
    assert "Mean over 2 seeds" in mean.data.tags[NOTE]
    table = json.loads(Path(client(out).download_artifacts(row.info.run_id, "error_by_doa.json")).read_text())
    assert table["data"] == [[-30.0, 7.5], [0.0, 0.0], [30.0, 7.5]]


def test_runs_of_an_older_layout_are_made_again(synced: Path, tmp_path: Path) -> None:
    out = shutil.copytree(synced, tmp_path / "older")
    old = runs(out)["a1"].info.run_id
    client(out).delete_tag(old, mlflow_sync.LAYOUT)
    assert sync(out, tables(out)) == 1
    assert runs(out)["a1"].info.run_id != old


def test_a_row_that_is_no_longer_one_is_gone_and_its_cells_are_not(synced: Path, tmp_path: Path) -> None:
    """As where the code of its method has changed: the leaderboard leaves it out."""
    out = shutil.copytree(synced, tmp_path / "outdated")
    today = [replace(table, rows=tuple(row for row in table.rows if row.method == "classic")) for table in tables(out)]
    assert sync(out, today) == 0
    assert {run.data.params["method"] for run in runs(out, ROW).values()} == {"classic"}
    assert set(runs(out)) == {"a1", "a2", "b1"}
    assert sync(out, tables(out)) == 0
    assert {run.data.params["method"] for run in runs(out, ROW).values()} == {"classic", "learner"}
    parents = {run.info.run_id for run in runs(out, ROW).values()}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(out).values()} == parents


def test_an_experiment_says_what_it_is_and_has_views(synced: Path) -> None:
    (sweep,) = client(synced).search_experiments(filter_string=f"name = '{EXPERIMENT}sweep'")
    assert sweep.tags["mlflow.experimentKind"] == "custom_model_development"
    assert "| classic | 0 |" in sweep.tags[NOTE]
    there = addresses("http://here", {"sweep": (sweep.experiment_id, sweep.tags)})
    assert [place for _, place in there] == [
        "http://here/#/experiments?workflowType=machine_learning",
        f"http://here/#/experiments/{sweep.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={TABLE}",
        f"http://here/#/experiments/{sweep.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={CHARTS}"
        "&compareRunsMode=CHART",
    ]
    for view in (TABLE, CHARTS):
        state = json.loads(sweep.tags[f"mlflow.sharedViewState.{view}"])
        asked = client(synced).search_runs([sweep.experiment_id], state["searchFilter"], order_by=["metrics.mae_deg ASC"])
        assert {run.data.params["method"] for run in asked} == {"learner", "classic"}  # and what needs no labels


def test_a_killed_sync_is_made_good(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_inputs", killed)  # the scores are logged, the run is not finished
        with pytest.raises(KeyboardInterrupt):
            sync(out, tables(out))
    (half,) = runs(out).values()
    assert half.info.status == "RUNNING"
    assert sync(out, tables(out)) == 3
    assert {run.info.status for run in runs(out).values()} == {"FINISHED"}
    assert half.info.run_id not in {run.info.run_id for run in runs(out).values()}


def test_a_deleted_experiment_comes_back(synced: Path, tmp_path: Path) -> None:
    out = shutil.copytree(synced, tmp_path / "copy")
    client(out).delete_experiment(runs(out)["b1"].info.experiment_id)
    assert set(runs(out)) == {"a2"}
    sync(out, tables(out))
    assert set(runs(out)) == {"a1", "a2", "b1"}


def test_two_processes_may_start_on_a_fresh_store(out: Path) -> None:
    command = [sys.executable, "-c", PROGRAM.format("sync", "sync", ", ()"), str(out)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=180) for process in both]
    assert sorted(int(output) for output, _ in said) == [0, 3], said
    assert [errors for _, errors in said] == ["", ""]
    assert len(runs(out)) == 3


def test_an_unreachable_server_is_given_up_soon_and_nothing_is_lost(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        sync(out, tables(out))
    assert time.monotonic() - began < 8
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync(out, tables(out)) == 3


def test_the_ui_serves_the_store_and_ends_with_an_interrupt(
    synced: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    command = [sys.executable, "-c", PROGRAM.format("ui", "serve", ", int(sys.argv[2])"), str(synced), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert f"http://127.0.0.1:{port}" in server.stdout.readline()
        run = runs(synced, ROW).popitem()[1].info.run_id
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/get-artifact?path=confusion.png&run_uuid={run}") as reply:
            assert reply.read(4) == b"\x89PNG"
        with pytest.raises(UserError, match="another program"):
            serve(synced, port)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@127.0.0.1:{port}")
        serve(synced, free_port())  # of a server, which has its own UI, it says where to look
        said = capsys.readouterr().out
        assert f"doabench/sweep, all rows: http://127.0.0.1:{port}/#/experiments/" in said
        assert "secret" not in said
    finally:
        server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_no_ui_without_a_store(out: Path) -> None:
    with pytest.raises(UserError, match="no MLflow store"):
        serve(out, free_port())
