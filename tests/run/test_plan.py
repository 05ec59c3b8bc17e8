"""What a request comes to: which fits, shared by whom, with how many labels, and what is said of what does not run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest
import soundfile
from doabench.benchmark.cli.options import Seeds
from doabench.benchmark.dataset import SAMPLE_RATE_HZ
from doabench.benchmark.errors import UserError
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.run.plan import Plan, Request, make_plan
from doabench.datasets.speech.talkers import Talkers
from support import plugins

SWEEP = Request(("label-sweep",), ("rtf_1nn",), "talkers", scale="smoke", seeds=(0,))


def corpus(folder: Path, speakers: int) -> str:
    """A folder of speech with so many speakers."""
    folder.mkdir()
    for index in range(speakers):
        samples = Talkers().load(f"talker-{index:03d}-0")
        soundfile.write(folder / f"{100 + index}-1-0000.wav", samples, SAMPLE_RATE_HZ)
    return str(folder)


def cells(plan: Plan) -> list[tuple[str, str, str]]:
    return [(fit.axes.method, cell.axes.protocol, cell.split) for fit in plan.fits for cell in fit.cells]


def test_protocols_that_train_on_the_same_share_a_fit() -> None:
    protocols = ("label-sweep", "off-grid", "off-range")
    plan = make_plan(replace(SWEEP, protocols=protocols, methods=("rtf_1nn", "srp_phat")))
    scored = [("label-sweep", "train"), ("label-sweep", "validation"), ("off-grid", "off_grid"), ("off-range", "off_range")]
    assert cells(plan) == [(method, *cell) for method in ("rtf_1nn", "srp_phat") for cell in scored]
    assert len(plan.fits) == 2
    assert len(set(plan.cell_keys)) == 8
    alone = [make_plan(replace(SWEEP, protocols=(protocol,))).fits for protocol in protocols]
    assert {fit.key for fits in alone for fit in fits} == {plan.fits[0].key}


def test_what_is_asked_for_twice_runs_once() -> None:
    twice = make_plan(replace(SWEEP, protocols=("label-sweep",) * 2, methods=("rtf_1nn",) * 2))
    assert twice.cell_keys == make_plan(SWEEP).cell_keys
    assert len(twice.cell_keys) == 2


def test_what_changes_a_fit_changes_its_key() -> None:
    requests = {
        "itself": SWEEP,
        "method": replace(SWEEP, methods=("cnn",)),
        "parameter": replace(SWEEP, methods=("cnn[variant=as-released]",)),
        "labels": replace(SWEEP, labels=(250,)),
        "room": replace(SWEEP, rooms=("mir-twin",)),
        "data": replace(SWEEP, protocols=("rt60-transfer",)),
        "seed": replace(SWEEP, seeds=(0, 1)),
    }
    fits = {what: make_plan(request).fits[-1].key for what, request in requests.items()}
    assert len(set(fits.values())) == len(requests), fits


def test_labels_are_the_whole_number_of_each_class_that_n_allows() -> None:
    plan = make_plan(replace(SWEEP, labels=(19, 120, 250)))
    assert [(fit.axes.nominal_labels, fit.axes.labels) for fit in plan.fits] == [(19, 19), (120, 114), (250, 247)]
    assert len({fit.key for fit in plan.fits}) == 3
    thirteen = make_plan(replace(SWEEP, labels=(120,), rooms=("mir-twin",)))
    assert [fit.axes.labels for fit in thirteen.fits] == [117]


def test_methods_that_use_no_labels_run_once_for_all_n() -> None:
    plan = make_plan(replace(SWEEP, methods=("srp_phat",), labels=(120, 250)))
    assert [(fit.axes.nominal_labels, fit.axes.labels) for fit in plan.fits] == [(0, 0)]


@pytest.mark.parametrize("n", [-1, 0, 18, 1_000_000])
def test_labels_out_of_reach_are_refused_with_what_can_be_had(n: int) -> None:
    with pytest.raises(UserError, match=rf"--labels {n}: with 19 directions and this speech n must be between 19 and \d+"):
        make_plan(replace(SWEEP, labels=(n,)))


def test_every_seed_draws_its_own_speech_and_labels() -> None:
    plan = make_plan(replace(SWEEP, seeds=(0, 1)))
    assert [fit.axes.seed for fit in plan.fits] == [0, 1]
    assert len({fit.axes.data_digest for fit in plan.fits}) == 2
    assert len({fit.key for fit in plan.fits}) == 2
    first, _ = plan.fits
    assert first.key == make_plan(SWEEP).fits[0].key
    strict = make_plan(replace(SWEEP, protocols=("label-sweep-strict",), seeds=()))
    assert [fit.axes.seed for fit in strict.fits] == [0, 1, 2]


def test_a_room_without_places_between_its_directions_gives_up_every_other_one() -> None:
    plan = make_plan(replace(SWEEP, protocols=("label-sweep", "off-grid"), rooms=("mir-twin",)))
    found = {fit.axes.dataset: (fit.axes.candidates_deg, [cell.split for cell in fit.cells]) for fit in plan.fits}
    assert found == {
        "mir-twin": (tuple(range(-90, 91, 15)), ["train", "validation"]),
        "mir-twin/half-grid": (tuple(range(-90, 91, 30)), ["off_grid"]),
    }
    assert plan.notes == []


def test_a_corpus_with_few_speakers_left_is_said(tmp_path: Path) -> None:
    request = replace(SWEEP, protocols=("label-sweep", "label-sweep-strict"), methods=("rtf_1nn", "srp_phat"))
    few = make_plan(replace(request, speech=corpus(tmp_path / "seven", 7)))
    assert few.notes == ["label-sweep-strict: librispeech:seven has 3 speakers left to score at seed 0, 4 are meant to be"]
    assert {protocol for _, protocol, _ in cells(few)} == {"label-sweep", "label-sweep-strict"}
    none = make_plan(replace(request, speech=corpus(tmp_path / "four", 4)))
    (note,) = none.notes
    assert note.startswith("label-sweep-strict does not run: librispeech:four has 0 speakers left to score")
    assert {protocol for _, protocol, _ in cells(none)} == {"label-sweep"}


def test_planned_cells_are_missing_until_they_are_there() -> None:
    plan = make_plan(SWEEP)
    records = list(plan.cells())
    assert [record.key for record in records] == plan.cell_keys
    assert {record.state for record in records} == {"missing"}
    assert [record.axes.split for record in records] == ["train", "validation"]
    assert {record.fit_key for record in records} == {plan.fits[0].key}


@pytest.mark.parametrize(
    ("text", "seeds"), [("", ()), ("1", (0,)), ("3", (0, 1, 2)), ("200-202", (200, 201, 202)), ("7-7", (7,))]
)
def test_seeds_are_counted_or_named(text: str, seeds: tuple[int, ...]) -> None:
    assert Seeds().convert(text, None, None) == seeds


@pytest.mark.parametrize("text", ["0", "-1", "5-3", "two", "1,2", "3-"])
def test_what_names_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="names no seeds"):
        Seeds().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "\n    def skip(self):\n        raise SystemExit\n",
            "odd skip: SystemExit in odd.py, line 12: exit code 0;",
        ),
        ("\n    def skip(self):\n        return False\n", "odd skip gave False: give None, or a reason in words"),
        ("\n    function: object = print\n", "it cannot be made: TypeError"),
        ("\n    def __post_init__(self):\n        1 / 0\n", "it cannot be made: ZeroDivisionError in odd.py, line 12"),
        ("\n    info = None\n", "odd.py cannot be loaded: class Mine at line 7: info must be a MethodInfo"),
    ],
)
def test_a_method_that_cannot_be_asked_what_it_is_fails_its_own_cells_alone(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    head, predict = plugins.GUESS.split("\n    angle_deg: float = 0.0\n")
    path.write_text(head + text + predict.replace("self.angle_deg", "0.0"))
    with METHODS.scope():
        METHODS.add_file(path)
        plan = make_plan(replace(SWEEP, methods=("odd", "srp_phat")))
    assert {fit.axes.method for fit in plan.fits} == {"srp_phat"}
    assert [(record.fit.method, record.state) for record in plan.not_run] == [("odd", "failed")] * 2
    assert all(record.reason.startswith(says) for record in plan.not_run), plan.not_run[0].reason
