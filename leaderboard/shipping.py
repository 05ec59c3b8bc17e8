"""What comes with the suite: rows that take hours, with records, predictions, training curves and the weights that answer; and
small fits without rows, to be asked where a talker is.

``python -m doabench.leaderboard.shipping OUT`` takes the rows of a folder of results that are of published forms, and with
``--fits`` all its small fits instead.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ..benchmark.results.folders import RECORD, digests_of
from ..benchmark.results.records import CellRecord, FitRecord, StoredRecord
from ..benchmark.results.store import HISTORY, PREDICTIONS, Stored
from ..benchmark.weights import FILE, load_arrays, save_arrays

FOLDER = Path(__file__).parent / "shipped"
SMALL_BYTES = 100_000


def ship(out: Path, folder: Path = FOLDER) -> list[CellRecord]:
    """Take every ok cell of a variant ``as-published`` in ``out`` into ``folder``, with its fit; what was taken.

    Log-probabilities are halved to 16 bits. Of a fit that may stand beside the publication's values the weights that answer are
    taken, halved as well; of generated sequences their numbers alone.
    """
    stored = Stored(out)
    taken = [cell for cell in stored.all_cells() if cell.state == "ok" and cell.fit.variant.startswith("as-published")]
    for cell in taken:
        add_cell(cell, stored.predictions(cell.key) if cell.metrics is not None else None, folder)
        target, fit = folder / "fits" / cell.fit_key, stored.fit(cell.fit_key)
        if fit is not None and not target.exists():
            _fit(stored.fits / cell.fit_key, fit, _fresh(target))
    return taken


def ship_fits(out: Path, folder: Path = FOLDER) -> list[FitRecord]:
    """Take every fit in ``out`` whose weights are small, as they are, without its cells."""
    stored = Stored(out)
    found = [record for key in stored.fit_keys() if (record := stored.fit(key)) is not None]
    small = [one for one in found if 0 < sum(path.stat().st_size for path in _weights(stored, one)) < SMALL_BYTES]
    for record in small:
        target = _fresh(folder / "fits" / record.key)
        for path in _weights(stored, record):
            shutil.copy2(path, target / path.name)
        _record(record, target)
    return small


def _weights(stored: Stored, record: FitRecord) -> list[Path]:
    return sorted((stored.fits / record.key).glob("*.safetensors"))


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def add_cell(cell: CellRecord, table: pd.DataFrame | None, folder: Path = FOLDER) -> None:
    """Put one cell with its predictions into ``folder``, in place of an older one."""
    target = _fresh(folder / "cells" / cell.key)
    if table is not None:
        narrow = {name: np.float16 for name in table if str(name).endswith("_log_probability")}
        table.astype(narrow).to_parquet(target / PREDICTIONS, index=False, compression="zstd")
    _record(cell, target)


def _fit(source: Path, record: FitRecord, target: Path) -> None:
    if record.axes.as_published:
        weights = load_arrays(source, FILE)
        save_arrays(target, {name: array.astype(np.float16) for name, array in weights.items()})
    shutil.copy2(source / HISTORY, target / HISTORY)
    _record(record, target)


def _record(record: StoredRecord, target: Path) -> None:
    full = record.model_copy(update={"digests": digests_of(target)})
    (target / RECORD).write_text(full.model_dump_json(indent=1))


if __name__ == "__main__":
    if sys.argv[2:] == ["--fits"]:
        for fit in ship_fits(Path(sys.argv[1])):
            print(f"{fit.axes.name} J={fit.axes.labels} {fit.axes.dataset}")
        sys.exit()
    for shipped in ship(Path(sys.argv[1])):
        print(f"{shipped.fit.name} J={shipped.fit.labels} {shipped.axes.protocol} {shipped.axes.split}")
