"""A disk that fills up or cannot be written to: one line that says so, nothing lost, and on it goes when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from support.command import SMOKE, doabench

OPTIONS = ("run", *SMOKE, "--method", "rtf_1nn", "--method", "srp_phat", "--protocol", "label-sweep", "--jobs", "1", "--out")
CHANGES_ANYWAY = ["fit_s", "fit_added_rss_mb", "predict_us_per_sequence"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a small disk, or makes it read-only."""
    place = tmp_path / "disk"
    place.mkdir()

    def mounted(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be made here: {done.stderr.strip()}")
        return place

    yield mounted
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def rows(out: Path) -> str:
    table = pd.read_csv(out / "leaderboard" / "leaderboard.csv")
    return table.query("origin == 'own'").drop(columns=CHANGES_ANYWAY).to_csv()


def test_a_full_disk_is_said_and_costs_nothing_once_there_is_room(
    disk: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = disk("size=32M")
    filler = place / "filler"
    for left_kb in (40, 900):
        filler.unlink(missing_ok=True)
        used = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        filler.write_bytes(bytes(32 * 2**20 - used - left_kb * 1024 - 200_000))
        done = doabench(*OPTIONS, place / "out", check=2)
        assert "cannot be written to (No space left on device); what is finished is kept" in done.stderr
        assert "Traceback" not in done.stderr
    filler.unlink()
    doabench(*OPTIONS, place / "out")
    doabench(*OPTIONS, tmp_path / "whole")
    assert rows(place / "out") == rows(tmp_path / "whole")


def test_a_folder_that_can_only_be_read_is_said_before_anything_is_trained(disk: Callable[[str], Path]) -> None:
    place = disk("size=8M,ro")
    done = doabench(*OPTIONS, place / "out", check=2)
    assert done.stderr.strip().splitlines()[-1].startswith(f"doabench: --out {place / 'out'}: cannot be written to (Read-only")


def test_one_that_was_written_before_and_can_only_be_read_now_is_said(disk: Callable[[str], Path]) -> None:
    place = disk("size=32M")
    doabench(*OPTIONS, place / "out", "--no-publish")
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    done = doabench(*OPTIONS, place / "out", check=2)
    assert "cannot be written to (Read-only file system)" in done.stderr
    assert "Traceback" not in done.stderr
