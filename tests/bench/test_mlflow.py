"""How long two thousand finished cells take into a fresh SQLite store, and a sync that finds nothing new: `tox -e bench`."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter, process_time

import pytest
from doabench.benchmark.cli.installed import installed
from doabench.leaderboard.build import read
from doabench.leaderboard.mlflow.content import CELL, KEY, KIND, ROW
from doabench.leaderboard.mlflow.sync import sync
from mlflow import MlflowClient
from pytest_benchmark.fixture import BenchmarkFixture
from support.many_records import many


def test_two_thousand_cells_into_a_fresh_store(
    tmp_path: Path, benchmark: BenchmarkFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    count, today = many(tmp_path, [f"method_{number:02d}" for number in range(15)], seeds=15), installed()
    tables = read(tmp_path, today).tables
    rows = sum(len(table.rows) for table in tables)
    began, worked = perf_counter(), process_time()
    added = benchmark.pedantic(sync, (tmp_path, tables, today))
    first_s, first_cpu_s = perf_counter() - began, process_time() - worked
    began, worked = perf_counter(), process_time()
    assert (added, sync(tmp_path, tables, today)) == (count, 0)
    again_s, again_cpu_s = perf_counter() - began, process_time() - worked
    print(f"\n{count} cells and {rows} rows: {first_s:.0f} s ({first_cpu_s:.0f} s of processor), ", end="")
    print(f"the next sync {again_s:.1f} s ({again_cpu_s:.1f} s)")
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    ours = [one.experiment_id for one in client.search_experiments()]
    for kind, expected in ((CELL, count), (ROW, rows)):
        keys, token = list[str](), None
        while token != "":
            page = client.search_runs(ours, f"tags.`{KIND}` = '{kind}'", page_token=token)
            keys += [run.data.tags[KEY] for run in page]
            token = page.token or ""
        assert len(keys) == len({*keys}) == expected
