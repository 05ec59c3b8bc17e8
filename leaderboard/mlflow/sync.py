"""MLflow, where people compare runs: every stored cell becomes one flat run, once. What counts stays in the records.

The MLflow store is that of ``MLFLOW_TRACKING_URI`` or, where it is not set, `mlflow.db` in the folder of results.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...benchmark.results import generation, scoring
from ...benchmark.results.catalogue import COSTS, flat
from ...benchmark.results.folders import RECORD
from ...benchmark.results.metrics import absolute_error_deg, by_doa
from ...benchmark.results.records import CellRecord
from ...benchmark.results.store import Store
from ..figures import generation as generation_figures
from .database import ARTIFACTS, EXPERIMENT, alone, calm, database_file, open_client, store_uri

if TYPE_CHECKING:  # MLflow and matplotlib take a second to import
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

    from ..figures.cell import Figures

KEY = "doabench.key"
PAGE, BATCH = 1000, 900  # runs that are read, metrics that are logged at a time; MLflow takes 1,000 with the params
FIT_PARAMS = ("method", "variant", "form", "labels", "nominal_labels", "dataset", "measured", "speech", "seed")
PARAMS = (*FIT_PARAMS, "rt60_s", "split", "scale", "protocol_version")


def sync(out: Path) -> int:
    """Bring every ok cell of ``out`` into MLflow; how many runs were added now. Raises what MLflow raises.

    A run is known by the key of its cell and is never changed. One that an earlier sync did not finish is made again.
    """
    store, uri = Store(out), store_uri(out)
    cells = {record.key: record for record in store.all_cells() if record.state == "ok"}
    if not cells:
        return 0
    with calm(), alone(out, uri):
        client = open_client(uri)
        protocols = sorted({record.axes.protocol for record in cells.values()})
        experiments = {protocol: experiment_of(client, uri, EXPERIMENT + protocol) for protocol in protocols}
        done = _done(client, list(experiments.values()), cells)
        missing = [record for key, record in cells.items() if key not in done]
        if missing:
            from ..figures.cell import Figures  # imports matplotlib, which an idle sync need not

            figures = Figures()
            for record in missing:
                _add(client, experiments[record.axes.protocol], store, record, figures)
    return len(missing)


def experiment_of(client: MlflowClient, uri: str, name: str) -> str:
    """The identity of an experiment, which is made, or brought back if someone deleted it."""
    database, found = database_file(uri), client.get_experiment_by_name(name)
    if found is None:
        artifacts = (database.resolve().parent / ARTIFACTS / name).as_uri() if database else None
        return client.create_experiment(name, artifacts)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def _done(client: MlflowClient, experiments: list[str], cells: dict[str, CellRecord]) -> set[str]:
    """Keys of the complete runs. Half-made runs of our cells are deleted."""
    runs, token = [], None
    while token != "":  # one search returns one page and does not say that it is not all
        page = client.search_runs(experiments, max_results=PAGE, page_token=token)
        runs += [run for run in page if run.data.tags.get(KEY) in cells]
        token = page.token or ""
    for run in runs:
        if run.info.status != "FINISHED":
            client.delete_run(run.info.run_id)
    return {run.data.tags[KEY] for run in runs if run.info.status == "FINISHED"}


def _add(client: MlflowClient, experiment: str, store: Store, record: CellRecord, figures: Figures) -> None:
    """Log one cell. Its run counts only when it is FINISHED, which comes last; it lasts as long as fit and scoring took."""
    from mlflow.entities import Metric, Param

    whole, name = record.model_dump(), _name(record)
    scores = _scores(record)
    where = {"dataset": record.room, "trained_in": record.trained_in}
    params = {key: value for key, value in (whole["fit"] | whole["axes"] | where).items() if key in PARAMS}
    fit_ms, predict_ms = 1e3 * (record.fit_s or 0), (record.predict_us_per_sequence or 0) * scores["sequences"] / 1e3
    end = int(1e3 * (store.cells / record.key / RECORD).stat().st_mtime)
    start = end - int(fit_ms + predict_ms)
    run = client.create_run(experiment, start_time=start, tags=_tags(record), run_name=name).info.run_id
    curves = store.history(record.fit_key)
    per_step = fit_ms / max([1, *(step for step, _, _ in curves)])
    metrics = [Metric(key, value, end, 0) for key, value in scores.items()]
    metrics += [Metric(f"train/{key}", value, start + int(step * per_step), step) for step, key, value in curves]
    predictions = store.predictions(record.key) if record.metrics is not None else None
    if predictions is not None:
        error = absolute_error_deg(predictions["estimated_deg"], predictions["true_deg"])
        found = by_doa(error, predictions["true_deg"])
        metrics += [
            Metric(f"mae_deg_at/{at:g}", value, end, 0) for at, value in zip(found.true_deg, found.mae_deg, strict=True)
        ]
    for first in range(0, len(metrics), BATCH):
        chunk = metrics[first : first + BATCH]
        client.log_batch(run, chunk, () if first else [Param(key, str(value)) for key, value in params.items()])
    client.log_inputs(run, datasets=_datasets(record))
    if predictions is not None:
        pictures = figures.drawn(name, record, predictions)
    else:
        pictures = generation_figures.drawn(name, store.generated(record.key), record.fit.setup)
    for file, figure in pictures:
        client.log_figure(run, figure, file)
    client.set_terminated(run, "FINISHED", end_time=end)


def _scores(record: CellRecord) -> dict[str, float]:
    """All numbers of a cell that are there, by the names of MLflow metrics."""
    costs = flat({cost.name: getattr(record, cost.name) for cost in COSTS})
    if record.metrics is not None:
        found = record.metrics
        counts = {"sequences": float(found.sequences), "clips": float(found.clips), "floor_deg": found.floor_deg}
        return flat(found.values) | counts | costs
    assert record.generation is not None
    return record.generation.values | {"sequences": float(record.generation.sequences)} | costs


def _name(record: CellRecord) -> str:
    """Such as `cnn (as released) J=988 validation dtu-twin 0.5 s seed 0`."""
    fit, axes = record.fit, record.axes
    labels = f" J={fit.labels}" if fit.labels else ""
    rt60 = f" {axes.rt60_s:g} s" if axes.rt60_known else ""
    return f"{fit.name}{labels} {axes.split} {record.room}{rt60} seed {fit.seed}"


def _tags(record: CellRecord) -> dict[str, str]:
    where = {name: str(record.environment.get(name, "")) for name in ("commit", "dirty", "cpu", "device", "threads")}
    own = {KEY: record.key, "doabench.fit_key": record.fit_key, "fingerprint": record.axes.protocol_fingerprint}
    own["signature"] = generation.signature() if record.generation is not None else scoring.signature()
    return own | where | {"mlflow.source.name": "doabench", "mlflow.source.git.commit": where["commit"]}


def _datasets(record: CellRecord) -> list[DatasetInput]:
    """What the fit was trained on, if it was, and what this cell scores."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    fit = record.fit
    uses = {"training": (fit.dataset, fit.data_digest)} if record.learned else {}
    uses["evaluation"] = (record.room, record.axes.scored_digest)
    found = []
    for use, (room, digest) in uses.items():
        source = json.dumps({"room": room, "speech": fit.speech, "seed": fit.seed})
        dataset = Dataset(f"{room} + {fit.speech}", digest, "doabench", source)
        found.append(DatasetInput(dataset, [InputTag("mlflow.data.context", use)]))
    return found
