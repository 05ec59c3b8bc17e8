"""Which sequences are labelled, unlabelled, used for selection and scored.

The rules work on start indices alone; every protocol's `fingerprint` rests on their code. The rest of this file makes
sequences of what they choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..acoustics import ArraySetup
from ..digest import code_digest, digest, source_digest
from ..errors import UserError
from ..method import FitData
from ..protocol import GenerationProtocol, Protocol, label_count
from ..seeds import generator, seed_of
from ..sequences import LabelledSequences, Sequences, joined
from .streams import Stream

GOLDEN = (5**0.5 - 1) / 2


def spread_order(count: int, *axes: str | int) -> NDArray[np.int64]:
    """All indices below ``count`` so that any first k are spread evenly and the first k of one k contain those of a
    smaller one: the ranks of the golden-ratio (Kronecker) sequence, from a seeded start."""
    offset = seed_of("spread", *axes) / 2**63
    return np.argsort((offset + GOLDEN * np.arange(count)) % 1.0, kind="stable").argsort(kind="stable")


@dataclass(frozen=True)
class Grouped:
    """Whole sequences of a stream: their ``starts [S]`` and the class, or the position, of each, ``group [S]``."""

    starts: NDArray[np.int64]
    group: NDArray[np.int64]

    def without(self, used: NDArray[np.int64]) -> Grouped:
        free = ~np.isin(self.starts, used)
        return Grouped(self.starts[free], self.group[free])


def pick(whole: Grouped, per_group: int, *axes: str | int) -> NDArray[np.int64]:
    """``per_group`` starts of every group, spread over it; nested in ``per_group``.

    Raises UserError where a group has fewer.
    """
    chosen = []
    for index in np.unique(whole.group):
        own = whole.starts[whole.group == index]
        if len(own) < per_group:
            raise UserError(
                f"{per_group} sequences of each direction asked for, one has {len(own)}: lower --labels or give more speech"
            )
        chosen.append(own[spread_order(len(own), *axes, int(index))[:per_group]])
    return np.concatenate(chosen)


@dataclass(frozen=True)
class Given:
    """Start indices of all that a fit is given, in the order in which it sees them.

    ``labelled`` and ``unlabelled`` are of the training stream, ``selected`` of the selection stream.
    """

    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]
    selected: NDArray[np.int64]


def choose_given(train: Grouped, starts: int, selection: Grouped, same_stream: bool, per_class: int, seed: int | str) -> Given:
    """``per_class`` labelled sequences of every class, as many to select on, and all other ``starts`` of the training stream,
    those of sequences that straddle two recordings included. Raises UserError where a class has too few."""
    labelled = pick(train, per_class, "labelled", seed)
    selected = pick(selection.without(labelled) if same_stream else selection, per_class, "selection", seed)
    return Given(
        labelled=_shuffled(labelled, "labelled", seed),
        unlabelled=_shuffled(np.setdiff1d(np.arange(starts), labelled), "unlabelled", seed),
        selected=_shuffled(selected, "selection", seed),
    )


def choose_scored(whole: Grouped, used: NDArray[np.int64], balance: bool, seed: int | str) -> NDArray[np.int64]:
    """Whole sequences that were not ``used`` with a label, grouped by position; with ``balance`` equally many of each."""
    free = whole.without(used)
    starts = pick(free, int(np.bincount(free.group).min()), "balance", seed) if balance else free.starts
    return _shuffled(starts, "scored", seed)


def choose_reconstructed(scored: Grouped, per_class: int, seed: int | str) -> NDArray[np.int64]:
    """``per_class`` scored sequences of every class for a generative method to make again."""
    return pick(scored, per_class, "generation", seed)


def fingerprint(protocol: Protocol) -> str:
    """Changes with anything that defines the protocol's numbers: its fields, and the code of the rules that choose sequences.
    What is for people, or only a default, does not count, nor do versions of packages."""
    generated = (choose_reconstructed,) if isinstance(protocol, GenerationProtocol) else ()
    return digest([protocol.defining(), code_digest(label_count, choose_given, choose_scored, *generated)])


def method_seed(seed: int) -> int:
    """What a method is given to draw from."""
    return seed_of("fit", seed)


def fit_data(train: Stream, selection: Stream, labels: int, setup: ArraySetup, seed: int | str) -> tuple[FitData, Given]:
    """What `fit` is given for J = ``labels``, and where it lies in its streams."""
    given = choose_given(
        train=_by_class(train, setup),
        starts=train.n_starts,
        selection=_by_class(selection, setup),
        same_stream=selection is train,
        per_class=labels // len(setup.candidates_deg),
        seed=seed,
    )
    data = FitData(
        labelled=_labelled(train, given.labelled, setup),
        unlabelled=Sequences(train.store, given.unlabelled),
        selection=_labelled(selection, given.selected, setup),
    )
    return data, given


def most_labels(stream: Stream, setup: ArraySetup) -> int:
    """The largest J that a stream has sequences for."""
    per_class = np.bincount(_by_class(stream, setup).group, minlength=len(setup.candidates_deg))
    return len(per_class) * int(per_class.min())


def adapted(
    taught: FitData, train: Stream, selection: Stream, labels: int, setup: ArraySetup, seed: int
) -> tuple[FitData, Given]:
    """What `fit` is given where J = ``labels`` sequences of another room's streams come to those that it is ``taught``: all
    labelled ones in one seeded order; of unlabelled sequences those of the other room alone, which is the one that counts; and
    for selection, too, where any of them has a label."""
    own, given = fit_data(train, selection, labels, setup, seed)
    labelled = joined(taught.labelled, own.labelled, generator("order", "adapted", seed))
    return FitData(labelled, own.unlabelled, own.selection if labels else taught.selection), given


@dataclass(frozen=True)
class ScoredSet:
    """Sequences to score: what a method sees, and what only the scorer knows (same order)."""

    sequences: Sequences
    starts: NDArray[np.int64]
    stream: Stream


def scored_set(stream: Stream, used: NDArray[np.int64], balance: bool, seed: int | str) -> ScoredSet:
    """The sequences of a stream that are scored, in seeded random order."""
    whole = stream.whole()
    starts = choose_scored(Grouped(whole, stream.position[stream.recording_of(whole)]), used, balance, seed)
    return ScoredSet(Sequences(stream.store, starts), starts, stream)


def _by_class(stream: Stream, setup: ArraySetup) -> Grouped:
    whole = stream.whole()
    return Grouped(whole, setup.class_of(stream.doa_deg(whole)))


def _labelled(stream: Stream, starts: NDArray[np.int64], setup: ArraySetup) -> LabelledSequences:
    doa_deg = stream.doa_deg(starts)
    return LabelledSequences(stream.store, starts, doa_deg, setup.class_of(doa_deg))


def _shuffled(starts: NDArray[np.int64], *axes: str | int) -> NDArray[np.int64]:
    return generator("order", *axes).permutation(starts)


def split_code() -> str:
    """A hash of the code that says which sequences a fit is given, and what it may draw from."""
    return source_digest(fit_data, adapted, method_seed)
