"""Answers that another program wrote: read, or one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.errors import UserError
from doabench.benchmark.run.answered import read_answers
from hypothesis import given, settings
from hypothesis import strategies as st


def answers(folder: Path, text: str | bytes) -> Path:
    path = folder / "answers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_angles_by_id_in_any_order(tmp_path: Path) -> None:
    found = read_answers(answers(tmp_path, "\ufeffestimated_deg , id\n-10,b\n20.5,a\n\n"))
    assert found.doa_deg is not None
    assert found.doa_deg[[found.ids["a"], found.ids["b"]]].tolist() == [20.5, -10.0]
    assert (found.line("a"), found.line("b")) == (3, 2)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_semicolons_and_tabs_part_with_decimal_commas(mark: str, tmp_path: Path) -> None:
    found = read_answers(answers(tmp_path, f"id{mark}estimated_deg\na{mark}20,5\nb{mark}-10\n"))
    assert found.doa_deg is not None
    assert found.doa_deg.tolist() == [20.5, -10.0]


def test_scores_come_in_the_order_of_the_candidates(tmp_path: Path) -> None:
    found = read_answers(answers(tmp_path, "id,10,-10.0,0\na,1,2,3\n"))
    assert found.scores_of((-10.0, 0.0, 10.0)).tolist() == [[2.0, 3.0, 1.0]]
    with pytest.raises(UserError, match=r"scores of 3 candidates, the draw has 2: only the file has 0 degrees"):
        found.scores_of((-10.0, 10.0))
    with pytest.raises(UserError, match=r"the draw has 4: only the draw has 20 degrees"):
        found.scores_of((-10.0, 0.0, 10.0, 20.0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read as a CSV file"),
        ("id,estimated_deg\n", "holds no answers"),
        ("name,estimated_deg\na,1\n", r"has no column id; .* it says \['name', 'estimated_deg'\]"),
        ("id,angle\na,1\n", "needs a column estimated_deg, or one of scores"),
        ("id,estimated_deg\na,1\nb,2\na,3\n", "lines 2 and 4: a is doubled"),
        ("id,estimated_deg\na,1\n,3\n,4\n", "lines 3 and 4: an empty id is doubled"),
        ("id,estimated_deg\na,1\n\nb,left\n", "line 4: estimated_deg is 'left', which is no number"),
        ("id,estimated_deg\na,nan\n", "line 2: estimated_deg is 'nan', which is no number"),
        ("id,estimated_deg\na,\n", "line 2: estimated_deg is '', which is no number"),
        ("id,estimated_deg\na,1\nb,140\n", "line 3: estimated_deg is 140, beyond -90 to 90 degrees"),
        ("id,-10,10\na,1,-inf\n", "line 2: 10 is '-inf', which is no number"),
        ("id,estimated_deg\na,1,2,3\nb,1,2,3,4\n", "cannot be read as a CSV file"),
        (b"id,estimated_deg\n\xff\xfe,1\n", "cannot be read as a CSV file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "cannot be read as a CSV file|has no column id"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        read_answers(answers(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: cannot be read as a CSV file \(.*No such file"):
        read_answers(tmp_path / "none.csv")


@settings(deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"id,estimated_deg\n{text}".encode())))
def test_whatever_bytes_are_answers_or_one_line(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        found = read_answers(answers(tmp_path_factory.mktemp("answers"), content))
    except UserError as error:
        said = str(error)
    else:
        values = found.doa_deg if found.doa_deg is not None else found.scores
        assert values is not None
        assert np.isfinite(values).all()
        assert len(values) == len(found.ids)
        said = ""
    assert len(said.splitlines()) <= 1
