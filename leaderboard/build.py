"""`doabench leaderboard`: everything in ``OUT/leaderboard``, from the stored records and predictions alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..benchmark.durable import write
from ..benchmark.results.folders import RECORD
from ..benchmark.results.store import Store
from .analysis.away import away_tables
from .analysis.current import Installed, choose
from .analysis.sets import ScoredSet, scored_sets
from .analysis.shipped import NOTHING, Shipped
from .analysis.tables import Table, make_tables
from .analysis.twins import agreements as agreements_of
from .figures.curves import draw
from .pages import away as away_pages
from .pages import generation
from .pages import twins as twins_pages
from .pages.csv_files import to_csv, to_doa_csv
from .pages.page import to_html
from .pages.text import to_latex, to_markdown

FIGURES = ("mae_vs_labels_*.png", "per_doa_error_*.png", "confusion_*.png", "generated_*.png")


@dataclass(frozen=True)
class Leaderboard:
    """What the current records of ``out`` come to: ``tables`` of ``sets``, lines of what was ``generated``, and how many stored
    records were ``left_out``."""

    out: Path
    sets: Sequence[ScoredSet]
    tables: Sequence[Table]
    generated: Sequence[generation.GenerationLine]
    left_out: int


def build(out: Path, installed: Installed, shipped: Shipped = NOTHING, figures: bool = True) -> list[Path]:
    """`read` the records and write all of it."""
    return write_files(read(out, installed, shipped), installed, figures)


def read(out: Path, installed: Installed, shipped: Shipped = NOTHING) -> Leaderboard:
    """The leaderboard of what is stored."""
    store = Store(out)
    own, left_out = choose(store.all_cells(), store.planned(), installed, _newest(store))
    records = shipped.beside(own)
    localised = [record for record in records if record.axes.split != generation.SPLIT]
    generative = [record for record in records if record.axes.split == generation.SPLIT]
    sets = scored_sets(localised, lambda key: (shipped.stored if key in shipped.cells else store).predictions(key), shipped)
    generated = generation.generation_lines(generative, store.generated, shipped)
    return Leaderboard(out, sets, make_tables(sets), generated, left_out)


def write_files(found: Leaderboard, installed: Installed, figures: bool = True) -> list[Path]:
    """Write tables, page and ``figures``; their paths. Each file is replaced whole, so that a reader never sees half of one."""
    tables, generated, left_out = found.tables, found.generated, found.left_out
    rows = [row for one in found.sets for row in one.rows]
    agreements, away = agreements_of(tables), away_tables(found.sets)
    folder = found.out / "leaderboard"
    folder.mkdir(exist_ok=True)
    texts = {
        "index.html": to_html(tables, left_out, installed, generated, agreements, away),
        "leaderboard.md": to_markdown(tables, left_out)
        + away_pages.to_markdown(away)
        + generation.to_markdown(generated)
        + twins_pages.to_markdown(agreements),
        "away.csv": away_pages.to_csv(away),
        "generation.csv": generation.to_csv(generated),
        "leaderboard.csv": to_csv(rows),
        "per_doa.csv": to_doa_csv(rows),
        "leaderboard.tex": to_latex(tables, left_out) + twins_pages.to_latex(agreements),
        "twins.csv": twins_pages.to_csv(agreements),
    }
    written = [_write(folder / name, text.encode()) for name, text in texts.items()]
    for name, figure in draw(tables) if figures else ():
        png = io.BytesIO()
        figure.savefig(png, format="png")
        written.append(_write(folder / name, png.getvalue()))
    written += [_write(folder / name, png) for line in generated for name, png in line.figures.items()]
    # a figure of results that are no longer current must not stay beside those that are
    for old in {path for pattern in FIGURES for path in folder.glob(pattern)} - set(written):
        old.unlink()
    return written


def _newest(store: Store) -> Callable[[str], float]:
    return lambda key: (store.cells / key / RECORD).stat().st_mtime


def _write(target: Path, content: bytes) -> Path:
    write(target, content)
    return target
