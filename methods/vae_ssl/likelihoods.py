"""``log p(x | y, z)`` of one sequence: independent pixels on [-1, 1] around the decoder's mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch

Likelihood: TypeAlias = Literal["truncated-normal", "normal"]
LogDensity: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_INV_SQRT_2PI = 1 / math.sqrt(2 * math.pi)


class _TruncatedNormal(torch.autograd.Function):
    """Log-density of a normal cut to [-1, 1], with the derivatives worked out beside it: one pass over the pixels each.

    The mean lies between the bounds a <= 0 <= b (in standard deviations), so the mass between them is a sum of two error
    functions that are both positive: nothing cancels, and no logarithm of a tail is needed.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        inverse = scale.reciprocal()
        u, a, b = (x - mean) * inverse, (-1 - mean) * inverse, (1 - mean) * inverse
        mass = 0.5 * (torch.erf(b * math.sqrt(0.5)) - torch.erf(a * math.sqrt(0.5)))
        density = -0.5 * u.square() + (inverse / mass).log() - _HALF_LOG_2PI
        if weight is not None:
            density *= weight
        if ctx.needs_input_grad[1]:
            at_a, at_b = ((-0.5 * edge.square()).exp_().mul_(_INV_SQRT_2PI) for edge in (a, b))
            slope = inverse if weight is None else inverse * weight
            by_mean = (u - (at_a - at_b) / mass) * slope
            by_scale = (u.square() - 1 - (a * at_a - b * at_b) / mass) * slope
            ctx.save_for_backward(by_mean, by_scale)
        return density.flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[None, torch.Tensor, torch.Tensor, None]:
        by_mean, by_scale = ctx.saved_tensors
        outer = grad_outputs[0][:, None, None]
        return None, outer * by_mean, outer * by_scale, None


def truncated_normal(
    x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Sum over pixels of the log-density of a normal cut to [-1, 1] (section III-C): all ``[B, 31, 127]`` -> ``[B]``.

    ``mean`` in [-1, 1]; finite, with finite derivatives, for every ``scale`` in [1e-3, 10]. ``weight`` multiplies pixels.
    """
    return _TruncatedNormal.apply(x, mean, scale, weight)  # pyright: ignore[reportReturnType]


def normal(x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """The same for a normal that is not cut, the paper's comparison."""
    density = -0.5 * ((x - mean) / scale).square() - scale.log() - _HALF_LOG_2PI
    return (density if weight is None else density * weight).flatten(1).sum(1)


LOG_DENSITY: dict[Likelihood, LogDensity] = {"truncated-normal": truncated_normal, "normal": normal}


def draw(likelihood: Likelihood, mean: torch.Tensor, scale: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One value of every pixel."""
    if likelihood == "normal":
        return mean + scale * torch.randn(mean.shape, generator=rng, device=mean.device)
    low, high = (torch.special.ndtr((edge - mean) / scale) for edge in (-1.0, 1.0))
    uniform = low + (high - low) * torch.rand(mean.shape, generator=rng, device=mean.device)
    return (mean + scale * torch.special.ndtri(uniform)).clamp(-1, 1)
