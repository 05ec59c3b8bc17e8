"""What one worker does: train one fit, if it is not stored already, and score its cells."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import pandas as pd

from ..data.scene import Scene, make_scene
from ..data.splits import fit_data, method_seed
from ..method import Context, Method
from ..plugins.registry import add_plugin_file
from ..plugins.spec import make_method
from ..protocol import GenerationProtocol
from ..results.records import CellRecord, FitRecord
from ..results.scoring import score
from ..results.store import Store
from .answers import Crash, checked, guarded, predictions_table
from .environment import environment
from .generate import generated_cell
from .jobs import Cell, Fit, Settings
from .memory import start_added
from .scored_set import given_streams, scored_by

Report = Callable[[float, str], None]


def start(settings: Settings) -> None:
    """Prepare a fresh process: plugins from outside the tree, and the threads it may use."""
    import threadpoolctl
    import torch

    for path in settings.plugins:
        add_plugin_file(path)
    torch.set_num_threads(settings.threads)
    threadpoolctl.threadpool_limits(settings.threads)


def run(fit: Fit, settings: Settings, report: Report) -> list[CellRecord]:
    """Bring one fit and its cells into the store; the records of the cells. What is stored and ok does not run again."""
    store = Store(settings.out)
    todo = [cell for cell in fit.cells if (record := store.cell(cell.key)) is None or record.state != "ok"]
    where = environment(settings.device, settings.threads)
    try:
        scene = _scene(fit.room, fit.speech, fit.axes.seed, fit.speakers_per_role)
        method, trained = _trained(fit, scene, store, settings, report)
    except Crash as crash:
        for cell in todo:
            store.add_cell(_record(fit, cell, where, state="failed", reason=str(crash), traceback=crash.trace))
        return [record for cell in todo if (record := store.cell(cell.key)) is not None]
    records, costs = [], {"parameters": store.parameters(fit.key)}
    if fit.axes.labels:
        costs |= {"fit_s": trained.fit_s, "fit_added_rss_mb": trained.fit_added_rss_mb}
    for cell in todo:
        report(1.0, f"scoring {cell.split}")
        try:
            score_cell = generated_cell if isinstance(cell.protocol, GenerationProtocol) else _scored
            outcome, content = guarded(fit, f"score {cell.split}", partial(score_cell, fit, cell, method, scene))
            record = _record(fit, cell, where, state="ok", **costs, **outcome)
        except Crash as crash:
            content = None
            record = _record(fit, cell, where, state="failed", reason=str(crash), traceback=crash.trace)
        store.add_cell(record, content)
        records.append(record)
    return records


_scene = lru_cache(maxsize=1)(make_scene)


def _trained(fit: Fit, scene: Scene, store: Store, settings: Settings, report: Report) -> tuple[Method, FitRecord]:
    """The fitted method, from the store or trained now, and the record of its training."""
    _, method = make_method(fit.spec)
    method.context = Context(
        setup=scene.setup,
        seed=method_seed(fit.axes.seed),
        device=settings.device,
        scratch=store.scratch(fit.key),
        progress=report,
    )
    stored = store.fit(fit.key)
    if stored is not None:
        guarded(fit, "load", lambda: method.load(store.fits / fit.key))
        return method, stored
    began, added_rss_mb = time.perf_counter(), None
    if method.info.uses_labels:
        data, _ = guarded(
            fit, "data", lambda: fit_data(*given_streams(scene, fit), fit.axes.labels, scene.setup, fit.axes.seed)
        )
        for part in (data.labelled, data.selection):
            part.phase(slice(0))  # made once for all fits of a worker: the first must not pay for it
        added, began = start_added(), time.perf_counter()
        guarded(fit, "fit", lambda: method.fit(data))
        added_rss_mb = added()
    fit_s = time.perf_counter() - began
    where = environment(settings.device, settings.threads)
    record = FitRecord(key=fit.key, axes=fit.axes, fit_s=fit_s, fit_added_rss_mb=added_rss_mb, environment=where)
    with store.new_fit(record, method.context.history) as folder:
        guarded(fit, "save", lambda: method.save(folder))
    return method, record


def _scored(fit: Fit, cell: Cell, method: Method, scene: Scene) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the record of one scored set says, and its predictions."""
    chosen, leaks = scored_by(fit, cell, scene)
    began = time.perf_counter()
    prediction = guarded(fit, "predict", lambda: method.predict(chosen.sequences))
    predict_s = time.perf_counter() - began
    guarded(fit, "predict", lambda: checked(prediction, len(chosen.sequences), scene.setup))
    table = predictions_table(chosen, prediction, scene.setup if cell.axes.counts_hits else None)
    metrics = score(table, fit.axes.candidates_deg, cell.axes.counts_hits)
    speakers = chosen.stream.clip_speakers
    return {
        "metrics": metrics,
        "leaks": leaks,
        "speakers": speakers,
        "predict_us_per_sequence": predict_s / len(table) * 1e6,
    }, table


def _record(fit: Fit, cell: Cell, where: dict[str, Any], **outcome: Any) -> CellRecord:
    return CellRecord(key=cell.key, fit_key=fit.key, fit=fit.axes, axes=cell.axes, environment=where, **outcome)
