"""Curves to PNG files: matplotlib's own objects throughout, so that no state is shared with whoever calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis.marks import Mark
from ..analysis.series import Confusion, Series, confusions, doa_series, label_series, method_marks
from ..analysis.tables import Table
from ..format import drawn_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN_CONFUSIONS = 4


def draw(tables: Sequence[Table]) -> Iterator[tuple[str, Figure]]:
    """File name and figure, one after another, of what has rows of one's own. Angle by angle only where it is not the training
    set: a handful is enough."""
    drawn_as = method_marks(tables)
    for table in tables:
        if all(row.origin.name == "shipped" for row in table.rows):
            continue
        if series := label_series(table):
            yield f"mae_vs_labels_{table.slug}.png", _labels_figure(table, series, drawn_as)
        if table.split == "train":
            continue
        if series := doa_series(table):
            yield f"per_doa_error_{table.slug}.png", _doa_figure(table, series, drawn_as)
        if table.split == "validation" and (matrices := confusions(table)):
            yield f"confusion_{table.slug}.png", _confusion_figure(table, matrices[:DRAWN_CONFUSIONS])


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    figure.suptitle(drawn_text(title), fontsize=10, x=0.02, ha="left")
    return figure


def _labels_figure(table: Table, series: list[Series], drawn_as: Mapping[str, Mark]) -> Figure:
    figure = _figure(8, 4.4, f"{table.protocol}, {table.title}")
    axes = figure.subplots()
    for one in series:
        style = _style(one, drawn_as)
        if one.flat:
            style |= {"marker": ""}
            axes.axhline(one.y[0], label=drawn_text(one.name), **style)
            continue
        axes.plot(one.x, one.y, label=drawn_text(one.name), **style)
        if any(value is not None for value in one.lo):
            low, high = (tuple(float("nan") if value is None else value for value in bound) for bound in (one.lo, one.hi))
            axes.vlines(one.x, low, high, color=style["color"], alpha=0.4)
    ticks = sorted({x for one in series if not one.flat for x in one.x})
    axes.set_xscale("symlog", linthresh=min(tick for tick in ticks if tick)) if 0 in ticks else axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
    axes.set_xlabel("labels J")
    axes.set_ylabel("MAE (deg)")
    axes.set_ylim(bottom=0)
    _finish(figure, axes)
    return figure


def _doa_figure(table: Table, series: list[Series], drawn_as: Mapping[str, Mark]) -> Figure:
    figure = _figure(8, 4.0, f"{table.protocol}, {table.title}")
    axes = figure.subplots()
    for one in series:
        axes.plot(one.x, one.y, label=drawn_text(one.name), **_style(one, drawn_as))
    axes.set_xticks(series[0].x, [f"{angle:g}" for angle in series[0].x], fontsize=8)
    axes.set_xlabel("true direction (deg)")
    axes.set_ylabel("mean absolute error (deg)")
    axes.set_ylim(bottom=0)
    _finish(figure, axes)
    return figure


def _confusion_figure(table: Table, matrices: list[Confusion]) -> Figure:
    import numpy as np

    figure = _figure(2.6 * len(matrices) + 0.6, 3.2, f"{table.protocol}, {table.title}")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    image = None
    for axes, matrix in zip(panels, matrices, strict=True):
        counts = np.array(matrix.counts, float)
        share = 100 * counts / counts.sum(1, keepdims=True).clip(1)
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=100, origin="lower", aspect="auto")
        axes.set_title(drawn_text(matrix.name), fontsize=8)
        columns, rows = len(matrix.estimated_deg), len(matrix.true_deg)
        axes.set_xticks(*_some(matrix.estimated_deg, columns), fontsize=7)
        axes.set_yticks(*_some(matrix.true_deg, rows), fontsize=7)
        axes.set_xlabel("estimated (deg)", fontsize=8)
    panels[0].set_ylabel("true (deg)", fontsize=8)
    assert image is not None
    figure.colorbar(image, ax=list(panels), label="% of true", shrink=0.8)
    return figure


def _some(angles: tuple[float, ...], count: int) -> tuple[list[int], list[str]]:
    """About seven ticks: places and labels."""
    places = list(range(0, count, max(1, (count - 1) // 6)))
    return places, [f"{angles[place]:g}" for place in places]


def _style(one: Series, drawn_as: Mapping[str, Mark]) -> dict:
    paper, released, mark = one.source == "paper", one.source == "published", drawn_as[one.method]
    return {
        "color": mark.colour,
        "linestyle": "--" if paper else ":" if released else "-",
        "marker": "" if paper else mark.marker,
        "markerfacecolor": "white" if released else mark.colour,
        "markersize": 4.5,
        "linewidth": 1.1 if paper else 1.6,
        "alpha": 0.75 if paper else 1.0,
    }


def _finish(figure: Figure, axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=7, frameon=False)
