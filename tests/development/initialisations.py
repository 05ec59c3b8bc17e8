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

import pandas as pd
from doabench.benchmark.cli.options import Seeds
from doabench.benchmark.data.scene import Scenes
from doabench.benchmark.data.splits import method_seed
from doabench.benchmark.method import Context
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.run.given import given
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.worker import scored_cell
from doabench.benchmark.seeds import seed_of

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


def spread_deg(table: pd.DataFrame) -> pd.DataFrame:
    """Mean MAE of each method, and the standard deviations over initialisations and over draws: the mean squares of a one-way
    analysis of variance, draws being the groups. A variance of draws below zero is given as zero."""
    by_draw = table.groupby(["method", "seed"])["mae_deg"]
    within = by_draw.var().groupby("method").mean()
    between = by_draw.mean().groupby("method").var() - within / INITIALISATIONS
    columns = {"mae_deg": table.groupby("method")["mae_deg"].mean(), "initialisation": within**0.5}
    return pd.DataFrame(columns | {"draw": between.clip(lower=0) ** 0.5})


def main(out: Path, speech: str, seeds: tuple[int, ...], specs: tuple[str, ...]) -> None:
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Score._fields)
        for score in scores(speech, seeds, specs):
            writer.writerow(score)
            file.flush()
    print(spread_deg(pd.read_csv(out)).round(2).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Seeds().convert(sys.argv[3], None, None), tuple(sys.argv[4:]))
