"""What a fit costs: numbers that it keeps, and memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.method import Context
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.results.store import HISTORY, RECORD, Store
from doabench.benchmark.run import memory
from doabench.benchmark.run.memory import start_added
from doabench.benchmark.weights import save_arrays
from doabench.methods._classifier import AugmentedClassifier
from doabench.methods.cnn import Cnn


def fit_folder(out: Path) -> tuple[Store, Path]:
    store, folder = Store(out), out / "fits" / "key"
    folder.mkdir()
    for name in (RECORD, HISTORY):
        (folder / name).write_text("{}")
    return store, folder


@pytest.mark.parametrize("name", ["cnn", "mean_teacher"])
def test_parameters_of_the_classifier_are_those_of_table_1(name: str, tmp_path: Path) -> None:
    method = make_method(name)[1]
    assert isinstance(method, Cnn | AugmentedClassifier)
    method.context = Context(ArraySetup(0.085, tuple(np.arange(-90.0, 91.0, 10.0))))
    store, folder = fit_folder(tmp_path)
    method._build()
    method.save(folder)
    convolutions = 32 * (1 * 9 + 1) + 64 * (32 * 9 + 1)
    assert store.parameters("key") == convolutions + 200 * (64 * 7 * 31 + 1) + 19 * (200 + 1)


def test_a_fit_that_keeps_nothing_has_none_and_other_files_are_not_counted(tmp_path: Path) -> None:
    store, folder = fit_folder(tmp_path)
    assert store.parameters("key") == 0
    (folder / "model.onnx").write_bytes(b"weights")
    assert store.parameters("key") is None
    save_arrays(folder, {"a": np.zeros((3, 4)), "b": np.zeros(5)})
    save_arrays(folder, {"a": np.zeros(2)}, "more.safetensors")
    assert store.parameters("key") == 19


def test_memory_is_what_the_work_adds_and_not_what_was_there() -> None:
    def added_by(megabytes: int) -> float:
        added = start_added()
        np.ones(megabytes * 1_000_000, np.uint8)
        if (found := added()) is None:
            pytest.skip("this system cannot forget a peak")
        return found

    assert 55 < added_by(60) < 75
    held = np.ones(90_000_000, np.uint8)
    assert 0 <= added_by(0) < 15
    assert 55 < added_by(60) < 75
    assert len(held)


def test_memory_is_unknown_where_the_system_cannot_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path / "clear_refs")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    monkeypatch.delattr(memory.ctypes, "CDLL")
    assert start_added()() is None
    monkeypatch.undo()
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path)  # there, and not to be written
    assert start_added()() is None
