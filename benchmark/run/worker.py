"""What one worker does: train one fit, if it is not stored already, and score its cells."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from ..data.scene import Scene, Scenes
from ..data.splits import ScoredSet, method_seed
from ..method import Context, History, Method, Prediction
from ..plugins.contained import contained
from ..plugins.registry import add_plugin_file
from ..plugins.spec import make_method
from ..protocol import GenerationProtocol
from ..results.readings import misread
from ..results.records import CellRecord, FitRecord
from ..results.scoring import score
from ..results.store import Store
from .answers import Crash, asked, checked, guarded, predictions_table
from .environment import environment
from .generate import generated_cell
from .given import given
from .jobs import Cell, Fit, Settings
from .memory import start_added
from .scored_set import plan_of, scored_by

LOG = logging.getLogger(__name__)
T = TypeVar("T")
Report = Callable[[float, str], None]
CURVE_EVERY_S = 10.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def prepare(settings: Settings) -> None:
    """Prepare a fresh process: plugins from outside the tree, and the threads it may use."""
    for variable in THREADS:
        os.environ[variable] = str(settings.threads)  # for libraries that are loaded later
    for path in settings.plugins:
        place = path.absolute()
        with contained():
            add_plugin_file(place)
    _limit_threads(settings.threads)


def _limit_threads(threads: int) -> None:
    """Of all libraries that are loaded by now. Torch takes seconds to load, and many methods do without."""
    import threadpoolctl

    threadpoolctl.threadpool_limits(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


class Worker:
    """Runs fits one after the other. The scene of the last one is kept, since the next one often has the same."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._store = settings, Store(settings.out)
        self._scenes = Scenes(most=1)
        self._environment = environment(settings.device, settings.threads)

    def run(self, fit: Fit, report: Report) -> list[CellRecord]:
        """Bring one fit and its cells into the store; the records of the cells. What is stored and ok does not run again."""
        todo = [cell for cell in fit.cells if not self._store.has_ok(cell.key)]
        try:
            scene = self._scenes.get(fit.scene)
            method, trained = self._trained(fit, scene, report)
        except Crash as crash:
            return [self._failed(fit, cell, crash) for cell in todo]
        costs: dict[str, Any] = {"parameters": self._store.parameters(fit.key)}
        if fit.learns:
            costs |= {"fit_s": trained.fit_s, "fit_added_rss_mb": trained.fit_added_rss_mb}
        records = []
        for cell in todo:
            report(1.0, f"scoring {cell.split}")
            try:
                records.append(self._scored(fit, cell, method, scene, costs))
            except Crash as crash:
                records.append(self._failed(fit, cell, crash))
            scene.rest()
        return records

    def _trained(self, fit: Fit, scene: Scene, report: Report) -> tuple[Method, FitRecord]:
        """The fitted method, from the store or trained now, and the record of its training."""
        stored = self._store.sound_fit(fit.key)
        if stored is not None:
            method = self._made(fit, scene)
            asked(fit, "load", lambda: method.load(self._store.fits / fit.key))
            return method, stored
        begun = any(self._store.scratch(fit.key).iterdir())
        try:
            return self._trained_now(fit, scene, report)
        except Crash as crash:
            if not (begun and crash.trace):
                raise
            LOG.warning("%s: does not go on from %s (%s): trained anew", fit.method, self._store.scratch(fit.key), crash)
        shutil.rmtree(self._store.scratch(fit.key))
        return self._trained_now(fit, scene, report)

    def _made(self, fit: Fit, scene: Scene) -> Method:
        _, method = make_method(fit.method)
        _limit_threads(self._settings.threads)
        method.context = Context(scene.setup, method_seed(fit.axes.seed), self._settings.device)
        return method

    def _trained_now(self, fit: Fit, scene: Scene, report: Report) -> tuple[Method, FitRecord]:
        """From what an earlier process left, or from the beginning."""
        method, history, scratch = self._made(fit, scene), History(), self._store.scratch(fit.key)
        progress = self._followed(fit, history, report)
        method.context = replace(method.context, scratch=scratch, progress=progress, history=history)
        fit_s, added_rss_mb = _train(method, fit, scene) if fit.learns else (0.0, None)
        record = FitRecord(
            key=fit.key, axes=fit.axes, fit_s=fit_s, fit_added_rss_mb=added_rss_mb, environment=self._environment
        )
        with self._store.new_fit(record, method.context.history) as folder:
            asked(fit, "save", lambda: method.save(folder))
        return method, record

    def _followed(self, fit: Fit, history: History, report: Report) -> Report:
        """Reports, and now and then writes the training curve for others to see."""
        written_s = time.monotonic()

        def progress(fraction: float, note: str) -> None:
            nonlocal written_s
            report(fraction, note)
            if history.rows and time.monotonic() - written_s > CURVE_EVERY_S:
                written_s = time.monotonic()
                self._store.write_curve(fit.key, fit.axes, history)

        return progress

    def _scored(self, fit: Fit, cell: Cell, method: Method, scene: Scene, costs: dict[str, Any]) -> CellRecord:
        score_cell = generated_cell if isinstance(cell.protocol, GenerationProtocol) else scored_cell
        outcome, content = guarded(fit, f"score {cell.split}", partial(score_cell, fit, cell, method, scene))
        record = self._record(fit, cell, state="ok", **costs, **outcome)
        return self._store.add_cell(record, content)

    def _failed(self, fit: Fit, cell: Cell, crash: Crash) -> CellRecord:
        record = self._record(fit, cell, state=crash.state, reason=str(crash), traceback=crash.trace)
        return self._store.add_cell(record)

    def _record(self, fit: Fit, cell: Cell, **outcome: Any) -> CellRecord:
        about = {"fit_key": fit.key, "fit": fit.axes, "axes": cell.axes, "findings": fit.findings}
        return CellRecord(key=cell.key, environment=self._environment, **about, **outcome)


def _train(method: Method, fit: Fit, scene: Scene) -> tuple[float, float | None]:
    """Train ``method``: how many seconds that took, and how many MB it added."""
    data = guarded(fit, "data", lambda: given(scene, fit)).data
    for part in (data.labelled, data.selection):
        part.phase(slice(0))  # made once for all fits of a worker: the first must not pay for it
    added = start_added()
    _, fit_s = asked(fit, "fit", lambda: _timed(lambda: method.fit(data)))
    return fit_s, added()


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    """What ``call`` gives, and the seconds that it took."""
    began = time.perf_counter()
    found = call()
    return found, time.perf_counter() - began


def scored_cell(fit: Fit, cell: Cell, method: Method, scene: Scene) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the record of one scored set says, and its predictions."""
    chosen, leaks = scored_by(fit, cell, scene)
    prediction, predict_s = asked(fit, "predict", lambda: _timed(lambda: method.predict(chosen.sequences)))
    guarded(fit, "predict", lambda: checked(prediction, len(chosen.sequences), scene.setup))
    outcome, table = outcome_of(fit, cell, scene, chosen, prediction)
    costs = {"predict_us_per_sequence": predict_s / len(table) * 1e6}
    return {**outcome, **costs, "leaks": leaks}, table


def outcome_of(
    fit: Fit, cell: Cell, scene: Scene, chosen: ScoredSet, prediction: Prediction
) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the record of a scored set says of what was answered, and the answers as they are stored."""
    table = predictions_table(chosen, prediction, scene.setup if cell.axes.counts_hits else None)
    return {
        "metrics": score(table, fit.axes.candidates_deg, cell.axes.counts_hits),
        "speakers": chosen.stream.clip_speakers,
        "plan": plan_of(scene.room_of(cell.protocol.splits[cell.split]), chosen.stream.positions),
        "hint": misread(table["estimated_deg"], table["true_deg"], fit.axes.candidates_deg),
    }, table
