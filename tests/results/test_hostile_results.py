"""Results that strangers made, or that are damaged: they cost their own row, and nothing outside the folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.hostile import check
from support.hostile_results import READERS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("reader", "kind"), [(name, kind) for name, reader in READERS.items() for kind in reader.kinds])
def test_malformed_results_are_left_out_or_said_in_one_line(reader: str, kind: str, tmp_path: Path) -> None:
    check(READERS[reader], kind, tmp_path, may_write=tmp_path / "in" / "out")
