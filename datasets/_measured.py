"""Rooms that were measured: one response per position and condition, read from files of whatever form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from math import gcd
from typing import TypeAlias

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ, Condition, Position, PositionKind
from ..benchmark.errors import UserError
from ._convolution import ImpulseResponseRoom
from ._measure import measured_rt60_s

RESPONSE_S = 1.0

Read: TypeAlias = Callable[[], NDArray[np.float32]]
"""Reads one response ``[2, samples]`` at 16 kHz; raises UserError that names the file."""


class MeasuredRoom(ImpulseResponseRoom):
    """A room known by measured responses.

    The grid is the range with the most positions (or the one that a subclass names); positions at other ranges, in directions
    of the grid, are off-range. Unseen are all responses in these directions at other ranges or in other conditions. A subclass
    calls `describe` once it has found its files.
    """

    measured = True
    reads_path = True

    def describe(
        self,
        where: object,
        spacing_m: float,
        places: Mapping[str, Mapping[Position, Read]],
        nominal_rt60_s: Mapping[str, float | None],
        train: str,
        transfer: str | None,
        grid_range_m: float | None = None,
    ) -> None:
        """Take in all responses by condition and position; the first condition is ``train``. Raises UserError."""
        for name in filter(None, (train, transfer)):
            if name not in places:
                raise UserError(f"{where}: no responses of condition {name}; there are: {', '.join(places) or 'none'}")
        self.where, self.spacing_m, self._places = where, spacing_m, places
        self.nominal_rt60_s = nominal_rt60_s
        self.transfer = transfer if transfer != train else None
        ranges = Counter(position.range_m for position in places[train])
        grid_m = grid_range_m if grid_range_m is not None else min(ranges, key=lambda range_m: (-ranges[range_m], range_m))
        by_angle = sorted(places[train], key=lambda position: (position.range_m, position.doa_deg))
        grid = tuple(position for position in by_angle if position.range_m == grid_m)
        angles = {position.doa_deg for position in grid}
        if len(angles) < 2:
            raise UserError(f"{where}: {len(angles)} direction at {grid_m:g} m; methods need at least two to choose from")
        elsewhere = tuple(p for p in by_angle if p.range_m != grid_m and p.doa_deg in angles)
        self._kinds: dict[PositionKind, tuple[Position, ...]] = {"grid": grid, "off_range": elsewhere}
        order = [train, *(name for name in places if name != train)]
        self._unseen = {
            replace(position, place=f"{'range' if name == train else f'condition {name}'}: {position.range_m:g} m"): read
            for name in order
            for position, read in sorted(places[name].items(), key=lambda item: (item[0].range_m, item[0].doa_deg))
            if position.doa_deg in angles and (name, position.range_m) != (train, grid_m)
        }
        self._kinds["unseen"] = tuple(self._unseen)
        self.conditions = tuple(self._condition(name, nominal_rt60_s.get(name)) for name in order)

    def positions(self, kind: PositionKind) -> tuple[Position, ...]:
        return self._kinds.get(kind, ())

    def responses(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        return self._stacked(condition, kind)

    @cache  # noqa: B019 - a room lives as long as the process
    def _stacked(self, condition: str, kind: PositionKind) -> NDArray[np.float32]:
        positions = self.positions(kind)
        readers = self._unseen if kind == "unseen" else self._places[condition]
        for position in positions:
            if position not in readers:
                raise UserError(
                    f"{self.where}: condition {condition} has no response from {position.doa_deg:g} degrees at "
                    f"{position.range_m:g} m; every condition needs the same positions"
                )
        read = [readers[position]() for position in positions]
        if not read:
            return np.zeros((0, 2, 0), np.float32)
        longest = max(response.shape[1] for response in read)
        return np.stack([np.pad(response, ((0, 0), (0, longest - response.shape[1]))) for response in read])

    def _condition(self, name: str, nominal_s: float | None) -> Condition:
        """Where nobody has given a nominal value, ``rt60_s`` is the measured one in hundredths, or 0: not known."""
        measured_s = measured_rt60_s(self.responses(name, "grid"))
        return Condition(name, round(measured_s or 0.0, 2) if nominal_s is None else nominal_s, measured_s)


def response_at_16_khz(samples: NDArray[np.floating], rate_hz: float, where: object) -> NDArray[np.float32]:
    """The first second of ``samples [n, 2]`` at any rate from 16 kHz up -> ``[2, m]`` at 16 kHz. Raises UserError."""
    if not len(samples):
        raise UserError(f"{where}: holds no samples; export it again")
    if not np.isfinite(samples).all():
        raise UserError(f"{where}: holds NaN or infinite samples; export it again")
    if not np.abs(samples).max(axis=0).all():
        raise UserError(f"{where}: a microphone of the pair is silent; choose another pair or export it again")
    return at_16_khz(samples[: round(RESPONSE_S * rate_hz)], rate_hz, where).T.copy()


def at_16_khz(samples: NDArray[np.floating], rate_hz: float, where: object) -> NDArray[np.float32]:
    """``samples [n, channels]`` resampled (polyphase filter, linear phase). Raises UserError for rates below 16 kHz."""
    rate = round(rate_hz)
    if rate < SAMPLE_RATE_HZ or abs(rate - rate_hz) > 1e-6:
        raise UserError(f"{where}: {rate_hz:g} Hz; recordings must be at {SAMPLE_RATE_HZ} Hz or above, in whole hertz")
    common = gcd(rate, SAMPLE_RATE_HZ)
    if rate == SAMPLE_RATE_HZ:
        return samples.astype(np.float32)
    resampled = scipy.signal.resample_poly(samples.astype(np.float64), SAMPLE_RATE_HZ // common, rate // common, axis=0)
    return np.asarray(resampled, np.float32)
