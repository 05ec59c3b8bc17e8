"""Hashes of all code that a fit and a cell depend on."""

from __future__ import annotations

from ..data import half_grid
from ..data.scene import Scene, data_code
from ..data.splits import split_code
from ..dataset import Room
from ..digest import source_digest
from ..plugins.spec import MethodSpec
from ..protocol import GenerationProtocol, Protocol
from ..results import generation, scoring
from ..results.records import CellCode, FitCode
from .answers import predictions_table
from .generate import generated_cell
from .scored_set import scored_by


def fit_code(method: MethodSpec, scene: Scene) -> FitCode:
    """Hashes of all code that a fit depends on."""
    return FitCode(
        method=method.digest,
        room=room_code(scene.room),
        speech=source_digest(type(scene.corpus)) if scene.corpus else "",
        data=data_code(),
        split=split_code(),
    )


def room_code(room: Room) -> str:
    """A hash of a room's code, whatever stands there of it."""
    return source_digest(type(half_grid.HalfGrid.whole(room)))


def cell_code(protocol: Protocol) -> CellCode:
    """Hashes of all code that a cell depends on beside its fit."""
    if isinstance(protocol, GenerationProtocol):
        return CellCode(scored=source_digest(generated_cell), scoring=generation.scoring_code())
    return CellCode(scored=source_digest(scored_by, predictions_table), scoring=scoring.scoring_code())
