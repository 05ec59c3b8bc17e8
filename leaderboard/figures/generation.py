"""Figures of what a generative method made, after Figs. 4-11 of the paper; the same in MLflow and on the leaderboard page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...benchmark.acoustics import SPEED_OF_SOUND_M_PER_S, ArraySetup, free_space_phase, tdoa_s
from ...benchmark.results.generation import Generated, delays_by_doa
from ...benchmark.sequences import PHASE_BINS
from ..format import drawn_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def drawn(title: str, generated: Generated, setup: ArraySetup) -> Iterator[tuple[str, Figure]]:
    """File name and figure, one after another."""
    yield "generated_by_direction.png", _by_direction(title, generated, setup)
    yield "generated_samples.png", _samples(title, generated, setup)
    yield "generated_delays.png", _delays(title, generated, setup)
    yield "generated_histograms.png", _histograms(title, generated)


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=90, layout="constrained")
    figure.suptitle(drawn_text(title), fontsize=9)
    return figure


def _by_direction(title: str, generated: Generated, setup: ArraySetup) -> Figure:
    """Phase of all directions side by side, ascending: free space, input, means and draws (Fig. 4)."""
    order = np.argsort(generated.doa_deg, kind="stable")
    doa_deg = generated.doa_deg[order]
    frames = generated.input_rad.shape[1]
    free = free_space_phase(doa_deg, setup.frequency_hz[:PHASE_BINS], setup.spacing_m)
    panels = {
        "free space": np.angle(np.exp(1j * np.repeat(free, frames, 0))),
        "input": generated.input_rad[order].reshape(-1, PHASE_BINS),
        "reconstructed, means": generated.mean_rad[order].reshape(-1, PHASE_BINS),
        "reconstructed, draws": generated.draw_rad[order].reshape(-1, PHASE_BINS),
    }
    figure = _figure(8, 8, title)
    for axes, (name, phase) in zip(figure.subplots(len(panels), 1, sharex=True), panels.items(), strict=True):
        _image(axes, phase, (float(doa_deg[0]) - 5, float(doa_deg[-1]) + 5), setup)
        _wraps(axes, setup)
        axes.set_title(name, fontsize=8)
    figure.axes[-1].set_xlabel("direction of the talker (deg); black: where free space wraps")
    return figure


def _samples(title: str, generated: Generated, setup: ArraySetup) -> Figure:
    """Sequences made of a direction alone: means of some, one after another, and mean phase against free space (Figs. 5, 6)."""
    angles = np.unique(generated.sampled_doa_deg)
    figure = _figure(8, 2.8 * len(angles), title)
    grid = figure.subplots(len(angles), 2, squeeze=False)
    for (left, right), angle in zip(grid, angles, strict=True):
        mean = generated.sampled_mean_rad[generated.sampled_doa_deg == angle]
        _image(left, mean[:10].reshape(-1, PHASE_BINS), (0, 10), setup)
        left.set_title(f"means of ten samples at {angle:g} deg", fontsize=8)
        free = free_space_phase(angle, setup.frequency_hz[:PHASE_BINS], setup.spacing_m)[0]
        for name, phase in {"free space": free, "samples": np.angle(np.exp(1j * mean).mean((0, 1)))}.items():
            right.plot(setup.frequency_hz[:PHASE_BINS] / 1e3, np.angle(np.exp(1j * phase)), ".", markersize=3, label=name)
        right.set(xlabel="frequency (kHz)", ylabel="phase (rad)")
        right.legend(fontsize=7)
    return figure


def _delays(title: str, generated: Generated, setup: ArraySetup) -> Figure:
    """Delay of the highest peak against ``r sin(theta) / c`` (Figs. 7, 8, 11)."""
    figure = _figure(6, 4.5, title)
    axes = figure.subplots()
    curve = np.linspace(min(setup.candidates_deg), max(setup.candidates_deg), 181)
    axes.plot(curve, 1e6 * tdoa_s(curve, setup.spacing_m), "k-", linewidth=0.8, label="free space")
    sets = {
        "input": (generated.input_rad, generated.doa_deg, "x"),
        "reconstructed, means": (generated.mean_rad, generated.doa_deg, "o"),
        "sampled, means": (generated.sampled_mean_rad, generated.sampled_doa_deg, "s"),
    }
    for name, (phase, doa_deg, marker) in sets.items():
        found = delays_by_doa(phase, doa_deg, setup)
        axes.plot(found.doa_deg, found.delay_us, marker, fillstyle="none", label=name)
    limit = 2e6 * float(tdoa_s(90, setup.spacing_m))
    axes.set(xlabel="direction of the talker (deg)", ylabel="median delay (us), microphone 2 first: positive")
    axes.set_ylim(-limit, limit)
    axes.legend(fontsize=7)
    return figure


def _histograms(title: str, generated: Generated) -> Figure:
    """Phase by frequency at one direction, input against draws (Figs. 9, 10)."""
    angle = float(generated.histogram_doa_deg)
    at = generated.doa_deg == angle
    figure = _figure(8, 3, f"{title}, {angle:g} deg")
    panels = {"input": generated.input_rad, "reconstructed, draws": generated.draw_rad}
    edges = np.linspace(-1.5 * np.pi, 1.5 * np.pi, 91)
    for axes, (name, phase) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        values = phase[at].reshape(-1, PHASE_BINS)
        counts = np.stack([np.histogram(values[:, k], edges)[0] for k in range(PHASE_BINS)], 1)
        # bin 0 is 0 or pi exactly and would leave all else dark
        brightest = float(np.quantile(counts, 0.998))
        place = (0, PHASE_BINS, edges[0], edges[-1])
        axes.imshow(counts, origin="lower", aspect="auto", extent=place, cmap="magma", vmax=brightest)
        axes.axhline(np.pi, color="w", linewidth=0.5)
        axes.axhline(-np.pi, color="w", linewidth=0.5)
        axes.set_title(name, fontsize=8)
        axes.set_xlabel("frequency bin")
    figure.axes[0].set_ylabel("phase (rad)")
    return figure


def _image(axes: Axes, phase: NDArray[np.floating], extent: tuple[float, float], setup: ArraySetup) -> None:
    top = setup.frequency_hz[PHASE_BINS - 1] / 1e3
    image = np.asarray(phase).T
    axes.imshow(image, origin="lower", aspect="auto", extent=(*extent, 0, top), cmap="twilight", vmin=-np.pi, vmax=np.pi)
    axes.set_ylabel("kHz")


def _wraps(axes: Axes, setup: ArraySetup) -> None:
    """Frequencies at which free-space phase passes pi: ``c / (2 r |sin theta|)`` and its odd multiples."""
    low, high = axes.get_ylim()
    angle = np.linspace(*axes.get_xlim(), 400)
    with np.errstate(divide="ignore"):
        first_khz = SPEED_OF_SOUND_M_PER_S / (2 * setup.spacing_m * np.abs(np.sin(np.radians(angle)))) / 1e3
    for multiple in (1, 3, 5):
        axes.plot(angle, np.where(multiple * first_khz <= high, multiple * first_khz, np.nan), "k-", linewidth=0.6)
    axes.set_ylim(low, high)
