"""Simulated shoebox rooms: randomised image method, absorption found by bisection on the measured RT60."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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
from ._measure import measured_rt60_s

_Arrays: TypeAlias = dict[str, NDArray[np.generic]]

IMAGE_ORDER = 40
IMAGE_DISPLACEMENT_M = 0.05
RESPONSE_S = 1.0
RT60_TOLERANCE_S = 0.001
"""Far below how much the measured value differs between positions (about 0.01 s)."""


class ShoeboxRoom(ImpulseResponseRoom):
    """A rectangular room with one absorption for all walls, the array along +x with broadside +y, and a talker of the
    cardioid family that faces the array.

    ``directivity`` is p in ``p + (1 - p) cos``: 1 is omnidirectional. Responses are kept in the user's cache under a hash
    of all that they depend on.
    """

    name: str
    size_m: tuple[float, float, float]
    array_centre_m: tuple[float, float, float]
    directivity: float
    rt60_s: tuple[float, ...]
    places: dict[PositionKind, tuple[Position, ...]]

    def __init__(self) -> None:
        self.conditions = tuple(Condition(f"rt60={value:g}", value, self._calibrated(value)[1]) for value in self.rt60_s)

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        return self.places.get(kind, ())

    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        return self._responses(self.condition(condition).rt60_s, kind)

    @cache  # noqa: B019 - a room lives as long as the process
    def _responses(self, rt60_s: float, kind: PositionKind) -> NDArray[np.float32]:
        def simulate() -> _Arrays:
            return {"responses": self._simulate(self._calibrated(rt60_s)[0], kind)}

        return self._cached(f"{self.name}-{kind}", [rt60_s, kind], simulate)["responses"].astype(np.float32, copy=False)

    @cache  # noqa: B019
    def _calibrated(self, rt60_s: float) -> tuple[float, float]:
        """Absorption whose measured RT60, averaged over the grid positions, is the target; and that measured value."""

        def calibrate() -> _Arrays:
            low, high = 0.02, 0.98
            for _ in range(24):
                absorption = (low + high) / 2
                measured = measured_rt60_s(self._simulate(absorption, "grid"))
                if abs(measured - rt60_s) < RT60_TOLERANCE_S:
                    return {"absorption": np.array(absorption), "measured_rt60_s": np.array(measured)}
                low, high = (absorption, high) if measured > rt60_s else (low, absorption)
            raise UserError(f"{self.name}: no absorption gives RT60 {rt60_s:g} s in a room of {self.size_m} m; change its RT60")

        found = self._cached(f"{self.name}-absorption", [rt60_s], calibrate)
        return float(found["absorption"]), float(found["measured_rt60_s"])

    def _cached(self, name: str, inputs: list[object], compute: Callable[[], _Arrays]) -> _Arrays:
        grid = {kind: [[p.doa_deg, p.range_m] for p in places] for kind, places in self.places.items()}
        room = [self.name, self.size_m, self.array_centre_m, self.spacing_m, self.directivity, grid]
        key = digest([room, inputs, source_digest(ShoeboxRoom)])
        folder, file = cache_folder() / "rooms", f"{name}-{key}.safetensors"
        if (folder / file).is_file():
            with suppress(SafetensorError, OSError):  # a damaged file is made again
                return load_arrays(folder, file)
        made = compute()
        save_arrays(folder, made, file)
        return made

    def _simulate(self, absorption: float, kind: PositionKind) -> NDArray[np.float32]:
        """Responses ``[positions, 2, 16000]``. The same images are displaced alike for every absorption."""
        import pyroomacoustics as pra
        from pyroomacoustics.directivities import CardioidFamily, DirectionVector

        pra.random.seed(numpy=seed_of("image-displacement", self.name, kind) % 2**32, libroom=0)
        room = pra.ShoeBox(
            self.size_m,
            fs=SAMPLE_RATE_HZ,
            materials=pra.Material(absorption),
            max_order=IMAGE_ORDER,
            use_rand_ism=True,
            max_rand_disp=IMAGE_DISPLACEMENT_M,
        )
        centre = np.array(self.array_centre_m)
        for position in self.positions(kind):
            angle = np.radians(position.doa_deg)
            away = np.array([np.sin(angle), np.cos(angle), 0.0])
            towards = DirectionVector(azimuth=float(np.arctan2(-away[1], -away[0])), colatitude=np.pi / 2, degrees=False)
            talker = CardioidFamily(orientation=towards, p=self.directivity, gain=1.0)
            room.add_source(centre + position.range_m * away, directivity=talker)
        half = np.array([self.spacing_m / 2, 0.0, 0.0])
        room.add_microphone_array(np.stack([centre - half, centre + half], axis=1))
        room.image_source_model()
        for source in room.sources:
            # The library displaces the talker itself along with its images, by up to 2.5 degrees: put it back.
            source.images[:, source.orders == 0] = source.position[:, None]
        room.compute_rir()
        length = int(RESPONSE_S * SAMPLE_RATE_HZ)
        responses = np.zeros((len(self.positions(kind)), 2, length), np.float32)
        assert room.rir is not None
        for microphone, row in enumerate(room.rir):
            for source, response in enumerate(row):
                cut = response[:length]
                responses[source, microphone, : len(cut)] = cut
        return responses
