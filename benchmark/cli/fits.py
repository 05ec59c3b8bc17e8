"""`doabench fits`: what is stored, and the way to be rid of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UserError
from .options import COMMAND, existing, json_option, out_option
from .printed import console_of, warn

if TYPE_CHECKING:  # they take seconds to import
    from ..results.records import CellRecord, FitAxes
    from ..results.store import Stored


@dataclass(frozen=True)
class Line:
    """One fit: its ``key``, what it is, how many cells score it, when it was stored, and how much of the disk it takes.
    ``weights`` says whether it can be asked (`locate`)."""

    key: str
    method: str
    labels: int
    room: str
    speech: str
    seed: int
    cells: int
    stored: str
    mb: float
    weights: bool
    origin: str


@click.command(**COMMAND)
@click.option(
    "--remove", "removed", multiple=True, metavar="KEY", help="Remove this fit with its cells and runs; may be repeated."
)
@out_option
@json_option
def fits(removed: tuple[str, ...], out: Path, as_json: bool) -> None:
    """List the fits of --out, and those that come with the suite, or remove some: rows that are no longer wanted."""
    from ...leaderboard.shipping import FOLDER
    from ..results.store import Stored

    if removed:
        _remove(existing(out), removed)
        return
    lines = [*_lines(Stored(out), "own"), *_lines(Stored(FOLDER), "shipped")]
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines]))
        return
    for line in lines:
        what = f"{line.method}, J={line.labels}, {line.room}, {line.speech}, seed {line.seed}"
        weights = "" if line.weights else ", no weights"
        click.echo(f"{line.key[:12]}  {line.stored}  {line.mb:7.2f} MB  {what}: {line.cells} cells{weights} ({line.origin})")


def _lines(store: Stored, origin: str) -> list[Line]:
    by_fit: dict[str, list[CellRecord]] = {}
    for cell in store.all_cells():
        by_fit.setdefault(cell.fit_key, []).append(cell)
    keys = sorted({*by_fit, *store.fit_keys()})
    lines = []
    for key in keys:
        cells, record = by_fit.get(key, []), store.fit(key)
        axes = record.axes if record else cells[0].fit if cells else None
        if axes is not None:
            lines.append(
                _line(key, axes, cells, store, "predictions" if any(cell.made_elsewhere for cell in cells) else origin)
            )
    return sorted(lines, key=lambda line: (line.stored, line.key))


def _line(key: str, axes: FitAxes, cells: list[CellRecord], store: Stored, origin: str) -> Line:
    from ..results.folders import RECORD

    folders = [path for path in (store.fits / key, *(store.cells / cell.key for cell in cells)) if path.is_dir()]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    stored = max(file.stat().st_mtime for file in files if file.name == RECORD)
    return Line(
        key,
        axes.spec,
        axes.labels,
        axes.dataset,
        axes.speech,
        axes.seed,
        len(cells),
        f"{datetime.fromtimestamp(stored):%Y-%m-%d %H:%M}",
        sum(file.stat().st_size for file in files) / 1e6,
        any(file.suffix == ".safetensors" for file in files),
        origin,
    )


def _remove(out: Path, removed: tuple[str, ...]) -> None:
    """Remove fits by the beginnings of their keys, and bring MLflow and the page up to date. Raises UserError, before anything
    is removed, for a key that is not there or means several."""
    from ...leaderboard.mlflow.sync import forget
    from ..results.claims import Claims
    from ..results.folders import remove
    from ..results.store import Store
    from .publish import Publisher

    store = Store(out)
    cells = store.all_cells()
    there = {*store.fit_keys(), *(cell.fit_key for cell in cells)}
    chosen = [_the_one(text, there, out) for text in removed]
    gone = [cell.key for cell in cells if cell.fit_key in chosen]
    with Claims(out / "claims") as claims:
        for key in chosen:
            if not claims.take(key):
                raise UserError(f"--remove {key}: it is being trained; stop that run first")
        for key in chosen:
            remove(store.fits / key)
            shutil.rmtree(out / "scratch" / key, ignore_errors=True)
        for key in gone:
            remove(store.cells / key)
        planned = store.planned().values()
        store.write_plan(record for record in planned if record.fit_key not in chosen)  # else they would be missing
        for key in chosen:
            claims.release(key)
    try:
        forget(out, {*gone})
    except UserError as error:
        warn(f"the runs are still in MLflow: {error}")
    published = Publisher(out).finish()
    console = console_of(quiet=False)
    console.print(f"{len(chosen)} fits with {len(gone)} cells removed from {out}", markup=False, soft_wrap=True)
    if published.problem:
        warn(f"MLflow is not up to date: {published.problem}")


def _the_one(text: str, there: set[str], out: Path) -> str:
    matching = sorted(key for key in there if key.startswith(text)) if text else []
    if len(matching) != 1:
        how_many = f"means {len(matching)} fits" if matching else "no such fit"
        raise UserError(f"--remove {text}: {how_many} in {out}; doabench fits lists them")
    return matching[0]
