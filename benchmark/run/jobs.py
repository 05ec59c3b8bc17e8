"""What is to be done: fits, the cells that score them, and how they are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..data.scene import SceneSpec
from ..protocol import Protocol, Split
from ..results.records import CellAxes, FitAxes


@dataclass(frozen=True)
class Cell:
    """One scored set of a fit."""

    key: str
    protocol: Protocol
    split: Split
    axes: CellAxes


@dataclass
class Fit:
    """One training run and the cells that score it: the method as it was asked for, whether it ``learns``, the scene, and the
    protocol that says which of its streams train and select. ``findings`` are what is wrong with the files of its rooms."""

    key: str
    axes: FitAxes
    method: str
    learns: bool
    scene: SceneSpec
    protocol: Protocol
    cells: list[Cell] = field(default_factory=list)
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How fits are run, the same for all of a request; none of it may change a number but ``device`` and ``threads``.
    ``cluster`` names the machines that run them where that is not this one; empty where it is."""

    out: Path
    device: str = "cpu"
    threads: int = 1
    plugins: tuple[Path, ...] = ()
    cluster: str = ""
