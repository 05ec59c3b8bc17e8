"""Claims: one holder at a time, whoever dies, wherever, whatever the clocks say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from doabench.benchmark.durable import born, machine
from doabench.benchmark.results import claims as claims_module
from doabench.benchmark.results.claims import Claims

HOLDS = """
import pathlib, sys, time
from doabench.benchmark.results.claims import Claims
with Claims(pathlib.Path(sys.argv[1])) as claims:
    print(claims.take("fit"), flush=True)
    time.sleep(600)
"""


def test_what_one_process_holds_another_cannot_take_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with Claims(tmp_path) as claims:
            assert not claims.take("fit")
            assert claims.take("another")
            holder.kill()
            holder.wait()
            assert claims.take("fit")
            assert sorted(path.name for path in tmp_path.iterdir()) == ["another.0", "fit.1"]
    assert list(tmp_path.iterdir()) == []


def elsewhere(path: Path, pid: int = 1) -> None:
    path.write_text(json.dumps({"machine": "another", "pid": pid, "born": "0"}))


def test_a_holder_elsewhere_is_gone_when_its_file_has_long_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = [100.0]
    monkeypatch.setattr(claims_module.time, "monotonic", lambda: clock_s[0])
    theirs = tmp_path / "fit.3"
    elsewhere(theirs)
    with Claims(tmp_path) as claims:
        for wall_s in (5e9, 1e9, 5e9):  # its clock, or ours, jumps ahead and back
            os.utime(theirs, (wall_s, wall_s))
            assert not claims.take("fit")
            clock_s[0] += claims_module.LEASE_S - 1
            assert not claims.take("fit")
        clock_s[0] += 2
        assert claims.take("fit")
        assert [path.name for path in tmp_path.iterdir()] == ["fit.4"]


def test_a_claim_that_is_only_just_being_written_counts(tmp_path: Path) -> None:
    for text in ("", '{"machine": "'):
        (tmp_path / "fit.0").write_text(text)
        with Claims(tmp_path) as claims:
            assert not claims.take("fit")


def test_a_number_that_another_process_has_by_now_is_no_holder(tmp_path: Path) -> None:
    (tmp_path / "fit.0").write_text(json.dumps({"machine": machine(), "pid": os.getpid(), "born": "long ago"}))
    with Claims(tmp_path) as claims:
        assert claims.take("fit")


def test_a_held_claim_changes_as_time_goes_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "BEAT_S", 0.01)
    with Claims(tmp_path) as claims:
        claims.take("fit")
        before = (tmp_path / "fit.0").stat().st_mtime_ns
        deadline = time.monotonic() + 10
        while (tmp_path / "fit.0").stat().st_mtime_ns == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_who_want_it_at_once_one_gets_it(stale: bool, tmp_path: Path) -> None:
    got = Counter[int]()
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        if stale:
            (folder / "fit.7").write_text(json.dumps({"machine": machine(), "pid": 2**22 + 1, "born": "1"}))
        barrier = Barrier(8)

        def race(folder: Path = folder, barrier: Barrier = barrier) -> bool:
            claims = Claims(folder)
            barrier.wait()
            return claims.take("fit")

        with ThreadPoolExecutor(8) as pool:
            got[sum(future.result() for future in [pool.submit(race) for _ in range(8)])] += 1
    assert got == {1: 20}


def test_processes_are_told_apart() -> None:
    assert born(os.getpid()) == born(os.getpid()) != ""
    assert born(2**22 + 1) == ""
    assert born(os.getpid()) != born(1) != ""
