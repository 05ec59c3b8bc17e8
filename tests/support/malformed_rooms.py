"""Room data sets with one fault each, which tests write."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import scipy.io
import sofar
from support.measured_files import (
    MIR_ANGLES,
    bare_sofa,
    heard,
    response,
    write_dtu,
    write_folder,
    write_mir,
    write_recordings,
    write_sofa,
    write_wav,
)

MIR_NAME = "Impulse_response_Acoustic_Lab_Bar-Ilan_University_(Reverberation_0.610s)_3-3-3-8-3-3-3_2m_030.mat"
V73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Tue Jan  1 00:00:00 2019 HDF5 schema 1.00 ."


def v73() -> bytes:
    return V73.ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" + bytes(2000)


def mir_file(content: bytes | dict[str, Any]) -> Callable[[Path], str]:
    """The MIR files, one of them with this content."""

    def make(folder: Path) -> str:
        path = write_mir(folder / "mir", False, False) / "unpacked_0.61" / MIR_NAME
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            scipy.io.savemat(path, content)
        return f"mir:{folder / 'mir'}"

    return make


def mir_zip(damage: Callable[[bytes], bytes]) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        write_mir(folder / "mir", True, False)
        path = next((folder / "mir").glob("*0.610*.zip"))
        path.write_bytes(damage(path.read_bytes()))
        return f"mir:{folder / 'mir'}"

    return make


def in_parts(*parts_s: tuple[float, float]) -> Callable[[Path], str]:
    """Recordings whose table says that its first lines are of these parts of the first file."""

    def make(folder: Path) -> str:
        table = write_recordings(folder) / "recordings.csv"
        header, *lines = table.read_text().splitlines()
        file = lines[0].partition(",")[0]
        cut = [",".join([file, *line.split(",")[1:], f"{a:g},{b:g}"]) for line, (a, b) in zip(lines, parts_s, strict=False)]
        whole = [f"{line},," for line in lines[len(cut) :]]
        table.write_text("\n".join([f"{header},start_s,end_s", *cut, *whole]))
        return f"recordings:{folder}"

    return make


def zip_of(name: str, content: bytes) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        with zipfile.ZipFile(folder / "some.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return f"mir:{folder / 'some.zip'}"

    return make


def damaged_inside(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(5000) + content[middle + 5000 :]


def mir_without(pattern: str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        for path in write_mir(folder / "mir", False, False).rglob(pattern):
            path.unlink()
        return f"mir:{folder / 'mir'}"

    return make


def mir_of_random_angles(folder: Path) -> str:
    wrong = np.random.default_rng(1).permutation(MIR_ANGLES)
    return f"mir:{write_mir(folder / 'mir', True, False, lambda label: float(wrong[MIR_ANGLES.index(label)]))}"


def dtu_with(change: Callable[[Path], object]) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        change(write_dtu(folder / "dtu") / "DTU_RIR_speech_valid.mat")
        return f"dtu:{folder / 'dtu'}"

    return make


def dtu_rows(*rows: tuple[Any, Any]) -> Callable[[Path], str]:
    data = np.empty((len(rows), 2), object)
    for number, row in enumerate(rows):
        data[number, 0], data[number, 1] = row
    return dtu_with(lambda path: scipy.io.savemat(path, {"data": data}))


def dtu_mixed(folder: Path) -> str:
    rows = {
        "train": [(a, c) for a in (-60, 0, 60) for c in range(2)],
        "valid": [(a, c) for a in (-60, 10, 60) for c in range(2)],
    }
    return f"dtu:{write_dtu(folder / 'dtu', rows=rows)}"


def sofa(options: str = "", angles: tuple[float, ...] = (-30, 0, 30), **changed: Any) -> Callable[[Path], str]:
    return lambda folder: f"sofa{options}:{write_sofa(folder / 'room.sofa', angles, **changed)}"


def sofa_bytes(damage: Callable[[bytes], bytes]) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        path = write_sofa(folder / "room.sofa", (-30, 0, 30))
        path.write_bytes(damage(path.read_bytes()))
        return f"sofa:{path}"

    return make


def free_field_hrir(folder: Path) -> str:
    head: Any = sofar.Sofa("SimpleFreeFieldHRIR")
    head.Data_IR, head.SourcePosition = np.ones((2, 2, 8)), np.array([[0, 0, 1.0], [90, 0, 1.0]])
    sofar.write_sofa(str(folder / "head.sofa"), head)
    return f"sofa:{folder / 'head.sofa'}"


def one_receiver(folder: Path) -> str:
    room = bare_sofa("SingleRoomSRIR")
    room.Data_IR, room.Data_SamplingRate = np.ones((3, 1, 64)), 16_000.0
    room.SourcePosition, room.ListenerPosition = np.eye(3), np.zeros((3, 3))
    room.Data_Delay = np.zeros((1, 1))
    sofar.write_sofa(str(folder / "mono.sofa"), room)
    return f"sofa:{folder / 'mono.sofa'}"


def not_sofa(folder: Path) -> str:
    with netCDF4.Dataset(folder / "table.sofa", "w") as file:
        file.createDimension("M", 2)
        file.createVariable("Data", "f8", ("M",))
    return f"sofa:{folder / 'table.sofa'}"


def table(kind: str, old: str, new: str, options: str = "", encoding: str = "utf-8", count: int = -1) -> Callable[[Path], str]:
    """A folder of responses or recordings with one thing changed in its table."""

    def make(folder: Path) -> str:
        made = {"folder": write_folder, "recordings": write_recordings}[kind](folder / "mine")
        path = next(made.glob("*.csv"))
        text = path.read_text()
        assert old in text
        path.write_bytes(text.replace(old, new, count).encode(encoding))
        return f"{kind}{options}:{made}"

    return make


def without_table(folder: Path) -> str:
    (write_folder(folder / "mine") / "responses.csv").unlink()
    return f"folder:{folder / 'mine'}"


def header_alone(folder: Path) -> str:
    path = write_folder(folder / "mine") / "responses.csv"
    path.write_text(path.read_text().partition("\n")[0])
    return f"folder:{path}"


def two_tables(folder: Path) -> str:
    made = write_folder(folder / "mine")
    shutil.copy(made / "responses.csv", made / "more.csv")
    return f"folder:{made}"


def audio(kind: str, change: Callable[[Path], object], options: str = "") -> Callable[[Path], str]:
    """A folder of responses or recordings with one audio file changed."""

    def make(folder: Path) -> str:
        made = {"folder": write_folder, "recordings": write_recordings}[kind](folder / "mine")
        change(made / {"folder": "rt0.3_0_1m.wav", "recordings": "bob1_0.wav"}[kind])
        return f"{kind}{options}:{made}"

    return make


def with_nan() -> np.ndarray:
    samples = response(0, (-0.04, 0.04))
    samples[10] = np.nan
    return samples


def r3vival_with(channels: int) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        for azimuth in (0, 30):
            for setting in ("000", "100"):
                write_wav(folder / f"r3vival_abs{setting}_az{azimuth:03d}_d150.wav", response(azimuth, [0.0] * channels))
        return f"r3vival:{folder}"

    return make


good = heard(0, 1)
silent_side = response(0, (-0.04, 0.04)) * [1, 0]
