"""What methods score in the development room, at home and away from it: where their constants are chosen.

``python -m development.opponents OUT.csv SEEDS SPEC ...`` in `tests/`, such as ``100-101 von_mises 'von_mises[steered=0]'``.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from development.scene import development_data, development_scene
from doabench.benchmark.cli.options import Seeds
from doabench.benchmark.data.scene import Scene
from doabench.benchmark.data.splits import method_seed, scored_set
from doabench.benchmark.method import Context
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.protocol import Subset
from doabench.benchmark.sequences import Sequences

LABELS, AT_HOME = (120, 250, 1000), 5000
HOME, AWAY = Subset(speech="validation"), Subset(speech="validation", positions="unseen", excerpts=1)
COLUMNS = ("method", "n", "seed", "place", "mae_deg")


def scores(spec: str, n: int, scene: Scene, seed: int) -> Iterator[tuple[str, float]]:
    """Place and MAE in degrees. Home are ``AT_HOME`` sequences, those to select on left out."""
    _, method = make_method(spec)
    method.context = Context(scene.setup, method_seed(seed))
    used = nothing = np.empty(0, np.int64)
    if method.info.uses_labels:
        data, given = development_data(scene, n, seed)
        used = given.selected
        method.fit(data)
    home, away = (scored_set(scene.stream(subset), own, False, seed) for subset, own in ((HOME, used), (AWAY, nothing)))
    for chosen, starts in ((home, home.starts[:AT_HOME]), (away, away.starts)):
        error_deg = np.abs(method.predict(Sequences(chosen.stream.store, starts)).doa_deg - chosen.stream.doa_deg(starts))
        position = chosen.stream.position[chosen.stream.recording_of(starts)]
        places = np.array([one.place.partition(":")[0] or "home" for one in chosen.stream.positions])[position]
        for place in dict.fromkeys(places):
            yield str(place), float(error_deg[places == place].mean())


def main(out: Path, seeds: tuple[int, ...], specs: list[str]) -> None:
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for seed in seeds:
            scene = development_scene(seed)
            for spec in specs:
                for n in LABELS if make_method(spec)[1].info.uses_labels else (0,):
                    writer.writerows([spec, n, seed, place, f"{mae:.3f}"] for place, mae in scores(spec, n, scene, seed))
                    file.flush()
    table = pd.read_csv(out).pivot_table(index=["n", "method"], columns="place", values="mae_deg", sort=False)
    print(table.round(2).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Seeds().convert(sys.argv[2], None, None), sys.argv[3:])
