"""Simulated shoebox rooms: randomised image method, absorption found by bisection on the measured RT60."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from ..benchmark.cache import cache_folder
from ..benchmark.dataset import SAMPLE_RATE_HZ, Condition, Position, PositionKind
from ..benchmark.digest import digest, source_digest
from ..benchmark.errors import UserError
from ..benchmark.seeds import seed_of
from ..benchmark.weights import load_arrays, save_arrays
from ._convolution import ImpulseResponseRoom

_Arrays: TypeAlias = dict[str, NDArray[np.generic]]

XYZ: TypeAlias = tuple[float, float, float]

IMAGE_ORDER = 40
IMAGE_DISPLACEMENT_M = 0.05
RESPONSE_S = 1.0
CALIBRATION_DB = 30
RT60_TOLERANCE_S = 0.001
"""Far below how much the measured value differs between positions (about 0.01 s)."""


@dataclass(frozen=True)
class Elsewhere:
    """A place that shares no response with the grid: the grid's directions with something of the room changed, and the images
    displaced at random anew. ``turned_deg`` turns the array, seen from above, counter-clockwise; ``absorption`` is that of the
    walls, by default as in the room."""

    name: str
    range_m: float
    array_centre_m: XYZ
    turned_deg: float = 0.0
    size_m: XYZ | None = None
    absorption: float | None = None


class ShoeboxRoom(ImpulseResponseRoom):
    """A rectangular room with one absorption for all walls, the array along +x with broadside +y, and a talker of the
    cardioid family that faces the array.

    ``directivity`` is p in ``p + (1 - p) cos``: 1 is omnidirectional. Responses are kept in the user's cache under a hash
    of all that they depend on.
    """

    name: str
    size_m: XYZ
    array_centre_m: XYZ
    directivity: float
    rt60_s: tuple[float, ...]
    places: dict[PositionKind, tuple[Position, ...]]
    elsewhere: tuple[Elsewhere, ...] = ()

    def __init__(self) -> None:
        self.conditions = tuple(Condition(f"rt60={value:g}", value, self._calibrated(value)[1]) for value in self.rt60_s)

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        if kind == "unseen":
            return tuple(position for place in self.elsewhere for position in self._positions_at(place))
        return self.places.get(kind, ())

    def walls_m(self, place: str = "") -> tuple[tuple[float, float], ...]:
        where = next((one for one in self.elsewhere if one.name == place), self._shown())
        (width, depth, _), (x, y, _) = where.size_m or self.size_m, where.array_centre_m
        corners = np.array([(0, 0), (width, 0), (width, depth), (0, depth)]) - (x, y)
        angle = np.deg2rad(where.turned_deg)
        turned = corners @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]  # as the turned array sees it
        return tuple((float(right), float(ahead)) for right, ahead in turned.round(3))

    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        return self._responses(self.condition(condition).rt60_s, kind)

    @cache  # noqa: B019 - a room lives as long as the process
    def _responses(self, rt60_s: float, kind: PositionKind) -> NDArray[np.float32]:
        def simulate() -> _Arrays:
            absorption = self._calibrated(rt60_s)[0]
            if kind != "unseen":
                return {"responses": self._simulate(absorption, self._shown(), self.positions(kind), kind)}
            return {"responses": np.concatenate([self._simulated_at(place, absorption) for place in self.elsewhere])}

        return self._cached(f"{self.name}-{kind}", [rt60_s, kind], simulate)["responses"].astype(np.float32, copy=False)

    def _shown(self) -> Elsewhere:
        """The place of everything but ``unseen`` positions."""
        return Elsewhere("", 0.0, self.array_centre_m)

    def _simulated_at(self, place: Elsewhere, absorption: float) -> NDArray[np.float32]:
        own = absorption if place.absorption is None else place.absorption
        return self._simulate(own, place, self._positions_at(place), place.name)

    def _positions_at(self, place: Elsewhere) -> tuple[Position, ...]:
        return tuple(Position(angle, place.range_m, place.name) for angle in self.candidates_deg)

    @cache  # noqa: B019
    def _calibrated(self, rt60_s: float) -> tuple[float, float]:
        """Absorption whose measured RT60, averaged over the grid positions, is the target; and that measured value."""

        def calibrate() -> _Arrays:
            low, high = 0.02, 0.98
            for _ in range(24):
                absorption = (low + high) / 2
                measured = calibration_rt60_s(self._simulate(absorption, self._shown(), self.positions("grid"), "grid"))
                if abs(measured - rt60_s) < RT60_TOLERANCE_S:
                    return {"absorption": np.array(absorption), "measured_rt60_s": np.array(measured)}
                low, high = (absorption, high) if measured > rt60_s else (low, absorption)
            raise UserError(f"{self.name}: no absorption gives RT60 {rt60_s:g} s in a room of {self.size_m} m; change its RT60")

        found = self._cached(f"{self.name}-absorption", [rt60_s], calibrate)
        return float(found["absorption"]), float(found["measured_rt60_s"])

    def _cached(self, name: str, inputs: list[object], compute: Callable[[], _Arrays]) -> _Arrays:
        grid = {kind: [[p.doa_deg, p.range_m] for p in places] for kind, places in self.places.items()}
        room = [self.name, self.size_m, self.array_centre_m, self.spacing_m, self.directivity, grid]
        room += [[vars(place) for place in self.elsewhere]] if self.elsewhere else []
        return kept(name, [room, inputs, source_digest(ShoeboxRoom)], compute)

    def _simulate(
        self, absorption: float, place: Elsewhere, positions: tuple[Position, ...], drawn_for: str
    ) -> NDArray[np.float32]:
        """The same images are displaced alike for every absorption."""
        where = replace(place, size_m=place.size_m or self.size_m, absorption=absorption)
        return simulated(where, positions, self.spacing_m, self.directivity, self.name, drawn_for)


def kept(name: str, inputs: list[object], compute: Callable[[], _Arrays]) -> _Arrays:
    """Arrays from the user's cache, or made now and kept there under a hash of all ``inputs`` that they depend on."""
    folder, file = cache_folder() / "rooms", f"{name}-{digest(inputs)}.safetensors"
    if (folder / file).is_file():
        with suppress(SafetensorError, OSError):  # a damaged file is made again
            return load_arrays(folder, file)
    made = compute()
    save_arrays(folder, made, file)
    return made


def simulated(
    place: Elsewhere, positions: Sequence[Position], spacing_m: float, directivity: float, *seed: str
) -> NDArray[np.float32]:
    """Responses ``[positions, 2, 16000]`` in a room of ``place.size_m`` and ``place.absorption``; ``seed`` names how images are
    displaced."""
    import pyroomacoustics as pra
    from pyroomacoustics.directivities import CardioidFamily, DirectionVector

    pra.random.seed(numpy=seed_of("image-displacement", *seed) % 2**32, libroom=0)
    room = pra.ShoeBox(
        place.size_m,
        fs=SAMPLE_RATE_HZ,
        materials=pra.Material(place.absorption),
        max_order=IMAGE_ORDER,
        use_rand_ism=True,
        max_rand_disp=IMAGE_DISPLACEMENT_M,
    )
    centre, turned = np.array(place.array_centre_m), np.radians(place.turned_deg)
    for position in positions:
        away = towards(position.doa_deg, place.turned_deg)
        facing = DirectionVector(azimuth=float(np.arctan2(-away[1], -away[0])), colatitude=np.pi / 2, degrees=False)
        talker = CardioidFamily(orientation=facing, p=directivity, gain=1.0)
        room.add_source(centre + position.range_m * away, directivity=talker)
    half = spacing_m / 2 * np.array([np.cos(turned), np.sin(turned), 0.0])
    room.add_microphone_array(np.stack([centre - half, centre + half], axis=1))
    room.image_source_model()
    for source in room.sources:
        # The library displaces the talker itself along with its images, by up to 2.5 degrees: put it back.
        source.images[:, source.orders == 0] = source.position[:, None]
    room.compute_rir()
    length = int(RESPONSE_S * SAMPLE_RATE_HZ)
    responses = np.zeros((len(positions), 2, length), np.float32)
    assert room.rir is not None
    for microphone, row in enumerate(room.rir):
        for source, response in enumerate(row):
            cut = response[:length]
            responses[source, microphone, : len(cut)] = cut
    return responses


def towards(doa_deg: float, turned_deg: float) -> NDArray[np.float64]:
    """The unit vector from an array that is ``turned_deg`` to a talker."""
    angle = np.radians(doa_deg) - np.radians(turned_deg)
    return np.array([np.sin(angle), np.cos(angle), 0.0])


def calibration_rt60_s(responses: NDArray[np.float32]) -> float:
    """What the absorption is set by: the mean over ``responses [positions, 2, samples]`` of a T30 at microphone 1 that takes
    all that is there for decay. Simulated responses hold no noise; measured ones need `measured_rt60_s`."""
    from pyroomacoustics.experimental import measure_rt60

    return float(np.mean([measure_rt60(pair[0], fs=SAMPLE_RATE_HZ, decay_db=CALIBRATION_DB) for pair in responses]))
