"""Whether today's code gives the numbers of a fit that was made before: its first steps again, and what it kept asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch

from ..data.scene import Scene, Scenes
from ..data.splits import method_seed
from ..digest import digest
from ..errors import UserError
from ..method import Context, History, Method
from ..plugins.spec import make_method
from ..results.records import CellRecord
from ..results.store import Stored
from ..sequences import Sequences
from ..weights import FILE
from .environment import environment
from .given import given
from .jobs import Fit
from .plan import Request, make_plan
from .worker import scored_cell

STEPS, SEQUENCES = 50, 1000
ABSOLUTE, RELATIVE, ON_THE_MOVE = 0.15, 5e-4, 0.06
"""How far a value of the training curve may be from what it was; the last is a share of its way to the next evaluation. A
processor without bfloat16 is within 0.11 where values are about 1, within 1.3e-4 where they are in the thousands. The cost of
the plain normal, which falls by a quarter in the first epoch, is off by 0.5 and 3.1 % of that way on other makes; after more
steps the cross-entropy of a batch is off by 0.6 there. Percentages of a few selection sequences jump, and do not count."""
OTHER_ANSWERS_PCT = 3.0
"""The same of answers: such a processor gives 1 % others."""


class _Enough(Exception):
    """The replayed steps are done."""


def replay(stored: Stored, cells: Sequence[CellRecord]) -> str:
    """Why today's code would not give the numbers of a stored fit, whose ``cells`` have not failed; empty if it would.

    The first `STEPS` steps are trained again, and the evaluations of their curve are compared, the first one at least; then
    `SEQUENCES` of the scored sequences must be the same, and the stored weights, where they are there, must answer as they did.
    """
    scored = next(cell for cell in cells if cell.metrics is not None)
    try:
        fit, scene = planned_again(scored, scored.axes.protocol)
        with _one_thread():
            return _curve(fit, scene, stored.history(scored.fit_key)) or _answers(fit, scene, stored, scored)
    except UserError as error:
        return f"it cannot be planned any more: {error}"


def scored_anew(stored: Stored, made: CellRecord, protocol: str) -> list[tuple[CellRecord, pd.DataFrame]]:
    """Cells of another ``protocol`` for the fit of the cell ``made``, with their predictions: what its stored weights answer
    with today's code. Raises UserError where the protocol cannot be planned."""
    fit, scene = planned_again(made, protocol)
    method, found = _stored_method(fit, scene, stored, made.fit_key), []
    for cell in fit.cells:
        outcome, table = scored_cell(fit, cell, method, scene)
        outcome |= {
            "fit_s": made.fit_s,
            "parameters": made.parameters,
            "environment": environment("cpu", torch.get_num_threads()),
        }
        key = digest([made.fit_key, cell.axes.model_dump()])
        record = CellRecord(key=key, fit_key=made.fit_key, state="ok", fit=made.fit, axes=cell.axes, **outcome)
        found.append((record, table))
    return found


def planned_again(made: CellRecord, protocol: str) -> tuple[Fit, Scene]:
    """The fit of a stored cell as today's code plans it, with its cells of a ``protocol``. Raises UserError where it cannot."""
    axes = made.fit
    request = Request(
        protocols=(protocol,),
        methods=(axes.spec,),
        speech=axes.speech,
        scale=made.axes.scale,  # pyright: ignore[reportArgumentType]
        labels=(axes.nominal_labels,),
        seeds=(axes.seed,),
        rooms=(axes.dataset,),
    )
    (fit,) = make_plan(request).fits
    return fit, Scenes().get(fit.scene)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Where something else runs, threads that wait for each other take ten times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _method(fit: Fit, context: Context) -> Method:
    _, method = make_method(fit.method)
    method.context = context
    return method


def _stored_method(fit: Fit, scene: Scene, stored: Stored, key: str) -> Method:
    method = _method(fit, Context(scene.setup, method_seed(fit.axes.seed)))
    method.load(stored.fits / key)
    return method


def _curve(fit: Fit, scene: Scene, before: Sequence[tuple[int, str, float]]) -> str:
    history = History()

    def progress(_fraction: float, _note: str) -> None:
        if history.rows and 2 * history.rows[-1][0] - _last_but_one(history.rows) > STEPS:
            raise _Enough  # the next evaluation comes after them

    method = _method(fit, Context(scene.setup, method_seed(fit.axes.seed), progress=progress, history=history))
    try:
        method.fit(given(scene, fit).data)
    except _Enough:
        pass
    except Exception as error:
        return f"training ends with {type(error).__name__}: {error}"
    return _difference(before, history.rows)


def _last_but_one(rows: Sequence[tuple[int, str, float]]) -> int:
    """The step of the evaluation before the last, 0 if there is none."""
    return max((step for step, _, _ in rows if step < rows[-1][0]), default=0)


def _difference(before: Sequence[tuple[int, str, float]], after: Sequence[tuple[int, str, float]]) -> str:
    last = max((step for step, _, _ in after), default=0)
    expected = {(step, name): value for step, name, value in before if step <= last}
    following, later = dict[tuple[int, str], float](), dict[str, float]()
    for step, name, value in reversed(before):
        following[step, name] = later.get(name, value)
        later[name] = value
    found = {(step, name): value for step, name, value in after}
    if not found or expected.keys() != found.keys():
        return "its training curve has other steps or names"
    for (step, name), value in found.items():
        was, then = expected[step, name], following[step, name]
        if not name.endswith("_pct") and abs(value - was) > ABSOLUTE + RELATIVE * abs(was) + ON_THE_MOVE * abs(was - then):
            return f"{name.replace('_', '-')} at step {step} is {value:.6g}, it was {was:.6g}"
    return ""


def _answers(fit: Fit, scene: Scene, stored: Stored, scored: CellRecord) -> str:
    table = stored.predictions(scored.key)
    table = table.iloc[:: max(1, len(table) // SEQUENCES)].iloc[:SEQUENCES]
    starts = table["start"].to_numpy(np.int64)
    stream = scene.stream(fit.protocol.splits[scored.axes.split])  # pyright: ignore[reportArgumentType]
    if starts.max() >= stream.n_starts or not np.allclose(stream.doa_deg(starts), table["true_deg"]):
        return "the scored sequences are others"
    if not (stored.fits / scored.fit_key / FILE).is_file():
        return ""
    method = _stored_method(fit, scene, stored, scored.fit_key)
    answers = method.predict(Sequences(stream.store, starts)).doa_deg
    other_pct = 100 * float(np.mean(np.abs(answers - table["estimated_deg"].to_numpy()) > 0.01))
    return f"{other_pct:.0f} % of its answers are others" if other_pct > OTHER_ANSWERS_PCT else ""
