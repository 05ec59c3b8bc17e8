"""Rows that come with the suite, beside those of a person's own runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from ...benchmark.results.records import CellRecord
from ...benchmark.results.store import Stored
from .current import Axes, entry, set_axes


@dataclass(frozen=True)
class Origin:
    """Where a row comes from: one's own runs, the suite, or predictions that were made elsewhere. ``outdated`` says why today's
    code would not give it again: then it is shown, and compared with nothing."""

    name: Literal["own", "shipped", "predictions"] = "own"
    outdated: str = ""

    @property
    def text(self) -> str:
        return f"{self.name}, outdated" if self.outdated else self.name


OWN, PREDICTIONS = Origin(), Origin("predictions")


@dataclass(frozen=True)
class Shipped:
    """What comes with the suite in ``folder`` (None: nothing). ``changed`` says, by the key of a fit, why today's code gives
    other numbers."""

    folder: Path | None = None
    changed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cells(self) -> dict[str, CellRecord]:
        return {cell.key: cell for cell in self.stored.all_cells()} if self.folder else {}

    @property
    def stored(self) -> Stored:
        assert self.folder is not None
        return Stored(self.folder)

    def beside(self, own: Sequence[CellRecord]) -> list[CellRecord]:
        """A person's own records with the shipped ones: where both have one, their own counts if it was run."""
        run = {_place(record) for record in own if record.state != "missing"}
        taken = [record for record in self.cells.values() if _place(record) not in run]
        places = {_place(record) for record in taken}
        return [*(record for record in own if _place(record) not in places), *taken]

    def origin(self, record: CellRecord) -> Origin:
        if record is not self.cells.get(record.key):
            return PREDICTIONS if record.made_elsewhere else OWN
        return Origin("shipped", self.changed.get(record.fit_key, ""))


NOTHING = Shipped()


def _place(record: CellRecord) -> Axes:
    return (*set_axes(record), *entry(record), record.fit.seed)


def command(record: CellRecord) -> str:
    """What a person writes to run the fit of a record themselves, or to have the answers to it scored."""
    fit, axes = record.fit, record.axes
    made_elsewhere = record.made_elsewhere
    command, method = (f"score {made_elsewhere}", "--method-name") if made_elsewhere else ("run", "--method")
    return (
        f"doabench {command} --protocol {axes.protocol} {method} '{fit.spec}' --labels {fit.nominal_labels} "
        f"--rooms {fit.dataset} --speech {fit.speech} --scale {axes.scale}"
    )
