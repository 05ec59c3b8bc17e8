"""Methods that run elsewhere: what they would be given here, and their answers, scored as those of any other method.

A sequence is known by its id, ``validation-3f9c2a10-000017``: the set, a hash of all that determines the set, and its number in
the seeded order in which every method sees it. Neither its recording nor where it starts can be told from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.scene import Scene
from ..digest import digest
from ..errors import UserError
from ..method import Form, Prediction
from ..plugins.registry import METHODS
from ..plugins.spec import MethodSpec
from ..results.metrics import NORMALISED_WITHIN, normalisation_error
from ..results.records import CellRecord
from ..results.store import Store
from ..sequences import LabelledSequences, Sequences
from .answered import Answers
from .environment import environment
from .given import given
from .jobs import Cell, Fit
from .scored_set import scored_by
from .worker import outcome_of


@dataclass(frozen=True)
class Elsewhere(MethodSpec):
    """A method that has no plugin. ``source`` is a hash of what stands for its code; ``learned`` says whether it was given
    labelled sequences, ``unlabelled`` whether it learned from those without labels, too."""

    source: str = ""
    learned: bool = False
    unlabelled: bool = False

    @property
    def digest(self) -> str:
        return self.source

    @property
    def uses_labels(self) -> bool:
        return self.learned

    @property
    def uses_unlabelled(self) -> bool:
        return self.unlabelled

    @property
    def form(self) -> Form:
        return Form("", as_published=False)


def elsewhere(name: str, source: str, *, learned: bool, unlabelled: bool) -> Elsewhere:
    """Raises UserError for a name that cannot be one, or that is a method's of the suite: a row is what its name says."""
    if not (name.replace("-", "").replace("_", "").isalnum() and name.isascii()):
        raise UserError(f"--method-name {name}: may hold letters, digits, - and _ alone")
    if METHODS.plain(name) in METHODS.names():
        raise UserError(f"--method-name {name}: is a method of the suite; choose another name")
    return Elsewhere(name, name, None, source=source, learned=learned, unlabelled=unlabelled)


@dataclass(frozen=True)
class Given:
    """A set of sequences that a method may see, with their ids; labels where it may see those."""

    name: str
    ids: tuple[str, ...]
    sequences: Sequences

    @property
    def doa_deg(self) -> NDArray[np.float64] | None:
        return self.sequences.doa_deg if isinstance(self.sequences, LabelledSequences) else None


def given_sets(fit: Fit, scene: Scene) -> Iterator[Given]:
    """All that a fit is given, if it learns, and then what is scored."""
    if fit.learns:
        data = given(scene, fit).data
        for name, sequences in (("labelled", data.labelled), ("selection", data.selection), ("unlabelled", data.unlabelled)):
            yield Given(name, _ids(name, digest([fit.axes.data_digest, *_drawn(fit)]), len(sequences)), sequences)
    for cell in fit.cells:
        sequences = scored_by(fit, cell, scene)[0].sequences
        yield Given(cell.split, _ids(cell.split, tag(fit, cell), len(sequences)), sequences)


def tag(fit: Fit, cell: Cell) -> str:
    """A hash of all that says which sequences a cell scores, and in which order."""
    axes = cell.axes
    return digest([axes.scored_digest, axes.protocol_fingerprint, axes.code.scored, fit.axes.data_digest, *_drawn(fit)])


def _drawn(fit: Fit) -> tuple[str | int, ...]:
    return fit.axes.labels, fit.axes.seed, fit.axes.code.split


def _ids(name: str, of: str, count: int) -> tuple[str, ...]:
    return tuple(f"{_prefix(name, of)}{number:06d}" for number in range(count))


def _prefix(name: str, of: str) -> str:
    return f"{name}-{of[:8]}-"


def answered(fits: Sequence[Fit], answers: Answers) -> list[tuple[Fit, Cell]]:
    """The cells that there are answers for. Raises UserError for an id that belongs to none of them."""
    cells = {_prefix(cell.split, tag(fit, cell)): (fit, cell) for fit in fits for cell in fit.cells}
    found = dict[str, tuple[Fit, Cell]]()
    for one in answers.ids:
        prefix = one[: one.rfind("-") + 1]
        if prefix not in cells:
            raise UserError(
                f"{answers.file}: line {answers.line(one)}: {one} is no sequence of this draw; give score the options that "
                "export was given, and export again where data or code have changed since"
            )
        found[prefix] = cells[prefix]
    return list(found.values())


def score_answers(fit: Fit, cell: Cell, scene: Scene, answers: Answers, store: Store) -> CellRecord:
    """Score a set as if one of the suite's methods had been asked, and store it. Raises UserError where answers are missing."""
    chosen, leaks = scored_by(fit, cell, scene)
    prediction = _prediction(_ids(cell.split, tag(fit, cell), len(chosen.sequences)), fit, answers)
    outcome, table = outcome_of(fit, cell, scene, chosen, prediction)
    record = CellRecord(
        key=cell.key,
        fit_key=fit.key,
        state="ok",
        fit=fit.axes,
        axes=cell.axes,
        leaks=leaks,
        findings=fit.findings,
        made_elsewhere=answers.file.name,
        environment=environment("cpu", 1),
        **outcome,
    )
    return store.add_cell(record, table)


def _prediction(ids: Sequence[str], fit: Fit, answers: Answers) -> Prediction:
    """The answers for ``ids``, in their order. Raises UserError that names the first that is missing, or is one too many."""
    wanted = set(ids)
    if missing := [one for one in ids if one not in answers.ids]:
        raise UserError(f"{answers.file}: {len(missing)} of {len(ids)} sequences have no answer, the first is {missing[0]}")
    prefix = ids[0][: ids[0].rfind("-") + 1]
    if strange := [one for one in answers.ids if one.startswith(prefix) and one not in wanted]:
        raise UserError(f"{answers.file}: line {answers.line(strange[0])}: {strange[0]} does not exist; it has {len(ids)}")
    rows = np.array([answers.ids[one] for one in ids])
    if answers.doa_deg is not None:
        return Prediction(answers.doa_deg[rows])
    scores, setup = answers.scores_of(fit.axes.candidates_deg)[rows], fit.axes.setup
    logs = bool(np.isfinite(scores).all()) and normalisation_error(scores) <= NORMALISED_WITHIN
    return Prediction.best_candidate(scores, setup, log_probabilities=logs)
