"""Training curves in MLflow while fits train: one running run each, in an experiment of their own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...benchmark.results.store import Store
from .content import FIT_PARAMS
from .database import opened
from .sqlite import EXPERIMENT
from .sync import BATCH, experiment_of, find_experiment

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, LOGGED = "doabench.training", "doabench.logged_rows"
NAME = EXPERIMENT + "training"


def follow(out: Path) -> None:
    """Log what is new in the curves of fits that train, and end the runs of those that do not any more. Raises
    UserError where MLflow fails."""
    curves = Store(out).curves()
    with opened(out) as client:
        if not curves and find_experiment(client, NAME) is None:
            return
        experiment = experiment_of(client, out, NAME).experiment_id
        running: dict[str, Run] = {}
        for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
            if running.setdefault(run.data.tags[KEY], run) is not run:  # a request was repeated, its first answer lost
                client.delete_run(run.info.run_id)
        for key, (axes, rows) in curves.items():
            run = running.pop(key, None) or client.create_run(
                experiment,
                tags={KEY: key, LOGGED: "0", "mlflow.source.name": "doabench"},
                run_name=f"{axes.name}{f' J={axes.labels}' if axes.labels else ''} {axes.dataset} seed {axes.seed}, training",
            )
            _log(client, run, rows, {name: getattr(axes, name) for name in FIT_PARAMS})
        for run in running.values():
            client.set_terminated(run.info.run_id, "FINISHED")


def _log(client: MlflowClient, run: Run, rows: list[tuple[int, str, float]], params: dict[str, object]) -> None:
    from mlflow.entities import Metric, Param, RunTag

    identity, logged, now_ms = run.info.run_id, int(run.data.tags[LOGGED]), int(time.time() * 1000)
    for first in range(logged, len(rows), BATCH):
        new = rows[first : first + BATCH]
        metrics = [Metric(f"train/{name}", value, now_ms, step) for step, name, value in new]
        given = [] if first else [Param(name, str(value)) for name, value in params.items()]
        client.log_batch(identity, metrics, given, [RunTag(LOGGED, str(first + len(new)))])  # how far, in the same request
