"""What one worker does: train one fit, if it is not stored already, and score its cells."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .acoustics import ArraySetup
from .digest import source_digest
from .environment import environment
from .errors import UserError
from .generation import Generated, nearest_deg
from .generation import score as generation_score
from .leaks import Part, leak
from .memory import start_added
from .method import Context, FitFailed, GeneratedPhase, Generative, Method, Prediction
from .metrics import NORMALISED_WITHIN, normalisation_error
from .plan import Cell, Fit
from .protocol import GenerationProtocol, Protocol
from .records import CellCode, CellRecord, FitRecord, Leaks
from .registry import add_plugin_file, make_method
from .scene import Scene, make_scene
from .scoring import score
from .sequences import FRAMES_PER_SEQUENCE, PHASE_BINS, Sequences
from .splits import Grouped, ScoredSet, choose_reconstructed, fit_data, method_seed, scored_set
from .store import Store
from .streams import Stream

Report = Callable[[float, str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How fits are run, the same for all of a request; none of it may change a number but ``device`` and ``threads``."""

    out: Path
    device: str = "cpu"
    threads: int = 1
    plugins: tuple[Path, ...] = ()


class Crash(Exception):
    """What went wrong in a fit or a cell: one line for people, and the traceback where the fault is a plugin's own."""

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


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
            score_cell = _generated if isinstance(cell.protocol, GenerationProtocol) else _scored
            outcome, content = _guarded(fit, f"score {cell.split}", partial(score_cell, fit, cell, method, scene))
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
        _guarded(fit, "load", lambda: method.load(store.fits / fit.key))
        return method, stored
    began, added_rss_mb = time.perf_counter(), None
    if method.info.uses_labels:
        data, _ = _guarded(fit, "data", lambda: fit_data(*_streams(scene, fit), fit.axes.labels, scene.setup, fit.axes.seed))
        for part in (data.labelled, data.selection):
            part.phase(slice(0))  # made once for all fits of a worker: the first must not pay for it
        added, began = start_added(), time.perf_counter()
        _guarded(fit, "fit", lambda: method.fit(data))
        added_rss_mb = added()
    fit_s = time.perf_counter() - began
    where = environment(settings.device, settings.threads)
    record = FitRecord(key=fit.key, axes=fit.axes, fit_s=fit_s, fit_added_rss_mb=added_rss_mb, environment=where)
    with store.new_fit(record, method.context.history) as folder:
        _guarded(fit, "save", lambda: method.save(folder))
    return method, record


def _scored(fit: Fit, cell: Cell, method: Method, scene: Scene) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the record of one scored set says, and its predictions."""
    chosen, leaks = _scored_set(fit, cell, scene)
    began = time.perf_counter()
    prediction = _guarded(fit, "predict", lambda: method.predict(chosen.sequences))
    predict_s = time.perf_counter() - began
    _guarded(fit, "predict", lambda: _checked(prediction, len(chosen.sequences), scene.setup))
    table = _predictions(chosen, prediction, scene.setup if cell.axes.counts_hits else None)
    metrics = score(table, fit.axes.candidates_deg, cell.axes.counts_hits)
    speakers = chosen.stream.clip_speakers
    return {
        "metrics": metrics,
        "leaks": leaks,
        "speakers": speakers,
        "predict_us_per_sequence": predict_s / len(table) * 1e6,
    }, table


def _generated(fit: Fit, cell: Cell, method: Method, scene: Scene) -> tuple[dict[str, Any], Generated]:
    """What the record of a generation cell says, and what was generated."""
    protocol, setup = cell.protocol, scene.setup
    assert isinstance(protocol, GenerationProtocol)
    assert isinstance(method, Generative)
    chosen, leaks = _scored_set(fit, cell, scene)
    scored = Grouped(chosen.starts, setup.class_of(chosen.stream.doa_deg(chosen.starts)))
    starts = choose_reconstructed(scored, protocol.reconstructed_per_doa, fit.axes.seed)
    inputs, doa_deg = Sequences(chosen.stream.store, starts), chosen.stream.doa_deg(starts)
    sampled_deg, count = [nearest_deg(angle, setup) for angle in protocol.sampled_deg], protocol.samples
    reconstruct, sample = method.reconstruct, method.sample
    again = _guarded(fit, "reconstruct", lambda: _checked_phase(reconstruct(inputs, doa_deg), len(inputs)))
    samples = [_guarded(fit, "sample", lambda at=at: _checked_phase(sample(at, count), count)) for at in sampled_deg]
    generated = Generated(
        doa_deg=doa_deg,
        input_rad=inputs.phase(slice(None)),
        mean_rad=again.mean_rad,
        draw_rad=again.draw_rad,
        sampled_doa_deg=np.repeat(sampled_deg, count),
        sampled_mean_rad=np.concatenate([sample.mean_rad for sample in samples]),
        sampled_draw_rad=np.concatenate([sample.draw_rad for sample in samples]),
        histogram_doa_deg=np.array(nearest_deg(protocol.histogram_deg, setup)),
    )
    return {"generation": generation_score(generated, setup), "leaks": leaks}, generated


def _streams(scene: Scene, fit: Fit) -> tuple[Stream, Stream]:
    return scene.stream(fit.protocol.train), scene.stream(fit.protocol.selection)


def _scored_set(fit: Fit, cell: Cell, scene: Scene) -> tuple[ScoredSet, Leaks]:
    """The sequences of a cell, without those of its stream that the fit was given with a label; and what they share with all
    that the fit was given."""
    subset, given, free = cell.protocol.splits[cell.split], [], []
    if fit.axes.labels:
        train, selection = _streams(scene, fit)
        _, chosen = fit_data(train, selection, fit.axes.labels, scene.setup, fit.axes.seed)
        given = [(fit.protocol.train, chosen.labelled), (fit.protocol.selection, chosen.selected)]
        free = [Part(fit.protocol.train.speech, train, chosen.unlabelled)]
    used = [starts for used_subset, starts in given if used_subset == subset]
    chosen = scored_set(
        scene.stream(subset), np.concatenate([np.empty(0, np.int64), *used]), cell.protocol.balance, fit.axes.seed
    )
    if not len(chosen.starts):
        raise UserError(f"no sequence is left to score in {cell.split}: lower --labels or give more speech")
    scored = Part(subset.speech, chosen.stream, chosen.starts)
    labelled_parts = [Part(each.speech, scene.stream(each), starts) for each, starts in given]
    return chosen, Leaks(labelled=leak(scored, labelled_parts), unlabelled=leak(scored, free))


def cell_code(protocol: Protocol) -> CellCode:
    """Hashes of all code that a cell depends on beside its fit."""
    if isinstance(protocol, GenerationProtocol):
        return CellCode(scored=source_digest(_generated), scoring=source_digest(generation_score))
    return CellCode(scored=source_digest(_scored_set, _predictions), scoring=source_digest(score))


def _predictions(chosen: ScoredSet, prediction: Prediction, setup: ArraySetup | None) -> pd.DataFrame:
    """Stream order, so that the file packs well; positions by index, angles in degrees. ``setup`` is None where the true angles
    are not its candidates: probabilities of candidates say nothing of them."""
    order = np.argsort(chosen.starts)
    starts = chosen.starts[order]
    recording = chosen.stream.recording_of(starts)
    columns = {
        "start": starts.astype(np.int32),
        "clip": chosen.stream.clip[recording].astype(np.int16),
        "position": chosen.stream.position[recording].astype(np.int16),
        "true_deg": chosen.stream.doa_deg(starts).astype(np.float32),
        "estimated_deg": prediction.doa_deg[order].astype(np.float32),
    }
    if prediction.log_probabilities and prediction.scores is not None and setup is not None:
        for name in ("true", "estimated"):
            candidate = setup.class_of(columns[f"{name}_deg"])
            columns[f"{name}_log_probability"] = prediction.scores[order, candidate].astype(np.float32)
    return pd.DataFrame(columns)


def _checked(prediction: Prediction, count: int, setup: ArraySetup) -> None:
    if not isinstance(prediction, Prediction) or prediction.doa_deg.shape != (count,):
        raise ValueError(f"predict must return a Prediction with doa_deg of shape ({count},)")
    if not np.isfinite(prediction.doa_deg).all():
        raise ValueError(f"predict returned {int((~np.isfinite(prediction.doa_deg)).sum())} angles that are not finite")
    if prediction.log_probabilities:
        scores, wanted = prediction.scores, (count, len(setup.candidates_deg))
        if scores is None or scores.shape != wanted or not normalisation_error(scores) <= NORMALISED_WITHIN:
            raise ValueError(f"log_probabilities=True needs scores of shape {wanted} whose exponentials sum to one")
        if not np.isfinite(scores).all():
            raise ValueError(
                "log_probabilities=True needs finite scores: clip probabilities, to 1e-12 say, before the logarithm"
            )


def _checked_phase(made: GeneratedPhase, count: int) -> GeneratedPhase:
    for name, phase in (("mean_rad", made.mean_rad), ("draw_rad", made.draw_rad)):
        if phase.shape != (count, FRAMES_PER_SEQUENCE, PHASE_BINS) or not np.isfinite(phase).all():
            raise ValueError(f"{name} must be finite and of shape ({count}, {FRAMES_PER_SEQUENCE}, {PHASE_BINS})")
    return made


def _guarded(fit: Fit, doing: str, call: Callable[[], T]) -> T:
    """Run a plugin's code, or what works on what it gave; whatever that raises becomes a `Crash` that says whose it is."""
    try:
        return call()
    except Crash:
        raise
    except (UserError, FitFailed) as error:
        raise Crash(str(error)) from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{fit.spec} {doing}: {type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {error}"
        raise Crash(" ".join(reason.split()), traceback.format_exc()) from error


def _record(fit: Fit, cell: Cell, where: dict[str, Any], **outcome: Any) -> CellRecord:
    return CellRecord(key=cell.key, fit_key=fit.key, fit=fit.axes, axes=cell.axes, environment=where, **outcome)
