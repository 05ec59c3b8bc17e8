"""sofa: measured rooms in AES69 files (SOFA), microphones or ears, by the library sofar."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._measured import MeasuredRoom, Read, response_at_16_khz
from .._pair import parse_pair, see

CONVENTIONS = (
    "SingleRoomSRIR",
    "SingleRoomMIMOSRIR",
    "MultiSpeakerBRIR",
    "SingleRoomDRIR",
    "GeneralFIR",
    "GeneralFIR-E",
    "GeneralFIRE",
)
CONDITION = "as measured"
BEHIND = -1e-3


@dataclass(eq=False)
class Sofa(MeasuredRoom):
    """One file of a single-room convention. Angles are seen from the middle of the ``pair`` of receivers, which turn with the
    listener, positive toward the second. Talkers behind the pair are mirror images of those before it and left out; of talkers
    one above the other the one nearest to the array's plane is taken. The range with the most positions is the grid."""

    path: Path
    pair: str = "1-2"

    def __post_init__(self) -> None:
        sofa = _opened(self.path)
        responses = _responses(sofa, self.path)
        pair = parse_pair(self.pair, responses.shape[1], self.path)
        rate_hz = float(np.ravel(sofa.Data_SamplingRate)[0])
        places: dict[Position, Read] = {}
        nearest: dict[tuple[float, float], float] = {}
        spacings_m: list[float] = []
        for index, talker, microphones, front, up in _geometry(sofa, responses, pair, self.path):
            axis, seen = microphones[1] - microphones[0], talker - microphones.mean(axis=0)
            range_m = float(np.linalg.norm(seen))
            spacings_m.append(float(np.linalg.norm(axis)))
            if not (spacings_m[-1] > 1e-4 and range_m > 1e-2):
                raise UserError(
                    f"{self.path}: microphones {self.pair}, or a talker and the array, are in one place; check the positions"
                )
            try:
                doa_deg, bearing_deg, depth = see(seen / range_m, axis, front, up)
            except ValueError as error:
                raise UserError(f"{self.path}: pair={self.pair}: {error}; choose two that stand apart") from error
            place, height = (round(bearing_deg, 1), round(range_m, 2)), abs(float(np.dot(seen, up)) / range_m)
            if depth > BEHIND and height < nearest.get(place, np.inf) - 1e-6:
                nearest[place] = height
                read = partial(_read, responses[index[0]][pair, index[1]], sofa, index[0], pair, rate_hz, self.path)
                places[Position(round(doa_deg, 2) + 0.0, place[1])] = read
        if np.ptp(spacings_m) > 1e-3:
            raise UserError(
                f"{self.path}: the microphones move against each other from measurement to measurement; choose another pair"
            )
        if not places:
            raise UserError(f"{self.path}: no talker stands before the pair {self.pair}; turn it round or choose another")
        self.describe(self.path, round(spacings_m[0], 4), {CONDITION: places}, {}, CONDITION, None)


def _opened(path: Path) -> Any:
    import sofar

    if path.is_dir():
        raise UserError(f"{path}: is a folder; give one SOFA file, rooms may be repeated")
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            sofa: Any = sofar.read_sofa(str(path), verify=False, verbose=False)  # pyright: ignore
    except Exception as error:  # netCDF and sofar fail in many ways on what is not SOFA
        raise UserError(f"{path}: cannot be read as a SOFA file ({error}); copy or download it again") from error
    if sofa.GLOBAL_SOFAConventions not in CONVENTIONS:
        raise UserError(
            f"{path}: convention {sofa.GLOBAL_SOFAConventions} is not of a room; readable are {', '.join(CONVENTIONS)}"
        )
    return sofa


def _responses(sofa: Any, path: Path) -> NDArray[np.float64]:
    """All responses ``[measurements, receivers, emitters, samples]``."""
    try:
        data = np.ma.filled(np.ma.asarray(sofa.Data_IR, np.float64), np.nan)
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(f"{path}: has no numeric Data.IR ({error}); it must hold impulse responses") from error
    wide = data.reshape(*data.shape, *[1] * (3 - data.ndim)) if data.ndim < 3 else data
    if wide.ndim == 3:
        return wide[:, :, None, :]
    return np.moveaxis(wide, 3, 2) if sofa.GLOBAL_DataType == "FIR-E" else wide


def _geometry(
    sofa: Any, responses: NDArray[np.float64], pair: list[int], path: Path
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """For every measurement and emitter: its indices, where the talker ``[3]`` and the pair ``[2, 3]`` are, and the listener's
    front and up ``[3]``, all in the room's coordinates."""
    measurements, _, emitters, _ = responses.shape
    kind = getattr(sofa, "ListenerView_Type", "cartesian")
    try:
        for m in range(measurements):
            listener = _vector(sofa.ListenerPosition, sofa.ListenerPosition_Type, m)
            front = _vector(getattr(sofa, "ListenerView", None), kind, m, default=(1.0, 0.0, 0.0))
            up = _vector(getattr(sofa, "ListenerUp", None), getattr(sofa, "ListenerUp_Type", kind), m, default=(0.0, 0.0, 1.0))
            front, up = front / np.linalg.norm(front), up / np.linalg.norm(up)
            turn = np.stack([front, np.cross(up, front), up], axis=1)
            local = [_vector(sofa.ReceiverPosition, sofa.ReceiverPosition_Type, m, item=index) for index in pair]
            microphones = listener + np.stack(local) @ turn.T
            source = _vector(sofa.SourcePosition, sofa.SourcePosition_Type, m)
            for e in range(emitters):
                own = _vector(sofa.EmitterPosition, sofa.EmitterPosition_Type, m, item=e) if emitters > 1 else np.zeros(3)
                found = source + own
                if not np.isfinite([*found, *microphones.ravel()]).all():
                    raise UserError(f"{path}: positions of measurement {m + 1} are missing or not finite; mend the file")
                yield (m, e), found, microphones, front, up
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path}: positions cannot be read ({error}); check it with the library sofar") from error


def _vector(
    value: Any, kind: str, m: int, item: int | None = None, default: tuple[float, float, float] | None = None
) -> NDArray[np.float64]:
    """Cartesian ``[3]`` of measurement ``m``, out of ``[I or M, 3]``, or of one ``item`` out of ``[items, 3, I or M]``."""
    if value is None:
        return np.array(default, np.float64)
    array = np.ma.filled(np.ma.asarray(value, np.float64), np.nan)
    if item is not None:
        array = array[:, :, None] if array.ndim == 2 else array
        array = array[item, :, m if array.shape[2] > 1 else 0]
    elif array.ndim > 1:
        array = array[m if len(array) > 1 else 0]
    vector = np.asarray(array, np.float64).reshape(3)
    if kind != "spherical":
        return vector
    azimuth, elevation = np.radians(vector[:2])
    return vector[2] * np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])


def _read(response: NDArray[np.float64], sofa: Any, m: int, pair: list[int], rate_hz: float, path: Path) -> NDArray[np.float32]:
    """``response [2, samples]`` with the delays that the file keeps apart put back, in whole samples at its own rate."""
    where = f"{path}, measurement {m + 1}"
    delays = np.atleast_2d(np.asarray(getattr(sofa, "Data_Delay", 0.0), np.float64))
    row = delays.reshape(len(delays), -1)[m if len(delays) > 1 else 0]
    shifts = row[pair] if len(row) > max(pair) else np.zeros(2)
    shifts = shifts - shifts.min()
    padded = np.zeros((response.shape[1] + int(np.ceil(shifts.max())), 2))
    for channel, shift in enumerate(np.round(shifts).astype(int)):
        padded[shift : shift + response.shape[1], channel] = response[channel]
    return response_at_16_khz(padded, rate_hz, where)
