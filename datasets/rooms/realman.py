"""RealMAN: speech from a loudspeaker in 32 scenes, two of 32 microphones (github.com/Audio-WestlakeU/RealMAN; CC BY 4.0)."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from ...benchmark.seeds import generator
from .._audio import read_audio
from .._measure import Floats
from .._measured import at_16_khz
from .._pair import see
from .._scored import Pauses, ScoredRoom, Talker, heard_speech, near_speech

RING_CM, ON_X_CM, ON_Z_CM = 3.0, {25: -12.0, 26: 12.0, 27: 15.0}, {28: 9.0, 29: 4.5, 30: -4.5, 31: -9.0}
"""Channel 0 is the middle. 1 to 8, 9 to 16 and 17 to 24 stand on rings of one, two and three times that radius, the first of
each on +x, the others counter-clockwise by 45 degrees; azimuths count in the same way (the publisher's data loader)."""
CHANNELS = 32
AHEAD = (0.0, 1.0, 0.0)
DISTANCE_M, UNKNOWN_M = (0.1, 50.0), 1.5
"""What a distance may be, and what stands for one that the table does not know: it says so by a large negative number."""


class _Utterance(NamedTuple):
    """A line of the table. ``file`` is that without a channel, ``dry`` the direct sound alone; ``position`` is None for who is
    behind the pair."""

    where: str
    file: Path
    dry: Path
    scene: str
    speaker: str
    position: Position | None


@dataclass(eq=False)
class RealMan(ScoredRoom):
    """The still talkers of a part that was unpacked into ``path``, or into a folder in it. The half plane that the ``pair``
    looks into: for 5-1, azimuths from 0 (toward microphone 1, here +90 degrees) to 180. Talkers behind are mirror images and
    left out. Elevations are not used: their unit and sense are not published. Pauses are cut as a detector hears them in
    the direct sound that comes with each recording, or where that is missing, at microphone 1 of the pair.

    Each scene is a place. Parameters: ``pair`` (microphones 1 and 2 by the numbers of their channels, from 0), ``part``,
    ``scene`` (one alone, by its folder), ``most`` (utterances of each scene, drawn by a seed of the scene's name; 0: all),
    ``pauses`` (``keep`` leaves them in).
    """

    path: Path
    pair: str = "5-1"
    part: Literal["test", "val", "train"] = "test"
    scene: str = ""
    most: int = 20
    pauses: Pauses = "cut"

    def __post_init__(self) -> None:
        channels = self._channels()
        axis = np.subtract(_place_cm(channels[1]), _place_cm(channels[0]))
        self.spacing_m = round(float(np.linalg.norm(axis)) / 100, 4)
        try:
            see(AHEAD, axis, AHEAD)
        except ValueError as error:
            raise UserError(f"{self.path}: {error} in pair={self.pair}; choose two that stand apart") from error
        table = _table(self.path, self.part)
        chosen = self._chosen(_utterances(table, axis), table)
        read = partial(_read, channels=channels, pauses=self.pauses)
        self.tell([Talker(position, one.speaker, partial(read, one)) for one in chosen if (position := one.position)], table)
        for one in chosen:
            for file in (_of_channel(one.file, channel) for channel in channels):
                if not file.is_file():
                    raise UserError(f"{one.where}: no file {file}; unpack the archive again")

    def _channels(self) -> tuple[int, int]:
        match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", self.pair)
        first, second = map(int, match.groups()) if match else (0, 0)
        if first == second or max(first, second) >= CHANNELS:
            raise UserError(
                f"{self.path}: pair={self.pair} does not name two of the channels 0 to {CHANNELS - 1}; write "
                "microphones 1 and 2 like pair=5-1"
            )
        return first, second

    def _chosen(self, listed: Sequence[_Utterance], table: Path) -> list[_Utterance]:
        """The utterances to be scored, scene by scene, in the order of the table."""
        there = [one for one in listed if one.file.parents[2].is_dir()]
        before = [one for one in there if one.position]
        scenes = {name: [one for one in before if one.scene == name] for name in dict.fromkeys(one.scene for one in before)}
        if self.scene and self.scene not in scenes:
            known = ", ".join(scenes) or "none"
            raise UserError(f"{table}: no talkers before the pair in a scene {self.scene}; there are such in: {known}")
        if absent := {one.scene for one in listed} - {one.scene for one in there}:
            self.notes += (f"left out, {len(absent)} scenes of the table whose folders are not there",)
        if behind := len(there) - len(before):
            self.notes += (f"left out, {behind} talkers behind the pair, which hears them as if before it",)
        wanted = [self.scene] if self.scene else [*scenes]
        chosen = [one for name in wanted for one in self._drawn(name, scenes[name])]
        if len(chosen) < (found := sum(len(scenes[name]) for name in wanted)):
            self.notes += (
                f"{len(chosen)} of {found} utterances: no more than {self.most} of a scene, as [most={self.most}] says",
            )
        return chosen

    def _drawn(self, scene: str, found: Sequence[_Utterance]) -> list[_Utterance]:
        drawn = generator("realman", scene).permutation(len(found))[: self.most or None]
        return [found[index] for index in sorted(drawn)]


def _place_cm(channel: int) -> tuple[float, float, float]:
    if channel in ON_X_CM or channel in ON_Z_CM or not channel:
        return ON_X_CM.get(channel, 0.0), 0.0, ON_Z_CM.get(channel, 0.0)
    ring, step = divmod(channel - 1, 8)
    angle = math.radians(45 * step)
    return (ring + 1) * RING_CM * math.cos(angle), (ring + 1) * RING_CM * math.sin(angle), 0.0


def _table(path: Path, part: str) -> Path:
    """Where the table of still talkers is. Raises UserError."""
    name = f"{part}_static_source_location.csv"
    found = sorted(file for depth in ("", "*/", "*/*/") for file in path.glob(depth + name))
    if len(found) != 1:
        raise UserError(
            f"{path}: holds {len(found)} tables {name}; give the folder of one copy of RealMAN, with its {part} in it"
        )
    return found[0]


def _utterances(table: Path, axis: Floats) -> list[_Utterance]:
    """Every line of the table. Raises UserError for one that cannot be meant."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = {name.partition("(")[0].strip(): name for name in reader.fieldnames or ()}
            if missing := [name for name in ("filename", "angle") if name not in names]:
                raise UserError(f"{table}: no column {missing[0]!r}; its header must begin filename,angle(\N{DEGREE SIGN})")
            rows = [(reader.line_num, {own: row[name] or "" for own, name in names.items()}) for row in reader]
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"{table}: cannot be read as a table ({error}); unpack the archive again") from error
    return [_utterance(table, f"{table}, line {line}", row, axis) for line, row in rows]


def _utterance(table: Path, where: str, row: Mapping[str, str], axis: Floats) -> _Utterance:
    below = PurePosixPath(row["filename"].removeprefix(f"{table.name.partition('_')[0]}/"))
    if len(below.parts) != 5 or ".." in below.parts or below.suffix != ".flac":
        raise UserError(
            f"{where}: filename is {row['filename']!r}; expected one like test/ma_noisy_speech/SCENE/static/0010/NAME.flac"
        )
    if "," in row["angle"]:
        raise UserError(f"{where}: has several angles, so its talker moves; this room is of still ones: take out the line")
    azimuth = math.radians(_number(row["angle"], -360, 360))
    if math.isnan(azimuth):
        raise UserError(f"{where}: angle is {row['angle']!r}; expected degrees from 0 to 360: mend or take out the line")
    doa_deg, _, depth = see((math.cos(azimuth), math.sin(azimuth), 0.0), axis, AHEAD)
    range_m = _number(row.get("distance", ""), *DISTANCE_M)
    scene, _, speaker = below.parts[1:4]
    position = Position(round(doa_deg, 2) + 0.0, UNKNOWN_M if math.isnan(range_m) else round(range_m, 1), f"scene: {scene}")
    own = Path(*below.parts)
    dry = table.parent / Path("dp_speech", *below.parts[1:])
    return _Utterance(where, table.parent / own, dry, scene, speaker, position if depth > -1e-6 else None)


def _number(text: str, low: float, high: float) -> float:
    """NaN for what is none, or none within the bounds."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if low <= value <= high else math.nan


def _of_channel(file: Path, channel: int) -> Path:
    return file.with_name(f"{file.stem}_CH{channel}{file.suffix}")


def _read(one: _Utterance, channels: tuple[int, int], pauses: Pauses) -> NDArray[np.float32]:
    files = [_of_channel(one.file, channel) for channel in channels]
    (first, rate_hz), (second, other_hz) = (read_audio(file) for file in files)
    if (first.shape, rate_hz) != (second.shape, other_hz) or first.shape[1] != 1:
        raise UserError(f"{files[1]}: is not as long, as fast and as mono as {files[0].name}; unpack the archive again")
    waveform = at_16_khz(np.concatenate([first, second], axis=1), rate_hz, files[0])
    if pauses == "keep":
        return waveform
    heard = waveform[:, 0]
    if one.dry.is_file():
        samples, dry_hz = read_audio(one.dry)
        heard = at_16_khz(samples, dry_hz, one.dry)[:, 0]
    return near_speech(waveform, heard_speech(heard), one.file)
