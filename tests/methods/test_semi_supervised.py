"""Augmentation keeps the direction; what is learnt from unlabelled sequences reaches the classifier; training resumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.splits import fit_data, scored_set
from doabench.benchmark.method import Context, FitData, FitFailed
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.plugins.spec import default_methods, make_method
from doabench.benchmark.sequences import Sequences
from doabench.methods import _classifier
from doabench.methods._augment import Augmentation, Source, facing_back
from doabench.methods._classifier import AugmentedClassifier
from support.streams import StreamOf

SEMI_SUPERVISED = ["pseudo_label", "fixmatch", "mean_teacher"]
ALL = ["cnn_augmented", *SEMI_SUPERVISED]


@pytest.fixture(scope="module")
def data(anechoic_stream: StreamOf, anechoic_setup: ArraySetup) -> FitData:
    return fit_data(anechoic_stream("train", "grid"), anechoic_stream("validation", "grid"), 19 * 4, anechoic_setup, 0)[0]


def made(spec: str, setup: ArraySetup, **context: object) -> AugmentedClassifier:
    method = make_method(spec)[1]
    assert isinstance(method, AugmentedClassifier)
    method.context = Context(setup, seed=5, **context)  # pyright: ignore[reportArgumentType]
    return method


def steered(phase: torch.Tensor, setup: ArraySetup) -> torch.Tensor:
    """The candidate whose free-space phase agrees best with ``[B, 31, 127]``: its index."""
    expected = torch.from_numpy(setup.steering_phase(127)).float()
    heard = torch.complex(phase.cos(), phase.sin()) * (phase != 0)
    return (heard.mean(1) @ torch.exp(-1j * expected).T).real.argmax(-1)


def test_augmented_plane_waves_come_from_where_they_came_or_from_the_mirrored_side(
    anechoic_stream: StreamOf, anechoic_setup: ArraySetup
) -> None:
    rng = torch.Generator().manual_seed(0)
    chosen = scored_set(anechoic_stream("validation", "grid"), np.empty(0, np.int64), False, 0)
    source = Source(chosen.sequences, Augmentation(anechoic_setup, rng), rng)
    index = torch.randint(len(chosen.sequences), (300,), generator=rng)
    x, mirrored = source.augmented(index)
    plain = source.phase(index)
    before, after = steered(plain, anechoic_setup), steered(x, anechoic_setup)
    assert 100 < int(mirrored.sum()) < 200
    expected = torch.where(mirrored, 18 - before, before)
    assert float(((after - expected).abs() <= 1).float().mean()) > 0.97
    assert float((after == before)[mirrored & (before != 9)].float().mean()) < 0.1
    assert x.abs().max() <= np.pi + 1e-6
    assert not torch.equal(x, plain)


def test_without_symmetric_candidates_nothing_is_mirrored() -> None:
    rng = torch.Generator().manual_seed(0)
    augmentation = Augmentation(ArraySetup(0.085, (-30.0, 0.0, 40.0)), rng)
    assert not augmentation(torch.ones(64, 31, 127), torch.ones(64, 31, 127))[1].any()


def test_logits_of_mirrored_sequences_are_mirrored_back() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert facing_back(logits, torch.tensor([False, True])).tolist() == [[1, 2, 3], [3, 2, 1]]


@pytest.mark.parametrize("name", SEMI_SUPERVISED)
def test_the_unlabelled_loss_is_not_zero_and_its_gradient_reaches_the_whole_classifier(
    name: str, data: FitData, anechoic_setup: ArraySetup
) -> None:
    method = made(f"{name}[steps=40]", anechoic_setup)
    method.fit(data)
    assert [value for _, curve, value in method.context.history.rows if curve == "unlabelled_loss"][-1] > 0
    rng = torch.Generator().manual_seed(1)
    method.network.zero_grad()
    method.network.train()
    loss = method.unlabelled_loss(Source(data.unlabelled, Augmentation(anechoic_setup, rng), rng), done=0.9)
    loss.backward()
    assert loss.item() > 0
    gradients = [parameter.grad for parameter in method.network.parameters()]
    assert len(gradients) == 8  # weights and biases of two convolutions and two dense layers
    for gradient in gradients:
        assert gradient is not None
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("name", SEMI_SUPERVISED)
def test_without_unlabelled_sequences_the_fit_says_so(name: str, data: FitData, anechoic_setup: ArraySetup) -> None:
    none = Sequences(data.unlabelled._store, np.empty(0, np.int64))
    with pytest.raises(FitFailed, match="no unlabelled sequences"):
        made(name, anechoic_setup).fit(FitData(data.labelled, none, data.selection))


class Killed(Exception):
    pass


def test_an_interrupted_fit_goes_on_to_the_same_numbers(
    data: FitData, anechoic_setup: ArraySetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    monkeypatch.setattr(_classifier, "EVALUATE_EVERY", 6)
    spec = "mean_teacher[steps=15]"
    whole = made(spec, anechoic_setup)
    whole.fit(data)

    def kill(done: float, _: str) -> None:
        if done > 0.8:
            raise Killed

    with pytest.raises(Killed):
        made(spec, anechoic_setup, scratch=tmp_path, progress=kill).fit(data)
    resumed = made(spec, anechoic_setup, scratch=tmp_path)
    resumed.fit(data)
    assert resumed.context.history.rows == whole.context.history.rows
    expected, found = whole.predict(data.selection).scores, resumed.predict(data.selection).scores
    np.testing.assert_array_equal(found, expected)  # pyright: ignore[reportArgumentType]


def test_further_baselines_run_only_when_named() -> None:
    assert set(ALL) <= set(METHODS.names())
    assert not set(ALL) & set(default_methods())
    assert {"srp_phat", "cnn", "cnn[variant=as-released]"} <= set(default_methods())
