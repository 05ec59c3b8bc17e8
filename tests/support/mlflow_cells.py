"""A few stored cells, and whether MLflow holds each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from doabench.benchmark.method import History
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.sets import scored_sets
from doabench.leaderboard.analysis.tables import Table, make_tables
from doabench.leaderboard.mlflow.content import CELL, KEY, KIND, PARENT, ROW
from doabench.leaderboard.mlflow.sqlite import EXPERIMENT
from doabench.leaderboard.mlflow.sync import NAMED, sync
from mlflow import MlflowClient
from mlflow.entities import Run

from .leaderboard_files import add, cell

STEPS = 40


@dataclass(frozen=True)
class Cells:
    """Three cells of two protocols that no other ``name`` has; one of them has a training curve."""

    out: Path
    name: str

    def make(self) -> Cells:
        for method, protocol in (("cnn", "sweep"), ("cnn", "other"), ("srp_phat", "sweep")):
            self.add(method, protocol)
        trained, history = self.trained(), History()
        for step in range(1, STEPS + 1):
            history.add(step, loss=1.0 / step)
        with Store(self.out).new_fit(FitRecord(key=trained.fit_key, axes=trained.fit, fit_s=2.0), history):
            pass
        return self

    def trained(self) -> CellRecord:
        """The one that has a curve."""
        record = Store(self.out).cell(f"{self.name}-cnn-sweep-0")
        assert record is not None
        return record

    def add(self, method: str, protocol: str, seed: int = 0) -> None:
        record = cell(f"{self.name}-{method}-{protocol}-{seed}", method, labels=247 if method == "cnn" else 0, seed=seed)
        axes = record.axes.model_copy(update={"protocol": f"{self.name}-{protocol}"})
        add(self.out, record.model_copy(update={"axes": axes}), [0.0, 10.0, 20.0, 20.0])

    def tables(self) -> list[Table]:
        store = Store(self.out)
        return make_tables(scored_sets(store.all_cells(), store.predictions))

    def sync(self) -> int:
        return sync(self.out, self.tables())

    def runs(self, uri: str) -> list[Run]:
        """All that are not deleted, whatever people call their experiments."""
        client, ours = MlflowClient(uri), f"{EXPERIMENT}{self.name}-"
        found = [one for one in client.search_experiments() if one.tags.get(NAMED, one.name).startswith(ours)]
        return list(client.search_runs([one.experiment_id for one in found]))

    def assert_each_once(self, uri: str) -> None:
        """Every cell, below its row, and every row, has one run, which is finished; no point of a curve is lost or doubled."""
        runs = self.runs(uri)
        assert {run.info.status for run in runs} == {"FINISHED"}
        cells = [run for run in runs if run.data.tags[KIND] == CELL]
        rows = [run for run in runs if run.data.tags[KIND] == ROW]
        assert sorted(run.data.tags[KEY] for run in cells) == sorted(one.key for one in Store(self.out).all_cells())
        assert len({run.data.tags[KEY] for run in rows}) == len(rows) == 3
        assert {run.data.tags[PARENT] for run in cells} == {run.info.run_id for run in rows}
        (trained,) = [run for run in cells if run.data.tags[KEY] == self.trained().key]
        curve = MlflowClient(uri).get_metric_history(trained.info.run_id, "train/loss")
        assert [(point.step, point.value) for point in curve] == [(step, 1.0 / step) for step in range(1, STEPS + 1)]
        assert all(run.inputs is not None and run.inputs.dataset_inputs for run in cells)
