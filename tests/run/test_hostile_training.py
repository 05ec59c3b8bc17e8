"""State of training that is damaged, or of another training: it costs the steps that it stands for, not the fit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.jobs import Fit, Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.worker import Worker
from support.hostile import ours_or_result
from support.hostile_training import KINDS, LEARNS, WITHOUT_TRACE


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fit, Fit]]:
    """One that trains to its end, and one that is stopped on the way."""
    path = tmp_path_factory.mktemp("plugin") / "learns.py"
    path.write_text(LEARNS)
    with METHODS.scope():
        METHODS.add_file(path)
        request = Request(("label-sweep",), ("learns", "learns[stops=true]"), "talkers", "smoke", labels=(120,), seeds=(0,))
        whole, stopped = (replace(fit, cells=fit.cells[:1]) for fit in make_plan(request).fits)
        yield whole, stopped


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def worker(out: Path) -> Worker:
    return Worker(Settings(out))


@pytest.fixture(scope="module")
def state(fits: tuple[Fit, Fit], worker: Worker, out: Path) -> Path:
    """What a fit leaves that was stopped."""
    worker.run(fits[1], lambda *_: None)
    return Store(out).scratch(fits[1].key)


def errors_deg(records: list[CellRecord]) -> list[object]:
    return [record.metrics and record.metrics.values["mae_deg"] for record in records]


@pytest.fixture(scope="module")
def whole(fits: tuple[Fit, Fit], worker: Worker) -> list[object]:
    return errors_deg(worker.run(fits[0], lambda *_: None))


@pytest.fixture
def expected(fits: tuple[Fit, Fit], state: Path, whole: list[object], out: Path) -> list[object]:
    """What comes of it, where nothing is there but the state of half a training."""
    for folder in (out / "fits", out / "cells", Store(out).scratch(fits[0].key)):
        shutil.rmtree(folder)
        folder.mkdir()
    shutil.copytree(state, Store(out).scratch(fits[0].key), dirs_exist_ok=True)
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_who_cannot_go_on_begins_anew(
    kind: str,
    fits: tuple[Fit, Fit],
    worker: Worker,
    expected: list[object],
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(out))  # a method works in a folder of its own
    scratch = Store(out).scratch(fits[0].key)
    KINDS[kind](scratch)
    records = ours_or_result(lambda: worker.run(fits[0], lambda *_: None), out)
    assert isinstance(records, list)
    assert [(record.state, record.reason) for record in records] == [("ok", "")] * len(records)
    assert kind in WITHOUT_TRACE or errors_deg(records) == expected


def test_state_that_is_sound_is_gone_on_from(
    fits: tuple[Fit, Fit], worker: Worker, expected: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    assert errors_deg(worker.run(fits[0], lambda *_: None)) == expected
    assert not caplog.records


def test_a_fit_that_fails_by_itself_fails_once(fits: tuple[Fit, Fit], worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody began before is not tried again."""
    shutil.rmtree(worker._store.scratch(fits[1].key))
    records = worker.run(fits[1], lambda *_: None)
    assert {record.state for record in records} == {"failed"}
    assert not caplog.records
