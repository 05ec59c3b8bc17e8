"""Shares of one plan, run by hand one after the other or at a time, leave what one run of all leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
from doabench.benchmark.results.store import Stored
from support.command import SMOKE, run

METHODS = ("srp_phat", "rtf_1nn", "von_mises")
OPTIONS = ["--protocol", "off-range", *(part for name in METHODS for part in ("--method", name))]


def test_shares_at_a_time_leave_what_one_run_leaves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *OPTIONS, "--jobs", "1", "--threads", "1"]
    command += ["--out", str(tmp_path / "out"), "--no-publish", "--shard"]
    shares = [subprocess.Popen([*command, f"{number}/2"], stderr=subprocess.PIPE, text=True) for number in (1, 2)]
    said = [share.communicate()[1] for share in shares]
    assert [share.returncode for share in shares] == [0, 0], said
    assert sorted("1 fits" in one for one in said) == [False, True]
    assert sorted("2 cells: 2 ok; 2 computed now" in one for one in said) == [False, True]
    made = {record.key for record in Stored(tmp_path / "out").all_cells()}
    records, said_of_all = run(tmp_path / "out", *OPTIONS, publish=True)
    assert "3 cells: 3 ok; 0 computed now" in said_of_all
    assert {record["key"] for record in records} == made
    run(tmp_path / "one", *OPTIONS, publish=True)
    pd.testing.assert_frame_equal(leaderboard(tmp_path / "out"), leaderboard(tmp_path / "one"))


def leaderboard(out: Path) -> pd.DataFrame:
    """What does not depend on how busy the machine was."""
    table = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    return table.drop(columns=["fit_s", "predict_us_per_sequence", "fit_added_rss_mb"])
