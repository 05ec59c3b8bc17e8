"""The figures of an MLflow run."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from ...benchmark.results.metrics import absolute_error_deg, by_doa, confusion
from ...benchmark.results.records import CellRecord
from ..format import drawn_text


class Figures:
    """Both figures, set up once and filled again and again: setting up takes longer than drawing."""

    def __init__(self) -> None:
        self.figures = (Figure((6, 4.5), dpi=80), Figure((6, 4.5), dpi=80))
        self.matrix, self.error = (figure.add_subplot() for figure in self.figures)
        self.matrix.set(xlabel="estimated DOA (deg): white 0 %, blue 100 % of a true DOA", ylabel="true DOA (deg)")
        self.error.set(xlabel="true DOA (deg)", ylabel="mean absolute error (deg)")
        self.image = self.matrix.imshow([[0.0]], cmap="Blues", vmin=0, vmax=100, origin="lower", aspect="auto")
        (self.line,) = self.error.plot([], [], "o-")

    def drawn(self, title: str, record: CellRecord, predictions: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
        """File name and figure, one after the other; a figure holds until the next call."""
        self._fill(record, predictions)
        for name, figure in {"confusion.png": self.figures[0], "error_by_doa.png": self.figures[1]}.items():
            figure.axes[0].set_title(drawn_text(title), fontsize=9)
            yield name, figure

    def _fill(self, record: CellRecord, predictions: pd.DataFrame) -> None:
        candidates = record.fit.candidates_deg
        true, estimated = (predictions[name].to_numpy(float) for name in ("true_deg", "estimated_deg"))
        found = by_doa(absolute_error_deg(estimated, true), true)
        angles, error = found.true_deg, found.mae_deg
        counts = confusion(estimated, true, candidates)
        self.image.set_data(100 * counts / counts.sum(1, keepdims=True))
        self.image.set_extent((-0.5, len(candidates) - 0.5, -0.5, len(angles) - 0.5))
        for axis, shown in ((self.matrix.xaxis, candidates), (self.matrix.yaxis, angles)):
            places = list(range(0, len(shown), -(-len(shown) // 10)))  # some ten are labelled
            axis.set_ticks(places, [f"{shown[place]:g}" for place in places])
        self.line.set_data(angles, error)
        self.error.set(xlim=(min(candidates) - 5, max(candidates) + 5), ylim=(0, max(1.0, 1.1 * error.max())))
