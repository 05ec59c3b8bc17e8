"""A user's table of files: CSV with commas or semicolons, with or without a byte-order mark."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from ..benchmark.errors import UserError


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
            value = float(self.text(column))
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise UserError(
                f"{self.where}: {column} is {text!r}; expected a number from {low:g} to {high:g}, with a decimal point"
            )
        return value

    @property
    def doa_deg(self) -> float:
        return self.number("doa_deg", -90, 90)

    @property
    def file(self) -> Path:
        """The file of this line, relative to the table's folder."""
        path = self.table.parent / self.text("file")
        if not path.is_file():
            raise UserError(f"{self.where}: no file {path}; mend the table or add the file")
        return path


def read_table(path: Path, required: tuple[str, ...], optional: tuple[str, ...]) -> list[TableRow]:
    """Rows of the CSV at ``path``, or of the only one in the folder ``path``; no file twice. Raises UserError."""
    table = _only_table(path)
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{table}: cannot be read as UTF-8 text ({error}); save it as CSV UTF-8") from error
    header = text.partition("\n")[0]
    lines = list(csv.reader(text.splitlines(), delimiter=";" if ";" in header and "," not in header else ","))
    columns = [name.strip() for name in lines[0]] if lines else []
    if missing := [name for name in required if name not in columns]:
        raise UserError(
            f"{table}: no column {missing[0]!r}; needed are {', '.join(required)}, allowed too: {', '.join(optional)}"
        )
    for name in columns:
        if name not in (*required, *optional) or columns.count(name) > 1:
            raise UserError(
                f"{table}: column {name!r} is unknown or stands twice; allowed are {', '.join((*required, *optional))}"
            )
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise UserError(f"{table}, line {number}: {len(cells)} values for {len(columns)} columns; mend the line")
        rows.append(TableRow(table, number, dict(zip(columns, map(str.strip, cells), strict=True))))
    if not rows:
        raise UserError(f"{table}: lists no files; add a line for each")
    seen: dict[str, int] = {}
    for row in rows:
        if (before := seen.setdefault(row.text("file"), row.line)) != row.line:
            raise UserError(f"{row.where}: file {row.text('file')} stands on line {before} already; remove one")
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


def _only_table(path: Path) -> Path:
    if path.is_file():
        return path
    tables = sorted(path.glob("*.csv"))
    if len(tables) != 1:
        raise UserError(f"{path}: holds {len(tables)} CSV files; give the path of the table itself")
    return tables[0]
