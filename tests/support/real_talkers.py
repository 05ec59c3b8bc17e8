"""LOCATA and RealMAN as they are published, with talkers in a free field: tests write them, then read them back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray
from support.measured_files import talk
from support.rooms import RATE_HZ, SOUND_M_PER_S

FULL_HZ, POSES_HZ = 48_000, 120
DICIT_X_M = (0.96, 0.64, 0.32, 0.16, 0.08, 0.04, 0, 0.96, -0.04, -0.08, -0.16, -0.32, -0.64, -0.96, -0.96)
DICIT_M = np.array([(x, 0.0, 0.32 if index in (7, 14) else 0.0) for index, x in enumerate(DICIT_X_M)])
HEAD_M = 0.05 * np.array([(np.cos(a), np.sin(a), 0.2 * (-1) ** k) for k, a in enumerate(np.arange(12) * np.pi / 6)])
MICROPHONES_M = {"dicit": DICIT_M, "benchmark2": HEAD_M}
TIME = ("year", "month", "day", "hour", "minute", "second")
POSE = (*"xyz", *(f"ref_vec_{axis}" for axis in "xyz"), *(f"rotation_{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3)))
STANDS_M = np.array([2.0, -1.0, 1.2])

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """One recording of task 1: where it lies, where the talker is in the array's frame (x, y ahead, z up) and how the array is
    turned about the vertical."""

    at: str
    talker_m: tuple[float, float, float]
    turned_deg: float = 0.0
    moves_m: float = 0.0
    seconds: float = 2.0


DICIT = (
    Heard("dev/task1/recording1", (0.0, 2.0, 0.0)),
    Heard("dev/task1/recording2", (1.2, 1.6, 0.0), 35.0),  # toward +x, which is microphone 6
    Heard("dev/task1/recording4", (-1.5, 1.5, 0.0), -120.0),
    Heard("eval/task1/recording1", (-1.8, 0.5, 0.0), 90.0),
    Heard("eval/task1/recording2", (0.7, 1.2, 1.4), 10.0),  # high above the array
    Heard("eval/task1/recording3", (0.5, -1.5, 0.0)),  # behind it
)


def at_microphones(source_m: Floats, microphones_m: Floats, dry: Floats, rate_hz: int) -> Floats:
    """``dry [samples]`` from a point, as microphones ``[M, 3]`` hear it: each later by its own distance, ``[samples, M]``."""
    late_s = np.linalg.norm(microphones_m - source_m, axis=1) / SOUND_M_PER_S
    size = 2 * len(dry)
    spectrum = np.fft.rfft(dry, size)[:, None] * np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate_hz)[:, None] * late_s)
    return np.fft.irfft(spectrum, size, axis=0)[: len(dry)]


def spoken(number: int, seconds: float, rate_hz: int = FULL_HZ) -> tuple[Floats, NDArray[np.bool_]]:
    """A stand-in for a sentence, silent in its second quarter; and where it speaks."""
    dry = np.asarray(scipy.signal.resample_poly(talk(number, seconds), rate_hz, RATE_HZ))
    says = np.ones(len(dry), bool)
    says[len(dry) // 4 : len(dry) // 2] = False
    return dry * says, says


def _noisy(clean: Floats, number: int) -> Floats:
    return clean + 0.003 * np.random.default_rng(number).standard_normal(clean.shape)


def write_locata(
    folder: Path,
    heard: Sequence[Heard] = DICIT,
    array: str = "dicit",
    vad: bool = True,
    rate_hz: int = FULL_HZ,
    changed: Callable[[Floats], Floats] = lambda audio: audio,
) -> Path:
    """``changed`` is made of all audio ``[samples, microphones]``."""
    for number, one in enumerate(heard):
        inside = folder / one.at / array
        inside.mkdir(parents=True)
        radians = np.radians(one.turned_deg)
        to_world = np.array([[np.cos(radians), -np.sin(radians), 0], [np.sin(radians), np.cos(radians), 0], [0, 0, 1]])
        microphones = STANDS_M + MICROPHONES_M[array] @ to_world.T
        source = STANDS_M + to_world @ np.array(one.talker_m)
        dry, says = spoken(number, one.seconds, rate_hz)
        audio = changed(_noisy(at_microphones(source, microphones, dry, rate_hz), number))
        soundfile.write(inside / f"audio_array_{array}.wav", audio, rate_hz, subtype="FLOAT")
        rows = round(one.seconds * POSES_HZ)
        ways = np.linspace(0, one.moves_m, rows)[:, None] * [1.0, 0.0, 0.0]
        pose = [*to_world[:, 1], *to_world.ravel()]
        names = [f"mic{index}_{axis}" for index in range(1, len(microphones) + 1) for axis in "xyz"]
        tracked = [[*STANDS_M, *pose, *microphones.ravel()]] * rows
        _write(inside / f"position_array_{array}.txt", [*TIME, *POSE, *names], tracked)
        places = [[*(source + way), *pose] for way in ways]
        places[3] = [np.nan] * len(places[3])  # lost for once
        _write(inside / "position_source_loudspeaker3.txt", [*TIME, *POSE], places)
        _write(inside / "required_time.txt", [*TIME, "valid_flag"], [[1]] * rows)
        _write_times(inside / f"audio_array_timestamps_{array}.txt", len(audio), rate_hz)
        if vad:
            table = "\n".join(["VAD", *np.where(says, "1", "0")])
            (inside / f"VAD_{array}_loudspeaker3.txt").write_text(table + "\n")
    return folder


def _write_times(file: Path, samples: int, rate_hz: int) -> None:
    """A row for each sample, over midnight."""
    seconds = 59.5 + np.arange(samples) / rate_hz
    rows = [f"2017\t1\t25\t23\t59\t{second:.6f}" for second in seconds[seconds < 60]]
    rows += [f"2017\t1\t26\t0\t0\t{second - 60:.6f}" for second in seconds[seconds >= 60]]
    file.write_text("\n".join(["\t".join(TIME), *rows]) + "\n")


def _write(file: Path, columns: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    start = datetime(2017, 1, 25, 23, 59, 59)
    lines = ["\t".join(columns)]
    for number, row in enumerate(rows):
        time = start + timedelta(seconds=number / POSES_HZ)
        stamp = [time.year, time.month, time.day, time.hour, time.minute, time.second + time.microsecond / 1e6]
        lines.append("\t".join(f"{value:.10g}" for value in (*stamp, *row)))
    file.write_text("\n".join(lines) + "\n")


AZIMUTHS_DEG = {"OfficeRoom1": (90.0, 30.0, 150.0, 10.0, 250.0), "Bus": (60.0, 120.0, 170.0, 300.0)}
"""By scene; the last of each is behind a pair on x."""


def ring_m() -> Floats:
    """Channels 0 to 24."""
    angles = np.arange(8) * np.pi / 4
    rings = [0.03 * ring * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1) for ring in (1, 2, 3)]
    return np.concatenate([np.zeros((1, 3)), *rings])


def write_realman(
    folder: Path,
    azimuths_deg: Mapping[str, Sequence[float]] = AZIMUTHS_DEG,
    channels: Sequence[int] = (1, 3, 5, 7),
    dry: bool = True,
    rate_hz: int = FULL_HZ,
    angle_of: Callable[[float], object] = lambda azimuth: azimuth,
) -> Path:
    """A test part. Its recordings have noise in the pauses that a detector takes for speech; the direct sound has none."""
    rows = []
    for scene, found in azimuths_deg.items():
        for number, azimuth in enumerate(found):
            below = f"{scene}/static/{10 + number % 2:04d}"
            name = f"TEST_S_{scene[:3].upper()}_{10 + number % 2:04d}_{number:04d}.flac"
            radians = np.radians(azimuth)
            said, says = spoken(number, 2.0, rate_hz)
            source = 1.8 * np.array([np.cos(radians), np.sin(radians), 0.0])
            audio = _noisy(at_microphones(source, ring_m()[list(channels)], said, rate_hz), number)
            others = [spoken(90 + channel, 2.0, rate_hz)[0][says][: int((~says).sum())] for channel in channels]
            audio[~says] += np.stack(others, axis=1)
            for kind, made in (("ma_noisy_speech", audio), *((("dp_speech", said[:, None]),) if dry else ())):
                inside = folder / "test" / kind / below
                inside.mkdir(parents=True, exist_ok=True)
                for column, channel in zip(made.T, channels, strict=False):
                    own = name if kind == "dp_speech" else name.replace(".flac", f"_CH{channel}.flac")
                    soundfile.write(inside / own, 0.5 * column, rate_hz, subtype="PCM_24")
            rows.append([f"test/ma_noisy_speech/{below}/{name}", angle_of(azimuth), 5.0, 1.8 if number else -10000.0])
    with (folder / "test" / "test_static_source_location.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["filename", "angle(°)", "ele", "distance"], *rows])
    return folder


def doa_deg(talker_m: Sequence[float], axis: Sequence[float]) -> float:
    """Of the cone, for a pair in the middle of the array."""
    talker, along = np.array(talker_m), np.array(axis)
    return float(np.degrees(np.arcsin(talker @ along / np.linalg.norm(talker) / np.linalg.norm(along))))


def only(*indices: int, **changes: object) -> tuple[Heard, ...]:
    """Some of `DICIT`, each with ``changes``."""
    return tuple(replace(DICIT[index], **changes) for index in indices)  # pyright: ignore
