"""What a method answers: asked for under guard, checked, and made into the table that is stored."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from ..acoustics import ArraySetup
from ..data.splits import ScoredSet, method_seed
from ..errors import UserError
from ..method import FitFailed, GeneratedPhase, Prediction
from ..plugins.contained import contained
from ..plugins.faults import described, package_needed
from ..results.metrics import NORMALISED_WITHIN, normalisation_error
from ..sequences import FRAMES_PER_SEQUENCE, PHASE_BINS
from .jobs import Fit

T = TypeVar("T")


class Crash(Exception):
    """What went wrong in a fit or a cell: one line for people, the state that the cell then has, and the traceback where the
    fault is a plugin's own."""

    def __init__(self, reason: str, trace: str = "", state: Literal["failed", "not-installed"] = "failed") -> None:
        super().__init__(reason)
        self.trace, self.state = trace, state


def predictions_table(chosen: ScoredSet, prediction: Prediction, setup: ArraySetup | None) -> pd.DataFrame:
    """Stream order, so that the file packs well; positions by index, angles in degrees, the name of the ``place`` where
    positions have one. ``setup`` is None where the true angles are not its candidates: probabilities of candidates say nothing
    of them."""
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
    if any(position.place for position in chosen.stream.positions):
        places = np.array([position.place for position in chosen.stream.positions])
        columns["place"] = pd.Categorical(places[columns["position"]])
    if prediction.log_probabilities and prediction.scores is not None and setup is not None:
        for name in ("true", "estimated"):
            candidate = setup.class_of(columns[f"{name}_deg"])
            columns[f"{name}_log_probability"] = prediction.scores[order, candidate].astype(np.float32)
    return pd.DataFrame(columns)


def checked(prediction: Prediction, count: int, setup: ArraySetup) -> None:
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


def checked_phase(made: GeneratedPhase, count: int) -> GeneratedPhase:
    for name, phase in (("mean_rad", made.mean_rad), ("draw_rad", made.draw_rad)):
        if phase.shape != (count, FRAMES_PER_SEQUENCE, PHASE_BINS) or not np.isfinite(phase).all():
            raise ValueError(f"{name} must be finite and of shape ({count}, {FRAMES_PER_SEQUENCE}, {PHASE_BINS})")
    return made


def guarded(fit: Fit, doing: str, call: Callable[[], T]) -> T:
    """Run a plugin's code, or what works on what it gave; whatever that raises becomes a `Crash` that says whose it is."""
    try:
        return call()
    except Crash:
        raise
    except (UserError, FitFailed) as error:
        raise Crash(str(error)) from error
    except (Exception, SystemExit) as error:
        reason = f"{fit.method} {doing}: {described(error, method_seed(fit.axes.seed))}"
        state = "not-installed" if package_needed(error) else "failed"
        raise Crash(" ".join(reason.split()), traceback.format_exc(), state) from error


def asked(fit: Fit, doing: str, call: Callable[[], T]) -> T:
    """`guarded`, for a method's own code: what it does to its process is `contained`."""
    with contained():
        return guarded(fit, doing, call)
