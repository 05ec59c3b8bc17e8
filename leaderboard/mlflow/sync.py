"""MLflow, where people compare runs: every stored cell becomes one run, once, and every row of the leaderboard one more, kept
up to date. What counts stays in the records.

The MLflow store is that of ``MLFLOW_TRACKING_URI`` or, where it is not set, `mlflow.db` in the folder of results.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ...benchmark.results.folders import RECORD
from ...benchmark.results.records import CellRecord
from ...benchmark.results.store import Store
from ..analysis.current import Installed
from ..analysis.rows import Row
from ..analysis.tables import Table
from ..figures import generation as generation_figures
from .content import CELLS, CONTENT, KEY, PARENT, Content, datasets_of, of_cell, of_row, row_key
from .database import opened, store_uri
from .sqlite import ARTIFACTS, EXPERIMENT, database_file
from .views import experiment_tags

if TYPE_CHECKING:  # MLflow and matplotlib take a second to import
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Metric, Run

    from ..figures.cell import Figures

NAMED = "doabench.experiment"
"""Tag with the name that an experiment got here."""
LAYOUT, TODAY = "doabench.layout", "2"
"""Runs in the layout of another version are made again."""
PAGE, BATCH = 1000, 900  # runs that are read, metrics that are logged at a time; MLflow takes 1,000 with params and tags


def sync(out: Path, tables: Sequence[Table], installed: Installed | None = None) -> int:
    """Bring every ok cell of ``out`` into MLflow, and the rows of ``tables`` that are of these; how many runs of cells were
    added now. Raises UserError where MLflow fails; the next sync goes on from there.

    A run is known by the key of its cell or row. That of a cell is never changed. One that an earlier sync did not finish is
    made again.
    """
    store = Store(out)
    cells = {record.key: record for record in store.all_cells() if record.state == "ok"}
    if not cells:
        return 0
    rows = {row_key(row): row for table in tables for row in table.rows if row.score and row.origin.name != "shipped"}
    keys = {*cells, *rows}
    with opened(out) as client:
        experiments: dict[str, str] = {}
        for protocol in sorted({record.axes.protocol for record in cells.values()}):
            found = experiment_of(client, out, EXPERIMENT + protocol)
            _describe(client, found, experiment_tags(protocol, tables, installed))
            experiments[protocol] = found.experiment_id
        runs = _Runs(client, store, experiments, _there(client, [*experiments.values()], keys), installed)
        parents = {record.key: run for key, row in rows.items() if (run := runs.row(key, row)) for record in row.records}
        added = sum(runs.cell(record, parents.get(key, "")) for key, record in cells.items())
        # A request that was repeated, its first answer lost, has made a run that nobody knows.
        for run in client.search_runs([*experiments.values()], "attributes.status = 'RUNNING'"):
            if run.data.tags.get(KEY) in keys:
                client.delete_run(run.info.run_id)
        return added


def find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """An experiment of ours, deleted or not: a tag tells which it is, for people rename them."""
    from mlflow.entities import ViewType

    tagged = client.search_experiments(ViewType.ALL, filter_string=f"tags.`{NAMED}` = '{name}'")
    return tagged[0] if tagged else client.get_experiment_by_name(name)


def experiment_of(client: MlflowClient, out: Path, name: str) -> Experiment:
    """An experiment, which is made, or brought back if someone deleted it."""
    from mlflow.exceptions import MlflowException

    if (found := find_experiment(client, name)) is None:
        database = database_file(store_uri(out))
        artifacts = (database.resolve().parent / ARTIFACTS / name).as_uri() if database else None
        try:
            return client.get_experiment(client.create_experiment(name, artifacts, {NAMED: name}))
        except MlflowException:  # made by a request that was repeated, its first answer lost?
            if (found := find_experiment(client, name)) is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    _describe(client, found, {NAMED: name})
    return found


def _describe(client: MlflowClient, experiment: Experiment, tags: Mapping[str, str]) -> None:
    for name, value in tags.items():
        if experiment.tags.get(name) != value:
            client.set_experiment_tag(experiment.experiment_id, name, value)


def _there(client: MlflowClient, experiments: list[str], keys: set[str]) -> dict[str, Run]:
    """The complete runs by their keys. Those of ours that are half-made, of another layout, there twice (who restores an
    experiment restores all that was ever deleted in it), or of a row that is no longer one, are deleted."""
    runs = _all_runs(client, experiments)
    above = {run.data.tags.get(PARENT) for run in runs if run.data.tags.get(KEY) in keys}
    complete: dict[str, Run] = {}
    for run in runs:
        key = run.data.tags.get(KEY, "")
        if key in keys and key not in complete and run.info.status == "FINISHED" and run.data.tags.get(LAYOUT) == TODAY:
            complete[key] = run
        elif key in keys or run.info.run_id in above:
            client.delete_run(run.info.run_id)
    return complete


def forget(out: Path, keys: set[str]) -> None:
    """Delete the runs of cells, and those of rows that have no other. Raises UserError where MLflow fails."""
    with opened(out) as client:
        runs = _all_runs(client, [one.experiment_id for one in our_experiments(client)])
        gone = [run for run in runs if run.data.tags.get(KEY) in keys]
        parents = {run.data.tags.get(PARENT) for run in gone} - {run.data.tags.get(PARENT) for run in runs if run not in gone}
        for run in (*gone, *(run for run in runs if run.info.run_id in parents)):
            client.delete_run(run.info.run_id)


def our_experiments(client: MlflowClient) -> list[Experiment]:
    """Those that nobody deleted, whatever people call them."""
    return [one for one in client.search_experiments() if NAMED in one.tags or one.name.startswith(EXPERIMENT)]


def _all_runs(client: MlflowClient, experiments: list[str]) -> list[Run]:
    runs: list[Run] = []
    token = None if experiments else ""
    with _uncollected():
        while token != "":  # one search returns one page and does not say that it is not all
            page = client.search_runs(experiments, max_results=PAGE, page_token=token)
            runs += page
            token = page.token or ""
    return runs


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage: among the 100,000 objects that MLflow makes of 2,000 runs it took as long as reading these."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@dataclass(frozen=True)
class _Runs:
    """Makes what is missing. A run counts only when it is FINISHED, which comes last."""

    client: MlflowClient
    store: Store
    experiments: Mapping[str, str]
    there: Mapping[str, Run]
    installed: Installed | None

    def row(self, key: str, row: Row) -> str:
        """The identity of the run of a row, which says what it says today."""
        from mlflow.entities import RunTag

        content, known = of_row(row, self.installed), self.there.get(key)
        if known is not None and known.data.tags.get(CONTENT) == content.tags[CONTENT]:
            return known.info.run_id
        if known is not None and not ({*known.data.metrics} <= {*content.metrics} and known.data.params == content.params):
            self.client.delete_run(known.info.run_id)  # MLflow forgets neither a metric nor a parameter
            known = None
        start, end = self._times(row.first)
        run = known.info.run_id if known else self._created(row.first, content, start)
        self._log(run, _metrics(content, int(1e3 * time.time())), content if known is None else None)
        if known is None or known.data.tags.get(CELLS) != content.tags[CELLS]:
            self._add_files(run, content.name, row)
        if known is None:
            self.client.set_terminated(run, "FINISHED", end_time=end)
        else:
            self.client.log_batch(run, tags=[RunTag(name, value) for name, value in content.tags.items()])
        return run

    def cell(self, record: CellRecord, parent: str) -> bool:
        """Make the run of a cell, below that of its row; whether it was missing."""
        if (known := self.there.get(record.key)) is not None:
            if parent and known.data.tags.get(PARENT) != parent:
                self.client.set_tag(known.info.run_id, PARENT, parent)
            return False
        content, (start, end) = of_cell(record, self.installed), self._times(record)
        run = self._created(record, content, start, {PARENT: parent} if parent else {})
        curves = self.store.history(record.fit_key)
        per_step = 1e3 * (record.fit_s or 0) / max([1, *(step for step, _, _ in curves)])
        curve = [_metric(f"train/{name}", value, start + int(step * per_step), step) for step, name, value in curves]
        self._log(run, _metrics(content, end) + curve, content)
        self.client.log_inputs(run, datasets=datasets_of(record))
        if record.generation is not None:
            pictures = generation_figures.drawn(content.name, self.store.generated(record.key), record.fit.setup)
            for file, figure in pictures:
                self.client.log_figure(run, figure, file)
        self.client.set_terminated(run, "FINISHED", end_time=end)
        return True

    def _times(self, record: CellRecord) -> tuple[int, int]:
        """When a cell was begun and ended, in ms: it lasts as long as fit and scoring took."""
        scored = record.metrics or record.generation
        sequences = scored.sequences if scored else 0
        took_ms = 1e3 * (record.fit_s or 0) + (record.predict_us_per_sequence or 0) * sequences / 1e3
        end = int(1e3 * (self.store.cells / record.key / RECORD).stat().st_mtime)
        return end - int(took_ms), end

    def _created(self, record: CellRecord, content: Content, start: int, more: Mapping[str, str] | None = None) -> str:
        tags = {**content.tags, **(more or {}), LAYOUT: TODAY}
        experiment = self.experiments[record.axes.protocol]
        return self.client.create_run(experiment, start_time=start, tags=tags, run_name=content.name).info.run_id

    def _log(self, run: str, metrics: Sequence[Metric], params_of: Content | None) -> None:
        from mlflow.entities import Param

        params = [Param(name, value) for name, value in params_of.params.items()] if params_of else []
        for first in range(0, len(metrics), BATCH):
            self.client.log_batch(run, metrics[first : first + BATCH], () if first else params)

    @cached_property
    def _figures(self) -> Figures:
        from ..figures.cell import Figures  # imports matplotlib, which an idle sync need not

        return Figures()

    def _add_files(self, run: str, name: str, row: Row) -> None:
        """Errors by direction as a picture and as a table, confusion, and the method's source if it is still the same."""
        assert row.score is not None
        predictions = pd.concat([self.store.predictions(one.key) for one in row.records if one.state == "ok"])
        for file, figure in self._figures.drawn(name, row.first, predictions):
            self.client.log_figure(run, figure, file)
        found = row.score.by_doa
        data = [[float(at), round(float(error), 4)] for at, error in zip(found.true_deg, found.mae_deg, strict=True)]
        self.client.log_dict(run, {"columns": ["true_deg", "mae_deg"], "data": data}, TABLE)
        self.client.set_tag(run, "mlflow.loggedArtifacts", json.dumps([{"path": TABLE, "type": "table"}]))
        method, code = row.method, row.first.fit.code.method
        if self.installed is not None and self.installed.methods.get(method) == code:
            for source in self.installed.sources.get(method, ()):
                self.client.log_artifact(run, str(source), "source")


TABLE = "error_by_doa.json"


def _metric(name: str, value: float, when_ms: int, step: int = 0) -> Metric:
    from mlflow.entities import Metric

    return Metric(name, value, when_ms, step)


def _metrics(content: Content, when_ms: int) -> list[Metric]:
    return [_metric(name, value, when_ms) for name, value in content.metrics.items()]
