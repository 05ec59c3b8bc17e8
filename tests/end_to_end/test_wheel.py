"""What is published: a wheel with every file of the packages and nothing else, which runs from where it is unpacked."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from doabench.benchmark.plugins.registry import ROOT
from support.command import SMOKE

TOP = ("benchmark", "methods", "datasets", "protocols", "leaderboard")
SAYS_NO_NETWORK = ("No matching distribution", "Could not find a version", "Connection", "Temporary failure", "Network")


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """Files of the packages, as git knows them."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nobody knows which files belong to the packages")
    done = subprocess.run(["git", "ls-files", "-z", "--", *TOP], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(filter(None, done.stdout.split("\0")))


@pytest.fixture(scope="module")
def wheel(tracked: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tracked files, so that nothing is written into the checkout, nor taken from it unseen."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*tracked, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    isolated = [] if importlib.util.find_spec("setuptools") else ["isolated"]
    options = ["--no-deps", "--wheel-dir", str(built), *([] if isolated else ["--no-build-isolation"])]
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", *options, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and isolated and any(words in done.stderr for words in SAYS_NO_NETWORK):
        pytest.skip(f"setuptools is not installed and cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = built.glob("doabench-*.whl")
    return made


def test_the_wheel_holds_the_tracked_files_of_the_packages_and_no_others(wheel: Path, tracked: set[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {f"doabench/{name}" for name in tracked if not name.endswith(".md")}  # which explains the source
    suffixes = {Path(name).suffix for name in held}
    assert {".py", ".csv", ".html", ".css", ".js", ".sha256", ".typed"} <= suffixes
    assert {f"doabench/{top}/py.typed" for top in TOP} <= held


def test_a_run_from_the_unpacked_wheel_writes_the_leaderboard(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    where = [sys.executable, "-c", "import doabench.benchmark as found; print(found.__file__)"]
    found = subprocess.run(where, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(tmp_path), "another installation goes before PYTHONPATH"
    options = ["--method", "srp_phat", "--protocol", "label-sweep", "--threads", "1", "--out", str(out)]
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *options]
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    made = {path.name for path in (out / "leaderboard").iterdir()}
    assert {"index.html", "leaderboard.md", "leaderboard.csv", "leaderboard.tex"} <= made
    with (out / "leaderboard" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "ok" and row["origin"] == "own"]
    assert {(row["method"], row["split"]) for row in rows} == {("srp_phat", "train"), ("srp_phat", "validation")}
    assert list(elsewhere.iterdir()) == []
