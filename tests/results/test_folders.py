"""Folders with a record: whole whoever else writes them, and told when they are damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark import durable
from doabench.benchmark.method import History
from doabench.benchmark.results.folders import RECORD, damage
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.benchmark.results.store import HISTORY, PREDICTIONS, Store
from doabench.benchmark.weights import FILE, save_arrays
from support.leaderboard_files import cell, predictions

TABLE = predictions([0.0, 10.0, 20.0, 40.0])
FIT = FitRecord(key="fit", axes=cell("any", "rtf_1nn", labels=114).fit, fit_s=1.5)


def add_fit(store: Store) -> None:
    with store.new_fit(FIT, History()) as folder:
        save_arrays(folder, {"a": np.arange(1000.0)})


def write_again_and_again(out: Path, times: int) -> None:
    store = Store(out)
    for _ in range(times):
        store.add_cell(cell("cell", state="failed", reason="at first"))
        store.add_cell(cell("cell"), TABLE)
        add_fit(store)


def test_many_processes_that_write_one_key_do_each_other_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_again_and_again, args=(tmp_path, 20)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    store = Store(tmp_path)
    assert store.has_ok("cell")
    assert store.sound_fit("fit") is not None
    assert sorted(path.name for folder in (store.cells, store.fits) for path in folder.iterdir()) == ["cell", "fit"]
    assert not (tmp_path / "damaged").exists()


def test_what_a_killed_writer_leaves_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def begin() -> None:
        with store.new_fit(FIT, History()) as folder:
            save_arrays(folder, {"a": np.zeros(3)})
            os.kill(os.getpid(), signal.SIGKILL)

    writer = multiprocessing.get_context("fork").Process(target=begin)
    writer.start()
    writer.join()
    (left,) = store.fits.iterdir()
    with store.new_fit(FIT, History()) as mine:
        store.sweep()
        assert list(store.fits.iterdir()) == [mine]
        assert not left.exists()
    assert store.sound_fit("fit") is not None


def test_partial_files_of_other_machines_are_swept_when_they_are_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fresh, old = (store.cells / f".cell~elsewhere~12~{name}" for name in ("fresh", "old"))
    for folder in (fresh, old):
        folder.mkdir()
    long_ago = fresh.stat().st_mtime - durable.FORGOTTEN_S - 60
    os.utime(old, (long_ago, long_ago))
    store.sweep()
    assert list(store.cells.iterdir()) == [fresh]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


HARMS = [(name, harm) for name in (PREDICTIONS, RECORD, FILE, HISTORY) for harm in (cut, empty, Path.unlink)]
"""A flipped bit may leave a whole record with another value, which nothing can tell."""


@pytest.mark.parametrize(("name", "harm"), [*HARMS, (PREDICTIONS, flip), (FILE, flip)])
def test_what_is_damaged_is_named_and_set_aside(
    name: str, harm: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    store.add_cell(cell("cell"), TABLE)
    add_fit(store)
    of_cell = name in (PREDICTIONS, RECORD)
    target = (store.cells / "cell" if of_cell else store.fits / "fit") / name
    harm(target)
    if name == PREDICTIONS:
        with pytest.raises((OSError, ValueError), match=name):
            store.predictions("cell")
    assert not (store.has_ok("cell") if of_cell else store.sound_fit("fit"))
    assert not target.parent.exists()
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.name == f"{target.parent.parent.name}-{target.parent.name}"
    assert name in caplog.text
    assert str(aside) in caplog.text
    store.add_cell(cell("cell"), TABLE)
    add_fit(store)
    assert store.has_ok("cell")
    assert store.sound_fit("fit")


def test_a_record_of_another_version_is_not_called_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_cell(cell("cell"), TABLE)
    file = store.cells / "cell" / RECORD
    file.write_text(json.dumps(json.loads(file.read_text()) | {"new_field": 1}))
    assert damage(store.cells / "cell", CellRecord) == ""
    assert not store.has_ok("cell")
    assert not (tmp_path / "damaged").exists()


def test_all_is_on_the_disk_before_a_folder_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[str]()
    rename, sync = Path.rename, os.fsync
    monkeypatch.setattr(
        Path, "rename", lambda self, target: (calls.append(f"rename {Path(target).name}"), rename(self, target))[1]
    )
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("sync"), sync(handle))[1])
    Store(tmp_path).add_cell(cell("cell"), TABLE)
    assert Counter(calls[: calls.index("rename cell")]) == {"sync": 3}  # predictions, record, the names of both
    assert calls[-1] == "sync"
