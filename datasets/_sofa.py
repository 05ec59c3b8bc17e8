"""What an AES69 file (SOFA) says: its fields by the names of their dimensions, in metres and samples, by the library sofar.

The dimensions of a field are those that the file itself names: M measurements, R receivers, E emitters, N samples, C
coordinates and I for one value. So every shape that AES69 allows is read alike. A field that is missing has the default that
the convention gives it.
"""

from __future__ import annotations

import re
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmark.errors import UserError
from ._measure import Floats

ROOMS = (
    "SingleRoomSRIR",
    "SingleRoomMIMOSRIR",
    "MultiSpeakerBRIR",
    "SingleRoomDRIR",
    "GeneralFIR",
    "GeneralFIR-E",
    "GeneralFIRE",
)
HEADS = ("SimpleFreeFieldHRIR", "FreeFieldHRIR")
"""Of the free field, by their names; many responses of rooms are stored as such, and ``RoomType`` says so."""
REVERBERANT = ("reverberant", "shoebox", "dae")

_LENGTHS_M = {
    unit: factor
    for factor, names in ((1.0, "metre meter m"), (0.01, "centimetre centimeter cm"), (0.001, "millimetre millimeter mm"))
    for unit in names.split()
}
_ANGLES_RAD = {"degree": pi / 180, "deg": pi / 180, "radian": 1.0, "rad": 1.0}
_RATES_HZ = {"hertz": 1.0, "hz": 1.0, "kilohertz": 1000.0, "khz": 1000.0}
_DIRECTIONS = {"View": (1.0, 0.0, 0.0), "Up": (0.0, 0.0, 1.0)}
"""What a view and an up vector are where the convention has none."""
_UPRIGHT = 0.7
"""The least sine of the angle between a view and its up vector; they should be at right angles."""


@dataclass(frozen=True)
class SofaContent:
    """All that a room needs of a file. ``responses [M, R, E, N]``; ``rate_hz [M]``; ``delays [M, R, E]`` in samples; where the
    ``listener [M, 3]`` and the ``talkers [M, E, 3]`` are in the room; the listener's front, left and up as columns of
    ``turned [M, 3, 3]``; ``receivers [M, R, 3]`` as seen from the listener. What a file leaves out is NaN."""

    responses: NDArray[np.floating]
    rate_hz: Floats
    delays: Floats
    listener: Floats
    turned: Floats
    receivers: Floats
    talkers: Floats
    notes: tuple[str, ...]


def read_sofa(path: Path) -> SofaContent:
    """Read a file whole. Raises UserError that names the file and the field."""
    import sofar

    if path.is_dir():
        raise UserError(f"{path}: is a folder; give one SOFA file, rooms may be repeated")
    stream: Any = sofar.SofaStream(str(path))
    with ExitStack() as stack:
        try:
            stack.enter_context(stream)
            name, version = (
                str(value).strip() for value in (stream.GLOBAL_SOFAConventions, stream.GLOBAL_SOFAConventionsVersion)
            )
        except Exception as error:  # netCDF and sofar fail in many ways on what is not SOFA
            raise UserError(f"{path}: cannot be read as a SOFA file ({error}); copy or download it again") from error
        return _Fields(path, stream, _defaults(path, name, version, str(getattr(stream, "GLOBAL_RoomType", "")))).content()


def _defaults(path: Path, name: str, version: str, room_type: str) -> Any:
    """The convention's own object of the library, which holds the default of every field."""
    import sofar

    def attribute(key: str, value: str) -> str:
        return f"""python -c "import netCDF4; netCDF4.Dataset('{path.as_posix()}', 'r+').{key} = '{value}'\""""

    known = next((one for one in (*ROOMS, *HEADS) if one.casefold() == name.casefold()), None)
    if known is None:
        raise UserError(
            f"{path}: convention {name} {version} is not read; readable are {', '.join((*ROOMS, *HEADS))}; "
            "SOFAupgradeConventions of the SOFA Toolbox converts some others"
        )
    if known in HEADS and room_type.strip().casefold() not in REVERBERANT:
        raise UserError(
            f"{path}: {name} is not of a room: its RoomType is {room_type!r}; if it was measured in one, say so: "
            + attribute("RoomType", "reverberant")
        )
    with warnings.catch_warnings(action="ignore"):
        try:
            return sofar.Sofa(known, version=_plain(version), verify=False)  # pyright: ignore
        except ValueError as error:
            there = sofar.Sofa(known, verify=False).GLOBAL_SOFAConventionsVersion  # pyright: ignore
            raise UserError(
                f"{path}: version {version} of {name} is not known, {there} is; convert it with SOFAupgradeConventions of the "
                f"SOFA Toolbox or, if it has the same fields, with {attribute('SOFAConventionsVersion', there)}"
            ) from error


def _plain(version: str) -> str:
    return str(float(version)) if re.fullmatch(r"\d+(\.\d+)?", version) else version


class _Fields:
    """The fields of an open file."""

    def __init__(self, path: Path, stream: Any, defaults: Any) -> None:
        self._path, self._stream, self._defaults = path, stream, defaults
        self._sizes: dict[str, int] = {}
        self._notes: list[str] = []

    def content(self) -> SofaContent:
        if self._variable("Data_IR") is None:
            raise UserError(f"{self._path}: has no Data.IR; it must hold impulse responses")
        responses = self._values("Data_IR", "MREN")
        self._sizes = dict(zip("MRE", responses.shape, strict=False))
        rate_hz, delays, listener = self._rates_hz(), self._delays(), self._vectors("ListenerPosition")
        turned, receivers, talkers = self._frames("Listener"), self._vectors("ReceiverPosition", "R"), self._talkers()
        return SofaContent(responses, rate_hz, delays, listener, turned, receivers, talkers, tuple(self._notes))

    def _talkers(self) -> Floats:
        """``[M, E, 3]``: emitters stand where the source is and turn with it."""
        source, emitters = self._vectors("SourcePosition")[:, None], self._vectors("EmitterPosition", "E")
        if not np.any(emitters):
            return np.asarray(source + emitters)
        return np.asarray(source + np.einsum("mij,mej->mei", self._frames("Source"), emitters), np.float64)

    def _rates_hz(self) -> Floats:
        if self._variable("Data_SamplingRate") is None:
            raise UserError(f"{self._path}: has no Data.SamplingRate; add it to the file")
        rate_hz = self._values("Data_SamplingRate", "M")
        units = self._attribute("Data_SamplingRate", "Units") or "hertz"
        if _word(units) not in _RATES_HZ:
            raise self._unknown("Data_SamplingRate", "Units", units, "hertz")
        rate_hz = rate_hz * _RATES_HZ[_word(units)]
        if not ((rate_hz > 0) & (rate_hz < 1e6)).all():
            raise UserError(f"{self._path}: Data.SamplingRate is not a number of hertz from 0 to 1 MHz; mend the file")
        return rate_hz

    def _delays(self) -> Floats:
        if self._variable("Data_Delay") is None:
            return np.zeros([self._sizes[letter] for letter in "MRE"])
        units = self._attribute("Data_Delay", "Units") or "samples"
        if _word(units) != "sample":
            raise self._unknown("Data_Delay", "Units", units, "samples")
        return self._values("Data_Delay", "MRE")

    def _vectors(self, name: str, each: str = "") -> Floats:
        """A position in metres, or a direction, ``[M, 3]`` or for ``each`` receiver or emitter ``[M, R or E, 3]``."""
        if self._variable(name) is None:
            return np.broadcast_to(self._default(name, each), [self._sizes[letter] for letter in f"M{each}"] + [3])
        values, (kind, units) = self._values(name, f"M{each}C"), self._coordinates(name)
        if kind.startswith("spherical harmonic"):
            if name == "EmitterPosition" and self._sizes["E"] == 1:  # of order 0: where the source is
                return np.zeros_like(values)
            raise self._unknown(name, "Type", kind, "cartesian or spherical: harmonics are in no place")
        if not values.any():  # whatever the units
            return values
        if kind == "cartesian":
            directed = name.endswith(tuple(_DIRECTIONS))
            return values if directed else values * self._scales(name, units, "lll")
        if kind != "spherical":
            raise self._unknown(name, "Type", kind, "cartesian or spherical")
        azimuth, elevation, distance = np.moveaxis(values * self._scales(name, units, "aal"), -1, 0)
        level = np.cos(elevation)
        xyz = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=-1)
        return np.asarray(distance[..., None] * xyz)

    def _default(self, name: str, each: str) -> Floats:
        """What a field that is missing is taken to be ``[3]``: NaN for those that nobody can guess."""
        if name in ("SourcePosition", "ReceiverPosition") or self._sizes.get(each, 1) > 1:
            return np.full(3, np.nan)
        fallback = next((value for end, value in _DIRECTIONS.items() if name.endswith(end)), (0.0, 0.0, 0.0))
        return np.ravel(np.asarray(getattr(self._defaults, name, fallback), np.float64))[:3]

    def _coordinates(self, name: str) -> tuple[str, list[str]]:
        """Type and units of a field, in lower case. An up vector has those of its view, unless it is the default as it stands
        in the convention: that is cartesian."""
        owner = name
        if name.endswith("Up") and not self._attribute(name, "Type"):
            owner = name.removesuffix("Up") + "View"
        units = [_word(unit) for unit in re.split(r"[\s,;]+", self._attribute(owner, "Units").strip()) if unit]
        kind = self._attribute(owner, "Type").strip().casefold()
        if owner != name and kind.startswith("spherical") and (self._values(name, "MC") == _DIRECTIONS["Up"]).all():
            self._notes.append(f"{name} has no Type and is taken to be cartesian, (0, 0, 1), although {owner} is {kind}")
            return "cartesian", []
        if not kind and units:
            kind = "spherical" if units[0] in _ANGLES_RAD else "cartesian"
        if not kind and owner.endswith("Position"):
            raise UserError(f"{self._path}: {name} has neither Type nor Units; add them to the file")
        return kind or "cartesian", units or {"spherical": ["degree", "degree", "metre"]}.get(kind, ["metre"])

    def _scales(self, name: str, units: list[str], wanted: str) -> Floats:
        """What turns three coordinates into metres (``l``) and radians (``a``)."""
        tables = {"l": _LENGTHS_M, "a": _ANGLES_RAD}
        each = units * 3 if len(units) == 1 else units
        if len(each) != 3 or any(unit not in tables[kind] for unit, kind in zip(each, wanted, strict=True)):
            expected = "degree, degree, metre" if "a" in wanted else "metre"
            raise self._unknown(name, "Units", ", ".join(units), f"such as {expected}, by its Type")
        return np.array([tables[kind][unit] for unit, kind in zip(each, wanted, strict=True)])

    def _direction(self, name: str) -> Floats:
        """Unit vectors ``[M, 3]``."""
        vectors = self._vectors(name)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        known = np.isfinite(lengths) & (lengths > 0)
        if not known.all():
            raise UserError(f"{self._path}: {name} of measurement {np.argmin(known) + 1} is no direction; mend the file")
        return vectors / lengths

    def _frames(self, whose: str) -> Floats:
        """Front, left and up as columns ``[M, 3, 3]``. An up vector that leans is set upright."""
        front, above = self._direction(f"{whose}View"), self._direction(f"{whose}Up")
        above = above - (above * front).sum(axis=1, keepdims=True) * front
        upright = np.linalg.norm(above, axis=1, keepdims=True)
        if (upright < _UPRIGHT).any():
            raise UserError(
                f"{self._path}: {whose}Up of measurement {np.argmin(upright) + 1} is not at right angles to {whose}View; "
                f"mend {whose}Up, or give it a Type of its own"
            )
        above = above / upright
        return np.asarray(np.stack([front, np.cross(above, front), above], axis=2), np.float64)

    def _values(self, name: str, order: str) -> Floats:
        """A variable as numbers with its dimensions in ``order``, NaN where it is empty. A dimension other than C that it does
        not have, or has once, is the same for all."""
        variable, shown = self._variable(name), name.replace("_", ".")
        letters = [letter.upper() for letter in variable.dimensions]
        has: dict[str, int] = dict(zip(letters, variable.shape, strict=True))
        named = [letter for letter in letters if letter != "I"]
        wanted = {letter: 3 if letter == "C" else self._sizes.get(letter, has.get(letter, 1)) for letter in order}
        fits = has.get("I", 1) == 1 and len(set(named)) == len(named) and set(named) <= set(order)
        if not fits or any(
            has.get(letter, 1) not in ({size} if letter == "C" else {1, size}) for letter, size in wanted.items()
        ):
            shape, expected = (", ".join(f"{letter}={size}" for letter, size in sizes.items()) for sizes in (has, wanted))
            expected = expected if self._sizes else ", ".join(order)
            raise UserError(f"{self._path}: {shown} has the dimensions {shape or 'none'}, not {expected}; mend the file")
        try:
            values = np.ma.filled(np.ma.asarray(variable[:], np.float64), np.nan)
        except (TypeError, ValueError) as error:
            raise UserError(f"{self._path}: {shown} is not numeric ({error}); mend the file") from error
        except (OSError, RuntimeError) as error:
            raise UserError(f"{self._path}: {shown} cannot be read ({error}); copy or download the file again") from error
        values = values.reshape([has[letter] for letter in named])
        values = np.transpose(values, [named.index(letter) for letter in order if letter in named])
        return np.broadcast_to(values.reshape([has.get(letter, 1) for letter in order]), tuple(wanted.values()))

    def _variable(self, name: str) -> Any:
        """The variable itself, None where the file has none."""
        return getattr(self._stream, name, None)

    def _attribute(self, name: str, key: str) -> str:
        """An attribute of a variable, however its name is written; empty where there is none."""
        variable = self._variable(name)
        if variable is None:
            return ""
        return next((str(variable.getncattr(one)) for one in variable.ncattrs() if one.casefold() == key.casefold()), "")

    def _unknown(self, name: str, key: str, value: str, expected: str) -> UserError:
        return UserError(f"{self._path}: {name.replace('_', '.')} has {key} {value!r}; expected {expected}: mend the file")


def _word(text: str) -> str:
    """A unit in lower case and in the singular."""
    word = text.strip().casefold()
    return word.removesuffix("s") if len(word) > 2 else word
