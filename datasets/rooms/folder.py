"""folder: a user's own impulse responses, audio files with a CSV table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._angles import Angles, read_angles
from .._audio import read_audio
from .._measure import array_tdoa_s, direct_sound
from .._measured import MeasuredRoom, Read, response_at_16_khz
from .._pair import parse_pair
from .._table import TableRow, read_table, spacing_of

UNLABELLED = "as measured"


@dataclass(eq=False)
class Folder(MeasuredRoom):
    """``path`` is a folder with one CSV, or the CSV: columns ``file, doa_deg, range_m, rt60_s`` (the last may be empty) and,
    unless it is given as a parameter, ``spacing_m`` in metres. Angles in degrees, 0 broadside, positive toward microphone 2.

    Parameters: ``spacing_m``, ``pair`` (channels of the files), ``angles`` (how the table counts them, `_angles.py`), ``train``
    and ``transfer`` (values of rt60_s; the first and the second in the table). Files of any rate from 16 kHz up.
    """

    path: Path
    spacing_m: float = 0.0
    pair: str = "1-2"
    angles: Angles = "broadside"
    train: str | None = None
    transfer: str | None = None

    def __post_init__(self) -> None:
        rows = read_table(self.path, ("file", "doa_deg", "range_m", "rt60_s"), ("spacing_m",))
        spacing_m = spacing_of(rows, self.spacing_m)
        angles_deg = read_angles(rows, self.angles, self.pair, spacing_m, partial(_delay_s, self.pair, spacing_m))
        places: dict[str, dict[Position, Read]] = {}
        nominal_s: dict[str, float | None] = {}
        for row, doa_deg in zip(rows, angles_deg, strict=True):
            rt60_s = row.number("rt60_s", 0, 100) if row.values["rt60_s"] else None
            name = UNLABELLED if rt60_s is None else f"{rt60_s:g}"
            position = Position(doa_deg, row.number("range_m", 0.01, 100))
            if position in places.setdefault(name, {}):
                raise UserError(f"{row.where}: a second response from the same place; keep one of each angle, range and rt60_s")
            places[name][position] = partial(_read, row.file, self.pair)
            nominal_s[name] = rt60_s
        first, *others = places
        train = self.train or first
        transfer = self.transfer or next((name for name in (first, *others) if name != train), None)
        self.describe(rows[0].table, spacing_m, places, nominal_s, train, transfer)


def _delay_s(pair: str, spacing_m: float, row: TableRow) -> float:
    response = _read(row.file, pair)
    return array_tdoa_s(response[:, direct_sound(response)], spacing_m)


def _read(file: Path, pair: str) -> NDArray[np.float32]:
    samples, rate_hz = read_audio(file)
    return response_at_16_khz(samples[:, parse_pair(pair, samples.shape[1], file)], rate_hz, file)
