"""Archives that strangers packed, or that are damaged: whatever is unpacked is small, plain and where it should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.hostile import check
from support.hostile_names import ARCHIVES


@pytest.mark.parametrize(("reader", "kind"), [(name, kind) for name, reader in ARCHIVES.items() for kind in reader.kinds])
def test_a_malformed_archive_is_unpacked_or_refused_in_one_line(reader: str, kind: str, tmp_path: Path) -> None:
    check(ARCHIVES[reader], kind, tmp_path, may_write=tmp_path / "in" / "out")
