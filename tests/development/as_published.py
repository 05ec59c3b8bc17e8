"""How `vae_ssl[variant=as-published]` is made to fit on a processor: what was tried, and how to try it again.

``python -m development.as_published OUT.csv rates`` in `tests/`. Only selection sequences are looked at, of talkers and a
room that no protocol scores (`scene.py`). One thread a training, as many at a time as there are cores.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from development.scene import development_data, development_scene
from doabench.benchmark.method import Context
from doabench.methods.vae_ssl import published
from doabench.methods.vae_ssl.networks import Networks
from doabench.methods.vae_ssl.published import Recipe

SEED, N = 100, 250
BASE = Recipe("topk", alpha=5000.0, epochs=100, thin=16)
RATES = [replace(BASE, rate=factor * published.RATE, beta2=beta2) for factor, beta2 in product((16, 4, 1), (0.984, 0.999))]
BEST = replace(BASE, rate=BASE.thin * published.RATE)
LONG = replace(BEST, epochs=150)
CHECKS = [replace(BEST, epochs=60, estimator="exact"), replace(LONG, thin=8, rate=8 * published.RATE), LONG]
COLUMNS: tuple[str, ...] = ("estimator", "alpha", "thin", "rate", "beta2", "epoch", "seconds", "name", "value")


def trained(recipe: Recipe) -> list[dict[str, Any]]:
    """The training curve of one try."""
    torch.set_num_threads(1)
    scene = development_scene(SEED)

    def progress(_: float, note: str) -> None:
        print(f"{round(time.monotonic() - began)} s, {recipe}: {note}", flush=True)

    context = Context(scene.setup, seed=SEED, progress=progress)
    rng = torch.Generator().manual_seed(SEED)
    networks = Networks(len(scene.setup.candidates_deg), published.SHAPE, rng)
    data, _ = development_data(scene, N, SEED)
    began = time.monotonic()
    published.train(networks, "truncated-normal", recipe, data, rng, context)
    seconds = time.monotonic() - began
    axes = {name: getattr(recipe, name) for name in ("estimator", "alpha", "thin", "rate", "beta2")}
    steps = sorted({step for step, _, _ in context.history.rows})
    return [
        {**axes, "epoch": steps.index(step) + 1, "seconds": round(seconds), "name": name, "value": f"{value:.4f}"}
        for step, name, value in context.history.rows
    ]


def main(out: Path, tries: list[Recipe]) -> None:
    with out.open("w", newline="") as file, ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for done in as_completed([pool.submit(trained, recipe) for recipe in tries]):
            writer.writerows(done.result())
            file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), {"rates": RATES, "checks": CHECKS}[sys.argv[2]])
