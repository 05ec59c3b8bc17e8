"""Room data sets as they are published, with known content: tests write them, then read them back through the loaders."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.signal
import sofar
import soundfile
from doabench.benchmark.data.open import open_room
from doabench.datasets._convolution import ImpulseResponseRoom
from numpy.typing import NDArray
from support.rooms import RATE_HZ, SOUND_M_PER_S, fractional_delay

MIR_CM = np.array([0.0, 3, 6, 9, 17, 20, 23, 26])
MIR_ANGLES = tuple(range(-90, 91, 15))
DTU_ANGLES = (-90, -30, 0, 40, 90)


def response(
    doa_deg: float, along_m: Sequence[float], rate_hz: int = RATE_HZ, rt60_s: float = 0.3, seconds: float = 0.4
) -> NDArray[np.float64]:
    """``[samples, channels]`` of microphones at ``along_m`` toward the positive side: a plane wave, then a decaying tail."""
    lead = np.asarray(along_m) * np.sin(np.radians(doa_deg)) / SOUND_M_PER_S * rate_hz
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(round(doa_deg * 10) % 2**32)
    tail = 0.02 * rng.standard_normal((len(time_s), len(lead))) * 10 ** (-3 * time_s / rt60_s)[:, None]
    tail[: round(0.012 * rate_hz)] = 0
    tail[:128] += np.stack([fractional_delay(64 - samples) for samples in lead], axis=1)
    return tail


def tdoa_samples(responses: NDArray[np.float32], finer: int = 64) -> NDArray[np.float64]:
    """How many samples at 16 kHz earlier the direct sound peaks at microphone 2, ``[positions, 2, samples] -> [positions]``."""
    onset = int(np.abs(responses).max(axis=(0, 1))[:400].argmax())
    early = responses[..., max(0, onset - 40) : onset + 60].astype(np.float64)
    peaks = np.abs(np.asarray(scipy.signal.resample(early, finer * early.shape[-1], axis=-1))).argmax(-1) / finer
    return peaks[:, 0] - peaks[:, 1]


def free_field(doa_deg: Sequence[float], spacing_m: float) -> NDArray[np.float64]:
    return spacing_m * np.sin(np.radians(doa_deg)) / SOUND_M_PER_S * RATE_HZ


def write_mir(folder: Path, zipped: bool, mirrored: bool, angle_of: Callable[[int], float] = float) -> Path:
    """13 directions at 2 m and RT60 0.61 and 0.36 s; ``mirrored``: channel 1 on the positive side instead of channel 8."""
    along_m = (MIR_CM - MIR_CM.mean()) / 100 * (-1 if mirrored else 1)
    folder.mkdir(parents=True, exist_ok=True)
    for rt60_s in (0.61, 0.36):
        title = "Impulse_response_Acoustic_Lab_Bar-Ilan_University"
        inside = folder / f"unpacked_{rt60_s}"
        inside.mkdir()
        for label in MIR_ANGLES:
            name = f"{title}_(Reverberation_{rt60_s:.3f}s)_3-3-3-8-3-3-3_2m_{label % 360:03d}.mat"
            samples = response(angle_of(label), list(along_m), 48_000, rt60_s, seconds=1.1 if label == 15 else 0.3)
            scipy.io.savemat(inside / name, {"impulse_response": samples, "simpar": {"fs": 48_000}}, do_compression=True)
        if zipped:
            with zipfile.ZipFile(folder / f"{title}__Reverberation_{rt60_s:.3f}s__3-3-3-8-3-3-3.zip", "w") as archive:
                for path in sorted(inside.iterdir()):
                    archive.write(path, path.name)
                    path.unlink()
            inside.rmdir()
    return folder


def talk(number: int, seconds: float = 1.0) -> NDArray[np.float64]:
    """A stand-in for one clip of speech: coloured noise of its own."""
    noise = np.random.default_rng(number).standard_normal(round(seconds * RATE_HZ))
    return 0.1 * np.asarray(scipy.signal.lfilter([1], [1, -0.7], noise))


def heard(doa_deg: float, number: int, spacing_m: float = 0.085, seconds: float = 1.0) -> NDArray[np.float64]:
    """Clip ``number`` from a direction, ``[samples, 2]``."""
    along_m = (-spacing_m / 2, spacing_m / 2)
    dry, wet = talk(number, seconds), response(doa_deg, along_m)
    return np.stack([scipy.signal.fftconvolve(dry, channel)[: len(dry)] for channel in wet.T], axis=1)


DTU_ROWS = {
    "train": [(angle, clip) for angle in DTU_ANGLES for clip in range(3)],
    "valid": [(angle, 10 + clip) for clip in range(2) for angle in DTU_ANGLES],
    "off_grid": [(25, 10), (25, 11), (45, 10), (45, 11)],
    "off_range": [(0, 10), (0, 11), (-30, 10), (-30, 11), (-30, 10), (-30, 11)],
}


def write_dtu(folder: Path, mirrored: bool = False, rows: dict[str, list[tuple[int, int]]] = DTU_ROWS) -> Path:
    """The four processed files; clips by the numbers of `talk`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in rows.items():
        data = np.empty((len(found), 2), object)
        for row, (angle, number) in enumerate(found):
            data[row, 0], data[row, 1] = angle, heard(angle, number)[:, :: -1 if mirrored else 1]
        scipy.io.savemat(folder / f"DTU_RIR_speech_{name}.mat", {"data": data}, do_compression=True)
    return folder


def bare_sofa(convention: str) -> Any:
    """An empty file of a convention without what would have to be given for each receiver, emitter or measurement."""
    sofa: Any = sofar.Sofa(convention)
    for name in (name for name in list(vars(sofa)) if name.startswith(("Receiver", "Emitter", "MeasurementDate"))):
        if "Position" not in name and hasattr(sofa, name):
            sofa.delete(name)
    return sofa


def write_sofa(
    path: Path,
    doa_deg: Sequence[float] = tuple(range(-90, 91, 5)),
    spherical: bool = False,
    turned_deg: float = 0.0,
    rate_hz: int = RATE_HZ,
    range_m: Callable[[float], float] = lambda _: 1.5,
    **changed: Any,
) -> Path:
    """SingleRoomSRIR: two microphones 8 cm apart, 1 left and 2 right, at (3, 2, 1.2) m, in a room where the listener looks
    ``turned_deg`` to the left of +x."""
    sofa: Any = bare_sofa("SingleRoomSRIR")
    ranges = np.array([range_m(angle) for angle in doa_deg])
    azimuth = np.radians(turned_deg - np.array(doa_deg, float))
    centre = np.array([3.0, 2.0, 1.2])
    sofa.ListenerPosition, sofa.ListenerPosition_Type = np.tile(centre, (len(ranges), 1)), "cartesian"
    turned = np.radians(turned_deg)
    sofa.ListenerView, sofa.ListenerUp = np.array([[np.cos(turned), np.sin(turned), 0.0]]), np.array([[0.0, 0.0, 1.0]])
    sofa.ReceiverPosition = np.array([[90.0, 0, 0.04], [270.0, 0, 0.04]] if spherical else [[0, 0.04, 0], [0, -0.04, 0]])
    sofa.ReceiverPosition_Type = "spherical" if spherical else "cartesian"
    sofa.ReceiverPosition_Units = "degree, degree, metre" if spherical else "metre"
    talkers = centre + ranges[:, None] * np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    distance = np.linalg.norm(talkers, axis=1)
    angles = np.stack([np.arctan2(talkers[:, 1], talkers[:, 0]), np.arcsin(talkers[:, 2] / distance)], axis=1)
    sofa.SourcePosition = np.column_stack([np.degrees(angles), distance]) if spherical else talkers
    sofa.SourcePosition_Type = "spherical" if spherical else "cartesian"
    sofa.SourcePosition_Units = "degree, degree, metre" if spherical else "metre"
    sofa.Data_IR = np.stack([response(angle, (-0.04, 0.04), rate_hz).T for angle in doa_deg])
    sofa.Data_SamplingRate, sofa.Data_Delay = float(rate_hz), np.zeros((1, 2))
    for name, value in changed.items():
        setattr(sofa, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    sofar.write_sofa(str(path), sofa)
    return path


def write_table(path: Path, rows: Sequence[dict[str, object]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_wav(path: Path, samples: NDArray[np.floating], rate_hz: int = RATE_HZ) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return path


def write_folder(folder: Path, rate_hz: int = RATE_HZ, **table: Any) -> Path:
    """A user's responses: -40, 0 and 40 degrees at 1 m for two RT60s, 0 degrees at 2 m too; 8 cm."""
    rows = []
    for rt60_s in (0.3, 0.2):
        for doa_deg, range_m in ((-40, 1), (0, 1), (40, 1), (0, 2)):
            name = f"rt{rt60_s}_{doa_deg}_{range_m}m.wav"
            write_wav(folder / name, response(doa_deg, (-0.04, 0.04), rate_hz, rt60_s), rate_hz)
            rows.append({"file": name, "doa_deg": doa_deg, "range_m": range_m, "rt60_s": rt60_s, "spacing_m": 0.08})
    write_table(folder / "responses.csv", rows, **table)
    return folder


def write_recordings(folder: Path, speakers: Sequence[str] = ("ann", "bob"), clips: int = 2, rate_hz: int = RATE_HZ) -> Path:
    """A user's recordings: every clip of every speaker from -40, 0 and 40 degrees; 8.5 cm."""
    rows = []
    for index, speaker in enumerate(speakers):
        for clip in range(clips):
            for doa_deg in (-40, 0, 40):
                name = f"{speaker}{clip}_{doa_deg}.wav"
                samples = heard(doa_deg, 10 * index + clip, seconds=2.0)
                if rate_hz != RATE_HZ:
                    samples = np.asarray(scipy.signal.resample_poly(samples, rate_hz // 100, RATE_HZ // 100, axis=0))
                write_wav(folder / name, samples, rate_hz)
                rows.append({"file": name, "doa_deg": doa_deg, "clip": f"{speaker}{clip}", "speaker": speaker})
    write_table(folder / "recordings.csv", [row | {"spacing_m": 0.085} for row in rows])
    return folder


def responses_of(text: str) -> ImpulseResponseRoom:
    room = open_room(text)[1]
    assert isinstance(room, ImpulseResponseRoom)
    return room


def check_tdoas(room: ImpulseResponseRoom, condition: str = "", tolerance: float = 0.06) -> None:
    """The direct sound reaches microphone 2 first from positive angles, by what the spacing says."""
    found = tdoa_samples(room.responses(condition or room.conditions[0].name, "grid"))
    np.testing.assert_allclose(found, free_field(room.candidates_deg, room.spacing_m), atol=tolerance)


def run(out: Path, *arguments: str) -> list[dict[str, Any]]:
    options = ("--scale", "smoke", "--jobs", "1", "--threads", "1", "--out", str(out), "--json", *arguments)
    command = [sys.executable, "-m", "doabench.benchmark", "run", *options]
    environment = {**os.environ, "DOABENCH_SPEECH": "talkers"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
