"""One table in all the spellings that spreadsheets, recorders and people give it."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from doabench.benchmark.errors import UserError
from doabench.datasets._table import read_table
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measured_files import check_tdoas, responses_of, write_folder, write_mir

REQUIRED, OPTIONAL = ("file", "doa_deg"), ("range_m", "spacing_m")
HEADER = ["file", "doa_deg", "range_m"]
ROWS = [["left 1.wav", "-60.5", "1.5"], ["#2, take 1.wav", "0", ""], ["höhe;3.wav", "12.25", "2.0"]]
FOUND = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


@st.composite
def spellings(draw: st.DrawFn) -> bytes:
    """The table of `ROWS`, written as somebody may write it."""
    delimiter = draw(st.sampled_from(",;\t"))
    order = draw(st.permutations(range(len(HEADER))))
    case = draw(st.sampled_from([str.lower, str.upper, str.title]))
    comma = draw(st.booleans())
    trailing = [""] * draw(st.integers(0, 3))
    more = draw(st.booleans())

    def cells(row: list[str], note: str) -> list[str]:
        return [*(row[index] for index in order), *([note] if more else []), *trailing]

    def number(text: str) -> str:
        return text.replace(".", ",").replace("-", draw(st.sampled_from("-\N{MINUS SIGN}"))) if comma else text

    file = io.StringIO(newline="")
    if draw(st.booleans()):
        file.write(f"sep={delimiter}\n")
    for before in draw(st.lists(st.sampled_from(["# measured, 2024-05-01", '"# a, b";;', "", 4 * delimiter]), max_size=2)):
        file.write(f"{before}\n")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(cells([case(name) for name in HEADER], "Notes"))
    for name, *numbers in ROWS:
        if draw(st.booleans()):
            file.write(draw(st.sampled_from(["# off, 12;3\n", "\n", 3 * delimiter + "\n"])))
        if name.startswith("#") and quoting == csv.QUOTE_MINIMAL and order[0] == 0 and delimiter != ",":
            file.write(delimiter.join([f'"{name}"', *cells([name, *map(number, numbers)], "ok")[1:]]) + "\n")
        else:
            writer.writerow(cells([name, *map(number, numbers)], "ok"))
    text = file.getvalue().replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


@settings(max_examples=300, deadline=None)
@given(written=spellings())
def test_every_spelling_of_a_table_is_read_alike(written: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        path.write_bytes(written)
        rows = read_table(path, REQUIRED, OPTIONAL)
    for row, wanted in zip(rows, FOUND, strict=True):
        assert row.text("file") == wanted["file"]
        assert row.number("doa_deg", -90, 90) == float(wanted["doa_deg"])
        assert row.number("range_m", 0, 100, default=-1.0) == float(wanted["range_m"] or -1)


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'# one\r\nsep=;\r\n\r\nfile;doa_deg\r\n"a\r\nb.wav";1\r\n# no\r\nc.wav;2\r\n')
    assert [row.line for row in read_table(path, REQUIRED, OPTIONAL)] == [6, 8]


def test_a_file_stands_twice_only_where_parts_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("file,doa_deg,start_s\na.wav,0,0\na.wav,10,2\n")
    assert [row.text("start_s") for row in read_table(path, REQUIRED, ("start_s",))] == ["0", "2"]
    with pytest.raises(UserError, match=r"line 3: file a\.wav stands on line 2 already"):
        read_table(path, REQUIRED, OPTIONAL)


def appledouble(made: Path) -> None:
    (made / "._responses.csv").write_bytes(b"\x00\x05\x16\x07" + bytes(200))
    (made / "._rt0.3_0_1m.wav").write_bytes(b"\x00\x05\x16\x07" + bytes(200))


def shouting(made: Path) -> None:
    (made / "responses.csv").rename(made / "RESPONSES.CSV")


def tabs(made: Path) -> None:
    table = made / "responses.csv"
    table.write_text(table.read_text().replace(",", "\t"))
    table.rename(made / "responses.tsv")


@pytest.mark.parametrize("change", [appledouble, shouting, tabs])
def test_the_one_table_of_a_folder_is_found(tmp_path: Path, change: Callable[[Path], None]) -> None:
    made = write_folder(tmp_path / "mine")
    change(made)
    check_tdoas(responses_of(f"folder:{made}"))


@pytest.mark.parametrize("zipped", [False, True])
def test_hidden_files_are_no_data_of_public_sets_either(tmp_path: Path, zipped: bool) -> None:
    folder = write_mir(tmp_path / "mir", zipped, mirrored=False)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        (path.parent / f"._{path.name}").write_bytes(bytes(200))
        if zipped:
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(f"__MACOSX/._{archive.namelist()[0]}", bytes(200))
    check_tdoas(responses_of(f"mir:{folder}"))
