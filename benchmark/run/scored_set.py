"""Which sequences a cell scores, and how much of them was there before: the shares that have a frame, a clip, a speaker or a
room response in common with sequences that the fit was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.scene import Scene
from ..data.splits import ScoredSet, scored_set
from ..dataset import Position, Room
from ..errors import UserError
from ..results.records import Leaks, LeakShares, Plan
from ..sequences import FRAMES_PER_SEQUENCE
from .given import Part, given, part_of
from .jobs import Cell, Fit


def leak(scored: Part, used: Sequence[Part]) -> LeakShares:
    """Percentage of ``scored`` sequences that share with any ``used`` one an STFT frame, the clip (dry speech, whatever the
    room made of it), the speaker or the room response. A sequence that straddles recordings counts for all of them. 0 where
    nothing is scored.
    """
    shares = (_frames(scored, used), _clips(scored, used), _speakers(scored, used), _responses(scored, used))
    return LeakShares(**dict(zip(LeakShares.model_fields, map(_pct, shares), strict=True)))


def _pct(shared: NDArray[np.bool_]) -> float:
    return 100.0 * float(shared.mean()) if len(shared) else 0.0


def _frames(scored: Part, used: Sequence[Part]) -> NDArray[np.bool_]:
    covered = np.zeros(len(scored.stream.store), np.int64)
    for part in used:
        if part.stream.store is scored.stream.store:
            for offset in range(FRAMES_PER_SEQUENCE):
                covered[part.starts + offset] = 1
    before = np.concatenate([[0], np.cumsum(covered)])
    return before[scored.starts + FRAMES_PER_SEQUENCE] > before[scored.starts]


def _clips(scored: Part, used: Sequence[Part]) -> NDArray[np.bool_]:
    heard = {int(clip) for part in used if part.role == scored.role for clip in part.stream.clip[_recordings(part)]}
    own = scored.stream.clip[scored.stream.recording_of(scored.starts)]
    return np.isin(own, sorted(heard))


def _speakers(scored: Part, used: Sequence[Part]) -> NDArray[np.bool_]:
    heard = {part.stream.speakers[recording] for part in used for recording in _recordings(part)}
    familiar = np.array([speaker in heard for speaker in scored.stream.speakers], bool)
    return familiar[scored.stream.recording_of(scored.starts)]


def _responses(scored: Part, used: Sequence[Part]) -> NDArray[np.bool_]:
    heard = {
        part.stream.positions[position]
        for part in used
        if part.condition == scored.condition
        for position in part.stream.position[_recordings(part)]
    }
    familiar = np.array([position in heard for position in scored.stream.positions], bool)
    return familiar[scored.stream.position[scored.stream.recording_of(scored.starts)]]


def _recordings(part: Part) -> NDArray[np.int64]:
    """Every recording that a sequence of ``part`` has a frame of."""
    first = part.stream.recording_of(part.starts)
    last = part.stream.recording_of(part.starts + FRAMES_PER_SEQUENCE - 1)
    touched = np.zeros(len(part.stream.first_frame) + 1, np.int64)
    np.add.at(touched, first, 1)
    np.add.at(touched, last + 1, -1)
    return np.flatnonzero(touched.cumsum()[:-1])


def scored_by(fit: Fit, cell: Cell, scene: Scene) -> tuple[ScoredSet, Leaks]:
    """The sequences of a cell, without those of its stream that the fit was given with a label; and what they share with all
    that the fit was given."""
    subset = cell.protocol.splits[cell.split]
    stream = scene.stream(subset)
    labelled, unlabelled = given(scene, fit).parts if fit.learns else ((), ())
    used = np.concatenate([np.empty(0, np.int64), *(part.starts for part in labelled if part.stream is stream)])
    chosen = scored_set(stream, used, cell.protocol.balance, fit.axes.seed)
    if not len(chosen.starts):
        raise UserError(f"no sequence is left to score in {cell.split}: lower --labels or give more speech")
    scored = part_of(scene, subset, chosen.starts)
    return chosen, Leaks(labelled=leak(scored, labelled), unlabelled=leak(scored, unlabelled))


def plan_of(room: Room, positions: Sequence[Position]) -> Plan:
    """Where talkers and walls are, seen from above."""
    angles = np.deg2rad([position.doa_deg for position in positions])
    ranges = np.array([position.range_m for position in positions])
    across, ahead = (ranges * np.sin(angles)).round(3).tolist(), (ranges * np.cos(angles)).round(3).tolist()
    places = [position.place for position in positions]
    walls = {place: corners for place in dict.fromkeys(places) if (corners := room.walls_m(place))}
    return Plan(talkers=tuple(zip(across, ahead, places, strict=True)), walls=walls)
