"""The contract of a protocol: which recordings train, select and are scored, at which label counts. Frozen and typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from .dataset import PositionKind, Room, SpeechRole

ScaleName = Literal["paper", "quick", "smoke"]
Split = Literal["train", "validation", "off_grid", "off_range", "unseen", "generation"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scale(Frozen):
    """How much of a protocol runs. ``labels`` None: every n of the protocol."""

    labels: tuple[int, ...] | None
    speakers_per_role: int


SCALES: Mapping[ScaleName, Scale] = {
    "paper": Scale(labels=None, speakers_per_role=20),
    "quick": Scale(labels=(120, 250, 1000), speakers_per_role=20),
    "smoke": Scale(labels=(120,), speakers_per_role=2),
}


class Subset(Frozen):
    """Recordings of one role of speech, in the room's training or transfer condition, from one kind of position. With
    ``excerpts`` only that many stretches of each recording, a sequence long, spread over it. ``room`` is the one that is
    trained in, unless it is said to be the ``other``."""

    speech: SpeechRole
    condition: Literal["training", "transfer"] = "training"
    positions: PositionKind = "grid"
    excerpts: int | None = None
    room: Literal["other"] | None = None


class Adaptation(Frozen):
    """What a fit is given of the other room: n labelled sequences of ``train`` and all others of it without labels; and where
    n is not 0, as many of ``selection`` to select on, and on no others. ``taught`` is then the nominal number of labels from
    the room that it trains in, whatever n is."""

    train: Subset
    selection: Subset
    taught: int


class Protocol(Frozen):
    """One fixed comparison. ``id`` and ``version`` name it; `splits.fingerprint` is a hash of all that defines its numbers.

    ``balance`` says whether every scored position is cut to the
    size of the smallest one, ``accuracy`` whether the scored angles are candidates, so that a hit can be counted.
    ``by_default`` says whether it runs unless another is named, ``seeds`` how many seeds it runs unless told.

    Where a subset is of the other room, the protocol trains in one room and scores in another. ``trained_in`` is the first by
    the name of the second, ``twin-of:{room}``, unless a person names both.
    """

    id: str
    version: int
    title: str
    reference: str
    rooms: tuple[str, ...]
    labels: tuple[int, ...]
    train: Subset
    selection: Subset
    scored: Annotated[tuple[tuple[Split, Subset], ...], BeforeValidator(lambda splits: tuple(dict(splits).items()))]
    adaptation: Adaptation | None = None
    trained_in: str | None = None
    balance: bool = False
    accuracy: bool = True
    by_default: bool = True
    seeds: int = 1

    def defining(self) -> dict[str, Any]:
        """The fields that define its numbers; not those that are for people, or only a default."""
        others = {"title", "reference", "rooms", "by_default", "seeds", "trained_in"}
        return self.model_dump(mode="json", exclude_none=True, exclude=others)

    @property
    def subsets(self) -> tuple[Subset, ...]:
        """Every subset that it needs."""
        return (*self.given, *self.splits.values())

    @property
    def given(self) -> tuple[Subset, ...]:
        """The subsets that a fit is given sequences of."""
        adapted = (self.adaptation.train, self.adaptation.selection) if self.adaptation else ()
        return (self.train, self.selection, *adapted)

    @property
    def needs_other(self) -> bool:
        """Whether it scores in another room than it trains in."""
        return any(subset.room == "other" for subset in self.subsets)

    @property
    def splits(self) -> dict[Split, Subset]:
        """The scored subset of every split."""
        return dict(self.scored)

    def labels_at(self, scale: Scale) -> tuple[int, ...]:
        """The nominal n that run at a scale: those of the protocol that the scale has too, and 0; where none is, the scale's
        own."""
        if scale.labels is None:
            return self.labels
        return tuple(n for n in self.labels if n in (0, *scale.labels)) or scale.labels

    def skip(self, room: Room, other: Room | None = None) -> str | None:
        """Why this protocol cannot run in a room, or train in it and score in the ``other``; None if it can."""
        if room.transfer is None and any(subset.condition == "transfer" for subset in self.subsets):
            return "the room has one condition only, there is nothing to transfer to"
        if self.adaptation and (room.brings_speech or (other and other.brings_speech)):
            return "the room brings its own talkers, none of whom is kept to be scored"
        for subset in self.subsets:
            asked = other if other and subset.room == "other" else room
            if not asked.positions(subset.positions):
                return f"the room has no {subset.positions} positions"
        return None


class GenerationProtocol(Protocol):
    """What a method that can generate sequences makes of a few of its scored ones, and of directions alone.

    Reconstructed: ``reconstructed_per_doa`` sequences of every candidate. Sampled: ``samples`` sequences of each candidate
    nearest to ``sampled_deg``. Histograms of phase are compared at the candidate nearest to ``histogram_deg``.
    """

    reconstructed_per_doa: int
    sampled_deg: tuple[float, ...]
    samples: int
    histogram_deg: float


def label_count(n: int, classes: int) -> int:
    """J, the number of labels really given, for nominal ``n``: T floor(n / T)."""
    return classes * (n // classes)
