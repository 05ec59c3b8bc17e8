"""Words of a command line that mean nothing, or that mean harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.plugins.spec import split_spec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile import check
from support.hostile_names import SPECS


@pytest.mark.parametrize(("reader", "kind"), [(name, kind) for name, reader in SPECS.items() for kind in reader.kinds])
def test_a_malformed_spec_is_refused_in_one_line(
    reader: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOABENCH_DATA", str(tmp_path / "data"))
    check(SPECS[reader], kind, tmp_path)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text("cnn[]=,a1 \n\0"))
def test_whatever_is_written_is_a_name_with_parameters_or_one_line(text: str) -> None:
    try:
        name, parameters = split_spec(text)
    except UserError as error:
        said = str(error).splitlines()
    else:
        said = [""]
        assert all(part.isprintable() for part in (name, *parameters, *parameters.values()))
        assert not set("/\\.") & set(name)
    assert len(said) == 1
