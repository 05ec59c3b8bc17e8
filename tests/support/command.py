"""`doabench` from the outside, as a user runs it, and what it leaves on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

SMOKE = ("--scale", "smoke", "--speech", "talkers")


def doabench(*arguments: str | Path, check: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "doabench.benchmark", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == check, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


def run(out: Path, *arguments: str | Path, check: int = 0, publish: bool = False) -> tuple[list[dict[str, Any]], str]:
    """Records and what was said on stderr. One process with one thread, unless ``arguments`` say otherwise: more would wait for
    other tests. To ``publish`` takes longer than most runs here."""
    words = ("run", *SMOKE, "--jobs", "1", "--threads", "1", "--out", out, "--json", *arguments)
    done = doabench(*words, *(() if publish else ("--no-publish",)), check=check)
    return json.loads(done.stdout), done.stderr


def plugin(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def predictions(out: Path, records: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    return {record["key"]: pd.read_parquet(out / "cells" / record["key"] / "predictions.parquet") for record in records}


def files(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for folder in ("fits", "cells") for path in (out / folder).rglob("*")}
