"""``log p(x | y, z)`` of one sequence: independent pixels on [-1, 1] around the decoder's mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch

Likelihood: TypeAlias = Literal["truncated-normal", "normal"]
LogDensity: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_HALF_LOG_4_OVER_PI = 0.5 * math.log(4 / math.pi)
_INV_SQRT_PI = 1 / math.sqrt(math.pi)


class _TruncatedNormal(torch.autograd.Function):
    """Log-density of a normal cut to [-1, 1], with the derivatives worked out beside it: one pass over the pixels each.

    The mean lies between the bounds a <= 0 <= b, so the mass between them is a sum of two error
    functions that are both positive: nothing cancels, and no logarithm of a tail is needed.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        # In units of sqrt(2) standard deviations: the bounds as erf takes them.
        slope = scale.reciprocal().mul_(math.sqrt(0.5))
        u, a, b = (x - mean).mul_(slope), (-1 - mean).mul_(slope), (1 - mean).mul_(slope)
        mass, square = torch.erf(b).sub_(torch.erf(a)), u.square()
        density = (slope / mass).log_().sub_(square).add_(_HALF_LOG_4_OVER_PI)
        if weight is not None:
            density.mul_(weight)
            slope.mul_(weight)
        if ctx.needs_input_grad[1]:
            at_a, at_b = (torch.addcmul(mean.new_zeros(()), edge, edge, value=-1).exp_() for edge in (a, b))
            moment = a.mul_(at_a).addcmul_(b, at_b, value=-1)
            by_mean = u.addcdiv_(at_a.sub_(at_b), mass, value=-_INV_SQRT_PI).mul_(slope)
            by_scale = square.addcdiv_(moment, mass, value=-_INV_SQRT_PI).sub_(0.5).mul_(slope)
            ctx.save_for_backward(by_mean, by_scale)
        return density.flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[None, torch.Tensor, torch.Tensor, None]:
        by_mean, by_scale = ctx.saved_tensors
        outer = 2 * grad_outputs[0].view(-1, *(1,) * (by_mean.ndim - 1))
        return None, outer * by_mean, math.sqrt(2) * outer * by_scale, None


def truncated_normal(
    x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Sum over pixels of the log-density of a normal cut to [-1, 1]: all ``[B, ...]`` -> ``[B]``.

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
