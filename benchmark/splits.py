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


def pick(starts: NDArray[np.int64], group: NDArray[np.int64], per_group: int, *axes: str | int) -> NDArray[np.int64]:
    """``per_group`` of the ``starts [S]`` of every ``group [S]``, spread over it; nested in ``per_group``.

    Raises UserError where a group has fewer.
    """
    chosen = []
    for index in np.unique(group):
        own = starts[group == index]
        if len(own) < per_group:
            raise UserError(
                f"{per_group} sequences of each direction asked for, one has {len(own)}: lower --labels or give more speech"
            )
        chosen.append(own[spread_order(len(own), *axes, int(index))[:per_group]])
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
    labelled = _pick_by_class(train, train.whole(), per_class, setup, "labelled", *axes)
    free = np.setdiff1d(selection.whole(), labelled) if selection is train else selection.whole()
    selected = _pick_by_class(selection, free, per_class, setup, "selection", *axes)
    unlabelled = np.setdiff1d(np.arange(train.n_starts), labelled)
    data = FitData(
        labelled=_labelled(train, labelled, setup, "labelled", *axes),
        unlabelled=Sequences(train.store, _shuffled(unlabelled, "unlabelled", *axes)),
        selection=_labelled(selection, selected, setup, "selection", *axes),
    )
    return data, labelled, selected


def scored_set(stream: Stream, used: NDArray[np.int64], balance: bool, *axes: str | int) -> ScoredSet:
    """Whole sequences that were not ``used``, in seeded random order; with ``balance`` equally many of every position."""
    starts = np.setdiff1d(stream.whole(), used)
    if balance:
        position = stream.position[stream.recording_of(starts)]
        starts = pick(starts, position, int(np.bincount(position).min()), "balance", *axes)
    starts = _shuffled(starts, "scored", *axes)
    return ScoredSet(Sequences(stream.store, starts), starts, stream)


def _pick_by_class(
    stream: Stream, starts: NDArray[np.int64], per_class: int, setup: ArraySetup, *axes: str | int
) -> NDArray[np.int64]:
    return pick(starts, setup.class_of(stream.doa_deg(starts)), per_class, *axes)


def _labelled(stream: Stream, starts: NDArray[np.int64], setup: ArraySetup, *axes: str | int) -> LabelledSequences:
    shuffled = _shuffled(starts, *axes)
    doa_deg = stream.doa_deg(shuffled)
    return LabelledSequences(stream.store, shuffled, doa_deg, setup.class_of(doa_deg))


def _shuffled(starts: NDArray[np.int64], *axes: str | int) -> NDArray[np.int64]:
    return generator("order", *axes).permutation(starts)
