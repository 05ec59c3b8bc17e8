"""DTU classroom (Bianco et al. 2021, doi 10.21227/c5cn-jv76): the authors' files of reverberant, noise-free speech."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Condition, Position, PositionKind, SpeechRole
from ...benchmark.errors import UserError
from ...benchmark.seeds import generator
from .._convolution import ONSET, add_sensor_noise
from .._matlab import read_variable, real_matrix
from .._measure import array_tdoa_s
from .._pair import settle_order
from .._recorded import RecordedRoom, Take

FILES: dict[str, tuple[SpeechRole, PositionKind]] = {
    "train": ("train", "grid"),
    "valid": ("validation", "grid"),
    "off_grid": ("validation", "off_grid"),
    "off_range": ("validation", "off_range"),
}
NEEDED = ("train", "valid")
GRID_M = 1.5
# Ranges of the off-range talkers, from the paper: the files give angles only.
RANGES_M = {0.0: (1.0,), 10.0: (2.0,), 40.0: (2.0,), -30.0: (2.5, 3.0), -40.0: (2.5,)}
CONDITION = "as recorded"


@dataclass(eq=False)
class Dtu(RecordedRoom):
    """``path`` is the folder of ``DTU_RIR_speech_{train,valid,off_grid,off_range}.mat``; the last two may be missing.
    Microphones 8.5 cm apart, RT60 0.5 s; sensor noise is added and the start dropped as everywhere in the suite.

    The k-th recording of a position is taken for clip k. Channels change places if the delays say so. The off-range file
    does not tell -30 degrees at 2.5 m from 3 m: they are told apart by their order, the nearer first.
    """

    path: Path
    spacing_m: float = 0.085

    def __post_init__(self) -> None:
        self.conditions = (Condition(CONDITION, 0.5),)
        rows = {name: list(_rows(self.path / f"DTU_RIR_speech_{name}.mat", name in NEEDED)) for name in FILES}
        some = [row for row, count in zip(rows["train"], _occurrences(rows["train"]), strict=True) if count < 3]
        tdoas_s = [array_tdoa_s(waveform.T, self.spacing_m) for _, waveform in some]
        if not settle_order(tdoas_s, [doa_deg for doa_deg, _ in some], self.spacing_m, self.path):
            rows = {name: [(doa_deg, waveform[:, ::-1]) for doa_deg, waveform in found] for name, found in rows.items()}
        self.takes = tuple(take for name in FILES for take in _takes(name, rows[name]))
        grids = [{take.position for take in self.takes if (take.role, take.kind) == FILES[name]} for name in NEEDED]
        if grids[0] != grids[1] or len(grids[0]) < 2:
            raise UserError(
                f"{self.path}: the train and the valid file have not the same (two or more) directions; download them again"
            )

    def heard(self, take: Take) -> NDArray[np.float32]:
        rng = generator("sensor-noise", "own", take.role, take.kind, take.clip, take.position.doa_deg, take.position.range_m)
        return add_sensor_noise(take.read(), rng)[ONSET:]


def _takes(name: str, rows: list[tuple[float, NDArray[np.float32]]]) -> Iterator[Take]:
    role, kind = FILES[name]
    count, by_position = Counter(doa_deg for doa_deg, _ in rows), len(rows) > 1 and rows[0][0] == rows[1][0]
    for (doa_deg, waveform), nth in zip(rows, _occurrences(rows), strict=True):
        ranges = RANGES_M.get(doa_deg, (GRID_M,)) if kind == "off_range" else (GRID_M,)
        clips = -(-count[doa_deg] // len(ranges))
        clip, place = (nth % clips, nth // clips) if by_position else (nth // len(ranges), nth % len(ranges))
        position = Position(doa_deg, ranges[place])
        yield Take(role, kind, CONDITION, position, clip, f"{role} talker {clip + 1}", lambda kept=waveform: kept)


def _occurrences(rows: list[tuple[float, NDArray[np.float32]]]) -> Iterator[int]:
    """How many rows of the same angle stand before each row."""
    seen: defaultdict[float, int] = defaultdict(int)
    for doa_deg, _ in rows:
        yield seen[doa_deg]
        seen[doa_deg] += 1


def _rows(file: Path, needed: bool) -> Iterator[tuple[float, NDArray[np.float32]]]:
    if not file.is_file():
        if needed:
            raise UserError(f"{file}: no such file; give the folder that holds the processed files of the DTU room")
        return
    data = read_variable(file, "data", file)
    if data.dtype != object or data.ndim != 2 or data.shape[1] != 2 or not len(data):
        raise UserError(f"{file}: 'data' is {data.dtype} {data.shape}; expected pairs of an angle and a waveform")
    for number, (angle, waveform) in enumerate(data, 1):
        samples = real_matrix(np.asarray(waveform), 2, f"{file}, row {number}").astype(np.float32)
        if len(samples) <= 2 * ONSET or not np.abs(samples).max(axis=0).all():
            raise UserError(f"{file}, row {number}: too short or silent; download the file again")
        yield _angle(angle, file, number), samples


def _angle(value: Any, file: Path, number: int) -> float:
    try:
        doa_deg = float(np.asarray(value).item())
    except (TypeError, ValueError):
        doa_deg = np.nan
    if not -90 <= doa_deg <= 90:
        raise UserError(f"{file}, row {number}: angle {np.asarray(value).tolist()!r}; expected one number from -90 to 90")
    return doa_deg
