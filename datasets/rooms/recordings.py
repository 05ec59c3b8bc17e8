"""recordings: a user's own recordings of talkers, two channels, with a CSV table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from ...benchmark.dataset import SAMPLE_RATE_HZ, Condition, Position, SpeechRole
from ...benchmark.errors import UserError
from ...benchmark.voice import FRAME, speech_frames
from .._angles import Angles, read_angles
from .._audio import read_audio
from .._measure import array_tdoa_s
from .._measured import at_16_khz, nominal_ranges, on_ranges
from .._pair import parse_pair
from .._recorded import RecordedRoom, Take
from .._table import TableRow, read_table, spacing_of

CONDITION = "as recorded"
LEAST_S = 0.5
VAD_MODE, CLICK_FRAMES, NEAR_FRAMES = 3, 3, 10
"""The detector's mode, and how many of its frames of 10 ms are too few for speech, and how many beside speech are kept."""
ROLES: tuple[SpeechRole, ...] = ("train", "validation")
PART, LONGEST_S = ("start_s", "end_s"), 1e6


@dataclass(eq=False)
class Recordings(RecordedRoom):
    """``path`` is a folder with one CSV, or the CSV: columns ``file, doa_deg, clip, speaker``, where wanted ``range_m``,
    ``start_s`` and ``end_s`` (the part of the file that the line is of), and ``spacing_m`` unless it is a parameter. Angles in
    degrees, 0 broadside, positive toward microphone 2. A clip is what was said; it stands once for each direction that it was
    recorded from. Nothing is convolved, no noise is added. Pauses are cut out, as a detector of speech hears them at
    microphone 1.

    Speakers in alphabetical order go to training and validation in turn; with one speaker, the clips do. Parameters:
    ``spacing_m``, ``pair`` (channels of the files), ``angles`` (how the table counts them, `_angles.py`), ``rt60_s`` for the
    tables (0: not known), ``pauses`` (``keep`` leaves them in; what is no speech may need that).
    """

    path: Path
    spacing_m: float = 0.0
    pair: str = "1-2"
    angles: Angles = "broadside"
    rt60_s: float = 0.0
    pauses: Literal["cut", "keep"] = "cut"

    def __post_init__(self) -> None:
        rows = read_table(self.path, ("file", "doa_deg", "clip", "speaker"), ("range_m", "spacing_m", *PART))
        _check_parts(rows)
        self.spacing_m = spacing_of(rows, self.spacing_m)
        angles_deg = read_angles(rows, self.angles, self.pair, self.spacing_m, partial(_delay_s, self.pair, self.spacing_m))
        self.conditions = (Condition(CONDITION, self.rt60_s),)
        clips, roles = _dealt(rows)
        measured_m = [row.number("range_m", 0.01, 100, default=1.0) for row in rows]
        clip_of = (row.text("clip") for row in rows)
        stood = zip(clip_of, angles_deg, measured_m, strict=True)
        places = [(clip, Position(doa_deg, range_m)) for clip, doa_deg, range_m in stood]
        nominal_m = nominal_ranges(places)
        self.notes = tuple(on_ranges(nominal_m))
        ranges = [nominal_m[range_m] for range_m in measured_m]
        grid_m = max(dict.fromkeys(ranges), key=ranges.count)
        taken: dict[tuple[Position, str], TableRow] = {}
        takes = []
        for row, doa_deg, range_m in zip(rows, angles_deg, ranges, strict=True):
            position, clip = Position(doa_deg, range_m), row.text("clip")
            if (position, clip) in taken:
                raise UserError(f"{row.where}: clip {clip} from this place stands on line {taken[position, clip].line} already")
            taken[position, clip] = row
            kind, read = "grid" if range_m == grid_m else "off_range", partial(_read, row, self.pair, self.pauses == "cut")
            takes.append(Take(roles[clip], kind, CONDITION, position, clips[clip], row.text("speaker"), read))
        self.takes = tuple(takes)

    def untrainable(self) -> str | None:
        reason = super().untrainable()
        for role in ROLES:
            have = {take.position for take in self.takes if take.role == role}
            missing = [position for position in self.positions("grid") if position not in have]
            if missing and not reason:
                return (
                    f"no {role} clip from {missing[0].doa_deg:g} degrees; speakers are dealt to training and validation in "
                    "turn, and each half needs every direction"
                )
        return reason


def _check_parts(rows: list[TableRow]) -> None:
    """No two lines are of one part of a file. Raises UserError."""
    until: dict[str, tuple[float, int]] = {}
    for row in sorted(rows, key=lambda row: row.number("start_s", 0, LONGEST_S, 0.0)):
        file, start_s = row.text("file"), row.number("start_s", 0, LONGEST_S, 0.0)
        end_s, line = until.get(file, (0.0, 0))
        if start_s < end_s:
            raise UserError(f"{row.where}: this part of {file} begins before that of line {line} ends; mend one")
        until[file] = row.number("end_s", 0, LONGEST_S, math.inf), row.line


def _dealt(rows: list[TableRow]) -> tuple[Mapping[str, int], Mapping[str, SpeechRole]]:
    """Number and role of every clip by its name."""
    speaker = {row.text("clip"): row.text("speaker") for row in rows}
    if wrong := next((row for row in rows if speaker[row.text("clip")] != row.text("speaker")), None):
        raise UserError(
            f"{wrong.where}: clip {wrong.text('clip')} has two speakers; give clips of different speakers different names"
        )
    order = sorted(speaker)
    owners = sorted(set(speaker.values()))
    turns = [owners.index(speaker[clip]) if len(owners) > 1 else number for number, clip in enumerate(order)]
    roles: dict[str, SpeechRole] = {clip: ROLES[turn % 2] for clip, turn in zip(order, turns, strict=True)}
    numbers = {clip: [other for other in order if roles[other] == roles[clip]].index(clip) for clip in order}
    return numbers, roles


def _delay_s(pair: str, spacing_m: float, row: TableRow) -> float:
    return array_tdoa_s(_read(row, pair).T, spacing_m)


def _read(row: TableRow, pair: str, cut_pauses: bool = False) -> NDArray[np.float32]:
    file = row.file
    samples, rate_hz = read_audio(file)
    chosen = samples[:, parse_pair(pair, samples.shape[1], file)]
    length_s = len(chosen) / rate_hz
    start_s, end_s = (row.number(name, 0, LONGEST_S, default) for name, default in zip(PART, (0.0, length_s), strict=True))
    if end_s > length_s + 0.5 / rate_hz:
        raise UserError(f"{row.where}: end_s is {end_s:g}, and {file.name} lasts {length_s:g} s; mend the line")
    chosen = chosen[round(start_s * rate_hz) : round(end_s * rate_hz)]
    if len(chosen) < LEAST_S * rate_hz:
        part_s = f"{max(0.0, end_s - start_s):.2f} s"
        raise UserError(f"{row.where}: {part_s} of {file.name}; recordings must last {LEAST_S:g} s at least")
    if not np.abs(chosen).max(axis=0).all():
        raise UserError(f"{file}: a microphone of the pair is silent; choose another pair or record it again")
    waveform = at_16_khz(chosen, rate_hz, file)
    return _without_pauses(waveform, file) if cut_pauses else waveform


def _without_pauses(waveform: NDArray[np.float32], file: Path) -> NDArray[np.float32]:
    """``waveform [samples, 2]`` as far as it is `NEAR_FRAMES` or less from speech, of which a click is none."""
    speech = scipy.ndimage.binary_opening(speech_frames(waveform[:, 0], VAD_MODE), np.ones(CLICK_FRAMES))
    near = np.asarray(scipy.ndimage.binary_dilation(speech, np.ones(2 * NEAR_FRAMES + 1)), bool)
    kept = waveform[np.repeat(np.append(near, near[-1]), FRAME)[: len(waveform)]]
    if len(kept) < LEAST_S * SAMPLE_RATE_HZ:
        raise UserError(
            f"{file}: less than {LEAST_S:g} s of speech is heard in it; record it again, or write [pauses=keep] to use it all"
        )
    return kept
