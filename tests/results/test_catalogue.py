"""A metric is declared in one place and shows up in all others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.results import catalogue, generation, scoring
from doabench.benchmark.results.catalogue import Declared, Metric, code_of, flat
from doabench.benchmark.results.metrics import within_pct
from doabench.benchmark.results.scoring import Scored, score
from doabench.benchmark.results.statistics import Estimate
from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.sets import scored_sets
from doabench.leaderboard.mlflow.sync import sync
from doabench.leaderboard.pages.csv_files import PUBLISHED, columns
from mlflow import MlflowClient
from support.leaderboard_files import GRID, add, build, cell, own_html, table_of, text_of


def leftward_deg(estimated_deg: np.ndarray, true_deg: np.ndarray, times: float) -> np.ndarray:
    return np.maximum(0, true_deg - estimated_deg) * times


TOY = Metric(
    name="leftward_deg",
    unit="deg",
    better="lower",
    heading="Off to the left, deg",
    format="{:.3f} on average".format,
    function=leftward_deg,
    takes=("estimated_deg", "true_candidate_deg"),
    parameters={"times": 2},
    interval=True,
)


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "METRICS", (*catalogue.METRICS, TOY))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.usefixtures("_toy")
def test_a_metric_that_is_declared_shows_up_everywhere(tmp_path: Path) -> None:
    """Off to the left by 10, 0 and 0, 20 degrees in seed 0, and by nothing in seed 1; each counts twice."""
    record = add(tmp_path, cell("a", seed=0), [-10.0, 10.0, 20.0, 10.0])
    add(tmp_path, cell("b", seed=1, scored_digest="other"), [0.0, 20.0, 30.0, 40.0])
    assert record.metrics is not None
    own = record.metrics.values["leftward_deg"]
    assert isinstance(own, Estimate)
    assert (own.mean, own.low, own.high) == (15.0, 0.0, pytest.approx(15 + 63.531, abs=1e-3))
    stored = json.loads((tmp_path / "cells" / "a" / "record.json").read_text())
    assert stored["metrics"]["values"]["leftward_deg"]["mean"] == 15.0
    store = Store(tmp_path)
    (found,) = scored_sets(store.all_cells(), store.predictions)
    (row,) = found.rows
    assert row.score is not None
    value = row.score.values["leftward_deg"]
    assert isinstance(value, Estimate)
    assert value.mean == 7.5
    (line,) = table_of(tmp_path).to_dict("records")
    assert (line["leftward_deg"], line["leftward_lo"], line["leftward_hi"]) == (7.5, 0.0, pytest.approx(value.high, abs=1e-4))
    assert line["signature"].endswith("|leftward_deg=leftward_deg[times=2]|parameters=stored|memory=rss-added-at-peak")
    page = own_html(text_of(tmp_path, "html"))
    assert 'title="lower is better">Off to the left, deg</button>' in page
    assert '<td class="num " data-value="7.5">7.500 on average</td>' in page
    sync(tmp_path, ())
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    logged = {run.data.tags["doabench.key"]: run.data for run in runs}
    assert [logged[key].metrics["more/leftward_deg"] for key in "ab"] == [15.0, 0.0]
    assert {"more/leftward_lo", "more/leftward_hi"} <= set(logged["a"].metrics)
    assert "|leftward_deg=leftward_deg[times=2]|" in logged["a"].tags["signature"]


@pytest.mark.usefixtures("_toy")
def test_a_metric_is_absent_where_one_of_what_it_takes_is(tmp_path: Path) -> None:
    record = add(tmp_path, cell("a", counts_hits=False))
    assert record.metrics is not None
    assert record.metrics.values["leftward_deg"] is None
    assert table_of(tmp_path).loc[0, ["leftward_deg", "leftward_lo"]].tolist() == ["", ""]
    assert "on average" not in own_html(text_of(tmp_path, "html"))


def test_every_metric_finds_what_it_takes_and_says_its_unit() -> None:
    both = [(metric, Scored) for metric in catalogue.METRICS] + [(metric, generation.Measured) for metric in generation.METRICS]
    for metric, view in both:
        for name in metric.takes:
            own = name.partition(".")[0]
            assert hasattr(view, own) or own in view.__dataclass_fields__, (metric.name, name)
    for declared in (catalogue.METRICS, catalogue.COSTS, generation.METRICS):
        assert len({one.name for one in declared}) == len(declared)
    with pytest.raises(ValueError, match="must end in the unit"):
        Declared(name="median", unit="deg", better="lower", heading="", format=str)


def test_columns_that_programs_know_keep_their_place() -> None:
    assert columns()[: len(PUBLISHED)] == PUBLISHED
    within = PUBLISHED.index("accuracy_5_pct")
    assert PUBLISHED[within:][:4] == ("accuracy_5_pct", "accuracy_10_pct", "accuracy_15_pct", "candidate_accuracy_pct")


def test_an_old_column_holds_what_took_its_place(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=114), [10.0, 10.0, 20.0, 50.0])
    add(tmp_path, cell("b"))
    rows = table_of(tmp_path)
    assert rows["within_10_pct"].tolist() == rows["accuracy_10_pct"].tolist() == [100.0, 75.0]
    assert rows["selection_labels"].tolist() == rows["labels"].tolist() == ["", "114"]


def test_how_a_metric_is_shown_changes_no_key_and_how_it_is_computed_does() -> None:
    def code(**changed: object) -> str:
        declared = {"name": "some_pct", "unit": "pct", "better": "higher", "heading": "Some", "format": str}
        computed = {"function": within_pct, "takes": ("error_deg",), "parameters": {"limit_deg": 5}}
        return code_of([Metric(**(declared | computed | changed))])  # pyright: ignore[reportArgumentType]

    assert code(heading="Any", format=repr, better="lower", decimals=1) == code()
    assert len({code(), code(parameters={"limit_deg": 6}), code(takes=("hits_pct",)), code(interval=True)}) == 4


def test_records_keep_what_is_not_known(tmp_path: Path) -> None:
    """One clip has no interval: NaN here, null in the file, nothing in MLflow."""
    table = pd.DataFrame(
        {"start": [0, 1], "clip": [0, 0], "position": [0, 1], "true_deg": [0.0, 10.0], "estimated_deg": [0.0, 20.0]}
    )
    Store(tmp_path).add_cell(cell("a").model_copy(update={"metrics": score(table, GRID, True)}), table)
    stored = json.loads((tmp_path / "cells" / "a" / "record.json").read_text())["metrics"]["values"]
    assert stored["accuracy_pct"] == {"mean": 50.0, "low": None, "high": None}
    record = Store(tmp_path).cell("a")
    assert record is not None
    assert record.metrics is not None
    found = record.metrics.values["accuracy_pct"]
    assert isinstance(found, Estimate)
    assert not found.has_interval
    assert {"accuracy_pct", "accuracy_lo"} & set(flat(record.metrics.values)) == {"accuracy_pct"}


def test_records_of_an_older_shape_count_as_of_another_version(tmp_path: Path) -> None:
    add(tmp_path, cell("a"))
    file = tmp_path / "cells" / "a" / "record.json"
    record = json.loads(file.read_text())
    record["metrics"] = {"mae_deg": 0.0, "mae_lo": 0.0, "mae_hi": 0.0, "sequences": 4, "clips": 2, "floor_deg": 0.0}
    file.write_text(json.dumps(record))
    assert Store(tmp_path).cell("a") is None
    build(tmp_path)
    assert "No results yet" in text_of(tmp_path, "html")


def test_the_signature_says_the_parameters() -> None:
    found = scoring.signature()
    assert found.startswith(
        "errors:1|unit=sequence|interval=95-bootstrap-t-over-clips-places-fits|seeds=mean|mae_deg=absolute_error_deg|"
    )
    assert "|accuracy_5_pct=within_pct[limit_deg=5]|accuracy_10_pct=within_pct[limit_deg=10]|" in found
    assert "," not in found + generation.signature()
    assert "|sample_delay_error_us=largest_error_us|" in generation.signature()
