"""Directions over time, above the spectrogram that they were found in."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

COLUMNS, RANGE_DB = 1500, 60


class Found(Protocol):
    """What is drawn: `benchmark.run.track.Track`."""

    @property
    def time_s(self) -> NDArray[np.float64]: ...
    @property
    def doa_deg(self) -> NDArray[np.float64]: ...
    @property
    def probability(self) -> NDArray[np.float64] | None: ...
    @property
    def spoken(self) -> NDArray[np.bool_]: ...
    @property
    def level_db(self) -> NDArray[np.float32]: ...


def draw_track(found: Found, title: str) -> Figure:
    """Answers during speech, darker where the method is surer; below them the level in microphone 1."""
    figure = Figure(figsize=(10, 5.5), layout="constrained", dpi=120)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    spoken, sure = found.spoken, found.probability
    shade = np.ones(spoken.sum()) if sure is None else sure[spoken]
    above.scatter(found.time_s[~spoken], found.doa_deg[~spoken], s=5, color="0.85", label="pause")
    above.scatter(found.time_s[spoken], found.doa_deg[spoken], s=14, color="#0072b2", alpha=0.15 + 0.85 * shade, label="speech")
    above.set(title=title, ylabel="direction, deg\n(+: toward microphone 2)", ylim=(-95, 95), yticks=np.arange(-90, 91, 30))
    above.grid(alpha=0.3)
    above.legend(loc="upper right")
    step = int(np.ceil(len(found.level_db) / COLUMNS))
    level_db = np.array([found.level_db[first : first + step].max(0) for first in range(0, len(found.level_db), step)])
    top = float(level_db.max())
    below.imshow(
        level_db.T,
        origin="lower",
        aspect="auto",
        extent=(float(found.time_s[0]), float(found.time_s[-1]) + 1e-3, 0, 8),
        vmin=top - RANGE_DB,
        vmax=top,
        cmap="magma",
    )
    below.set(xlabel="time, s", ylabel="microphone 1, kHz")
    return figure
