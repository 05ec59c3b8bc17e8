"""Training curves in MLflow while fits train: one running run each, in an experiment of their own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...benchmark.results.store import Store
from .database import EXPERIMENT, alone, calm, open_client, store_uri
from .sync import BATCH, FIT_PARAMS, experiment_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, LOGGED = "doabench.training", "doabench.logged_rows"
NAME = EXPERIMENT + "training"


def follow(out: Path) -> None:
    """Log what is new in the curves of fits that train, and end the runs of those that do not any more. Raises what MLflow
    raises."""
    store, uri = Store(out), store_uri(out)
    curves = store.curves()
    with calm(), alone(out, uri):
        client = open_client(uri)
        if not curves and client.get_experiment_by_name(NAME) is None:
            return
        experiment = experiment_of(client, uri, NAME)
        running = {run.data.tags[KEY]: run for run in client.search_runs([experiment], "attributes.status = 'RUNNING'")}
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
    from mlflow.entities import Metric, Param

    identity, logged, now_ms = run.info.run_id, int(run.data.tags[LOGGED]), int(time.time() * 1000)
    new = [Metric(f"train/{name}", value, now_ms, step) for step, name, value in rows[logged:]]
    for first in range(0, len(new), BATCH):
        given = [Param(name, str(value)) for name, value in params.items()] if not logged and not first else []
        client.log_batch(identity, new[first : first + BATCH], given)
    client.set_tag(identity, LOGGED, str(len(rows)))
