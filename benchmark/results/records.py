"""What is kept of a fit and of a cell: one `record.json` each, written last, never changed when it is ok."""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ..acoustics import ArraySetup
from .statistics import Value

State = Literal["ok", "failed", "skipped", "not-installed", "missing"]
Key = Annotated[str, StringConstraints(pattern=r"^\w[\w.+-]*$", max_length=128)]
"""The name of a folder within another one: it leads nowhere else."""


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null")


def plugin_name(shown: str) -> str:
    """The room or corpus plugin behind a name as tables show it: ``sofa`` of ``sofa[pair=2-1]:attic``."""
    found = re.match(r"[\w-]+", shown)
    return found[0] if found else ""


class FitCode(Record):
    """Hashes of the code that a fit depends on: the method with what it imports; the room and the corpus; the way from these to
    streams of frames; the rules of who is labelled. Packages that the code uses count too."""

    method: str
    room: str
    speech: str
    data: str
    split: str


class CellCode(Record):
    """Hashes of the code that a cell depends on beside its fit: which sequences are scored, and how."""

    scored: str
    scoring: str


class FitAxes(Record):
    """What tells one fit from another. ``labels`` is J, ``nominal_labels`` the n that it was asked for by (0: uses none). As
    many labels again are given to select a model by. ``variant`` is for programs, ``form`` for people; that and
    ``as_published`` are those of `method.Form`."""

    method: str
    variant: str
    form: str
    as_published: bool
    method_title: str
    code: FitCode
    dataset: str
    measured: bool
    speech: str
    data_digest: str
    seed: int
    nominal_labels: int
    labels: int
    transductive: bool
    candidates_deg: tuple[float, ...]
    spacing_m: float

    @property
    def name(self) -> str:
        """``cnn``, ``cnn (as released)``, ``vae_ssl (suite's recipe)``."""
        return f"{self.method} ({self.form})" if self.form else self.method

    @property
    def spec(self) -> str:
        """What a person writes for the method: ``cnn[variant=as-released]``."""
        items = [item if "=" in item else f"variant={item}" for item in filter(None, self.variant.split(","))]
        return f"{self.method}[{','.join(items)}]" if items else self.method

    @property
    def setup(self) -> ArraySetup:
        """Array and candidates."""
        return ArraySetup(self.spacing_m, self.candidates_deg)


class CellAxes(Record):
    """What tells one scored set of a fit from another. ``scored_in`` is the room where that is not the fit's own, with whether
    it was measured and a hash of its code."""

    protocol: str
    protocol_version: int
    protocol_fingerprint: str
    scale: str
    split: str
    rt60_s: float
    measured_rt60_s: float | None
    scored_digest: str
    code: CellCode
    counts_hits: bool
    scored_in: str = ""
    scored_in_measured: bool = False
    scored_in_code: str = ""

    @property
    def rt60_known(self) -> bool:
        """Whether anybody has said or measured it: ``rt60_s`` is 0 where not."""
        return self.rt60_s > 0 or self.measured_rt60_s is not None


def _with_nan(value: object) -> object:
    """JSON has no NaN: an end of an interval that is null there is one that is not known."""
    return {name: math.nan if one is None else one for name, one in value.items()} if isinstance(value, dict) else value


class Metrics(Record):
    """What one cell scores: ``values`` by the names of `catalogue.METRICS`, ``floor_deg`` that of
    `metrics.classifier_floor_deg`."""

    values: dict[str, Annotated[Value, BeforeValidator(_with_nan)]]
    sequences: int
    clips: int
    floor_deg: float


class LeakShares(Record):
    """Percentage of scored sequences that share an STFT frame, the clip, the speaker or the room response with others;
    older records do not know of the last."""

    frame_pct: float
    clip_pct: float
    speaker_pct: float
    response_pct: float | None = None


class Leaks(Record):
    """What a scored set shares with the sequences that a fit was given: with labels (to learn or to select), and without."""

    labelled: LeakShares
    unlabelled: LeakShares


class GenerationMetrics(Record):
    """Numbers of one generation cell: ``values`` by the names of `generation.METRICS`."""

    values: dict[str, float]
    sequences: int


class Plan(Record):
    """Where a scored set was heard, in metres from the array's centre: x toward microphone 2, y to where broadside is.
    ``talkers`` are all positions in their order, each with the name of its place (empty: where the grid is); ``walls`` the
    corners of the room at each place, where they are known."""

    talkers: tuple[tuple[float, float, str], ...]
    walls: dict[str, tuple[tuple[float, float], ...]]


class StoredRecord(Record):
    """What lies beside files. ``digests`` are the SHA-256 of these by their names within the folder; empty in older records, of
    whose files nothing is known."""

    model_config = ConfigDict(allow_inf_nan=False)

    key: Key
    digests: dict[str, str] = {}


class FitRecord(StoredRecord):
    """A finished fit; one that failed leaves its reason in the records of its cells."""

    axes: FitAxes
    fit_s: float
    fit_added_rss_mb: float | None = None
    environment: dict[str, Any] = {}


class CellRecord(StoredRecord):
    """One fit on one scored set. ``fit_added_rss_mb`` is that of `memory`, ``parameters`` that of `Store.parameters`;
    ``speakers`` are who is heard in each scored clip, by its number, ``plan`` says where (both empty in older records and where
    nothing was scored).
    ``made_elsewhere`` names the file of answers that another program made, which this suite cannot repeat.
    ``hint`` says what the answers seem to be where they do not seem to be degrees by the suite's convention, ``findings`` what
    was found wrong with the files of rooms."""

    fit_key: Key
    state: State
    fit: FitAxes
    axes: CellAxes
    metrics: Metrics | None = None
    generation: GenerationMetrics | None = None
    leaks: Leaks | None = None
    speakers: tuple[str, ...] = ()
    plan: Plan | None = None
    reason: str = ""
    hint: str = ""
    findings: tuple[str, ...] = ()
    made_elsewhere: str = ""
    traceback: str = ""
    fit_s: float | None = None
    fit_added_rss_mb: float | None = None
    parameters: int | None = Field(default=None, ge=0, lt=2**63)
    predict_us_per_sequence: float | None = None
    environment: dict[str, Any] = {}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        """There are directions, and what the page says of it can be said in JSON; intervals may end in NaN."""
        if not self.fit.candidates_deg:
            raise ValueError("it knows no candidate directions")
        parts = (self.fit, self.axes, self.leaks, self.plan, self.generation)
        json.dumps([*(part.model_dump() for part in parts if part is not None), self.environment], allow_nan=False)
        return self

    @property
    def learned(self) -> bool:
        """Whether its method was trained, if only on labels from another room."""
        return self.fit_s is not None

    @property
    def room(self) -> str:
        """The room that is scored in."""
        return self.axes.scored_in or self.fit.dataset

    @property
    def trained_in(self) -> str:
        """The room that was trained in, where that is another."""
        return self.fit.dataset if self.axes.scored_in else ""

    @property
    def measured(self) -> bool:
        """Whether the room that is scored in was measured."""
        return self.axes.scored_in_measured if self.axes.scored_in else self.fit.measured
