"""A file of answers that another program made: read, with one line for whatever is wrong with it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import UserError

ID, ANGLE = "id", "estimated_deg"
HEADER, MOST_COLUMNS, HALF_PLANE_DEG = 1, 1000, 90.0


@dataclass(frozen=True)
class Answers:
    """N answers of ``file``: the row of every id and the ``lines`` that they stand in, and either angles in degrees
    ``doa_deg [N]`` or ``scores [N, T]`` of the ``candidates_deg``, higher is likelier."""

    file: Path
    ids: dict[str, int]
    lines: tuple[int, ...]
    doa_deg: NDArray[np.float64] | None
    scores: NDArray[np.float64] | None
    candidates_deg: tuple[float, ...]

    def line(self, one: str) -> int:
        """Where an id stands in the file."""
        return self.lines[self.ids[one]]

    def scores_of(self, candidates_deg: Sequence[float]) -> NDArray[np.float64]:
        """Scores in the order of ``candidates_deg``. Raises UserError where the file has those of others."""
        assert self.scores is not None
        if strange := sorted({*candidates_deg} ^ {*self.candidates_deg}):
            whose = "the file" if strange[0] in self.candidates_deg else "the draw"
            raise UserError(
                f"{self.file}: has scores of {len(self.candidates_deg)} candidates, the draw has {len(candidates_deg)}: only "
                f"{whose} has {strange[0]:g} degrees"
            )
        place = {angle: number for number, angle in enumerate(self.candidates_deg)}
        return self.scores[:, [place[angle] for angle in candidates_deg]]


def read_answers(file: Path) -> Answers:
    """A CSV file with a column ``id`` and either ``estimated_deg`` or a column of scores for each candidate, by its angle in
    degrees. Raises UserError that names the line."""
    given: dict[str, Any] = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "compression": None}
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            first = opened.readline()
        parted_by = next((mark for mark in ";\t" if mark in first), ",")
        columns = len(next(csv.reader([first], delimiter=parted_by), ()))
        if columns > MOST_COLUMNS:
            raise UserError(f"{file}: has {columns} columns; needed are {ID} and {ANGLE}, or one for each candidate")
        table = pd.read_csv(file, skip_blank_lines=False, sep=parted_by, **given)
    except (OSError, ValueError, csv.Error) as error:  # pandas' own are ValueErrors
        raise UserError(f"{file}: cannot be read as a CSV file ({' '.join(str(error).split())})") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(f"{file}: its lines hold more values than the first one has names; mend the file")
    names = [str(name).strip() for name in table.columns]
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise UserError(f"{file}: column {twice[0]} stands twice; remove one")
    table.columns = names
    table = table.drop(index=table.index[(table == "").all(axis=1)])  # an empty line at the end does no harm
    if parted_by != ",":  # the comma is then for decimals
        table = table.apply(lambda column: column if column.name == ID else column.str.replace(",", "."))
    return _Table(file, table).answers


@dataclass(frozen=True)
class _Table:
    file: Path
    table: pd.DataFrame

    @cached_property
    def answers(self) -> Answers:
        columns = list(self.table.columns)
        if ID not in columns:
            raise UserError(f"{self.file}: has no column {ID}; its first line must name the columns, it says {columns[:4]}")
        if not len(self.table):
            raise UserError(f"{self.file}: holds no answers")
        ids = [one.strip() for one in self.table[ID]]
        rows, lines = {one: row for row, one in enumerate(ids)}, tuple(self._line(row) for row in range(len(ids)))
        if len(rows) < len(ids):
            row = next(row for row, one in enumerate(ids) if rows[one] != row)
            raise UserError(
                f"{self.file}: lines {lines[row]} and {lines[rows[ids[row]]]}: {ids[row] or 'an empty id'} is doubled"
            )
        if ANGLE in columns:
            angles = self._numbers([ANGLE])[:, 0]
            if (beyond := np.flatnonzero(np.abs(angles) > HALF_PLANE_DEG)).size:
                raise UserError(
                    f"{self.file}: line {lines[beyond[0]]}: {ANGLE} is {angles[beyond[0]]:g}, beyond -90 to 90 degrees"
                )
            return Answers(self.file, rows, lines, angles, None, ())
        candidates = {name: angle for name in columns if name != ID and (angle := _angle(name)) is not None}
        if not candidates:
            raise UserError(
                f"{self.file}: needs a column {ANGLE}, or one of scores for each candidate, such as -10 and 0, beside {ID}; it "
                f"has {', '.join(columns[:4])}"
            )
        if len(set(candidates.values())) < len(candidates):
            raise UserError(f"{self.file}: two columns are of one candidate; remove one")
        return Answers(self.file, rows, lines, None, self._numbers([*candidates]), tuple(candidates.values()))

    def _line(self, row: int) -> int:
        return int(self.table.index[row]) + HEADER + 1

    def _numbers(self, columns: Sequence[str]) -> NDArray[np.float64]:
        found = self.table[[*columns]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        bad = np.argwhere(~np.isfinite(found))
        if len(bad):
            row, column = bad[0]
            text = self.table[columns[column]].iloc[row]
            raise UserError(f"{self.file}: line {self._line(row)}: {columns[column]} is {text!r}, which is no number")
        return found


def _angle(text: str) -> float | None:
    try:
        angle = float(text)
    except ValueError:
        return None
    return angle if abs(angle) <= 360 else None
