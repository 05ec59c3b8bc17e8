"""MIR: the multichannel impulse responses of Bar-Ilan University (E. Hadad, F. Heese, P. Vary, S. Gannot, IWAENC 2014)."""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._files import files_below, is_hidden
from .._matlab import read_variable, real_matrix
from .._measure import array_tdoa_s, direct_sound
from .._measured import MeasuredRoom, Read, response_at_16_khz
from .._pair import parse_pair, settle_order

NAME = re.compile(r".*\(Reverberation_(?P<rt60>[\d.]+)s\)_(?P<layout>\d+(?:-\d+){6})_(?P<range>\d)m_(?P<angle>\d{3})\.mat")
RATE_HZ = 48_000
CHANNELS = 8
GRID_M = 2.0
LARGEST_BYTES = 256 * 2**20


@dataclass(eq=False)
class Mir(MeasuredRoom):
    """8 microphones in a line, talkers from -90 to 90 degrees by 15 at 2 m (the grid) and 1 m, three reverberation times.

    ``path`` is a folder with the published archives or the .mat files unpacked, or one archive. Parameters: ``layout`` (cm
    between neighbours), ``pair`` (microphones 1 to 8 along the line), ``train`` and ``transfer`` (RT60 in s). No document says
    which side is positive: the delays of the direct sound decide, and the pair is turned so that microphone 2 lies there.
    """

    path: Path
    pair: str = "4-5"
    train: str = "0.61"
    transfer: str | None = "0.36"
    layout: str = "3-3-3-8-3-3-3"

    def __post_init__(self) -> None:
        pair = parse_pair(self.pair, CHANNELS, self.path)
        files: defaultdict[str, dict[tuple[float, float], Callable[[], bytes]]] = defaultdict(dict)
        for name, content in _files(self.path):
            match = NAME.fullmatch(name)
            if match is not None and match["layout"] == self.layout:
                label = float(match["angle"])
                place = (label - 360 if label > 180 else label, float(match["range"]))
                files[f"{float(match['rt60']):g}"].setdefault(place, content)
        if not files:
            raise UserError(
                f"{self.path}: no responses named like (Reverberation_0.610s)_{self.layout}_2m_075.mat in it or its zips"
            )
        along_cm = list(accumulate(map(float, self.layout.split("-")), initial=0.0))
        spacing_m = round(abs(along_cm[pair[1]] - along_cm[pair[0]]) / 100, 4)
        if self.train in files:
            pair = _turned(files[self.train], pair, spacing_m, self.path)
        places: dict[str, dict[Position, Read]] = {}
        transfer = self.transfer if self.transfer in files or self.transfer != "0.36" else None
        for rt60 in filter(None, (self.train, transfer)):
            if rt60 in files:
                found = files[rt60].items()
                places[rt60] = {Position(*place): partial(_read, content, place, pair, self.path) for place, content in found}
        nominal_s = {rt60: float(rt60) for rt60 in places}
        at_2_m = any(range_m == GRID_M for _, range_m in files.get(self.train, {}))
        self.describe(self.path, spacing_m, places, nominal_s, self.train, transfer, GRID_M if at_2_m else None)


def _turned(files: dict[tuple[float, float], Callable[[], bytes]], pair: list[int], spacing_m: float, path: Path) -> list[int]:
    """The pair in the order that puts microphone 2 on the positive side."""
    grid = {place: content for place, content in files.items() if place[1] == GRID_M} or files
    responses = [_read(content, place, pair, path) for place, content in grid.items()]
    tdoas_s = [array_tdoa_s(response[:, direct_sound(response)], spacing_m) for response in responses]
    return pair if settle_order(tdoas_s, [angle for angle, _ in grid], spacing_m, path) else pair[::-1]


def _files(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Name and content of every .mat file, in archives too."""
    for file in sorted(files_below(path)) if path.is_dir() else [path]:
        if file.suffix == ".mat":
            yield file.name, file.read_bytes
        elif file.suffix == ".zip":
            for name in _names(file):
                yield Path(name).name, partial(_unpacked, file, name)


def _names(file: Path) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return [name for name in archive.namelist() if not is_hidden(name)]
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{file}: cannot be read as a zip archive ({error}); download it again") from error


def _unpacked(file: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(name).file_size > LARGEST_BYTES:
                raise UserError(f"{file}: {name} unpacks to more than {LARGEST_BYTES // 2**20} MiB; no response is that large")
            return archive.read(name)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UserError(f"{file}: {name} cannot be unpacked ({error}); download the archive again") from error
    except Exception as error:  # zlib has an error of its own
        if isinstance(error, UserError):
            raise
        raise UserError(f"{file}: {name} is damaged ({error}); download the archive again") from error


def _read(content: Callable[[], bytes], place: tuple[float, float], pair: list[int], path: Path) -> NDArray[np.float32]:
    where = f"{path}, response from {place[0]:g} degrees at {place[1]:g} m"
    response = real_matrix(read_variable(content(), "impulse_response", where), CHANNELS, where)
    return response_at_16_khz(response[:, pair], RATE_HZ, where)
