"""What the parts of a run cost on this machine: the figures of docs/scale.md that are measured.

``OMP_NUM_THREADS=1 python -m development.scale_costs`` in `tests/`, ten minutes: one thread, synthetic talkers, nothing cached.
Seconds are of the processor, so that they say the same whatever else runs; memory is resident.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import psutil
import torch
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.data.scene import Scene, Scenes
from doabench.benchmark.data.splits import method_seed
from doabench.benchmark.method import Context
from doabench.benchmark.plugins.spec import make_method
from doabench.benchmark.run.environment import environment
from doabench.benchmark.run.given import given
from doabench.benchmark.run.jobs import Fit, Settings
from doabench.benchmark.run.memory import start_added
from doabench.benchmark.run.plan import Plan, Request, make_plan
from doabench.benchmark.run.process import WorkerProcess
from doabench.benchmark.run.worker import scored_cell
from doabench.leaderboard.build import read, write_files
from doabench.leaderboard.mlflow.sync import sync
from support.many_records import many

SPEAKERS = (2, 8, 20)
"""Per role: the unlabelled set grows with them. 20 are those of scales quick and paper."""
METHODS = ("von_mises", "von_mises[unlabelled=em]", "kernel_ridge", "kernel_ridge[unlabelled=student]")
LABELS = (120, 1000)
NETWORK = "cnn"
"""On the smallest set and with the fewest labels alone: its steps do not depend on the former."""
PLANNED, SEEDS = 300, 3
STORES = ((11, 2), (11, 6), (22, 2))
"""Methods and seeds of the records that are published: 9 rows a method, one cell for each seed."""
T = TypeVar("T")


def timed(call: Callable[[], T]) -> tuple[T, float, float]:
    """What it gives, its seconds of the processor, and the MB that it added at most at once."""
    added, began = start_added(), time.process_time()
    found = call()
    return found, time.process_time() - began, added() or 0.0


def row(*cells: str | float) -> None:
    shown = (cell if isinstance(cell, str) else f"{cell:.0f}" if cell >= 100 else f"{cell:.2g}" for cell in cells)
    print("|", " | ".join(shown), "|", flush=True)


def table(*heads: str) -> None:
    print()
    row(*heads)
    row(*("---" for _ in heads))


def resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


def planned(specs: tuple[str, ...], labels: int = 120, scale: Literal["smoke", "quick"] = "smoke", seeds: int = 1) -> Plan:
    return make_plan(Request(("label-sweep",), specs, "talkers", scale, (labels,), tuple(range(seeds))))


def a_fit(spec: str, labels: int) -> Fit:
    return planned((spec,), labels).fits[0]


def children_s() -> float:
    """Seconds of the processor of all processes that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def starting(out: Path) -> None:
    """Processes, rooms and plans."""
    table("what", "s", "MB")
    before_s = children_s()
    subprocess.run([sys.executable, "-c", "import doabench.benchmark.run.engine"], check=True)
    row("process that a job is", children_s() - before_s, "")
    make_method("srp_phat")
    _, first_s, _ = timed(lambda: planned(("srp_phat",)))
    plan, again_s, _ = timed(lambda: planned(("srp_phat",)))
    row("responses of a room that are not cached", first_s - again_s, "")
    process = WorkerProcess(Settings(out))
    process.take(plan.fits[0])
    while process.took_s is None:
        process.has_ended(lambda *_: None, None)
        time.sleep(0.01)
    (worker,) = (one for one in psutil.Process().children() if "multiprocessing.spawn" in " ".join(one.cmdline()))
    row("worker in it, until its first fit begins", sum(worker.cpu_times()[:2]), worker.memory_info().rss / 1e6)
    process.stop()
    specs = tuple(f"von_mises[steered={number}]" for number in range(1, PLANNED + 1))
    plan, more_s, _ = timed(lambda: planned(specs))
    assert len(plan.fits) == PLANNED
    row(f"a fit more in a plan, of {PLANNED}", (more_s - again_s) / (PLANNED - 1), "")
    _, first_s, first_mb = timed(lambda: planned(METHODS, scale="quick"))
    _, more_s, more_mb = timed(lambda: planned(METHODS, scale="quick", seeds=SEEDS))
    row(
        f"a scene more in a plan, of {SEEDS}, 20 talkers a role",
        (more_s - first_s) / (SEEDS - 1),
        (more_mb - first_mb) / (SEEDS - 1),
    )


def training() -> None:
    """Scenes, fits and scored cells against N and J."""
    rows: list[tuple[str | float, ...]] = []
    table("speakers a role", "N unlabelled", "draw s", "streams s", "MB held", "MB at once")
    for speakers in SPEAKERS:
        before_mb, fit = resident_mb(), a_fit("von_mises", 120)
        scenes, spec = Scenes(most=1), replace(fit.scene, speakers_per_role=speakers)
        scene, drawn_s, _ = timed(partial(scenes.get, spec))
        _, made_s, added_mb = timed(lambda scene=scene, fit=fit: [scene.stream(one) for one in fit.protocol.subsets])
        unlabelled = len(given(scene, fit).data.unlabelled)
        row(speakers, unlabelled, drawn_s, made_s, resident_mb() - before_mb, added_mb)
        rows += [measured(scene, one, n) for one in METHODS for n in LABELS]
        if speakers == min(SPEAKERS):
            rows.append(measured(scene, NETWORK, min(LABELS)))
    table("method", "J", "N unlabelled", "fit s", "MB added", "scored cell s", "its sequences", "MB added")
    for one in rows:
        row(*one)


def measured(scene: Scene, spec: str, labels: int) -> tuple[str | float, ...]:
    fit, (_, method) = a_fit(spec, labels), make_method(spec)
    method.context = Context(scene.setup, method_seed(0))
    data = given(scene, fit).data
    for part in (data.labelled, data.selection):
        part.phase(slice(0))  # as a worker does it
    _, fit_s, fit_mb = timed(lambda: method.fit(data))
    (_, scored), scored_s, scored_mb = timed(lambda: scored_cell(fit, fit.cells[0], method, scene))
    scene.rest()
    counts = len(data.labelled.doa_class), len(data.unlabelled)
    return f"`{spec}`", *counts, fit_s, fit_mb, scored_s, len(scored), scored_mb


def publishing() -> None:
    """Records into MLflow and onto the page, as the end of a run does it."""
    today = installed()
    table("cells", "rows", "read s", "into MLflow s", "again s", "page s", "figures s", "MB held")
    sizes, found_s = list[tuple[int, int, int]](), list[list[float]]()
    for methods, seeds in STORES:
        with tempfile.TemporaryDirectory() as name:
            out = Path(name)
            cells = many(out, [f"method_{number:02d}" for number in range(methods)], seeds)
            board, read_s, _ = timed(partial(read, out, today))
            first_s, again_s = (timed(partial(sync, out, board.tables, today))[1] for _ in range(2))
            page_s, all_s = (timed(partial(write_files, board, today, figures))[1] for figures in (False, True))
            rows = sum(len(one.rows) for one in board.tables)
            row(cells, rows, read_s, first_s, again_s, page_s, all_s - page_s, resident_mb())
            sizes.append((cells, rows, 1))
            found_s.append([read_s + again_s + page_s, first_s - again_s, all_s - page_s])
    table("of which", "a cell s", "a row s", "the rest s")
    solved = np.linalg.solve(np.array(sizes, float), np.array(found_s)).T
    for name, shares in zip(("what every turn does", "what is new into MLflow", "figures"), solved, strict=True):
        row(name, *map(float, shares))


def main() -> None:
    torch.set_num_threads(1)
    here = environment("cpu", 1)
    print(f"{date.today()}, {here['cpu']}, {here['cores']} cores")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as out:
        os.environ["DOABENCH_CACHE"] = cache
        starting(Path(out))
        publishing()
        training()


if __name__ == "__main__":
    main()
