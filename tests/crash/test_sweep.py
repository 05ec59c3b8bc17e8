"""A run that is killed at any moment of its writing loses time and nothing else: one more run leaves what a whole one leaves.

`DOABENCH_KILLS=all` kills at every file operation (`tox -e crash`); otherwise at as many, spread evenly, as fit in five
minutes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.cli.publish import _publish
from doabench.benchmark.results.folders import damage
from doabench.benchmark.results.records import CellRecord, FitRecord
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Plan, Request, make_plan
from doabench.benchmark.run.worker import Worker
from doabench.methods import cnn

AT_MOST_S = 90.0
CHANGES_ANYWAY = ("fit_s", "fit_added_rss_mb", "predict_us_per_sequence")
WRITES = os.O_WRONLY | os.O_RDWR
COUNTED = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.fsync")


@pytest.fixture(scope="module")
def plan() -> Plan:
    torch.set_num_threads(1)
    return make_plan(Request(("label-sweep",), ("srp_phat", "cnn"), "talkers", "smoke"))


@pytest.fixture(autouse=True)
def _short_and_often_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(cnn.RECIPES["corrected"], steps=60, second_start=None)
    monkeypatch.setitem(cnn.RECIPES, "corrected", recipe)
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def a_run(plan: Plan, out: Path) -> None:
    store = Store(out)
    store.sweep()
    store.write_plan(plan.cells())
    worker = Worker(Settings(out))
    for fit in plan.fits:
        if not all(store.has_ok(cell.key) for cell in fit.cells):
            worker.run(fit, lambda *_: None)
    assert not _publish(out, last=False).problem


def operations(out: Path, at: Callable[[int], None]) -> None:
    """Call ``at`` before every file operation of this process in ``out``, with its number."""
    count = 0
    sync = os.fsync
    under = f"{out}{os.sep}"

    def seen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if event == "os.fsync" or ((opens or event in COUNTED) and under in str(arguments[0])):
            count += 1
            at(count)

    def audited_sync(handle: int) -> None:
        sys.audit("os.fsync", handle)
        sync(handle)

    os.fsync = audited_sync
    sys.addaudithook(seen)


def child(work: Callable[[], None]) -> int:
    """Do ``work`` in a process of its own: its exit status, as `os.waitpid` has it."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def killed_at(plan: Plan, out: Path, number: int) -> int:
    def kill(count: int) -> None:
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        operations(out, kill)
        a_run(plan, out)

    return child(work)


def counted(plan: Plan, out: Path) -> int:
    tally = out.with_name("tally")

    def work() -> None:
        last = [0]
        operations(out, lambda count: last.__setitem__(0, count))
        a_run(plan, out)
        tally.write_text(str(last[0]))

    assert child(work) == 0
    return int(tally.read_text())


def table(out: Path) -> str:
    rows = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    return rows.query("origin == 'own'").drop(columns=list(CHANGES_ANYWAY)).to_csv()


def check(plan: Plan, out: Path, expected: str) -> None:
    assert child(lambda: a_run(plan, out)) == 0
    assert table(out) == expected
    store = Store(out)
    for kind, model in (("fits", FitRecord), ("cells", CellRecord)):
        for folder in (out / kind).iterdir():
            assert damage(folder, model) == "", folder
            assert not folder.name.startswith("."), folder
    assert all(store.has_ok(cell.key) for fit in plan.fits for cell in fit.cells)
    assert not (out / "damaged").exists()
    assert list((out / "scratch").iterdir()) == []
    assert not list(out.glob(".*~*"))


def test_killed_at_any_file_operation_nothing_is_lost(plan: Plan, tmp_path: Path) -> None:
    total = counted(plan, tmp_path / "whole")
    expected = table(tmp_path / "whole")
    everything = os.environ.get("DOABENCH_KILLS") == "all"
    order = range(1, total + 1) if everything else (1 + np.argsort(np.argsort(np.arange(total) * 0.618 % 1))).tolist()
    began, survived = time.monotonic(), 0
    for number in order:
        out = tmp_path / f"killed-{number}"
        assert os.WIFSIGNALED(killed_at(plan, out, number)), number
        check(plan, out, expected)
        survived += 1
        if not everything and time.monotonic() - began > AT_MOST_S:
            break
    print(f"{survived} of {total} file operations")
    assert survived > 1


def test_killed_again_and_again_at_the_next_operation_it_still_comes_to_its_end(plan: Plan, tmp_path: Path) -> None:
    """Each run gets a little farther than the one before."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert child(lambda: a_run(plan, whole)) == 0
    for number in (5, 20, 40, 60):
        killed_at(plan, out, number)
    check(plan, out, table(whole))
