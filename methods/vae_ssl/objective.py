"""The objective of Bianco et al. 2021, equations (9)-(11), and its gradients, without a probabilistic-programming layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .._networks import reduced_precision, widened
from .likelihoods import LogDensity
from .networks import Decoder, Networks, polyphase


def at_once(device: torch.device) -> tuple[int, int]:
    """Decodes in a chunk and in a block. On a processor, what passes through the transposed convolutions at a time, forward
    and back, stays in the cache; their input is worked out for a block of chunks, whose gradients of the largest weights
    are added up once. An accelerator is quickest with few large steps."""
    return (32, 512) if device.type == "cpu" else (8192, 8192)


def _slices(count: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, count, size)]


@dataclass(frozen=True)
class Batch:
    """Sequences as networks see them: phase / pi ``x [B, 1, 31, 127]``, and weights of their pixels (None: all the same)."""

    x: torch.Tensor
    pixel_weight: torch.Tensor | None = None


@dataclass(frozen=True)
class Pairs:
    """Sequences with a class each: row ``[D]`` of the batch, class ``[D]``, and the weight ``[D]`` of C(x, y) in the loss."""

    row: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor


def log_q(networks: Networks, batch: Batch) -> torch.Tensor:
    """``log q(y | x)``, ``[B, T]``."""
    with reduced_precision(batch.x.device):
        logits = networks.classifier(batch.x)
    return widened(logits).log_softmax(1)


def labelled_pairs(first_row: int, y: torch.Tensor) -> Pairs:
    """Every labelled sequence with its own class."""
    rows = torch.arange(first_row, first_row + len(y), device=y.device)
    return Pairs(rows, y, torch.ones(len(y), device=y.device))


def unlabelled_pairs(q: torch.Tensor, k: int, rng: torch.Generator) -> Pairs:
    """The k likeliest classes of ``q [B, T]``, and, where classes remain, one of them drawn with its probability.

    ``sum_y q_y f_y`` becomes the sum over the pairs of ``weight f``: unbiased, exact with k = T (Liu et al., AISTATS 2019).
    Row by row: the same number of pairs each.
    """
    top_q, top_y = q.topk(k, dim=1)
    if k == q.shape[1]:
        y, weight = top_y, top_q
    else:
        rest = q.scatter(1, top_y, 0.0)
        # The last bit keeps a row drawable whose rest has underflowed; its weight is zero all the same.
        drawn = torch.multinomial(rest + torch.finfo(rest.dtype).tiny, 1, generator=rng)
        y, weight = torch.cat([top_y, drawn], 1), torch.cat([top_q, rest.sum(1, keepdim=True)], 1)
    rows = torch.arange(len(q), device=q.device)[:, None].expand_as(y)
    return Pairs(rows.reshape(-1), y.reshape(-1), weight.reshape(-1))


def concatenate_pairs(*parts: Pairs) -> Pairs:
    return Pairs(*(torch.cat([getattr(part, name) for part in parts]) for name in ("row", "y", "weight")))


def cost(networks: Networks, log_density: LogDensity, batch: Batch, pairs: Pairs, noise: torch.Tensor) -> torch.Tensor:
    """C(x, y) of equation (9) for every pair, ``[D]``, without the constant -log p(y); one draw of z each, from ``noise``.

    Where gradients are on, those of ``sum(weight C)`` are added to encoder and decoder here: the decoder's pixels are gone
    when this returns. ``noise [D, latent]`` is standard normal.
    """
    encoder, x = networks.encoder, batch.x
    with reduced_precision(x.device):
        location, scale = encoder(encoder.from_x(x)[pairs.row], pairs.y)
        location, scale = widened(location), widened(scale)
        divergence = (0.5 * (location.square() + scale.square() - 1) - scale.log()).sum(1)
        z = location + scale * noise
        pixels = _Pixels(log_density, polyphase(x[:, 0]), polyphase(_pixel_weights(batch)))
        parts, gradients = [], []
        for block in _slices(len(z), at_once(z.device)[1]):
            block_pairs = Pairs(pairs.row[block], pairs.y[block], pairs.weight[block])
            reconstruction, gradient = _reconstruction(networks.decoder, pixels, block_pairs, z[block].detach())
            parts.append(reconstruction)
            gradients.append(gradient)
    if torch.is_grad_enabled():
        torch.autograd.backward([z, (pairs.weight * divergence).sum()], [torch.cat(gradients), None])
    return torch.cat(parts) + divergence.detach()


@dataclass(frozen=True)
class _Pixels:
    """What is to be explained, as the decoder's components: ``x`` and ``weight [B or 1, 4, 16, 64]``."""

    log_density: LogDensity
    x: torch.Tensor
    weight: torch.Tensor

    def log_p(self, row: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        weight = self.weight[row] if len(self.weight) > 1 else self.weight
        return self.log_density(self.x[row], mean, scale, weight)


def _pixel_weights(batch: Batch) -> torch.Tensor:
    return torch.ones_like(batch.x[:1, 0]) if batch.pixel_weight is None else batch.pixel_weight


def _reconstruction(decoder: Decoder, pixels: _Pixels, pairs: Pairs, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``-log p(x | y, z)`` of every pair, and the gradient of its weighted sum with regard to z; that with regard to the
    decoder's weights is added to them."""
    learning = torch.is_grad_enabled()
    hidden = decoder.hidden(z.requires_grad_(learning), pairs.y)
    parts, gradient = [], torch.empty_like(hidden) if learning else None
    for here in _slices(len(z), at_once(z.device)[0]):
        leaf = hidden[here].detach().requires_grad_(learning)
        log_p = pixels.log_p(pairs.row[here], *decoder.components(leaf))
        parts.append(-log_p.detach())
        if gradient is not None:
            (-pairs.weight[here] * log_p).sum().backward()
            assert leaf.grad is not None
            gradient[here] = leaf.grad
    if gradient is not None:
        hidden.backward(gradient)
        assert z.grad is not None
        return torch.cat(parts), z.grad
    return torch.cat(parts), torch.empty(0, device=z.device)


@torch.no_grad()
def costs_of(networks: Networks, log_density: LogDensity, batch: Batch, y: torch.Tensor) -> torch.Tensor:
    """C(x, y) for some classes of every sequence, ``y [B, k] -> [B, k]``, z at the mean of ``q(z | x, y)``."""
    rows = torch.arange(len(y), device=y.device).repeat_interleave(y.shape[1])
    pairs = Pairs(rows, y.reshape(-1), torch.ones(len(rows), device=y.device))
    z_at_its_mean = torch.zeros(len(rows), networks.decoder.from_z.in_features, device=y.device)
    return cost(networks, log_density, batch, pairs, z_at_its_mean).view(y.shape)


def classifier_loss(log_q: torch.Tensor, pairs: Pairs, costs: torch.Tensor, inverse_temperature: float) -> torch.Tensor:
    """The part of the unlabelled D (10) that reaches the classifier, for ``log_q [B, T]``, a sum over the batch. Its value is
    an estimate of ``sum_y q_y (inverse_temperature C_y + log q_y)``, and its gradient one of the gradient of that.

    The cost of the likeliest class is subtracted from all costs of a sequence. In expectation that changes nothing, since
    probabilities sum to one, and it removes most of the noise.
    """
    by_row = (len(log_q), -1)
    advantage = costs.view(by_row) - costs.view(by_row)[:, :1]
    log_q_y = log_q.gather(1, pairs.y.view(by_row))
    weight = pairs.weight.view(by_row)
    likelihood_ratio = weight * (log_q_y - log_q_y.detach()).exp()
    baseline = inverse_temperature * costs.view(by_row)[:, 0].sum()
    expected = (likelihood_ratio * inverse_temperature * advantage).sum() + baseline
    return expected + (log_q.exp() * log_q).sum()
