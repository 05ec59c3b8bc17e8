"""Whatever ends a run ends its workers, and the next run goes on from there. `DOABENCH_ROUNDS` says how often each is tried."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from support import plugins
from support.command import SMOKE, plugin, run

ROUNDS = int(os.environ.get("DOABENCH_ROUNDS", "1"))
GONE_WITHIN_S = 5.0
WAITS = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        import pathlib, time
        pathlib.Path(__file__).with_name(f"{os.getpid()}.started").touch()
        time.sleep(600)
"""
)


def ignoring(*numbers: signal.Signals) -> Callable[[], None]:
    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return ignore


def started(folder: Path, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """A run with two workers that are in the middle of their work."""
    paths = [plugin(folder, name, WAITS) for name in ("one", "other")]
    options = [part for path in paths for part in ("--plugin", str(path), "--method", path.stem)]
    options += ["--protocol", "off-range", "--jobs", "2", "--threads", "1", "--out", str(folder / "out")]
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=before, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(folder.glob("*.started"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize(
    ("sent", "before", "exit_code"),
    [
        pytest.param(signal.SIGINT, ignoring(), 130, id="interrupt"),
        pytest.param(signal.SIGINT, ignoring(signal.SIGINT, signal.SIGQUIT), 130, id="interrupt-inherited-as-ignored"),
        pytest.param(signal.SIGTERM, ignoring(), 143, id="terminate"),
        pytest.param(signal.SIGHUP, ignoring(), 129, id="hangup"),
        pytest.param(signal.SIGKILL, ignoring(), -9, id="kill"),
    ],
)
def test_workers_end_with_the_run(
    sent: signal.Signals, before: Callable[[], None], exit_code: int, turn: int, tmp_path: Path
) -> None:
    process = started(tmp_path, before)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    process.send_signal(sent)
    _, left = psutil.wait_procs(family, timeout=GONE_WITHIN_S)
    alive = [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]  # init takes its time for these
    assert alive == [], turn
    _, said = process.communicate(timeout=GONE_WITHIN_S)
    assert process.returncode == exit_code
    assert ("what is finished is kept" in said) == (sent != signal.SIGKILL)
    assert "Traceback" not in said


def test_a_run_that_outlives_its_terminal_on_purpose_does(tmp_path: Path) -> None:
    process = started(tmp_path, ignoring(signal.SIGHUP))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    assert process.wait(GONE_WITHIN_S) == 143


def test_a_fit_that_hangs_ends_at_its_time_limit_and_the_others_are_done(tmp_path: Path) -> None:
    path = plugin(tmp_path, "one", WAITS)
    options = ("--plugin", path, "--method", "one", "--method", "srp_phat", "--protocol", "off-range", "--time-limit", "15")
    records, _ = run(tmp_path / "out", *options, check=1)
    found = {record["fit"]["method"]: record for record in records}
    assert found["srp_phat"]["state"] == "ok"
    assert found["one"]["reason"] == "it took longer than --time-limit, 15 s, and was ended in one.py, line 14"
