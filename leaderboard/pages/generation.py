"""What generative methods made: one line of numbers for each fit, and its figures."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...benchmark.results.generation import SIGNATURE, Generated
from ...benchmark.results.records import CellRecord, GenerationMetrics
from ..format import method_name

SPLIT = "generation"
COLUMNS = {
    "input_delay_error_us": "Delay error of the input, µs",
    "reconstruction_delay_error_us": "of reconstructions, µs",
    "sample_delay_error_us": "of samples, µs",
    "reconstruction_pull_us": "Pull toward zero delay, µs",
    "input_circular_correlation": "Correlation with free space, input",
    "reconstruction_circular_correlation": "reconstructions",
    "sample_circular_correlation": "samples",
    "reconstruction_histogram_distance_rad": "Histogram distance, rad",
}
"""Fields of `GenerationMetrics` that are shown, with their headings."""


@dataclass(frozen=True)
class GenerationLine:
    """One fit: its numbers, or why there are none, and its figures as PNG by file name."""

    record: CellRecord
    figures: dict[str, bytes]

    @property
    def name(self) -> str:
        fit = self.record.fit
        return f"{method_name(fit.method, fit.variant)}, J = {fit.labels}, seed {fit.seed}"

    @property
    def values(self) -> list[str]:
        return [value_text(self.record.generation, key) for key in COLUMNS]

    def embedded(self, name: str) -> str:
        """A figure as the source of an image element."""
        return "data:image/png;base64," + base64.b64encode(self.figures[name]).decode()


def generation_lines(records: Sequence[CellRecord], read: Callable[[str], Generated]) -> list[GenerationLine]:
    """Lines in a fixed order. ``read(key)`` gives what is stored with a cell that is ok."""
    ordered = sorted(records, key=lambda record: (record.fit.dataset, record.fit.method, record.fit.variant, record.fit.seed))
    return [GenerationLine(record, dict(_pictures(record, read))) for record in ordered]


def value_text(metrics: GenerationMetrics | None, key: str) -> str:
    if metrics is None:
        return ""
    return f"{getattr(metrics, key):.1f}" if key.endswith("_us") else f"{getattr(metrics, key):.3f}"


def to_csv(lines: Sequence[GenerationLine]) -> str:
    """One row for each fit, every field of `GenerationMetrics`."""
    text = io.StringIO()
    keys = list(GenerationMetrics.model_fields)
    writer = csv.writer(text, lineterminator="\n")
    axes = ("method", "variant", "labels", "seed", "dataset", "speech")
    writer.writerow([*axes, "status", *keys, "signature"])
    for line in lines:
        metrics = line.record.generation
        numbers = [getattr(metrics, key) if metrics else "" for key in keys]
        writer.writerow(
            [*(getattr(line.record.fit, axis) for axis in axes), line.record.state, *numbers, SIGNATURE if metrics else ""]
        )
    return text.getvalue()


def to_markdown(lines: Sequence[GenerationLine]) -> str:
    """The table alone; empty without lines."""
    if not lines:
        return ""
    heads = ["", *COLUMNS.values()]
    rows = [heads, ["---"] * len(heads), *([line.name, *(line.values if line.record.generation else [""])] for line in lines)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"\n## Generation: RTF phase made by generative methods\n\n{table}\n"


def _pictures(record: CellRecord, read: Callable[[str], Generated]) -> Iterator[tuple[str, bytes]]:
    if record.generation is None:
        return
    from ..figures.generation import drawn  # imports matplotlib

    fit = record.fit
    title = f"{method_name(fit.method, fit.variant)}, {fit.dataset}, J = {fit.labels}, seed {fit.seed}"
    slug = "".join(letter if letter.isalnum() else "-" for letter in f"{fit.method}-{fit.variant}-{fit.dataset}-{fit.seed}")
    for name, figure in drawn(title, read(record.key), fit.setup):
        png = io.BytesIO()
        figure.savefig(png, format="png")
        yield name.replace(".png", f"_{slug}.png"), png.getvalue()
