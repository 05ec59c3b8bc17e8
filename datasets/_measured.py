"""Rooms that were measured: one response per position and condition, read from files of whatever form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
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
LOUDEST = 1e30
"""Beyond that, single precision comes to its end; nothing was ever recorded so."""
RANGE_TOLERANCE = 0.1
"""Ranges up to so much above another are one range, unless a direction stands at both."""

Read: TypeAlias = Callable[[], NDArray[np.float32]]
"""Reads one response ``[2, samples]`` at 16 kHz; raises UserError that names the file."""


class MeasuredRoom(ImpulseResponseRoom):
    """A room known by measured responses.

    The grid is the range with the most positions (or the one that a subclass names); positions at other ranges, in directions
    of the grid, are off-range. Unseen are all responses in these directions at other ranges or in other conditions. Ranges as
    measured, of which the farthest is no more than a tenth above the nearest, are one range, their median. A subclass calls
    `describe` once it has found its files; ``notes`` say what is left out.
    """

    measured = True
    reads_path = True
    notes: tuple[str, ...] = ()

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
        places, merged = _by_nominal_range(places)
        self.where, self.spacing_m, self._places = where, spacing_m, places
        self.nominal_rt60_s = nominal_rt60_s
        self.transfer = transfer if transfer != train else None
        ranges = Counter(position.range_m for position in places[train])
        most_m = min(ranges, key=lambda range_m: (-ranges[range_m], range_m))
        grid_m = most_m if grid_range_m is None else merged.get(grid_range_m, grid_range_m)
        by_angle = sorted(places[train], key=_place)
        grid = tuple(position for position in by_angle if position.range_m == grid_m)
        angles = {position.doa_deg for position in grid}
        elsewhere = tuple(p for p in by_angle if p.range_m != grid_m and p.doa_deg in angles)
        self._kinds: dict[PositionKind, tuple[Position, ...]] = {"grid": grid, "off_range": elsewhere}
        order = [train, *(name for name in places if name != train)]
        self._unseen = {
            replace(position, place=f"{'range' if name == train else f'condition {name}'}: {position.range_m:g} m"): read
            for name in order
            for position, read in sorted(places[name].items(), key=lambda item: _place(item[0]))
            if position.doa_deg in angles and (name, position.range_m) != (train, grid_m)
        }
        self._kinds["unseen"] = tuple(self._unseen)
        self.notes += tuple(on_ranges(merged))
        if lost := sorted(
            {position for found in places.values() for position in found if position.doa_deg not in angles}, key=_place
        ):
            shown = ", ".join(f"{position.doa_deg:g} degrees at {position.range_m:g} m" for position in lost[:4])
            more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
            self.notes += (f"left out, in directions that the grid at {grid_m:g} m lacks: {shown}{more}",)
        self.conditions = tuple(self._condition(name, nominal_rt60_s.get(name)) for name in order)

    def untrainable(self) -> str | None:
        reason = super().untrainable()
        return reason and "; ".join((reason, *self.notes))

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


def nominal_ranges(positions: Iterable[tuple[object, Position]]) -> dict[float, float]:
    """The nominal range of every range of ``positions``, each of which belongs to a condition or a clip.

    From the nearest on, those up to `RANGE_TOLERANCE` above it are one range, their median in centimetres, as far as none of
    them brings a direction of the same condition or clip a second time: what is there twice was meant to be two ranges.
    """
    at: dict[float, list[tuple[object, float]]] = {}
    for owner, position in positions:
        at.setdefault(position.range_m, []).append((owner, position.doa_deg))
    groups: list[list[float]] = []
    for range_m in sorted(at):
        there = {place for other in groups[-1] for place in at[other]} if groups else set()
        if groups and range_m <= (1 + RANGE_TOLERANCE) * groups[-1][0] and there.isdisjoint(at[range_m]):
            groups[-1].append(range_m)
        else:
            groups.append([range_m])
    medians_m = [float(np.median([range_m for range_m in group for _ in at[range_m]])) for group in groups]
    return {
        range_m: min(max(round(median_m, 2), group[0]), group[-1])
        for group, median_m in zip(groups, medians_m, strict=True)
        for range_m in group
    }


def _by_nominal_range(
    places: Mapping[str, Mapping[Position, Read]],
) -> tuple[dict[str, dict[Position, Read]], dict[float, float]]:
    nominal_m = nominal_ranges((name, position) for name, found in places.items() for position in found)
    moved = {
        name: {replace(position, range_m=nominal_m[position.range_m]): read for position, read in found.items()}
        for name, found in places.items()
    }
    return moved, nominal_m


def on_ranges(nominal_m: Mapping[float, float]) -> Iterator[str]:
    """What a person should know of `nominal_ranges`."""
    for median_m in dict.fromkeys(nominal_m.values()):
        group = [range_m for range_m, nominal in nominal_m.items() if nominal == median_m]
        if len(group) > 1:
            yield f"{len(group)} ranges from {min(group):g} to {max(group):g} m are taken as one, {median_m:g} m"


def _place(position: Position) -> tuple[float, float]:
    return position.range_m, position.doa_deg


def response_at_16_khz(samples: NDArray[np.floating], rate_hz: float, where: object) -> NDArray[np.float32]:
    """The first second of ``samples [n, 2]`` at any rate from 16 kHz up -> ``[2, m]`` at 16 kHz. Raises UserError."""
    if not len(samples):
        raise UserError(f"{where}: holds no samples; export it again")
    if not (np.abs(samples) < LOUDEST).all():
        raise UserError(f"{where}: holds NaN, infinite or absurdly loud samples; export it again")
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
