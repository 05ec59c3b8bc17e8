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
    ``excerpts`` only that many stretches of each recording, a sequence long, spread over it."""

    speech: SpeechRole
    condition: Literal["training", "transfer"] = "training"
    positions: PositionKind = "grid"
    excerpts: int | None = None


class Protocol(Frozen):
    """One fixed comparison. ``id`` and ``version`` name it; `splits.fingerprint` is a hash of all that defines its numbers.

    ``balance`` says whether every scored position is cut to the
    size of the smallest one, ``accuracy`` whether the scored angles are candidates, so that a hit can be counted.
    ``by_default`` says whether it runs unless another is named, ``seeds`` how many seeds it runs unless told.
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
    balance: bool = False
    accuracy: bool = True
    by_default: bool = True
    seeds: int = 1

    def defining(self) -> dict[str, Any]:
        """The fields that define its numbers; not those that are for people, or only a default."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"title", "reference", "rooms", "by_default", "seeds"})

    @property
    def subsets(self) -> tuple[Subset, ...]:
        """Every subset that it needs."""
        return (self.train, self.selection, *self.splits.values())

    @property
    def splits(self) -> dict[Split, Subset]:
        """The scored subset of every split."""
        return dict(self.scored)

    def labels_at(self, scale: Scale) -> tuple[int, ...]:
        """The nominal n that run at a scale: those of the protocol that the scale has too; where none is, the scale's own."""
        if scale.labels is None:
            return self.labels
        return tuple(n for n in self.labels if n in scale.labels) or scale.labels

    def skip(self, room: Room) -> str | None:
        """Why this protocol cannot run in a room; None if it can."""
        if room.transfer is None and any(subset.condition == "transfer" for subset in self.subsets):
            return "the room has one condition only, there is nothing to transfer to"
        for subset in self.subsets:
            if not room.positions(subset.positions):
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
