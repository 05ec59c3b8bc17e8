"""sofa: measured rooms in AES69 files (SOFA), microphones or ears, by the library sofar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...benchmark.acoustics import tdoa_s
from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._measure import Floats, array_tdoa_s, direct_sound
from .._measured import RESPONSE_S, MeasuredRoom, Read, response_at_16_khz
from .._pair import parse_pair, see
from .._sofa import SofaContent, read_sofa

CONDITION = "as measured"
BEHIND = -1e-3
REACH = 64
"""Samples over which a delay by a fraction of one spreads, to both sides, in all responses of a file that has one."""

AGREE_S = 3e-6
"""How far measured delays may lie from what positions say, at the median, before another reading of these is tried."""
MOST_ASKED = 50


@dataclass(eq=False)
class Sofa(MeasuredRoom):
    """One file of a room's convention, or of a head's that says that it was measured in a room. Angles are seen from the middle
    of the ``pair`` of receivers, which turn with the listener, positive toward the second. Talkers behind the pair are mirror
    images of those before it and left out, and so are talkers more than ``elevation_deg`` higher or lower than the one nearest
    to the array's plane; of talkers one above the other that one is taken. The range with the most positions is the grid.

    For what a file may have wrong or not have: ``spacing_m`` (the receivers stand so far apart, the first on the left if they
    are in one place), ``clockwise`` (azimuths run clockwise: talkers change sides), ``origin=listener`` (positions of talkers
    count from the listener instead of the room's origin).
    """

    path: Path
    pair: str = "1-2"
    spacing_m: float = 0.0
    elevation_deg: float = 10.0
    clockwise: bool = False
    origin: Literal["room", "listener"] = "room"

    def __post_init__(self) -> None:
        if not (0 <= self.elevation_deg <= 90 and (self.spacing_m == 0 or 1e-3 <= self.spacing_m <= 10)):
            raise UserError(
                f"{self.path}: elevation_deg={self.elevation_deg:g}, spacing_m={self.spacing_m:g}: expected up to 90 degrees, "
                "and 0.001 to 10 m"
            )
        content = read_sofa(self.path)
        self.notes = content.notes
        if len(rates := sorted(set(content.rate_hz.tolist()))) > 1:
            self.notes += (
                f"Data.SamplingRate differs between measurements, {rates[0]:g} to {rates[-1]:g} Hz; each has its own",
            )
        pair = parse_pair(self.pair, content.responses.shape[1], self.path)
        microphones, talkers = self._microphones(content, pair), self._talkers(content, self.origin)
        if np.ptp(spacings_m := np.linalg.norm(microphones[:, 1] - microphones[:, 0], axis=1)) > 1e-3:
            raise UserError(
                f"{self.path}: the microphones move against each other from measurement to measurement; choose another pair"
            )
        heard = self._heard(content, pair)
        taken = {one.position: one.at for one in self._taken(self._seen(talkers, microphones), content)}
        places = {position: heard(*at) for position, at in taken.items()}
        if self.origin == "room" and content.listener.any():
            self._check_origin(content, microphones, dict(zip(taken.values(), places.values(), strict=True)))
        self.describe(self.path, round(float(spacings_m[0]), 4), {CONDITION: places}, {}, CONDITION, None)

    def _heard(self, content: SofaContent, pair: list[int]) -> Callable[[int, int], Read]:
        """What reads the response of a measurement and an emitter, with the delays that the file keeps apart put back."""
        delays = content.delays[:, pair]
        possible = (np.abs(delays) <= RESPONSE_S * content.rate_hz[:, None, None]).all(axis=(1, 2))
        if not possible.all():
            raise UserError(
                f"{self.path}: Data.Delay of measurement {int(np.argmin(possible)) + 1} is not a number or longer than "
                f"{RESPONSE_S:g} s; mend the file"
            )
        reach = REACH if _fractions(delays - delays.min(axis=1, keepdims=True)).any() else 0

        def heard(m: int, e: int) -> Read:
            late = delayed(content.responses[m, pair, e], delays[m, :, e], reach)
            return partial(response_at_16_khz, late.T, float(content.rate_hz[m]), f"{self.path}, measurement {m + 1}")

        return heard

    def _check_origin(self, content: SofaContent, microphones: Floats, heard: dict[tuple[int, int], Read]) -> None:
        """Raises UserError where delays show that positions of talkers count from the listener, who is not at the origin."""
        axis = microphones[:, 1] - microphones[:, 0]
        spacing_m = float(np.linalg.norm(axis[0]))
        some = list(heard)[:: len(heard) // MOST_ASKED + 1]
        tdoas_s = [array_tdoa_s(response[:, direct_sound(response)], spacing_m) for response in (heard[at]() for at in some)]
        off_s = []
        for origin in ("room", "listener"):
            away = self._talkers(content, origin) - microphones.mean(axis=1)[:, None]
            along = (away * axis[:, None]).sum(axis=2) / np.maximum(np.linalg.norm(away, axis=2), 1e-2) / spacing_m
            expected_s = tdoa_s(np.degrees(np.arcsin(np.clip(along, -1, 1))), spacing_m)
            off_s.append(float(np.median([abs(tdoa - expected_s[at]) for tdoa, at in zip(tdoas_s, some, strict=True)])))
        if off_s[0] > max(AGREE_S, 4 * off_s[1]):
            raise UserError(
                f"{self.path}: the delays between the microphones fit SourcePosition counted from the listener, not from the "
                "room's origin; give origin=listener, or mend ListenerPosition"
            )

    def _microphones(self, content: SofaContent, pair: list[int]) -> Floats:
        """``[M, 2, 3]``, seen from the listener: front, left, up."""
        if not self.spacing_m:
            microphones = content.receivers[:, pair]
            if not np.isfinite(microphones).all():
                raise UserError(
                    f"{self.path}: ReceiverPosition is missing or not finite; mend the file, or give spacing_m=0.08"
                )
            return microphones
        middle, axis = np.zeros(3), np.array([0.0, -1.0, 0.0]) * np.sign(pair[1] - pair[0])
        microphones = np.nan_to_num(content.receivers[:, pair])
        apart = np.linalg.norm(microphones[:, 1] - microphones[:, 0], axis=1)
        if (apart > 1e-4).all():
            if np.abs(apart - self.spacing_m).max() > 1e-3:
                self.notes += (f"microphones {self.spacing_m:g} m apart, as was asked for; the file says {apart.max():.3g} m",)
            middle, axis = microphones.mean(axis=1), (microphones[:, 1] - microphones[:, 0]) / apart[:, None]
        half = np.broadcast_to(axis * self.spacing_m / 2, (len(microphones), 3))
        return np.stack([middle - half, middle + half], axis=1)

    def _talkers(self, content: SofaContent, origin: str) -> Floats:
        """``[M, E, 3]``, seen from the listener: front, left, up."""
        away = content.talkers - (content.listener[:, None] if origin == "room" else 0.0)
        if not np.isfinite(away).all():
            wrong = int(np.argmin(np.isfinite(away).all(axis=(1, 2))))
            raise UserError(
                f"{self.path}: SourcePosition, EmitterPosition or ListenerPosition of measurement {wrong + 1} is missing or "
                "not finite; mend the file"
            )
        seen = np.einsum("mji,mej->mei", content.turned, away)
        return seen * (1.0, -1.0 if self.clockwise else 1.0, 1.0)

    def _seen(self, talkers: Floats, microphones: Floats) -> list[_Seen]:
        found = []
        for m, (first, second) in enumerate(microphones):
            for e, talker in enumerate(talkers[m] - (first + second) / 2):
                range_m = float(np.linalg.norm(talker))
                if not (np.linalg.norm(second - first) > 1e-4 and range_m > 1e-2):
                    raise UserError(
                        f"{self.path}: microphones {self.pair}, or a talker and the array, are in one place; check "
                        "ReceiverPosition (or give spacing_m=0.08), SourcePosition, EmitterPosition and ListenerPosition"
                    )
                try:
                    doa_deg, bearing_deg, depth = see(talker / range_m, second - first)
                except ValueError as error:
                    raise UserError(f"{self.path}: pair={self.pair}: {error}; choose two that stand apart") from error
                elevation_deg = float(np.degrees(np.arcsin(abs(talker[2]) / range_m)))
                found.append(_Seen((m, e), doa_deg, bearing_deg, range_m, elevation_deg, depth))
        return found

    def _taken(self, found: list[_Seen], content: SofaContent) -> list[_Seen]:
        """One talker of each place before the pair, near the array's plane; ``notes`` say which were left out."""
        before = [one for one in found if one.depth > BEHIND]
        if not before:
            raise UserError(
                f"{self.path}: no talker stands before the pair {self.pair} by SourcePosition, ListenerPosition and "
                "ListenerView; turn it round or choose another"
                + ("; or origin=listener, if SourcePosition counts from the listener" if content.listener.any() else "")
            )
        lowest_deg = min(one.elevation_deg for one in before)
        level = [one for one in before if one.elevation_deg <= lowest_deg + self.elevation_deg + 1e-6]
        nearest: dict[tuple[float, float], _Seen] = {}
        for one in level:
            place = round(one.bearing_deg, 1), round(one.range_m, 2)
            if place not in nearest or one.elevation_deg < nearest[place].elevation_deg - 1e-6:
                nearest[place] = one
        chosen = list({one.position: one for one in nearest.values()}.values())
        counted = (
            (len(found) - len(before), "talkers behind the pair are left out: a pair cannot tell them from those before it"),
            (
                len(before) - len(level),
                f"talkers more than {self.elevation_deg:g} degrees above or below the others are left out; elevation_deg=90 "
                "takes them in",
            ),
            (len(level) - len(chosen), "responses are left out: others come from the same direction and range"),
        )
        self.notes += tuple(f"{count} of {len(found)} {what}" for count, what in counted if count)
        if lowest_deg > self.elevation_deg:
            self.notes += (f"all talkers are {lowest_deg:.0f} degrees or more above or below the array's plane",)
        return chosen


class _Seen(NamedTuple):
    """A talker as the pair sees it: which measurement and emitter, and where (`see`)."""

    at: tuple[int, int]
    doa_deg: float
    bearing_deg: float
    range_m: float
    elevation_deg: float
    depth: float

    @property
    def position(self) -> Position:
        return Position(round(self.doa_deg, 2) + 0.0, round(self.range_m, 2))


def delayed(response: NDArray[np.floating], delays: Floats, reach: int) -> Floats:
    """``response [2, n]``, each channel later by its own number of samples; what both have in common is left away.

    Fractions of a sample are a sinc under a Hann window that moves with it, over ``reach`` samples to both sides, 0 for whole
    samples. The exact one for the whole band would ring through the decay of the room.
    """
    shifts = delays - delays.min()
    fractions = _fractions(shifts)
    taps = np.arange(-reach, reach + 1) - fractions[:, None]
    kernels = np.sinc(taps) * np.where(np.abs(taps) < reach, np.cos(np.pi * taps / max(2 * reach, 1)) ** 2, 0 if reach else 1)
    starts = np.round(shifts - fractions).astype(int)
    later = np.zeros((2, response.shape[1] + 2 * reach + starts.max()))
    for channel, (start, kernel) in enumerate(zip(starts, kernels, strict=True)):
        moved = np.convolve(response[channel], kernel)
        later[channel, start : start + len(moved)] = moved
    return later


def _fractions(shifts: Floats) -> Floats:
    """What is left of numbers of samples beyond the whole ones, from 0 to 1."""
    left = shifts - np.floor(shifts + 1e-6)
    return np.where(left > 1e-6, left, 0.0)
