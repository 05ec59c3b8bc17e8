"""Which sequences are labelled, unlabelled, used for selection and scored: the rules of `protocol.SPLIT_RULES`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .acoustics import ArraySetup
from .errors import UserError
from .method import FitData
from .seeds import generator, seed_of
from .sequences import LabelledSequences, Sequences
from .streams import Stream

GOLDEN = (5**0.5 - 1) / 2


def spread_order(count: int, *axes: str | int) -> NDArray[np.int64]:
    """All indices below ``count`` so that any first k are spread evenly and the first k of one k contain those of a
    smaller one: the ranks of the golden-ratio (Kronecker) sequence, from a seeded start."""
    offset = seed_of("spread", *axes) / 2**63
    return np.argsort((offset + GOLDEN * np.arange(count)) % 1.0, kind="stable").argsort(kind="stable")


def pick(stream: Stream, per_position: int, *axes: str | int) -> NDArray[np.int64]:
    """Starts of ``per_position`` whole sequences of every position, spread over it; nested in ``per_position``.

    Raises UserError where a position has fewer.
    """
    starts = stream.whole()
    position = stream.position[stream.recording_of(starts)]
    chosen = []
    for index in range(len(stream.positions)):
        own = starts[position == index]
        if len(own) < per_position:
            where = stream.positions[index]
            raise UserError(
                f"{per_position} sequences asked for at {where.doa_deg:g} deg, {where.range_m:g} m, there are {len(own)}: "
                "lower --labels or give more speech"
            )
        chosen.append(own[spread_order(len(own), *axes, index)[:per_position]])
    return np.concatenate(chosen)


@dataclass(frozen=True)
class ScoredSet:
    """Sequences to score: what a method sees, and what only the scorer knows (same order)."""

    sequences: Sequences
    starts: NDArray[np.int64]
    stream: Stream


def fit_data(
    train: Stream, selection: Stream, labels: int, setup: ArraySetup, *axes: str | int
) -> tuple[FitData, NDArray[np.int64], NDArray[np.int64]]:
    """What `fit` is given for J = ``labels``, with the starts that it used of the training and of the selection stream."""
    per_class = labels // len(setup.candidates_deg)
    labelled = pick(train, per_class, "labelled", *axes)
    selected = pick(selection, per_class, "selection", *axes)
    unlabelled = np.setdiff1d(np.arange(train.n_starts), labelled)
    data = FitData(
        labelled=_labelled(train, labelled, setup, "labelled", *axes),
        unlabelled=Sequences(train.store, _shuffled(unlabelled, "unlabelled", *axes)),
        selection=_labelled(selection, selected, setup, "selection", *axes),
    )
    return data, labelled, selected


def scored_set(stream: Stream, used: NDArray[np.int64], balance: bool, *axes: str | int) -> ScoredSet:
    """Whole sequences that were not ``used``, in seeded random order; with ``balance`` equally many of every position."""
    if balance:
        sizes = np.bincount(stream.position[stream.recording_of(stream.whole())], minlength=len(stream.positions))
        starts = pick(stream, int(sizes.min()), "balance", *axes)
    else:
        starts = stream.whole()
    starts = _shuffled(np.setdiff1d(starts, used), "scored", *axes)
    return ScoredSet(Sequences(stream.store, starts), starts, stream)


def _labelled(stream: Stream, starts: NDArray[np.int64], setup: ArraySetup, *axes: str | int) -> LabelledSequences:
    shuffled = _shuffled(starts, *axes)
    doa_deg = stream.doa_deg(shuffled)
    return LabelledSequences(stream.store, shuffled, doa_deg, setup.class_of(doa_deg))


def _shuffled(starts: NDArray[np.int64], *axes: str | int) -> NDArray[np.int64]:
    return generator("order", *axes).permutation(starts)
