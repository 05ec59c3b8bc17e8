"""Results on disk: a record is there as a whole or not at all, an ok one replaces a failed one, versions are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import Context, History
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.results.folders import RECORD
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.benchmark.results.store import HISTORY, PLAN, Store
from doabench.benchmark.weights import load_arrays, save_arrays
from doabench.methods._classifier import AugmentedClassifier
from doabench.methods.cnn import Cnn
from support.leaderboard_files import cell, predictions


class Killed(BaseException):
    """What ends a process in the middle of its work."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "out")


def fit_record(key: str = "key") -> FitRecord:
    return FitRecord(key=key, axes=cell("any", "rtf_1nn", labels=114).fit, fit_s=1.5)


def without_digests(record: FitRecord | CellRecord | None) -> FitRecord | CellRecord:
    assert record is not None
    return record.model_copy(update={"digests": {}})


def begin_and_be_killed(store: Store, record: FitRecord) -> None:
    with store.new_fit(record, History()) as folder:
        save_arrays(folder, {"a": np.zeros(3)})
        raise Killed


def test_a_fit_is_there_when_it_is_whole_and_not_before(store: Store) -> None:
    record, history = fit_record(), History()
    (store.scratch("key") / "checkpoint").write_text("half of a training")
    with pytest.raises(Killed):
        begin_and_be_killed(store, record)
    assert store.fit("key") is None
    assert (store.scratch("key") / "checkpoint").read_text() == "half of a training"
    history.add(5, loss=0.25)
    with store.new_fit(record, history) as folder:
        assert list(folder.iterdir()) == []  # nothing of the one that was killed
        save_arrays(folder, {"a": np.ones(2)})
        assert store.fit("key") is None
    assert without_digests(store.fit("key")) == record
    assert store.history("key") == [(5, "loss", 0.25)]
    np.testing.assert_array_equal(load_arrays(store.fits / "key")["a"], [1, 1])
    assert not (store.out / "scratch" / "key").exists()


def test_a_cell_that_breaks_while_it_is_written_leaves_nothing(store: Store) -> None:
    cannot_be_written = pd.DataFrame({"start": [1, "one"]})
    with pytest.raises(Exception, match="start"):
        store.add_cell(cell("key"), cannot_be_written)
    assert store.cell("key") is None
    assert store.all_cells() == []
    store.add_cell(cell("key"), predictions([0, 10, 20, 30]))
    assert [record.key for record in store.all_cells()] == ["key"]


def test_a_failed_cell_is_replaced_by_an_ok_one(store: Store) -> None:
    failed = cell("key", state="failed", reason="out of memory")
    store.add_cell(failed)
    assert store.cell("key") == failed
    assert not store.has_ok("key")
    table = predictions([0, 10, 20, 40])
    store.add_cell(cell("key"), table)
    assert store.has_ok("key")
    assert [without_digests(one) for one in store.all_cells()] == [cell("key")]
    pd.testing.assert_frame_equal(store.predictions("key"), table)


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.cell("key") is None
    assert store.fit("key") is None
    assert not store.has_ok("key")
    assert store.history("key") == []
    assert store.planned() == {}


@pytest.mark.parametrize("change", [{"a_field_of_the_future": 1}, {"state": "a state of the future"}])
def test_a_record_of_another_version_reads_as_none(change: dict[str, object], store: Store) -> None:
    store.add_cell(cell("other"))
    store.add_cell(cell("own"))
    file = store.cells / "other" / RECORD
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert store.cell("other") is None
    assert not store.has_ok("other")
    assert [record.key for record in store.all_cells()] == ["own"]
    store.add_cell(cell("other"))
    assert store.has_ok("other")


def test_a_plan_is_read_as_it_was_written_and_the_latest_counts(store: Store) -> None:
    store.write_plan([cell("first", state="missing")])
    latest = [cell(key, state="missing") for key in ("second", "third")]
    store.write_plan(iter(latest))
    assert store.planned() == {record.key: record for record in latest}
    assert sorted(path.name for path in store.out.iterdir() if path.is_file()) == [PLAN]


@pytest.mark.parametrize("text", ["", "{", "7", '[{"key": "of another version"}]'])
def test_a_plan_that_cannot_be_read_is_no_plan(text: str, store: Store) -> None:
    (store.out / PLAN).write_text(text)
    assert store.planned() == {}


def test_a_folder_that_cannot_be_written_to_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--out .*file/out: cannot be written to .*choose another folder"):
        Store(tmp_path / "file" / "out")


def fit_folder(store: Store) -> Path:
    folder = store.fits / "key"
    folder.mkdir()
    for name in (RECORD, HISTORY):
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["cnn", "mean_teacher"])
def test_parameters_of_the_classifier_are_those_of_table_1(name: str, store: Store) -> None:
    method = make_method(name)[1]
    assert isinstance(method, Cnn | AugmentedClassifier)
    method.context = Context(ArraySetup(0.085, tuple(np.arange(-90.0, 91.0, 10.0))))
    method._build()
    method.save(fit_folder(store))
    convolutions = 32 * (1 * 9 + 1) + 64 * (32 * 9 + 1)
    assert store.parameters("key") == convolutions + 200 * (64 * 7 * 31 + 1) + 19 * (200 + 1)


def test_a_fit_that_keeps_nothing_has_none_and_other_files_are_not_counted(store: Store) -> None:
    folder = fit_folder(store)
    assert store.parameters("key") == 0
    (folder / "model.onnx").write_bytes(b"weights")
    assert store.parameters("key") is None
    save_arrays(folder, {"a": np.zeros((3, 4)), "b": np.zeros(5)})
    save_arrays(folder, {"a": np.zeros(2)}, "more.safetensors")
    assert store.parameters("key") == 19
