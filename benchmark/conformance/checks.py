"""The checks of what a method answers, in the order in which they run."""

from __future__ import annotations

import inspect

import numpy as np
from numpy.typing import NDArray

from ..method import Method, MethodInfo, Prediction
from ..plugins.faults import described
from ..results.metrics import NORMALISED_WITHIN, normalisation_error
from ..results.readings import CONVENTION, misread
from .data import SETUP, bench, silence, swapped
from .named import Fault, NotApplicable, check, must, only_if
from .pickles import is_pickle
from .subject import SEED, Subject, subset

NEAR_DEG = 10.0
"""Two thirds of the distance between the candidates of the trial: what a plane wave may be off by, on average."""
SAME_SHARE = 0.98
"""Products of other shapes round otherwise; a direction that stood at a tie may then fall to the other side."""


@check()
def metadata(subject: Subject) -> None:
    """a dataclass with title, citation and a docstring, whose flags agree with its methods"""
    kind = type(subject.new())
    must(isinstance(getattr(kind, "info", None), MethodInfo), "info must be a MethodInfo")
    must(bool(kind.info.title.strip() and kind.info.citation.strip()), "info: title and citation must not be empty")
    must(bool(inspect.getdoc(kind)) and "__doc__" in vars(kind), "the class has no docstring")
    must(kind.info.uses_labels or kind.fit is Method.fit, "uses_labels=False, so the fit that it defines is never called")
    must(kind.info.uses_labels or not kind.info.uses_unlabelled, "uses_unlabelled=True needs uses_labels=True")


@check()
def skips_with_a_reason(subject: Subject) -> None:
    """skip() gives None, or a reason in words"""
    reason = subject.new().skip()
    must(reason is None or (isinstance(reason, str) and bool(reason.strip())), f"skip() gave {reason!r}")


@check("skips_with_a_reason")
def shape_and_range(subject: Subject) -> None:
    """predict gives a Prediction with one angle in [-90, 90] for every sequence, also for none"""
    _angles(subject.answer, len(subject.scored[0]))
    try:
        empty = subject.ask(subject.fitted, subset(subject.scored[0], slice(0, 0)))
    except Exception as error:
        raise Fault(f"predict must also answer for no sequences, with none: {described(error)}") from error
    must(np.shape(empty.doa_deg) == (0,), f"no sequences must give doa_deg of shape (0,), not {np.shape(empty.doa_deg)}")


@check("shape_and_range")
def scores(subject: Subject) -> None:
    """scores are finite, [N, T], and highest at the answer"""
    table = subject.answer.scores
    if table is None:
        must(not subject.answer.log_probabilities, "log_probabilities=True, but there are no scores")
        raise NotApplicable("gives no scores")
    wanted = (len(subject.scored[0]), len(SETUP.candidates_deg))
    must(np.shape(table) == wanted, f"scores have shape {np.shape(table)}, not {wanted}")
    must(bool(np.isfinite(table).all()), f"{int((~np.isfinite(table)).sum())} scores are not finite")
    best = np.asarray(SETUP.candidates_deg)[np.argmax(table, -1)]
    off = int((best != subject.answer.doa_deg).sum())
    must(off == 0, f"{off} answers are not the candidate with the highest score")


@check("scores")
def probabilities(subject: Subject) -> None:
    """scores that are called log-probabilities sum to one"""
    only_if(subject.answer.log_probabilities, "does not call its scores log-probabilities")
    off = normalisation_error(np.asarray(subject.answer.scores))
    must(off <= NORMALISED_WITHIN, f"the log-sum-exp of a sequence's scores is {off:.3g} away from 0")


@check("shape_and_range")
def same_seed_same_output(subject: Subject) -> None:
    """two instances with the same seed and data answer the same"""
    again = subject.new()
    subject.fit(again, bench().fit_data())
    _same(subject.ask(again, subject.scored[0]), subject.answer, "a second instance with the same seed and data")


@check("shape_and_range")
def silence_is_answered(subject: Subject) -> None:
    """digital silence gets a finite angle in range"""
    _angles(subject.silent, 5)


@check("same_seed_same_output", "silence_is_answered")
def calls_independent(subject: Subject) -> None:
    """the same question gets the same answer, also with silence asked in between"""
    subject.ask(subject.fitted, silence(40))
    _same(subject.ask(subject.fitted, subject.scored[0]), subject.answer, "asked again after silence, it")


@check("calls_independent")
def order_invariant(subject: Subject) -> None:
    """answers do not depend on the order of the sequences"""
    order = np.random.default_rng(SEED).permutation(len(subject.scored[0]))
    there = subject.ask(subject.fitted, subset(subject.scored[0], order))
    _nearly_same(there.doa_deg, subject.answer.doa_deg[order], "in another order")


@check("calls_independent")
def batch_invariant(subject: Subject) -> None:
    """answers do not depend on what else is asked"""
    for count in (len(subject.scored[0]) // 2, 3, 1):
        part = subject.ask(subject.fitted, subset(subject.scored[0], slice(0, count)))
        _nearly_same(part.doa_deg, subject.answer.doa_deg[:count], f"asked of the first {count} alone")


@check("calls_independent")
def instances_independent(subject: Subject) -> None:
    """another instance, fitted and asked elsewhere, changes nothing"""
    _ = subject.answer, subject.used_elsewhere
    _same(subject.ask(subject.fitted, subject.scored[0]), subject.answer, "after another instance was used, it")


@check("instances_independent")
def refit_resets(subject: Subject) -> None:
    """fit forgets an earlier fit"""
    only_if(subject.learns, "does not learn")
    again = subject.used_elsewhere
    again.context = subject.new().context
    subject.fit(again, bench().fit_data())
    _same(subject.ask(again, subject.scored[0]), subject.answer, "fitted to other data first, it")


@check("instances_independent")
def save_load(subject: Subject) -> None:
    """a new instance that loads what was saved answers the same"""
    loaded = subject.new(seed=SEED + 2)
    subject.watch.call("load", lambda: loaded.load(subject.saved))
    _same(subject.ask(loaded, subject.scored[0]), subject.answer, "saved and loaded, it")


@check("shape_and_range")
def no_pickle(subject: Subject) -> None:
    """save writes nothing that can run code when it is loaded"""
    found = sorted(path.name for path in subject.saved.rglob("*") if path.is_file() and is_pickle(path))
    must(not found, f"{', '.join(found)}: a pickle; use save_arrays of benchmark/weights.py")


@check("shape_and_range")
def plane_wave(subject: Subject) -> str | None:
    """plane waves of talkers never heard before are found, left and right"""
    answered_deg, true_deg = subject.answer.doa_deg, subject.scored[1]
    reading = misread(answered_deg, true_deg, SETUP.candidates_deg)
    must(not reading, reading)
    off_deg = {side: _off_deg(subject, sign) for sign, side in ((-1, "left"), (1, "right"))}
    side, error_deg = max(off_deg.items(), key=lambda item: item[1])
    if error_deg < NEAR_DEG:
        return None
    guess_deg = float(np.abs(true_deg - np.median(true_deg)).mean())
    overall_deg = float(np.abs(answered_deg - true_deg).mean())
    must(overall_deg < guess_deg, f"{overall_deg:.1f} degrees off on average, no better than a guess; {CONVENTION}")
    return f"weak, which is no fault: {error_deg:.1f} degrees off on average on the {side}"


@check("plane_wave", "calls_independent")
def swap_mirrors(subject: Subject) -> None:
    """exchanging the microphones changes the sign of the answer"""
    only_if(max(_off_deg(subject, -1), _off_deg(subject, 1)) < NEAR_DEG, "too weak to tell")
    mirrored = subject.ask(subject.fitted, swapped(subject.scored[0]))
    error_deg = float(np.abs(mirrored.doa_deg + subject.answer.doa_deg).mean())
    must(error_deg < NEAR_DEG, f"{error_deg:.1f} degrees from the mirrored answer on average")


@check("shape_and_range")
def without_unlabelled(subject: Subject) -> None:
    """works without unlabelled data, or says in words why not (FitFailed)"""
    only_if(subject.learns, "does not learn")
    found = subject.without_unlabelled
    if isinstance(found, str):
        must("unlabelled" in found, f"FitFailed({found!r}) does not say that unlabelled data is missing")
    else:
        _angles(found, len(subject.scored[0]))


@check("same_seed_same_output", "without_unlabelled")
def unlabelled_as_claimed(subject: Subject) -> None:
    """other unlabelled data change the answers exactly where info.uses_unlabelled says so"""
    only_if(subject.learns, "does not learn")
    if subject.new().uses_unlabelled:
        changed = _outputs(subject.with_other_unlabelled) != _outputs(subject.answer)
        must(changed, "uses_unlabelled=True, but silence for unlabelled data changes nothing")
    elif isinstance(without := subject.without_unlabelled, Prediction):
        must(_outputs(without) == _outputs(subject.answer), "uses_unlabelled=False, but unlabelled data change the answers")
    else:
        raise Fault(f"uses_unlabelled=False, but it does not fit without them: {without}")


def _angles(prediction: Prediction, count: int) -> None:
    must(isinstance(prediction, Prediction), f"predict returned a {type(prediction).__name__}, not a Prediction")
    doa_deg = np.asarray(prediction.doa_deg)
    must(doa_deg.shape == (count,), f"doa_deg has shape {doa_deg.shape}, not ({count},)")
    must(bool(np.isfinite(doa_deg).all()), f"{int((~np.isfinite(doa_deg)).sum())} of {count} angles are not finite")
    span = f"angles from {doa_deg.min(initial=0):g} to {doa_deg.max(initial=0):g}"
    must(bool((np.abs(doa_deg) <= 90).all()), f"{span}: not in [-90, 90]; {CONVENTION}")


def _off_deg(subject: Subject, sign: int) -> float:
    """How far off the answers are on average on one side."""
    at = np.sign(subject.scored[1]) == sign
    return float(np.abs(subject.answer.doa_deg[at] - subject.scored[1][at]).mean())


def _outputs(prediction: Prediction) -> bytes:
    """The scores where there are any, else the angles, bit for bit."""
    shown = prediction.doa_deg if prediction.scores is None else prediction.scores
    return np.ascontiguousarray(shown).tobytes()


def _same(found: Prediction, expected: Prediction, what: str) -> None:
    off = int((found.doa_deg != expected.doa_deg).sum())
    must(off == 0, f"{what} answers otherwise for {off} of {len(expected.doa_deg)} sequences")


def _nearly_same(found: NDArray[np.float64], expected: NDArray[np.float64], what: str) -> None:
    same = np.isclose(found, expected, rtol=0, atol=0.01)
    must(bool(same.mean() >= SAME_SHARE), f"{what}, {int((~same).sum())} of {len(same)} answers differ")
