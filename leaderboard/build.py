"""`doabench leaderboard`: everything in ``OUT/leaderboard``, from the stored records and predictions alone."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from ..benchmark.digest import source_digest
from ..benchmark.plan import method_digest, split_code
from ..benchmark.records import CellRecord
from ..benchmark.registry import METHODS, PROTOCOLS, ROOMS, SPEECH
from ..benchmark.run import PLAN
from ..benchmark.scene import data_code
from ..benchmark.splits import fingerprint
from ..benchmark.store import RECORD, Store
from ..benchmark.worker import cell_code
from . import generation, twins
from .figures import draw
from .page import to_html
from .rows import Installed, aggregate, choose
from .tables import make_tables
from .text import to_csv, to_doa_csv, to_latex, to_markdown

FIGURES = ("mae_vs_labels_*.png", "per_doa_error_*.png", "confusion_*.png", "generated_*.png")


def build(out: Path) -> list[Path]:
    """Write tables, page and figures; their paths. Each file is replaced whole, so that a reader never sees half of one."""
    store = Store(out)
    records, left_out = choose(store.all_cells(), _planned(out), _installed(), _newest(store))
    rows = aggregate([record for record in records if record.axes.split != generation.SPLIT], store.predictions)
    tables = make_tables(rows)
    generated = generation.generation_lines(
        [record for record in records if record.axes.split == generation.SPLIT], store.generated
    )
    agreements = twins.agreements(tables)
    folder = out / "leaderboard"
    folder.mkdir(exist_ok=True)
    texts = {
        "index.html": to_html(tables, left_out, generated, agreements),
        "leaderboard.md": to_markdown(tables, left_out) + generation.to_markdown(generated) + twins.to_markdown(agreements),
        "generation.csv": generation.to_csv(generated),
        "leaderboard.csv": to_csv(rows),
        "per_doa.csv": to_doa_csv(rows),
        "leaderboard.tex": to_latex(tables, left_out) + twins.to_latex(agreements),
        "twins.csv": twins.to_csv(agreements),
    }
    written = [_write(folder / name, text.encode()) for name, text in texts.items()]
    for name, figure in draw(tables):
        png = io.BytesIO()
        figure.savefig(png, format="png")
        written.append(_write(folder / name, png.getvalue()))
    written += [_write(folder / name, png) for line in generated for name, png in line.figures.items()]
    # a figure of results that are no longer current must not stay beside those that are
    for old in {path for pattern in FIGURES for path in folder.glob(pattern)} - set(written):
        old.unlink()
    return written


def _installed() -> Installed:
    protocols = [plugin.found for plugin in PROTOCOLS.plugins().values() if plugin.found]
    rooms, speech = (
        {name: source_digest(plugin.found) for name, plugin in registry.plugins().items() if plugin.found}
        for registry in (ROOMS, SPEECH)
    )
    return Installed(
        methods={name: method_digest(name) for name in METHODS.plugins()},
        rooms=rooms,
        speech=speech,
        data=data_code(),
        split=split_code(),
        protocols={protocol.id: (fingerprint(protocol), cell_code(protocol)) for protocol in protocols},
    )


def _planned(out: Path) -> dict[str, CellRecord]:
    """The cells of the latest request, as if none had run; empty where no request is known or another version wrote it."""
    try:
        cells = json.loads((out / PLAN).read_text())
        records = [CellRecord.model_validate({**cell, "state": "missing"}) for cell in cells]
    except (FileNotFoundError, ValueError, TypeError, ValidationError):
        return {}
    return {record.key: record for record in records}


def _newest(store: Store) -> Callable[[str], float]:
    return lambda key: (store.cells / key / RECORD).stat().st_mtime


def _write(target: Path, content: bytes) -> Path:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(target)
    return target
