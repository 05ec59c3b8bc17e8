"""VAE-SSL: recipes that resume, break down well and answer as they should."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.splits import fit_data
from doabench.benchmark.data.streams import Stream
from doabench.benchmark.method import Context, FitData, FitFailed, Form
from doabench.benchmark.plugins.spec import read_method
from doabench.benchmark.sequences import Sequences
from doabench.methods import vae_ssl
from doabench.methods._networks import copy_of
from doabench.methods.vae_ssl import VaeSsl, published, suite
from doabench.methods.vae_ssl.batches import Source
from doabench.methods.vae_ssl.likelihoods import truncated_normal
from doabench.methods.vae_ssl.networks import Networks
from doabench.methods.vae_ssl.objective import costs_of


def rng_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> FitData:
    """A few hundred unlabelled sequences of anechoic speech."""
    found, _ = fit_data(train, validation, 19 * 6, anechoic_setup, 0)
    few = Sequences(found.unlabelled._store, found.unlabelled._starts[:600])
    return replace(found, unlabelled=few)


SHORT = suite.Recipe(alone_steps=3, together_passes=10, inference_passes=20, posterior_share=0.1, evaluate_every=2)


def fitted(data: FitData, context: Context, recipe: suite.Recipe = SHORT) -> Networks:
    rng = rng_of()
    networks = Networks(19, suite.SHAPE, rng)
    suite.train(networks, "truncated-normal", recipe, data, rng, context)
    return networks


@pytest.mark.parametrize("killed_at", [2, 4, 8])
def test_a_killed_fit_goes_on_to_the_same_weights(
    killed_at: int, data: FitData, anechoic_setup: ArraySetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in each of the three parts, right after a checkpoint."""
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    whole = Context(anechoic_setup)
    expected = fitted(data, whole)
    calls = iter(range(1, 100))

    def interrupt(fraction: float, note: str) -> None:  # noqa: ARG001
        if 2 * next(calls) > killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(data, Context(anechoic_setup, scratch=tmp_path, progress=interrupt))
    again = Context(anechoic_setup, scratch=tmp_path)
    found = fitted(data, again)
    assert again.history.rows == whole.history.rows
    for name, weight in expected.state_dict().items():
        assert torch.equal(weight, found.state_dict()[name]), name


def test_last_score_stands_beside_the_kept_one(data: FitData, anechoic_setup: ArraySetup) -> None:
    context = Context(anechoic_setup)
    fitted(data, context)
    rows = {name: value for _, name, value in context.history.rows}
    curve = [value for _, name, value in context.history.rows if name == "selection_accuracy_pct"]
    assert rows["last_selection_accuracy_pct"] == curve[-1]
    assert rows["kept_selection_accuracy_pct"] == max(curve)


@pytest.mark.parametrize("broken", [{"generator_rate": 1e4}, {"class_gain": float("nan")}])
def test_a_training_that_breaks_down_says_where(broken: dict[str, float], data: FitData, anechoic_setup: ArraySetup) -> None:
    with pytest.raises(FitFailed, match=r"(became|diverges).* step \d+"):
        fitted(data, Context(anechoic_setup), replace(SHORT, **broken))  # pyright: ignore


@pytest.mark.parametrize("estimator", ["topk", "exact", "pyro"])
def test_the_published_recipe_runs_and_starts_alike(estimator: str, data: FitData, anechoic_setup: ArraySetup) -> None:
    few = replace(data, unlabelled=Sequences(data.unlabelled._store, data.unlabelled._starts[:64]))
    method = VaeSsl(variant="as-published", estimator=estimator, epochs=1)  # pyright: ignore
    method.context = Context(anechoic_setup)
    method.fit(few)
    costs = [value for _, name, value in method.context.history.rows if name == "cost"]
    # Before the first step all estimators see the same networks: some 3,937 pixels of a flat density, log 2 each, and a little.
    assert costs[0] == pytest.approx(3937 * np.log(2), rel=0.1)
    assert np.isfinite(method.predict(few.unlabelled).doa_deg).all()


def test_alpha_is_searched_by_selection(data: FitData, anechoic_setup: ArraySetup) -> None:
    few = replace(data, unlabelled=Sequences(data.unlabelled._store, data.unlabelled._starts[:64]))
    method = VaeSsl(variant="as-published", alpha="search", epochs=1)
    method.context = Context(anechoic_setup)
    method.fit(few)
    tried = {name.split("_")[1] for _, name, _ in method.context.history.rows}
    assert tried == {"500", "1000", "2000", "5000", "10000"}


def test_an_epoch_holds_every_sequence_once() -> None:
    for labelled, largest in ((300, 256), (3000, 100)):
        batches = list(published._epoch(torch.arange(1200), labelled, rng_of()))
        assert sorted(torch.cat([unlabelled for unlabelled, _ in batches]).tolist()) == list(range(1200))
        assert sorted(torch.cat([few for _, few in batches if few is not None]).tolist()) == list(range(labelled))
        assert max(len(unlabelled) for unlabelled, _ in batches) == largest


def test_a_thinned_training_sees_every_sequence_once_in_as_many_epochs() -> None:
    seen = [published._shown(1000, 16, epoch, seed=3) for epoch in range(32)]
    for first in (0, 16):
        assert sorted(torch.cat(seen[first : first + 16]).tolist()) == list(range(1000))
    assert [part[0] for part in seen[:16]] != [part[0] for part in seen[16:]]
    assert torch.equal(published._shown(1000, 1, 5, seed=3), torch.arange(1000))


def test_a_thinned_part_counts_as_often_as_it_is_thinned(data: FitData) -> None:
    """The gradient of what is shown, times 16, is the whole one's in expectation: equal where all sequences are the same."""
    labelled, gradients = Source(data.labelled, rng_of()), []
    unlabelled = Source(Sequences(data.unlabelled._store, np.repeat(data.unlabelled._starts[:1], 64)), rng_of())
    for thin, shown in ((1, 64), (16, 4)):
        networks = Networks(19, published.SHAPE, rng_of())
        networks.eval()
        with torch.no_grad():  # no draw of z matters
            networks.encoder.log_scale.bias.fill_(-30)
            networks.encoder.log_scale.weight.zero_()
        recipe = published.Recipe("exact", 5000.0, 1, thin)
        add = published.fast_gradients(networks, "normal", recipe, labelled, unlabelled, rng_of())
        add(torch.arange(shown), torch.arange(8))
        gradients.append(torch.cat([weight.grad.flatten() for weight in networks.parameters() if weight.grad is not None]))
    close = torch.nn.functional.cosine_similarity(*gradients, dim=0)
    assert close > 0.999
    assert float(gradients[0].norm()) == pytest.approx(float(gradients[1].norm()), rel=0.02)


@pytest.fixture(scope="module")
def generator_method(data: FitData, anechoic_setup: ArraySetup) -> VaeSsl:
    method = VaeSsl()
    method.context = Context(anechoic_setup)
    method.networks = fitted(data, method.context)
    return method


def test_generation_is_reproducible_and_survives_the_disk(generator_method: VaeSsl, data: FitData, tmp_path: Path) -> None:
    few = Sequences(data.unlabelled._store, data.unlabelled._starts[:3])
    doa_deg = np.array([-30.0, 0.0, 90.0])
    generator_method.save(tmp_path)
    loaded = VaeSsl()
    loaded.context = generator_method.context
    loaded.load(tmp_path)
    for made, again in (
        (generator_method.reconstruct(few, doa_deg), loaded.reconstruct(few, doa_deg)),
        (generator_method.sample(30.0, 5), loaded.sample(30.0, 5)),
    ):
        assert made.mean_rad.shape == made.draw_rad.shape
        assert np.abs(made.draw_rad).max() <= np.pi + 1e-5
        np.testing.assert_array_equal(made.mean_rad, again.mean_rad)
        np.testing.assert_array_equal(made.draw_rad, again.draw_rad)


def test_what_answers_is_enough_to_predict(generator_method: VaeSsl, data: FitData, tmp_path: Path) -> None:
    few = Sequences(data.unlabelled._store, data.unlabelled._starts[:5])
    found = list[np.ndarray]()
    generator_method.save(tmp_path)
    loaded = [VaeSsl(decision="classifier") for _ in range(2)]
    for method in loaded:
        method.context = generator_method.context
        method.load(tmp_path)
        scores = method.predict(few).scores
        assert scores is not None
        found.append(scores)
        (tmp_path / vae_ssl.GENERATOR_FILE).unlink(missing_ok=True)
    np.testing.assert_array_equal(found[0], found[1])
    with pytest.raises(AttributeError, match="decoder"):
        loaded[1].sample(0.0, 1)


def test_a_weighed_decision_is_the_classifier_s_and_the_decoder_s(
    generator_method: VaeSsl, data: FitData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores differ by what the costs differ, tempered, for two classes that were looked at."""
    few = Sequences(data.unlabelled._store, data.unlabelled._starts[:5])
    weighed = VaeSsl(decision="posterior")
    weighed.context, weighed.networks = generator_method.context, generator_method.networks
    monkeypatch.setattr(vae_ssl, "SURE", 1.0)
    scores = weighed.predict(few).scores
    assert scores is not None
    weighed.decision = "classifier"
    plain_scores = weighed.predict(few).scores
    assert plain_scores is not None
    y = torch.from_numpy(plain_scores).topk(2, dim=1).indices
    batch = Source(few, rng_of(), suite.Recipe().posterior_exponent).batch(torch.arange(5))
    costs = costs_of(weighed.networks, truncated_normal, batch, y).numpy()
    gap = np.take_along_axis(scores - plain_scores, y.numpy(), 1)
    np.testing.assert_allclose(gap[:, 0] - gap[:, 1], -0.1 * (costs[:, 0] - costs[:, 1]), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, rtol=1e-5)


def test_a_sure_classifier_is_not_asked_again(generator_method: VaeSsl, data: FitData, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Sequences(data.unlabelled._store, data.unlabelled._starts[:5])

    def scores(**parameters: str) -> np.ndarray:
        method = VaeSsl(**parameters)  # pyright: ignore[reportArgumentType]
        method.context, method.networks = generator_method.context, generator_method.networks
        found = method.predict(few).scores
        assert found is not None
        return found

    monkeypatch.setattr(vae_ssl, "SURE", 1.0)
    assert (scores() != scores(decision="classifier")).any()
    np.testing.assert_array_equal(scores(variant="as-published"), scores(decision="classifier"))
    monkeypatch.setattr(vae_ssl, "SURE", 1e-6)
    np.testing.assert_array_equal(scores(), scores(decision="classifier"))


def test_the_answer_is_calibrated_on_selection_sequences(generator_method: VaeSsl, data: FitData) -> None:
    """No power makes the selection sequences likelier, and the answer stays."""
    method = VaeSsl()
    method.context, method.networks = generator_method.context, copy.deepcopy(generator_method.networks)
    before = method.predict(data.selection)
    method._calibrate(data.selection)
    after = method.predict(data.selection)
    np.testing.assert_array_equal(before.doa_deg, after.doa_deg)
    assert after.scores is not None
    scores, y = torch.from_numpy(after.scores), torch.from_numpy(data.selection.doa_class)
    costs = [float(torch.nn.functional.cross_entropy(power * scores, y)) for power in (0.9, 1.0, 1.1)]
    assert costs[1] < min(costs[0], costs[2])
    assert not np.allclose(before.scores, after.scores)  # pyright: ignore[reportArgumentType]


def test_what_generates_is_of_the_epoch_whose_classifier_answers(data: FitData, anechoic_setup: ArraySetup) -> None:
    """Classifier, encoder and decoder of the best epoch, which is not the last one."""
    few = replace(data, unlabelled=Sequences(data.unlabelled._store, data.unlabelled._starts[:64]))
    states, curve = list[dict[str, torch.Tensor]](), list[float]()
    networks = Networks(19, published.SHAPE, rng_of())

    def watch(_fraction: float, _note: str) -> None:
        states.append(copy_of(networks))

    context = Context(anechoic_setup, progress=watch)
    recipe = published.Recipe("topk", 5000.0, 12, rate=2e-3)
    published.train(networks, "truncated-normal", recipe, few, rng_of(), context)
    curve = [value for _, name, value in context.history.rows if name == "selection_accuracy_pct"]
    best = curve.index(max(curve))
    assert best < len(curve) - 1
    for name, weight in networks.state_dict().items():
        assert torch.equal(weight, states[best][name]), name
    assert any(not torch.equal(weight, states[-1][name]) for name, weight in networks.state_dict().items())


@pytest.mark.parametrize(
    ("parameters", "text", "as_published"),
    [
        ({}, "suite's recipe", False),
        ({"passes": 40.0}, "suite's recipe, passes=40.0", False),
        ({"variant": "as-published"}, "as published, top-1 estimate", True),
        ({"variant": "as-published", "thin": 16}, "as published, unlabelled part thinned 16 x, top-1 estimate", True),
        ({"variant": "as-published", "estimator": "exact", "alpha": "search"}, "as published, alpha search", True),
        ({"estimator": "pyro"}, "as published, Pyro program", True),
        (
            {"variant": "as-published", "estimator": "exact", "likelihood": "normal"},
            "as published, normal likelihood",
            False,
        ),
    ],
)
def test_a_row_says_what_it_is(parameters: dict[str, object], text: str, as_published: bool) -> None:
    spec = read_method(f"vae_ssl[{','.join(f'{name}={value}' for name, value in parameters.items())}]")
    assert spec.form == Form(text, as_published)


@pytest.mark.parametrize("parameters", [{"thin": 16}, {"alpha": 500.0}, {"variant": "as-published", "passes": 40.0}])
def test_a_parameter_that_would_change_nothing_is_refused(parameters: dict[str, object], anechoic_setup: ArraySetup) -> None:
    method = VaeSsl(**parameters)  # pyright: ignore[reportArgumentType]
    method.context = Context(anechoic_setup)
    assert "would change nothing" in (method.skip() or "")
