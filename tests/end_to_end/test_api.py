"""The suite from Python: the notebook, cell by cell, and a script as people write them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
NOTEBOOK = ROOT / "docs" / "from_python.ipynb"
LAST = """
assert {record.state for record in records} == {"ok"}
assert set(rows["method"]) == {"srp_phat", "von_mises"}
assert abs(direction - 30) <= 5
"""
FAILS = """
from doabench.benchmark.api import UserError, run

try:
    run(methods=["no_such_method"], scale="smoke")
except UserError as error:
    print(error)
"""


def python(text: str, folder: Path) -> str:
    """What a script without a main guard prints."""
    (folder / "script.py").write_text(text)
    done = subprocess.run([sys.executable, folder / "script.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_notebook_runs_from_top_to_bottom_as_a_script(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert not [cell for cell in cells if cell.get("outputs")], "outputs change with every machine"
    said = python("\n".join([*code, LAST]), tmp_path)
    assert [line.partition(":")[0] for line in said.splitlines() if " of the speech" in line] == ["von_mises", "srp_phat"]


def test_what_cannot_be_done_is_an_error_of_ours(tmp_path: Path) -> None:
    assert "no method named 'no_such_method'" in python(FAILS, tmp_path)


@pytest.mark.parametrize("name", ["leaderboard", "load_fit", "locate", "run", "untrained"])
def test_every_function_says_what_it_does_and_raises(name: str) -> None:
    from doabench.benchmark import api

    said = getattr(api, name).__doc__ or ""
    assert "Raises UserError" in " ".join(said.split())
