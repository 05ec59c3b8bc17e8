"""CONTRIBUTING.md is followed to the letter: its files are written and its commands run."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sysconfig
from pathlib import Path

from doabench.benchmark.plugins.registry import ROOT

BLOCK = re.compile(r"```(?P<language>sh|python)\n(?P<text>.*?)```", re.DOTALL)


def test_the_walk_through_leads_to_the_leaderboard(tmp_path: Path) -> None:
    section = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## A method in ten minutes")[2].partition("\n## ")[0]
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOABENCH_")}
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment["PATH"]])
    commands = 0
    for block in BLOCK.finditer(section):
        if block["language"] == "python":
            (tmp_path / "left_or_right.py").write_text(block["text"], encoding="utf-8")
            continue
        for command in block["text"].splitlines():
            done = subprocess.run(command.split(), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            commands += 1
    assert commands == 4
    with (tmp_path / "results" / "leaderboard" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows if row["status"] == "ok" and row["origin"] == "own"} == {
        "my_method",
        "left_or_right",
        "srp_phat",
    }
