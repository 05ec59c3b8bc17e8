"""What a fit adds to memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.run import memory
from doabench.benchmark.run.memory import start_added


def test_memory_is_what_the_work_adds_and_not_what_was_there() -> None:
    def added_by(megabytes: int) -> float:
        added = start_added()
        np.ones(megabytes * 1_000_000, np.uint8)
        if (found := added()) is None:
            pytest.skip("this system cannot forget a peak")
        return found

    assert 55 < added_by(60) < 75
    held = np.ones(90_000_000, np.uint8)
    assert 0 <= added_by(0) < 15
    assert 55 < added_by(60) < 75
    assert len(held)


def test_memory_is_unknown_where_the_system_cannot_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path / "clear_refs")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    monkeypatch.delattr(memory.ctypes, "CDLL")
    assert start_added()() is None
    monkeypatch.undo()
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path)  # there, and not to be written
    assert start_added()() is None
