"""The table at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doabench.benchmark.cli.closing import closing_table
from doabench.benchmark.results.records import CellRecord
from rich.console import Console
from support.leaderboard_files import add, cell


def test_methods_stand_by_what_they_were_scored_on_at_the_number_of_labels_that_most_have(tmp_path: Path) -> None:
    def scored(key: str, error_deg: float, **changed: Any) -> CellRecord:
        return add(tmp_path, cell(key, **changed), [error_deg] * 4, [0.0] * 4)

    off_grid = {"protocol": "off-grid", "split": "off_grid"}
    table = closing_table(
        [
            scored("a", 4.0),
            scored("b", 6.0, **off_grid),
            scored("c", 2.0, method="cnn", labels=247, seed=0),
            scored("d", 3.0, method="cnn", labels=247, seed=1),
            scored("e", 9.0, method="cnn", labels=114),
            scored("f", 8.0, method="cnn", labels=247, **off_grid),
            scored("g", 1.0, method="cnn", labels=247, split="train"),
            cell("h", method="rtf_1nn", labels=247, state="failed", reason="broken"),
        ]
    )
    assert table is not None
    console = Console(width=100)
    with console.capture() as shown:
        console.print(table)
    lines = [line.split() for line in shown.get().splitlines()]
    assert " ".join(lines[0]) == "MAE, deg, mean over seeds, n = 250 labels; other numbers of labels are on the page"
    assert lines[1] == ["method", "label-sweep", "dtu-twin", "off-grid", "dtu-twin"]
    assert lines[2:] == [["cnn", "2.50", "8.00"], ["srp_phat", "4.00", "6.00"]]


def test_brackets_of_a_room_are_shown(tmp_path: Path) -> None:
    table = closing_table([add(tmp_path, cell("a", dataset="folder[spacing_m=0.08]:attic"))])
    console = Console(width=100)
    with console.capture() as shown:
        console.print(table)
    assert "folder[spacing_m=0.08]:attic" in shown.get()


@pytest.mark.parametrize("records", [[], [cell("a", state="failed", reason="broken")]])
def test_where_nothing_was_scored_there_is_none(records: list[CellRecord]) -> None:
    assert closing_table(records) is None
