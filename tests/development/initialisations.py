"""How much of the spread over fits comes from the draw of talkers and labels, and how much from the initialisation.

``python -m development.initialisations OUT.csv SPEECH SEEDS SPEC ...`` in `tests/`: each method is fitted twice on each draw,
in `dtu-twin` at `LABELS` labels. The first of the two is the suite's own fit.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from doabench.benchmark.cli.options import Seeds
from doabench.benchmark.data.scene import Scenes
from doabench.benchmark.data.splits import method_seed
from doabench.benchmark.method import Context
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.run.given import given
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.worker import scored_cell
from doabench.benchmark.seeds import seed_of
from numpy.typing import NDArray

LABELS, INITIALISATIONS = 250, 2


class Score(NamedTuple):
    """One fit on its validation set."""

    method: str
    seed: int
    initialisation: int
    mae_deg: float
    accuracy_pct: float


def scores(speech: str, seeds: tuple[int, ...], specs: tuple[str, ...]) -> Iterator[Score]:
    """Both fits of every method on every draw."""
    plan = make_plan(Request(("label-sweep",), specs, speech, "quick", (LABELS,), seeds, ("dtu-twin",)))
    scenes = Scenes(most=1)
    for fit in sorted(plan.fits, key=lambda fit: fit.axes.seed):
        scene = scenes.get(fit.scene)
        (cell,) = (cell for cell in fit.cells if cell.split == "validation")
        for number in range(INITIALISATIONS):
            _, method = make_method(fit.method)
            own = method_seed(fit.axes.seed)
            method.context = Context(scene.setup, seed_of(own, number) if number else own)
            method.fit(given(scene, fit).data)
            values = scored_cell(fit, cell, method, scene)[0]["metrics"].values
            yield Score(fit.axes.spec, fit.axes.seed, number, values["mae_deg"].mean, values["accuracy_pct"].mean)


def spreads_deg(mae_deg: NDArray[np.float64]) -> tuple[float, float]:
    """Standard deviations of errors ``[draws, initialisations]`` over initialisations and over draws, by a one-way analysis of
    variance with draws as groups. Where the variance of draws would be below zero it is zero."""
    within = mae_deg.var(axis=1, ddof=1).mean()
    between = mae_deg.mean(axis=1).var(ddof=1) - within / mae_deg.shape[1]
    return float(np.sqrt(within)), float(np.sqrt(max(between, 0.0)))


def main(out: Path, speech: str, seeds: tuple[int, ...], specs: tuple[str, ...]) -> None:
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Score._fields)
        found: dict[str, list[float]] = {}
        for score in scores(speech, seeds, specs):
            writer.writerow(score)
            file.flush()
            found.setdefault(score.method, []).append(score.mae_deg)
    for method, errors_deg in found.items():
        initialisation, draw = spreads_deg(np.reshape(errors_deg, (-1, INITIALISATIONS)))
        print(f"{method}: MAE {np.mean(errors_deg):.2f}; SD by initialisation {initialisation:.2f}, by draw {draw:.2f} degrees")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Seeds().convert(sys.argv[3], None, None), tuple(sys.argv[4:]))
