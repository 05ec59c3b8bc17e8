"""How MLflow shows an experiment: what it says of itself, and views of it with columns, order and filter set, by address."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.current import Installed
from ..analysis.tables import Table
from ..pages.text import table_markdown
from .content import BESIDE, KIND, NOTE, ROW

TABLE, CHARTS = "doabench-table", "doabench-methods"
"""Names of the views."""
SHARED = "mlflow.sharedViewState."
MODE = "workflowType=machine_learning"
"""Without it the UI opens in its chat-model views."""
MOST_TEXT = 18_000
COLUMNS = (
    "params.`method`",
    "params.`form`",
    "params.`labels`",
    "params.`split`",
    "params.`dataset`",
    "metrics.`mae_deg`",
    "metrics.`mae_lo`",
    "metrics.`mae_hi`",
    "metrics.`accuracy_pct`",
    "metrics.`rank/rank`",
    "metrics.`rank/tied`",
    "metrics.`paper/mae_deg`",
    "metrics.`more/ece_pct`",
    "metrics.`spent/fit_s`",
    "metrics.`spent/predict_us_per_sequence`",
)
READ = (
    "Each run of kind `row` is the mean of a method over its seeds, with its 95 % interval; the runs below it, of kind `cell`, "
    "are its seeds. Errors are absolute, in degrees. `rank/tied` is 1 where a method cannot be told apart from the best of "
    "those with as many labels; `paper/` holds the paper's own values, beside its own methods alone; `spent/` says what it "
    "cost."
)


def experiment_tags(protocol: str, tables: Sequence[Table], installed: Installed | None) -> dict[str, str]:
    """What an experiment is, for people and for MLflow, and its views."""
    own = [table for table in tables if table.protocol == protocol]
    title, reference = installed.protocol_titles.get(protocol, ("", "")) if installed else ("", "")
    parts = [". ".join(filter(None, [f"**{title or protocol}**", reference])), READ]
    for table in own:  # as many as MLflow takes, in their order
        if sum(map(len, (*parts, shown := table_markdown(table)))) < MOST_TEXT:
            parts.append(shown)
    tags = {
        NOTE: "\n\n".join(filter(None, parts)),
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": "mae_deg",
        "mlflow.experiment.primaryMetric.greaterIsBetter": "False",
    }
    return tags | {SHARED + name: json.dumps(state) for name, state in _views(own).items()}


def addresses(base: str, experiments: Mapping[str, tuple[str, Mapping[str, str]]]) -> list[tuple[str, str]]:
    """What there is to see, and where: of each experiment, by its name, with identity and tags, its views."""
    found = [("all experiments", f"{base}/#/experiments?{MODE}")]
    for name, (identity, tags) in sorted(experiments.items()):
        runs = f"{base}/#/experiments/{identity}/runs?{MODE}&viewStateShareKey="
        if SHARED + TABLE in tags:
            found.append((f"{name}, all rows", runs + TABLE))
        if SHARED + CHARTS in tags:
            found.append((f"{name}, methods beside each other", f"{runs}{CHARTS}&compareRunsMode=CHART"))
    return found


def _views(tables: Sequence[Table]) -> dict[str, dict[str, Any]]:
    """State of the pages, as MLflow keeps it, by their names."""
    if not tables:
        return {}
    split = next((table.split for table in tables if table.split != "train"), tables[0].split)
    rows = [row for table in tables if table.split == split for row in table.rows if row.score]
    counts = [row.labels for row in rows if row.labels]
    labels = max(sorted({*counts}), key=counts.count, default=0)
    filtered = f"tags.`{KIND}` = '{ROW}' AND params.split = '{split}'"
    order = {"orderByKey": "metrics.`mae_deg`", "orderByAsc": True, "lifecycleFilter": "Active", "startTime": "ALL"}
    table = {**order, "searchFilter": filtered, "selectedColumns": list(COLUMNS), "runsHiddenMode": "SHOW_ALL"}
    beside = f"{filtered} AND tags.`{BESIDE}` LIKE '% {labels} %'"
    return {TABLE: table, CHARTS: {**table, "searchFilter": beside, **_charts()}}


def _charts() -> dict[str, Any]:
    sections = [{"uuid": "errors", "name": "Methods", "display": True, "isReordered": False}]
    metrics = ("mae_deg", "accuracy_pct", "spent/fit_s", "spent/predict_us_per_sequence")
    charts = [
        {
            "type": "BAR",
            "uuid": name,
            "metricKey": name,
            "metricSectionId": "errors",
            "runsCountToCompare": 20,
            "deleted": False,
            "isGenerated": False,
        }
        for name in metrics
    ]
    return {"compareRunSections": sections, "compareRunCharts": charts, "isAccordionReordered": True}
