"""What generative methods made: one line of numbers for each fit, and its figures."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...benchmark.results.generation import METRICS, Generated, signature
from ...benchmark.results.records import CellRecord
from ..analysis.shipped import NOTHING, OWN, Origin, Shipped
from ..format import csv_cell, file_stem, value_text
from .notes import marked
from .text import MARKDOWN

SPLIT = "generation"


@dataclass(frozen=True)
class GenerationLine:
    """One fit: its numbers, or why there are none, and its figures as PNG by file name."""

    record: CellRecord
    figures: dict[str, bytes]
    origin: Origin = OWN

    @property
    def name(self) -> str:
        fit = self.record.fit
        return f"{marked(fit.name, self.origin)}, J = {fit.labels}, seed {fit.seed}"

    @property
    def values(self) -> list[str]:
        """As tables show them; empty texts where there are none."""
        found = self.record.generation
        return [value_text(metric, found.values.get(metric.name) if found else None) for metric in METRICS]

    def embedded(self, name: str) -> str:
        """A figure as the source of an image element."""
        return "data:image/png;base64," + base64.b64encode(self.figures[name]).decode()


def generation_lines(
    records: Sequence[CellRecord], read: Callable[[str], Generated], shipped: Shipped = NOTHING
) -> list[GenerationLine]:
    """Lines in a fixed order. ``read(key)`` gives what is stored with a cell that is ok; shipped ones have numbers only. What
    was made and is damaged costs its own line, not the whole page."""
    ordered = sorted(records, key=lambda record: (record.fit.dataset, record.fit.method, record.fit.variant, record.fit.seed))
    origins = [shipped.origin(record) for record in ordered]
    return [_line(record, read, origin) for record, origin in zip(ordered, origins, strict=True)]


def _line(record: CellRecord, read: Callable[[str], Generated], origin: Origin) -> GenerationLine:
    try:
        return GenerationLine(record, dict(_pictures(record, read) if origin.name == "own" else ()), origin)
    except (OSError, ValueError) as error:
        reason = f"what was generated cannot be read ({error})"
        return GenerationLine(record.model_copy(update={"state": "failed", "generation": None, "reason": reason}), {}, origin)


def to_csv(lines: Sequence[GenerationLine]) -> str:
    """One row for each fit, every metric."""
    text = io.StringIO()
    axes = ("method", "variant", "form", "labels", "seed", "dataset", "speech")
    names = [*(metric.name for metric in METRICS), "sequences"]
    writer = csv.DictWriter(text, [*axes, "status", *names, "signature", "origin"], lineterminator="\n")
    writer.writeheader()
    for line in lines:
        same, found = {axis: getattr(line.record.fit, axis) for axis in axes}, line.record.generation
        numbers = {**found.values, "sequences": found.sequences, "signature": signature()} if found else {}
        values = same | {"status": line.record.state, "origin": line.origin.text} | numbers
        writer.writerow({name: csv_cell(value) for name, value in values.items()})
    return text.getvalue()


def to_markdown(lines: Sequence[GenerationLine]) -> str:
    """The table alone; empty without lines."""
    if not lines:
        return ""
    heads = ["", *(metric.heading for metric in METRICS)]
    rows = [
        heads,
        ["---"] * len(heads),
        *([MARKDOWN.escape(line.name), *(line.values if line.record.generation else [""])] for line in lines),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"\n## Generation: RTF phase made by generative methods\n\n{table}\n"


def _pictures(record: CellRecord, read: Callable[[str], Generated]) -> Iterator[tuple[str, bytes]]:
    if record.generation is None:
        return
    from ..figures.generation import drawn  # imports matplotlib

    fit = record.fit
    title = f"{fit.name}, {fit.dataset}, J = {fit.labels}, seed {fit.seed}"
    slug = f"{file_stem(f'{fit.method}-{fit.variant}-{fit.dataset}').replace('.', '-')}-{fit.seed}"
    for name, figure in drawn(title, read(record.key), fit.setup):
        png = io.BytesIO()
        figure.savefig(png, format="png")
        yield name.replace(".png", f"_{slug}.png"), png.getvalue()
