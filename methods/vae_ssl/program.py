"""VAE-SSL as Pyro programs: the specification that the fast objective is tested against.

``p(x, y, z) = p(x | y, z) p(y) p(z)`` with guide ``q(y | x) q(z | x, y)``; Kingma's M2.
"""

from __future__ import annotations

from typing import Any

import pyro
import pyro.distributions as dist
import torch
from pyro.distributions import constraints
from pyro.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate

from .likelihoods import Likelihood
from .networks import Networks


class TruncatedNormal(dist.TorchDistribution):
    """A normal cut to [-1, 1]; only its density is needed."""

    arg_constraints = {"centre": constraints.interval(-1, 1), "scale": constraints.positive}  # pyright: ignore
    support = constraints.interval(-1, 1)  # pyright: ignore

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        self.centre, self.scale = mean, scale
        super().__init__(mean.shape, validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> TruncatedNormal:
        return TruncatedNormal(self.centre.expand(batch_shape), self.scale.expand(batch_shape))

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        below, above = (torch.special.log_ndtr((edge - self.centre) / self.scale) for edge in (-1, 1))
        log_mass = above + torch.log1p(-(below - above).exp())
        return dist.Normal(self.centre, self.scale).log_prob(value) - log_mass


def model(networks: Networks, likelihood: Likelihood, x: torch.Tensor, y: torch.Tensor | None = None) -> None:
    """``p(x, y, z)`` over a batch of phase / pi ``[B, 1, 31, 127]`` and, where they are known, classes ``[B]``."""
    classes, latent = networks.decoder.from_y.in_features, networks.decoder.from_z.in_features
    density = TruncatedNormal if likelihood == "truncated-normal" else dist.Normal
    with pyro.plate("sequences", len(x)):
        y = pyro.sample("y", dist.Categorical(logits=x.new_zeros(classes)), obs=y)
        z = pyro.sample("z", dist.Normal(x.new_zeros(latent), x.new_ones(latent)).to_event(1))
        mean, scale = networks.decoder(z, y)
        pyro.sample("x", density(mean, scale).to_event(2), obs=x[:, 0])


@config_enumerate
def guide(networks: Networks, _likelihood: Likelihood, x: torch.Tensor, y: torch.Tensor | None = None) -> None:
    """``q(y | x) q(z | x, y)``; a class that is not known is summed over."""
    with pyro.plate("sequences", len(x)):
        if y is None:
            y = pyro.sample("y", dist.Categorical(logits=networks.classifier(x)))
        location, scale = networks.encoder(networks.encoder.from_x(x), y)
        pyro.sample("z", dist.Normal(location, scale).to_event(1))


def negative_elbo(networks: Networks, likelihood: Likelihood, x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
    """Sum over the batch of C (9) with labels, of D (10) without, constants included; one draw of z for each class."""
    elbo = TraceEnum_ELBO(max_plate_nesting=1) if y is None else Trace_ELBO()
    return elbo.differentiable_loss(model, guide, networks, likelihood, x, y)  # pyright: ignore
