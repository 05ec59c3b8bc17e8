"""One scene in many writings: SOFA files that say the same in other fields, units, coordinates and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from support.measured_files import response
from support.rooms import RATE_HZ

ANGLES = (-60, -40, -20, 0, 20, 40, 60)
RANGE_M, HALF_M = 1.5, 0.04
PLACES = RANGE_M * np.stack([np.cos(np.radians(ANGLES)), -np.sin(np.radians(ANGLES)), np.zeros(len(ANGLES))], axis=1)
"""Where the talkers are, as the listener sees it: front, left, up."""
EARS = np.array([[0, HALF_M, 0], [0, -HALF_M, 0]])
RESPONSES = np.stack([response(angle, (-HALF_M, HALF_M), seconds=0.06).T for angle in ANGLES])
"""``[7, 2, samples]``"""


@dataclass(frozen=True)
class Coordinates:
    """How a position is written: its Type and its Units, as a file may spell them."""

    type: str = "cartesian"
    units: str = "metre"
    metres: float = 1.0
    radians: float = 1.0

    def of(self, xyz: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.type.lower() == "cartesian":
            return xyz / self.metres
        distance = np.linalg.norm(xyz, axis=-1)
        elevation = np.arcsin(np.clip(xyz[..., 2] / np.maximum(distance, 1e-12), -1, 1))
        azimuth = np.arctan2(xyz[..., 1], xyz[..., 0])
        return np.stack([azimuth / self.radians, elevation / self.radians, distance / self.metres], axis=-1)


METRES = Coordinates()
DEGREE = float(np.pi / 180)
WRITINGS = (
    METRES,
    Coordinates("Cartesian", "Meter"),
    Coordinates("cartesian", "centimetre", 0.01),
    Coordinates("cartesian", "millimetre, millimetre, millimetre", 0.001),
    Coordinates("spherical", "degree, degree, metre", 1.0, DEGREE),
    Coordinates("SPHERICAL", "Degrees, Degrees, Centimetres", 0.01, DEGREE),
    Coordinates("spherical", "radian,radian,meters"),
)


@dataclass(frozen=True)
class Writing:
    """``told_by``: the field that tells the directions apart. ``delay``: dimensions of Data.Delay, none if empty; ``advance``
    is how many samples each receiver's response is cut short by in the data. ``upright`` is the Type of ListenerUp ("" for that
    of the view)."""

    told_by: str = "source"
    convention: str = "SingleRoomSRIR"
    version: str = "1.0"
    room_type: str = "reverberant"
    listener_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turned: tuple[float, float, float] = (0.0, 0.0, 0.0)
    source_turned: tuple[float, float, float] = (0.0, 0.0, 0.0)
    listener: Coordinates = METRES
    source: Coordinates = METRES
    receiver: Coordinates = METRES
    emitter: Coordinates = METRES
    view: Coordinates = METRES
    upright: str = "cartesian"
    delay: str = ""
    advance: tuple[int, int] = (0, 0)
    rate: str = "I"


def write_scene(path: Path, writing: Writing = Writing(), compressed: bool = False) -> Path:
    """The scene of `PLACES`, `EARS` and `RESPONSES`, as ``writing`` says it."""
    head = Rotation.from_euler("ZYX", writing.turned, degrees=True)
    seen, count = PLACES, len(ANGLES)
    turns = np.stack([head.as_matrix()] * (count if writing.told_by == "head" else 1))
    if writing.told_by == "head":  # the talker stays ahead of where the head was, and the head turns to the other side
        turns = np.stack([(head * Rotation.from_euler("Z", angle, degrees=True)).as_matrix() for angle in ANGLES])
        seen = RANGE_M * np.array([[1.0, 0.0, 0.0]])
    room = np.array(writing.listener_m) + head.apply(seen)
    source, offset = room, np.zeros((1, 3))
    turned = Rotation.from_euler("ZYX", writing.source_turned, degrees=True)
    if writing.told_by != "source":
        source = np.array([[0.5, -0.25, 1.0]])
        offset = turned.inv().apply(room - source)
    several = writing.told_by == "emitters"
    responses = np.stack([np.roll(RESPONSES[:, ear], -by, axis=-1) for ear, by in enumerate(writing.advance)], axis=1)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "SOFA", "SOFAConventions": writing.convention, "Version": "2.1"})
        file.setncatts({"SOFAConventionsVersion": writing.version, "RoomType": writing.room_type, "DataType": "FIR"})
        sizes = {"M": 1 if several else count, "R": 2, "E": count if several else 1, "N": responses.shape[-1], "C": 3, "I": 1}
        for name, size in sizes.items():
            file.createDimension(name, size)
        _put(
            file,
            "Data.IR",
            "MRNE" if several else "MRN",
            responses.transpose(1, 2, 0)[None] if several else responses,
            zlib=compressed,
        )
        _put(file, "Data.SamplingRate", writing.rate, np.full(sizes[writing.rate], RATE_HZ), {"Units": "Hertz"})
        if writing.delay:
            shape = [sizes[letter] for letter in writing.delay]
            ears = [-1 if letter == "R" else 1 for letter in writing.delay]
            _put(file, "Data.Delay", writing.delay, np.broadcast_to(np.reshape(writing.advance, ears), shape))
        _place(file, "ListenerPosition", "IC", np.array([writing.listener_m]), writing.listener)
        _place(file, "SourcePosition", "MC" if len(source) > 1 else "IC", source, writing.source)
        _place(file, "ReceiverPosition", "RCI", EARS, writing.receiver)
        _place(file, "EmitterPosition", "ECI", offset, writing.emitter)
        each = "MC" if len(turns) > 1 else "IC"
        _place(file, "ListenerView", each, turns[:, :, 0], writing.view)
        up = Coordinates(writing.upright, "degree, degree, metre", 1.0, DEGREE) if writing.upright else writing.view
        _put(file, "ListenerUp", each, up.of(turns[:, :, 2]), {"Type": writing.upright} if writing.upright else {})
        if writing.upright and up.type == "spherical":
            file["ListenerUp"].Units = up.units
        _place(file, "SourceView", "IC", turned.as_matrix()[None, :, 0], METRES)
        _put(file, "SourceUp", "IC", turned.as_matrix()[None, :, 2])
    return path


def edited(path: Path, change: Callable[[netCDF4.Dataset], object]) -> Path:
    """A file with something changed in place."""
    with netCDF4.Dataset(path, "r+") as file:
        change(file)
    return path


def replace_variable(file: netCDF4.Dataset, name: str, dimensions: str, values: object) -> None:
    """A variable under its name anew, in other dimensions."""
    file.renameVariable(name, f"Old{name.replace('.', '')}")
    _put(file, name, dimensions, np.asarray(values))


def set_units(name: str, units: str) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].setncattr("Units", units)


def set_type(name: str, kind: str) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].setncattr("Type", kind)


def set_values(name: str, values: Any) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].__setitem__(slice(None), values)


def _place(file: netCDF4.Dataset, name: str, dimensions: str, xyz: NDArray[np.float64], how: Coordinates) -> None:
    values = how.of(xyz)
    _put(file, name, dimensions, values[..., None] if len(dimensions) == 3 else values, {"Type": how.type, "Units": how.units})


def _put(
    file: netCDF4.Dataset,
    name: str,
    dimensions: str,
    values: NDArray[np.generic],
    about: Mapping[str, str] | None = None,
    zlib: bool = False,
) -> None:
    variable = file.createVariable(name, "f8", tuple(dimensions), zlib=zlib)
    variable[:] = values
    variable.setncatts(dict(about or {}))
