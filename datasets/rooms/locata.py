"""LOCATA: the challenge's recordings of task 1, one still talker (zenodo.org/records/3630471; ODC-BY 1.0)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._audio import read_audio
from .._files import files_below
from .._measure import Floats
from .._measured import at_16_khz
from .._pair import parse_pair, see
from .._scored import Pauses, ScoredRoom, Talker, heard_speech, near_speech

CHANNELS = {"dicit": 15, "benchmark2": 12}
USUAL_PAIR = {"dicit": "6-9"}
"""8 cm in the middle of the line; positive is toward its -x end, as the challenge counts azimuths."""
XYZ = ("x", "y", "z")
ROTATION = tuple(f"rotation_{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))
SOURCE = re.compile(r"position_source_(?P<name>.+)\.txt")
STILL_M = 0.05
"""How far 95 % of the tracked places of who is still may lie apart."""
APART_M = 0.005
"""How much the distance of the microphones may differ from recording to recording."""
RATE, ENDS = 0.02, 1000
"""How far a rate may be from what the times of samples say; bytes at the ends of that table, in which there are rows."""


class _Seen(NamedTuple):
    """A recording's folder and talker. ``direction [3]`` and ``axis [3]``, from the middle of the pair and from microphone 1 to
    2, in metres in the array's frame: y is where it looks, z is up."""

    folder: Path
    talker: str
    direction: Floats
    axis: Floats

    @property
    def name(self) -> str:
        return f"{self.folder.parent.parent.parent.name} {self.folder.parent.name}"


@dataclass(eq=False)
class Locata(ScoredRoom):
    """A folder that holds ``dev/task1/recording1/dicit`` and its like somewhere. Every recording is a clip, from where its
    talker was tracked: the median over its rows, seen from the middle of the ``pair``. Talkers behind the pair are mirror
    images of those before it and left out. The tables of speech say which pauses are cut; where one is missing, a detector
    does.

    Parameters: ``array``, ``pair`` (microphones 1 and 2 of the array; 6-9 of dicit), ``part`` (one of the two archives),
    ``pauses`` (``keep`` leaves them in). Angles are those of the cone round the axis through the pair: a talker higher than the
    array is nearer to broadside than the azimuth says.
    """

    path: Path
    array: Literal["dicit", "benchmark2"] = "dicit"
    pair: str = ""
    part: Literal["both", "dev", "eval"] = "both"
    pauses: Pauses = "cut"

    def __post_init__(self) -> None:
        channels = CHANNELS[self.array]
        written = self.pair or USUAL_PAIR.get(self.array, "")
        if not written:
            raise UserError(f"{self.path}: say which two of the {channels} microphones of {self.array}, like [pair=1-2]")
        pair = parse_pair(written, channels, self.path)
        seen = [_seen(folder, self.array, pair) for folder in _folders(self.path, self.array, self.part)]
        self.spacing_m = _spacing_m(seen)
        places = [_position(one) for one in seen]
        before = [(one, position) for one, position in zip(seen, places, strict=True) if position]
        if behind := [one.name for one, position in zip(seen, places, strict=True) if not position]:
            self.notes += (f"left out, talkers behind the pair, which hears them as if before it: {_few(behind)}",)
        if self.pauses == "cut" and (deaf := [one.name for one, _ in before if not _vad(one, self.array).is_file()]):
            self.notes += (f"without a table of speech, cut as a detector hears it: {_few(deaf)}",)
        read = partial(_read, array=self.array, pair=pair, pauses=self.pauses)
        self.tell([Talker(position, one.talker, partial(read, one)) for one, position in before], self.path)


def _folders(path: Path, array: str, part: str) -> list[Path]:
    """Folders of the array's recordings of task 1, in order. Raises UserError where there are none."""
    found = set()
    for file in files_below(path):
        folder = file.parent
        *_, archive, task, recording, name = ("",) * 4 + folder.absolute().parts
        if (task, name) == ("task1", array) and re.fullmatch(r"recording\d+", recording) and part in ("both", archive):
            found.add(folder)
    if not found:
        wanted = f"{'dev' if part == 'both' else part}/task1/recording1/{array}"
        raise UserError(f"{path}: no folder {wanted} or the like in it; give the folder that the archives were unpacked in")
    return sorted(found, key=lambda folder: (folder.parent.parent.parent, int(folder.parent.name.removeprefix("recording"))))


def _seen(folder: Path, array: str, pair: list[int]) -> _Seen:
    """What the tables of a recording say. Raises UserError for one that is not there, or of another form, or of who moves."""
    if not (audio := _audio(folder, array)).is_file():
        raise UserError(f"{audio}: is not there; unpack the archive again, or remove its folder")
    sources = {match["name"]: file for file in sorted(files_below(folder)) if (match := SOURCE.fullmatch(file.name))}
    if len(sources) != 1:
        todo = "the release of 2020 has it; or take the other part, [part=dev]" if not sources else "task 1 has one"
        raise UserError(f"{folder}: {len(sources)} files position_source_NAME.txt; {todo}")
    ((talker, table),) = sources.items()
    poses = folder / f"position_array_{array}.txt"
    microphones = [[f"mic{index + 1}_{axis}" for axis in XYZ] for index in pair]
    tracked = _columns(poses, (*ROTATION, *microphones[0], *microphones[1]))
    first, second = (_still(tracked[:, start : start + 3], poses, "the array") for start in (9, 12))
    source = _still(_columns(table, XYZ), table, "the talker")
    to_world = np.median(tracked[:, :9], axis=0).reshape(3, 3)
    return _Seen(
        folder,
        talker,
        direction=to_world.T @ (source - (first + second) / 2),
        axis=to_world.T @ (second - first),
    )


def _position(one: _Seen) -> Position | None:
    """Where the talker is, None for behind the pair. A pair that points ahead is taken to look to the right."""
    level = np.linalg.norm(one.axis[:2])
    front = (1.0, 0.0, 0.0) if abs(one.axis[1]) > 0.99 * level else (0.0, 1.0, 0.0)
    range_m = max(float(np.linalg.norm(one.direction)), 1e-3)
    try:
        doa_deg, _, depth = see(one.direction / range_m, one.axis, front)
    except ValueError as error:
        raise UserError(f"{one.folder}: {error} in this pair; choose two that stand apart") from error
    return Position(round(doa_deg, 2) + 0.0, round(range_m, 2)) if depth > 0 else None


def _spacing_m(seen: Sequence[_Seen]) -> float:
    spacings_m = [float(np.linalg.norm(one.axis)) for one in seen]
    if np.ptp(spacings_m) > APART_M:
        low, high = (seen[int(pick(spacings_m))].folder for pick in (np.argmin, np.argmax))
        raise UserError(
            f"{high}: microphones {100 * max(spacings_m):.3g} cm apart, {100 * min(spacings_m):.3g} cm in {low}; "
            "remove what is not of this array"
        )
    return round(float(np.median(spacings_m)), 4)


def _still(places: Floats, file: Path, who: str) -> Floats:
    """The median of ``places [rows, 3]`` that were tracked. Raises UserError where they lie far apart."""
    known = places[np.isfinite(places).all(axis=1)]
    if not len(known):
        raise UserError(f"{file}: {who} is tracked nowhere; remove this recording")
    moved_m = float(np.linalg.norm(np.ptp(np.percentile(known, (2.5, 97.5), axis=0), axis=0)))
    if moved_m > STILL_M:
        raise UserError(f"{file}: {who} moves by {moved_m:.2g} m; recordings of task 1 are of who is still: remove this one")
    return np.median(known, axis=0)


def _tells_rate(folder: Path, array: str, samples: int, rate_hz: int) -> None:
    """Raises UserError where the times of the first and the last of ``samples`` belie the rate. That table is large, and need
    not be there."""
    file = folder / f"audio_array_timestamps_{array}.txt"
    if not file.is_file():
        return
    try:
        with file.open("rb") as opened:
            lines = [*opened.read(ENDS).splitlines()[1:2]]
            opened.seek(max(0, file.stat().st_size - ENDS))
            lines += opened.read().splitlines()[-1:]
        first, last = (line.split() for line in lines)
        lasts_s = (_time(last) - _time(first)).total_seconds()
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: its ends are no rows of times ({error}); unpack the archive again, or remove it") from error
    if abs(lasts_s * rate_hz - samples) > RATE * samples:
        raise UserError(
            f"{_audio(folder, array)}: {samples} samples at {rate_hz} Hz, that {file.name} says lasted {lasts_s:.2f} s; "
            "correct the sampling rate, or unpack the archive again"
        )


def _time(row: Sequence[bytes]) -> datetime:
    """Of year, month, day, hour, minute and second, which has a fraction."""
    *date, second = map(float, row)
    return datetime(*map(int, date)) + timedelta(seconds=second)  # pyright: ignore[reportArgumentType]


def _read(one: _Seen, array: str, pair: list[int], pauses: Pauses) -> NDArray[np.float32]:
    file = _audio(one.folder, array)
    samples, rate_hz = read_audio(file)
    if samples.shape[1] != CHANNELS[array]:
        raise UserError(f"{file}: {samples.shape[1]} channels; {array} has {CHANNELS[array]}: unpack the archive again")
    _tells_rate(one.folder, array, len(samples), rate_hz)
    if not np.abs(chosen := samples[:, pair]).max(axis=0).all():
        raise UserError(f"{file}: a microphone of the pair is silent; choose another pair")
    waveform = at_16_khz(chosen, rate_hz, file)
    if pauses == "keep":
        return waveform
    table = _vad(one, array)
    said = _said(table, len(samples), rate_hz) if table.is_file() else heard_speech(waveform[:, 0])
    return near_speech(waveform, said, file)


def _said(table: Path, samples: int, rate_hz: int) -> NDArray[np.bool_]:
    """Which 10 ms frames a table calls speech for the most part. It has a row for each sample."""
    rows, per_frame = _columns(table, ("VAD",))[:, 0], rate_hz // 100
    if abs(len(rows) - samples) > per_frame:
        raise UserError(f"{table}: {len(rows)} rows for {samples} samples; unpack the archive again")
    return rows[: len(rows) // per_frame * per_frame].reshape(-1, per_frame).mean(axis=1) >= 0.5


def _columns(file: Path, names: Sequence[str]) -> Floats:
    """Columns of a table by name, ``[rows, names]``. Raises UserError that names the file."""
    import pandas as pd

    try:
        table = pd.read_csv(file, sep=r"\s+")
    except FileNotFoundError as error:
        raise UserError(f"{file}: is not there; unpack the archive again, or remove its folder") from error
    except (OSError, ValueError) as error:  # those of pandas are kinds of ValueError
        said = " ".join(str(error).split())
        raise UserError(f"{file}: cannot be read as a table ({said}); unpack the archive again") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(f"{file}: has more values in a row than names in its header; unpack the archive again")
    if missing := [name for name in names if name not in table.columns]:
        raise UserError(f"{file}: no column {missing[0]!r}; its header must be that of the release of 2020")
    try:
        values = table[list(names)].to_numpy(np.float64)
    except ValueError as error:
        raise UserError(f"{file}: {error}; its columns hold numbers: unpack the archive again") from error
    if not len(values):
        raise UserError(f"{file}: has no rows; unpack the archive again")
    return values


def _audio(folder: Path, array: str) -> Path:
    return folder / f"audio_array_{array}.wav"


def _vad(one: _Seen, array: str) -> Path:
    return one.folder / f"VAD_{array}_{one.talker}.txt"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
