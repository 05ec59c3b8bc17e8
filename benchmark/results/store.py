"""Results on disk: `fits/KEY/` and `cells/KEY/`, each made in one piece by an atomic rename."""

from __future__ import annotations

import errno
import json
import logging
import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pandas as pd
from pydantic import BaseModel, TypeAdapter
from safetensors import SafetensorError

from ..durable import replacing, sweep, write
from ..errors import UserError
from ..method import History
from .folders import RECORD, damage, read, verify, whole
from .generation import FILE as GENERATED
from .generation import Generated
from .predictions import read_generated, read_predictions
from .records import CellRecord, FitAxes, FitRecord

PREDICTIONS, HISTORY, PLAN, CURVE = "predictions.parquet", "history.json", "plan.json", "curve.json"
Rows: TypeAlias = list[tuple[int, str, float]]
"""A training curve: step, name, value."""
LOG = logging.getLogger(__name__)
_ROWS: TypeAdapter[Rows] = TypeAdapter(Rows)
_PLAN = TypeAdapter(list[CellRecord])


CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


@contextmanager
def written_to(out: Path) -> Iterator[None]:
    """Turns a disk that is full, gone or read-only into one line. Raises UserError."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        advice = "what is finished is kept; make room, or choose another folder, and run the same command again"
        raise UserError(f"--out {out}: cannot be written to ({error.strerror}); {advice}") from error


class _Curve(BaseModel):
    """That of a fit that trains."""

    fit: FitAxes
    rows: Rows


class Stored:
    """What a folder of results holds, to be read."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.fits, self.cells = out / "fits", out / "cells"

    def fit(self, key: str) -> FitRecord | None:
        return read(self.fits / key, FitRecord)

    def cell(self, key: str) -> CellRecord | None:
        return read(self.cells / key, CellRecord)

    def fit_keys(self) -> list[str]:
        """Of every stored fit."""
        return sorted(path.name for path in self.fits.iterdir() if path.name[0] != ".") if self.fits.is_dir() else []

    def all_cells(self) -> list[CellRecord]:
        """Every stored cell, by key."""
        folders = sorted(self.cells.iterdir()) if self.cells.is_dir() else []
        found = (self.cell(folder.name) for folder in folders if not folder.name.startswith("."))
        return [record for record in found if record is not None]

    def predictions(self, key: str) -> pd.DataFrame:
        """Columns start, clip, position (of the sequence), true_deg, estimated_deg; true_log_probability and
        estimated_log_probability where the method gives probabilities and the true angles are candidates. Raises OSError or
        ValueError where they are not as they were written, or nothing that a method can have answered."""
        record = self.cell(key)
        verify(self.cells / key, record, PREDICTIONS)
        return read_predictions(self.cells / key / PREDICTIONS, record)

    def parameters(self, fit_key: str) -> int | None:
        """How many numbers a fit keeps in safetensors files: 0 where it keeps nothing, None where it keeps other files only or
        one that cannot be read."""
        from safetensors import safe_open

        kept = [path for path in (self.fits / fit_key).rglob("*") if path.is_file() and path.name not in (RECORD, HISTORY)]
        weights = [path for path in kept if path.suffix == ".safetensors"]
        if kept and not weights:
            return None
        count = 0
        try:
            for path in weights:
                with safe_open(path, framework="np") as file:
                    count += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except SafetensorError:
            return None
        return count

    def history(self, fit_key: str) -> Rows:
        """Training curve of a fit; empty where none is known or it cannot be read."""
        try:
            return _ROWS.validate_json((self.fits / fit_key / HISTORY).read_bytes())
        except (OSError, ValueError):
            return []

    def curves(self) -> dict[str, tuple[FitAxes, Rows]]:
        """Axes and training curve, as far as it has come, of every fit that trains, by key."""
        found = dict[str, tuple[FitAxes, Rows]]()
        for file in (self.out / "scratch").glob(f"*/{CURVE}"):
            try:
                curve = _Curve.model_validate_json(file.read_bytes())
            except (OSError, ValueError):  # it has just ended, or is of another version
                continue
            found[file.parent.name] = curve.fit, curve.rows
        return found

    def generated(self, key: str) -> Generated:
        """Sequences that a generative method made. Raises OSError or ValueError where they are not as they were written."""
        verify(self.cells / key, self.cell(key), GENERATED)
        return read_generated(self.cells / key)

    def planned(self) -> dict[str, CellRecord]:
        """The cells of the latest request by key; empty where no request is known or another version wrote it."""
        try:
            return {record.key: record for record in _PLAN.validate_json((self.out / PLAN).read_bytes())}
        except (OSError, ValueError):
            return {}


class Store(Stored):
    """The folder of ``--out``, to be written to as well. Several processes may do so at a time."""

    def __init__(self, out: Path) -> None:
        super().__init__(out)
        try:
            for folder in (self.fits, self.cells, out / "scratch", out / "claims"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out {out}: cannot be written to ({error.strerror}); choose another folder") from error

    def sweep(self) -> None:
        """Remove what processes that are no more left half-written, and states of training that came to its end."""
        scratch = self.out / "scratch"
        for folder in (self.out, self.fits, self.cells, self.out / "leaderboard", *scratch.iterdir()):
            sweep(folder)
        for training in scratch.iterdir():
            if self.fit(training.name) is not None:
                shutil.rmtree(training, ignore_errors=True)

    def sound_fit(self, key: str) -> FitRecord | None:
        """The record of a fit of which nothing is damaged; one that is is set aside."""
        return self.fit(key) if self._is_sound(self.fits / key, FitRecord) else None

    def has_ok(self, key: str) -> bool:
        """Whether a cell is there and well; a damaged one is set aside."""
        record = self.cell(key) if self._is_sound(self.cells / key, CellRecord) else None
        return record is not None and record.state == "ok"

    def _is_sound(self, folder: Path, model: type[FitRecord] | type[CellRecord]) -> bool:
        if not (reason := damage(folder, model)):
            return True
        aside = self.out / "damaged" / f"{folder.parent.name}-{folder.name}"
        aside.parent.mkdir(exist_ok=True)
        while aside.exists():
            aside = aside.with_name(f"{aside.name}+")
        try:
            folder.rename(aside)
        except FileNotFoundError:  # somebody else was faster
            return False
        LOG.warning("%s is damaged, %s: set aside as %s, and made again", folder, reason, aside)
        return False

    def scratch(self, fit_key: str) -> Path:
        """A folder for the training state of one fit; it outlives a killed run and goes when the fit is stored."""
        folder = self.out / "scratch" / fit_key
        folder.mkdir(exist_ok=True)
        return folder

    def write_curve(self, fit_key: str, fit: FitAxes, history: History) -> None:
        """Let others see how far training has come."""
        with replacing(self.scratch(fit_key) / CURVE, synced=False) as partial:
            partial.write_text(json.dumps({"fit": fit.model_dump(mode="json"), "rows": history.rows}))

    def write_plan(self, records: Iterable[CellRecord]) -> None:
        """Keep what the latest request asks for, so that the leaderboard can tell which cells are missing."""
        write(self.out / PLAN, json.dumps([record.model_dump(mode="json") for record in records]))

    @contextmanager
    def new_fit(self, record: FitRecord, history: History) -> Iterator[Path]:
        """A folder to save weights into; it becomes the fit's own, with its record, when the block ends well."""
        with whole(self.fits / record.key, record, lambda: self.fit(record.key) is not None) as folder:
            yield folder
            (folder / HISTORY).write_text(json.dumps(history.rows))
        shutil.rmtree(self.out / "scratch" / record.key, ignore_errors=True)

    def add_cell(self, record: CellRecord, content: pd.DataFrame | Generated | None = None) -> CellRecord:
        """Store a cell with its predictions, or with what was generated; the record as it is stored. One that is there and ok
        stays."""
        with whole(self.cells / record.key, record, lambda: self.has_ok(record.key)) as folder:
            if isinstance(content, Generated):
                content.save(folder)
            elif content is not None:
                content.to_parquet(folder / PREDICTIONS, index=False)
        return self.cell(record.key) or record
