"""A user's table of files, as spreadsheets and recorders write them.

Values are parted by commas, semicolons or tabs, and a first line such as ``sep=;`` may say so. Names of columns are read in
any case, other columns than those that are asked for are left alone. Lines that begin with # are comments. Numbers may have a
decimal comma. The text is UTF-8, or UTF-16 that says so in its first two bytes.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..benchmark.errors import UserError
from ._files import is_hidden

DELIMITERS = (",", ";", "\t")
SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True)
class TableRow:
    """One line of a table. All readers raise UserError that names file and line."""

    table: Path
    line: int
    values: dict[str, str]

    @property
    def where(self) -> str:
        return f"{self.table}, line {self.line}"

    def text(self, column: str) -> str:
        """A value that must be there."""
        value = self.values.get(column, "")
        if not value:
            raise UserError(f"{self.where}: {column} is empty; fill it in")
        return value

    def number(self, column: str, low: float, high: float, default: float | None = None) -> float:
        """A finite number within bounds; ``default`` where it is empty and a default is given."""
        text = self.values.get(column, "")
        if not text and default is not None:
            return default
        try:
            value = float(re.sub(r"^([+-]?\d*),(\d+)$", r"\1.\2", self.text(column).replace("\N{MINUS SIGN}", "-")))
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise UserError(f"{self.where}: {column} is {text!r}; expected a number from {low:g} to {high:g}")
        return value

    @property
    def file(self) -> Path:
        """The file of this line, relative to the table's folder."""
        path = self.table.parent / self.text("file")
        if not os.path.isfile(path):  # noqa: PTH113 - a name that cannot be is no file, where Path has an error of its own
            hint = "write / between folders instead of \\, or " if "\\" in path.name else ""
            raise UserError(f"{self.where}: no file {path}; {hint}mend the table or add the file")
        return path


def read_table(path: Path, required: tuple[str, ...], optional: tuple[str, ...]) -> list[TableRow]:
    """Rows of the CSV at ``path``, or of the only one in the folder ``path``; no file twice, unless another part of it
    where ``start_s`` is asked for. Raises UserError."""
    table = _only_table(path)
    try:
        content = table.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds zero bytes")
    except (OSError, ValueError) as error:
        raise UserError(f"{table}: cannot be read as UTF-8 text ({error}); save it as CSV UTF-8") from error
    try:
        (_, header), *body = _lines(text, (*required, *optional)) or [(1, [])]
    except csv.Error as error:
        raise UserError(f"{table}: cannot be read as CSV ({error}); export it again") from error
    columns = [name.lower() for name in header]
    _check_columns(table, columns, required, optional)
    rows = []
    for number, values in body:
        nameless = [value for name, value in zip(columns, values, strict=False) if not name]
        if len(values) < len(columns) or any((*nameless, *values[len(columns) :])):
            raise UserError(f"{table}, line {number}: {len(values)} values for {len(columns)} columns; mend the line")
        rows.append(TableRow(table, number, dict(zip(columns, values, strict=False))))
    if not rows:
        raise UserError(f"{table}: lists no files; add a line for each")
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        part = row.values.get("start_s", "") if "start_s" in optional else ""
        if (before := seen.setdefault((row.text("file"), part), row.line)) != row.line:
            again = f"file {row.text('file')}{f' from {part} s' if part else ''}"
            raise UserError(f"{row.where}: {again} stands on line {before} already; remove one")
    return rows


def spacing_of(rows: list[TableRow], given_m: float) -> float:
    """Microphone spacing in metres: as given (unless 0), or the one value of the column spacing_m. Raises UserError."""
    values = {row.number("spacing_m", 1e-3, 10) for row in rows if row.values.get("spacing_m")}
    if given_m:
        values = {given_m}
    if len(values) != 1 or not min(values) > 0:
        found = ", ".join(f"{value:g}" for value in sorted(values)) or "none"
        raise UserError(
            f"{rows[0].table}: needs one microphone spacing, found {found}; "
            "give a column spacing_m or the parameter spacing_m=0.08, in metres"
        )
    return values.pop()


def _lines(text: str, known: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Number and values of the header, the first line that is no comment, and of all lines behind it that hold any. They are
    parted as a line before says, else by what finds most ``known`` columns."""
    lines, said, head = list(io.StringIO(text, newline=None)), None, 0
    for line in lines:
        said = re.fullmatch(r'"?sep=(.)"?[,;\t]*\n?', line, re.IGNORECASE) or said
        if not re.match(r'[\s,;"]*(#|sep=|$)', line, re.IGNORECASE):
            break
        head += 1

    def cells(delimiter: str) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(("\n" if line.startswith("#") else line for line in lines[head:]), delimiter=delimiter)
        for values in reader:
            stripped = [value.strip() for value in values]
            if any(stripped):
                yield head + reader.line_num, stripped

    def found(delimiter: str) -> int:
        return sum(name.lower() in known for name in next(cells(delimiter), (0, []))[1])

    return list(cells(said[1] if said else max(DELIMITERS, key=found)))


def _check_columns(table: Path, columns: list[str], required: Sequence[str], optional: Sequence[str]) -> None:
    """No column is missing, stands twice, or seems to be another one misspelt. Raises UserError."""
    absent = [name for name in (*required, *optional) if name not in columns]
    read = f"needed are {', '.join(required)}, read too: {', '.join(optional)}"
    for name in filter(None, columns):
        if name in required or name in optional:
            if columns.count(name) > 1:
                raise UserError(f"{table}: column {name!r} stands twice; {read}")
        elif near := difflib.get_close_matches(name, absent, n=1):
            raise UserError(f"{table}: column {name!r} is unknown: is it {near[0]}? {read}")
    if missing := [name for name in required if name in absent]:
        raise UserError(f"{table}: no column {missing[0]!r}; {read}")


def _only_table(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UserError(f"{path}: is neither a file nor a folder; give the path of the table")
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not is_hidden(file.name))
    if len(tables) != 1:
        raise UserError(f"{path}: holds {len(tables)} CSV files; give the path of the table itself")
    return tables[0]
