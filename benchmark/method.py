"""The contract of a method. The shortest complete example is `methods/srp_phat.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .acoustics import ArraySetup
from .sequences import LabelledSequences, Sequences

Bare: TypeAlias = Literal["", "as published", "suite's recipe"]


@dataclass(frozen=True)
class MethodInfo:
    """What the suite must know of a method before it runs it. ``by_default=False``: it runs only when it is named.

    ``also`` are further forms that run beside the bare one: ``("variant=as-released", "weight=energy")``.

    ``bare`` says what the method is with all parameters at their defaults: ``as published`` where it does what its publication
    does, or the program released with it; ``suite's recipe`` where it is another model or another training than that, which
    every table then says; neither where it is a method of its own or a known one with its faults mended.
    """

    title: str
    citation: str
    uses_labels: bool = True
    uses_unlabelled: bool = False
    by_default: bool = True
    also: tuple[str, ...] = ()
    bare: Bare = ""


@dataclass(frozen=True)
class Form:
    """What a method is with its parameters. ``text`` stands beside its name in every table, legend and name of a run. Only a
    form that is ``as_published``, or as released, stands beside the publication's values and is judged by its claims."""

    text: str
    as_published: bool


@dataclass(frozen=True)
class FitData:
    """What `fit` is given. Labelled and selection sequences carry their DOA; unlabelled ones do not.

    The selection sequences come from the clips of the protocol's selection set and are meant for choosing models only.
    """

    labelled: LabelledSequences
    unlabelled: Sequences
    selection: LabelledSequences


@dataclass(frozen=True)
class Prediction:
    """Estimates for N sequences: ``doa_deg [N]`` and, where the method has them, ``scores [N, T]`` (higher is likelier).

    ``log_probabilities`` says that the scores are natural logarithms of the candidates' probabilities, which sum to one and
    are nowhere 0; the suite then measures likelihood and calibration, too.
    """

    doa_deg: NDArray[np.float64]
    scores: NDArray[np.float32] | None = None
    log_probabilities: bool = False

    @classmethod
    def best_candidate(cls, scores: ArrayLike, setup: ArraySetup, *, log_probabilities: bool = False) -> Self:
        """The candidate with the highest score of every row of ``scores [N, T]``."""
        table = np.asarray(scores, dtype=np.float32)
        return cls(np.asarray(setup.candidates_deg, dtype=np.float64)[table.argmax(-1)], table, log_probabilities)


@dataclass
class History:
    """Training curves: rows of ``(step, name, value)``, logged by `add` and shown in MLflow."""

    rows: list[tuple[int, str, float]] = field(default_factory=list)

    def add(self, step: int, **values: float) -> None:
        self.rows += [(step, name, float(value)) for name, value in values.items()]


def _silent(fraction: float, note: str) -> None:
    pass


@dataclass(frozen=True)
class Context:
    """Everything beside the data: array and candidates, the named seed, the device, and where to report and keep state.

    ``progress(fraction, note)`` reports training progress. ``scratch`` is a folder that outlives a killed run of the same
    fit; None where nothing need be kept.
    """

    setup: ArraySetup
    seed: int = 0
    device: str = "cpu"
    scratch: Path | None = None
    progress: Callable[[float, str], None] = _silent
    history: History = field(default_factory=History)


class Method(ABC):
    """A way to find the direction of a talker. Subclasses are dataclasses: their fields are the method's parameters.

    The suite sets ``context`` before it calls anything. A method without training inherits an empty `fit`, `save` and `load`.
    """

    info: ClassVar[MethodInfo]
    context: Context

    @property
    def uses_unlabelled(self) -> bool:
        """Whether it learns from unlabelled sequences, where its parameters say more than ``info``."""
        return self.info.uses_unlabelled

    def form(self) -> Form | None:
        """What the method is with its parameters, where ``info.bare`` and their names and values do not say it well."""
        return None

    def skip(self) -> str | None:
        """Why this method cannot take part with the array and the candidates of ``context.setup``; None if it can."""
        return None

    def fit(self, data: FitData) -> None:
        """Learn from ``data``. Raise `FitFailed` with the step and the cause if training breaks down."""

    @abstractmethod
    def predict(self, sequences: Sequences) -> Prediction:
        """Estimate the direction of every sequence."""

    def save(self, folder: Path) -> None:
        """Write what `fit` learned into ``folder`` (see `weights.save_arrays`; no pickle)."""

    def load(self, folder: Path) -> None:
        """Read back what `save` wrote."""


@dataclass(frozen=True)
class GeneratedPhase:
    """RTF phase in radians that a generative method made of N sequences: the ``mean_rad`` of every pixel and one random
    ``draw_rad`` around it, each ``[N, 31, 127]``. A draw may leave [-pi, pi] where the method's likelihood does."""

    mean_rad: NDArray[np.float32]
    draw_rad: NDArray[np.float32]


class Generative(Method):
    """A method that can also make sequences; the generation protocol asks for this capability and for nothing else."""

    @abstractmethod
    def reconstruct(self, sequences: Sequences, doa_deg: NDArray[np.float64]) -> GeneratedPhase:
        """Every sequence again, by way of the method's latent variables, given its direction ``doa_deg [N]``."""

    @abstractmethod
    def sample(self, doa_deg: float, count: int) -> GeneratedPhase:
        """``count`` new sequences of a talker at ``doa_deg``."""


class FitFailed(Exception):
    """Training broke down in a way the method itself noticed; the message names step and cause."""
