"""VAE-SSL: densities against scipy, and the fast objective against the Pyro programs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from doabench.methods.vae_ssl.likelihoods import LOG_DENSITY, draw, normal, truncated_normal
from doabench.methods.vae_ssl.networks import Decoder, Networks, Shape, interleaved, polyphase
from doabench.methods.vae_ssl.objective import Batch, Pairs, classifier_loss, cost, labelled_pairs, unlabelled_pairs
from doabench.methods.vae_ssl.program import TruncatedNormal, negative_elbo
from hypothesis import given, settings
from hypothesis import strategies as st

CLASSES, LATENT = 4, 3


def rng_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixel(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([[[value]]], dtype=torch.float64, requires_grad=True) for value in values]


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(1e-3, 10))
@settings(deadline=None)
def test_truncated_normal_is_scipys_and_its_derivatives_those_of_the_other_form(x: float, mean: float, scale: float) -> None:
    """The other form is the one by logarithms of tails, which the Pyro program uses, differentiated by torch."""
    at, centre, width = pixel(x, mean, scale)
    found = truncated_normal(at.detach(), centre, width)
    expected = scipy.stats.truncnorm.logpdf(x, (-1 - mean) / scale, (1 - mean) / scale, mean, scale)
    assert found.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    ours = torch.autograd.grad(found, (centre, width))
    theirs = torch.autograd.grad(TruncatedNormal(centre, width).log_prob(at.detach()).sum(), (centre, width))
    for a, b in zip(ours, theirs, strict=True):
        assert a.item() == pytest.approx(b.item(), rel=1e-5, abs=1e-5)


def test_truncated_normal_is_finite_everywhere_in_float32() -> None:
    mean, scale, x = torch.meshgrid(
        torch.linspace(-1, 1, 41), torch.logspace(-3, 1, 41), torch.linspace(-1, 1, 41), indexing="ij"
    )
    mean, scale = mean.clone().requires_grad_(), scale.clone().requires_grad_()
    density = truncated_normal(x, mean, scale)
    gradients = torch.autograd.grad(density.sum(), (mean, scale))
    assert all(torch.isfinite(values).all() for values in (density, *gradients))


def test_pixel_weights_multiply_log_densities() -> None:
    x, mean = torch.rand(2, 3, 5, generator=rng_of()), torch.zeros(2, 3, 5)
    scale, weight = torch.full_like(x, 0.7), torch.rand(2, 3, 5, generator=rng_of(1))
    for density in (truncated_normal, normal):
        single = torch.stack(
            [
                density(*(part[:, i : i + 1, j : j + 1] for part in (x, mean, scale)))
                for i, j in itertools.product(range(3), range(5))
            ],
            1,
        )
        torch.testing.assert_close(density(x, mean, scale, weight), (single * weight.flatten(1)).sum(1))


def test_draws_follow_the_density() -> None:
    mean, scale = torch.full((4000,), 0.6), torch.full((4000,), 0.8)
    drawn = draw("truncated-normal", mean, scale, rng_of()).numpy()
    assert scipy.stats.kstest(drawn, scipy.stats.truncnorm(-1.6 / 0.8, 0.4 / 0.8, 0.6, 0.8).cdf).pvalue > 0.01
    wide = draw("normal", mean, scale, rng_of()).numpy()
    assert scipy.stats.kstest(wide, scipy.stats.norm(0.6, 0.8).cdf).pvalue > 0.01


@pytest.mark.parametrize("separate", [False, True])
def test_decoder_pixels_are_those_of_torch_s_own_layers(separate: bool) -> None:
    decoder = Decoder(CLASSES, Shape(LATENT, separate=separate), rng_of())
    decoder.eval()
    hidden = torch.randn(3, 64 * 7 * 31, generator=rng_of())
    image = hidden.relu().view(3, 7, 31, 64).permute(0, 3, 1, 2)
    mean, variance = decoder.heads(decoder.up(image).relu()).unbind(1)
    found_mean, found_scale = decoder.pixels(hidden)
    torch.testing.assert_close(found_mean, mean.tanh())
    torch.testing.assert_close(found_scale, (10 * variance.sigmoid() + 1e-6).sqrt())


def test_components_are_the_pixels_apart() -> None:
    image = torch.rand(2, 31, 127, generator=rng_of())
    apart = polyphase(image)
    assert apart.shape == (2, 4, 16, 64)
    assert torch.equal(apart[:, 2 * 1 + 0, 3, 5], image[:, 2 * 3 + 1, 2 * 5])
    assert torch.equal(interleaved(apart), image)
    torch.testing.assert_close(apart.sum((1, 2, 3)), image.sum((1, 2)))


def tiny(dtype: torch.dtype = torch.float64, rows: int = 2) -> tuple[Networks, Batch]:
    networks = Networks(CLASSES, Shape(LATENT), rng_of()).to(dtype).eval()
    return networks, Batch(torch.rand(rows, 1, 31, 127, generator=rng_of(1), dtype=dtype) * 2 - 1)


def gradients(networks: Networks, batch: Batch, pairs: Pairs, noise: torch.Tensor) -> torch.Tensor:
    """All gradients of the unlabelled D, as one vector."""
    networks.zero_grad()
    log_q = networks.classifier(batch.x).log_softmax(1)
    costs = cost(networks, LOG_DENSITY["truncated-normal"], batch, pairs, noise)
    classifier_loss(log_q, pairs, costs, 1.0).backward()
    return torch.cat([parameter.grad.flatten() for parameter in networks.parameters() if parameter.grad is not None])


def test_topk_is_unbiased() -> None:
    """Its expectation over the class that is drawn, all of them in turn, is the exact gradient."""
    networks, batch = tiny()
    table = torch.randn(len(batch.x), CLASSES, LATENT, generator=rng_of(2), dtype=torch.float64)
    q = networks.classifier(batch.x).softmax(1).detach()

    def at(pairs: Pairs) -> torch.Tensor:
        return gradients(networks, batch, pairs, table[pairs.row, pairs.y])

    exact = at(unlabelled_pairs(q, CLASSES, rng_of()))
    top = unlabelled_pairs(q, 1, rng_of())
    rest = [[y for y in range(CLASSES) if y != best] for best in q.argmax(1).tolist()]
    expected = torch.zeros_like(exact)
    for drawn in itertools.product(*rest):
        y = top.y.view(-1, 2).clone()
        y[:, 1] = torch.tensor(drawn)
        probability = float(np.prod([(q[row, c] / q[row, rest[row]].sum()).item() for row, c in enumerate(drawn)]))
        expected += probability * at(replace(top, y=y.flatten()))
    assert (expected - exact).abs().max() < 1e-10 * exact.abs().max()


def test_the_drawn_class_has_its_probability() -> None:
    q = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).expand(20000, 4)
    drawn = unlabelled_pairs(q, 1, rng_of()).y.view(-1, 2)[:, 1]
    share = torch.bincount(drawn, minlength=4) / len(drawn)
    torch.testing.assert_close(share, torch.tensor([0.0, 0.6, 0.3, 0.1]), rtol=0, atol=0.015)


@pytest.mark.parametrize("likelihood", ["truncated-normal", "normal"])
def test_exact_is_the_pyro_program(likelihood: str) -> None:
    """Same weights, dropout off, many draws of z: losses agree, and gradients as well as halves of the draws agree."""
    networks, batch = tiny(torch.float32)
    rng, draws, y = rng_of(3), 60, torch.tensor([1, 3])
    found: dict[str, list[tuple[float, torch.Tensor]]] = {"exact": [], "pyro": []}

    def gathered(loss: torch.Tensor) -> tuple[float, torch.Tensor]:
        parts = [p.grad.flatten() for part in (networks.encoder, networks.decoder) for p in part.parameters()]  # pyright: ignore
        return loss.item(), torch.cat([*parts, *(p.grad.flatten() for p in networks.classifier.parameters())])  # pyright: ignore

    torch.manual_seed(0)
    for _ in range(draws):
        networks.zero_grad()
        log_q = networks.classifier(batch.x).log_softmax(1)
        guessed, known = unlabelled_pairs(log_q.detach().exp(), CLASSES, rng), labelled_pairs(0, y)
        density, total = LOG_DENSITY[likelihood], torch.zeros(())  # pyright: ignore
        for pairs in (guessed, known):
            noise = torch.randn(len(pairs.row), LATENT, generator=rng)
            costs = cost(networks, density, batch, pairs, noise)
            if pairs is guessed:
                unlabelled = classifier_loss(log_q, pairs, costs, 1.0)
                unlabelled.backward()
                costs_sum = (log_q.exp() * (costs.view(2, -1).gather(1, pairs.y.view(2, -1).argsort(1)) + log_q)).sum()
                total = total + costs_sum.detach()
            else:
                total = total + costs.sum()
        found["exact"].append(gathered(total + 2 * 2 * np.log(CLASSES)))
        networks.zero_grad()
        loss = negative_elbo(networks, likelihood, batch.x) + negative_elbo(networks, likelihood, batch.x, y)  # pyright: ignore
        loss.backward()
        found["pyro"].append(gathered(loss))
    losses = {name: np.array([loss for loss, _ in values]) for name, values in found.items()}
    error = np.sqrt(sum(values.var(ddof=1) / draws for values in losses.values()))
    assert abs(losses["exact"].mean() - losses["pyro"].mean()) < 3 * error
    sizes = [sum(p.numel() for p in part.parameters()) for part in (networks.encoder, networks.decoder, networks.classifier)]
    for index in range(3):
        ours, theirs = (
            torch.stack([gradient.split(sizes)[index] for _, gradient in found[name]]) for name in ("exact", "pyro")
        )
        between = cosine(ours.mean(0), theirs.mean(0))
        floor = min(cosine(part[::2].mean(0), part[1::2].mean(0)) for part in (ours, theirs))
        assert 1 - between <= 1.5 * (1 - floor) + 1e-5


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0).item()
