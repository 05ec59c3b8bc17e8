"""Training curves can be followed in MLflow while fits train."""

from __future__ import annotations

from pathlib import Path

import pytest
from doabench.benchmark.method import History
from doabench.benchmark.results.store import Store
from doabench.leaderboard.mlflow.live import NAME, follow
from mlflow import MlflowClient
from mlflow.entities import Run
from support.leaderboard_files import cell


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def runs(out: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{out}/mlflow.db")
    experiment = client.get_experiment_by_name(NAME)
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def test_a_curve_grows_while_its_fit_trains_and_ends_with_it(tmp_path: Path) -> None:
    store, history, axes = Store(tmp_path), History(), cell("any", "cnn", labels=247).fit
    follow(tmp_path)
    assert runs(tmp_path) == []
    for step in (1, 2, 3):
        history.add(step, loss=1 / step, selection_accuracy_pct=10.0 * step)
        store.write_curve("key", axes, history)
        follow(tmp_path)
        follow(tmp_path)  # nothing new
        (run,) = runs(tmp_path)
        points = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_metric_history(run.info.run_id, "train/loss")
        assert [(point.step, point.value) for point in points] == [(one, 1 / one) for one in range(1, step + 1)]
        assert run.info.status == "RUNNING"
    assert run.info.run_name == "cnn J=247 dtu-twin seed 0, training"
    assert run.data.params["labels"] == "247"
    (tmp_path / "scratch" / "key" / "curve.json").unlink()
    follow(tmp_path)
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"]
