"""The object that all training loops share: it resumes, keeps the best weights, averages them, and notices a breakdown."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.splits import fit_data
from doabench.benchmark.method import Context, FitData, FitFailed
from doabench.methods._classifier import logits_of
from doabench.methods._networks import class_scores, classifier, copy_of
from doabench.methods._training import Training
from support.streams import StreamOf
from torch.nn import functional

Rows = list[tuple[int, str, float]]


@pytest.fixture(scope="module")
def data(anechoic_stream: StreamOf, anechoic_setup: ArraySetup) -> FitData:
    return fit_data(anechoic_stream("train", "grid"), anechoic_stream("validation", "grid"), 19 * 2, anechoic_setup, 0)[0]


class Run:
    """A small training of the classifier of Table 1, its state open to the test."""

    def __init__(self, data: FitData, context: Context, averaging: float = 0.0, latest_of_equals: bool = False) -> None:
        self.rng = torch.Generator().manual_seed(3)
        self.network = classifier(19, self.rng)
        self.optimiser = torch.optim.Adam(self.network.parameters(), 1e-3, fused=True)
        self.phase, self.y = data.labelled.phase_on("cpu"), torch.from_numpy(data.labelled.doa_class)
        parts = (self.network, self.optimiser, self.rng, context, data.selection)
        self.training = Training(*parts, averaging=averaging, latest_of_equals=latest_of_equals)

    def step(self) -> float:
        self.network.train()
        index = torch.randint(len(self.y), (8,), generator=self.rng)
        loss = functional.cross_entropy(logits_of(self.network, self.phase(index)), self.y[index])
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.training.stepped(loss=loss)
        return loss.item()

    def to_the_end(self, steps: int = 9, every: int = 3) -> None:
        while self.training.now.step < steps:
            self.training.kept.setdefault("drawn_once", torch.rand(2, generator=self.rng))
            self.step()
            if self.training.now.step % every == 0:
                self.training.now.epoch += 1
                self.training.evaluate(self.training.now.step / steps)
        self.training.finish()


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


class Killed(Exception):
    pass


def killed_after(evaluations: int) -> Callable[[float, str], None]:
    """For a context's ``progress``, which is called in an evaluation before its checkpoint is written."""
    calls = iter(range(evaluations + 1))

    def progress(_done: float, _note: str) -> None:
        if next(calls) == evaluations:
            raise Killed

    return progress


@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("evaluations", [1, 2])
def test_a_killed_run_goes_on_to_the_same_end(
    averaging: float,
    evaluations: int,
    data: FitData,
    anechoic_setup: ArraySetup,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    whole_context = Context(anechoic_setup)
    whole = Run(data, whole_context, averaging)
    whole.to_the_end()
    with pytest.raises(Killed):
        Run(data, Context(anechoic_setup, scratch=tmp_path, progress=killed_after(evaluations)), averaging).to_the_end()
    context = Context(anechoic_setup, scratch=tmp_path)
    resumed = Run(data, context, averaging)
    assert resumed.training.now.step == 3 * evaluations
    resumed.to_the_end()
    assert context.history.rows == whole_context.history.rows
    assert resumed.training.now == whole.training.now
    assert_same(resumed.training.kept, whole.training.kept)
    assert_same(copy_of(resumed.network), copy_of(whole.network))
    assert_same(copy_of(resumed.training.answering), copy_of(whole.training.answering))


def test_without_a_scratch_folder_every_run_starts_anew(
    data: FitData, anechoic_setup: ArraySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    for _ in range(2):
        context = Context(anechoic_setup)
        Run(data, context).to_the_end(steps=3)
        assert [step for step, _, _ in context.history.rows] == [3, 3]


@pytest.mark.parametrize(("latest_of_equals", "kept"), [(False, 0), (True, 1)])
def test_of_equal_weights_the_first_are_kept_or_the_latest(
    latest_of_equals: bool, kept: int, data: FitData, anechoic_setup: ArraySetup
) -> None:
    """Logits twice as large give the same answers; logits with the sign changed give others, which are nearly all wrong."""
    run = Run(data, Context(anechoic_setup), latest_of_equals=latest_of_equals)
    for _ in range(40):
        run.step()
    weights, scores = [], []
    for factor in (1.0, 2.0, -1.0):
        with torch.no_grad():
            for parameter in run.network[-1].parameters():
                parameter.mul_(factor)
        weights.append(copy_of(run.network))
        run.training.stepped()
        run.training.evaluate(0.5)
        scores.append(run.training.now.last_accuracy_pct)
    assert scores[0] == scores[1] > scores[2]
    assert run.training.now.best_accuracy_pct == scores[0]
    assert run.training.now.since_best == 2 - kept
    assert_same(copy_of(run.network), weights[2])
    run.training.finish()
    assert_same(copy_of(run.network), weights[kept])


def test_the_history_has_means_since_the_last_evaluation_and_the_score(data: FitData, anechoic_setup: ArraySetup) -> None:
    context = Context(anechoic_setup)
    run = Run(data, context)
    losses = [run.step() for _ in range(2)]
    run.training.stepped(rare=torch.tensor(7.0))  # a step that measures something else does not count for the loss
    run.training.evaluate(0.3)
    losses.append(run.step())
    run.training.evaluate(0.6, rate=5.0)
    right = class_scores(run.network, data.selection).argmax(1) == data.selection.doa_class
    rows = {(step, name): value for step, name, value in context.history.rows}
    assert rows.keys() == {
        *((3, name) for name in ("loss", "rare", "selection_accuracy_pct")),
        *((4, name) for name in ("loss", "rate", "selection_accuracy_pct")),
    }
    assert rows[3, "loss"] == pytest.approx(np.mean(losses[:2]))
    assert rows[3, "rare"] == 7
    assert rows[4, "loss"] == pytest.approx(losses[2])
    assert rows[4, "rate"] == 5
    assert rows[4, "selection_accuracy_pct"] == pytest.approx(100 * right.mean())


def test_the_average_answers_and_ends_in_the_classifier(data: FitData, anechoic_setup: ArraySetup) -> None:
    """At first it is the plain mean of the weights so far, then it forgets with the memory that was asked for."""
    context = Context(anechoic_setup)
    run = Run(data, context, averaging=0.7)
    average = run.training.answering
    assert average is not run.network
    expected = {name: torch.zeros_like(weight) for name, weight in run.network.named_parameters()}
    for step in range(1, 6):
        run.step()
        memory = min(0.7, 1 - 1 / step)  # 0, 1/2, 2/3, 0.7, ...
        for name, weight in run.network.named_parameters():
            expected[name] = memory * expected[name] + (1 - memory) * weight.detach()
    for name, weight in average.named_parameters():
        torch.testing.assert_close(weight, expected[name], msg=name)
    run.training.evaluate(1.0)
    right = class_scores(average, data.selection).argmax(1) == data.selection.doa_class
    assert run.training.now.last_accuracy_pct == pytest.approx(100 * right.mean())
    answer = copy.deepcopy(copy_of(average))
    run.training.finish()
    assert_same(copy_of(run.network), answer)


def test_without_averaging_the_classifier_itself_answers(data: FitData, anechoic_setup: ArraySetup) -> None:
    run = Run(data, Context(anechoic_setup))
    assert run.training.answering is run.network


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_fit_with_step_and_cause(
    value: float, data: FitData, anechoic_setup: ArraySetup
) -> None:
    context = Context(anechoic_setup)
    run = Run(data, context)
    run.step()
    run.training.evaluate(0.1)
    for loss in (0.5, value, 0.5):
        run.training.stepped(cross_entropy=torch.tensor(loss))
    with pytest.raises(FitFailed, match=rf"the cross-entropy became {value} between step 1 and step 4"):
        run.training.evaluate(0.2)
    assert {step for step, _, _ in context.history.rows} == {1}
    with pytest.raises(FitFailed, match=r"the loss became inf between step 1 and step 4"):
        run.training.evaluate(0.2, loss=math.inf)


@pytest.mark.parametrize("first", [100.0, -100.0])
def test_a_cost_that_doubles_ends_the_fit(first: float, data: FitData, anechoic_setup: ArraySetup) -> None:
    run = Run(data, Context(anechoic_setup))
    for cost in (first, 199.0):
        run.training.stepped(cost=torch.tensor(cost))
        run.training.evaluate(0.1)
    run.training.stepped(cost=torch.tensor(201.0))
    with pytest.raises(FitFailed, match=rf"rose to 201 between step 2 and step 3, at first it was {first:.0f}"):
        run.training.evaluate(0.2)
