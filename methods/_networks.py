"""The networks of Table 1 that more than one method uses."""

from __future__ import annotations

import math

import torch
from torch import nn

TRUNK_FEATURES = 64 * 7 * 31


class HalfDropout(nn.Module):
    """Dropout at 0.5 from a generator of its own, one random bit for each unit."""

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        self.rng = rng

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        words = torch.empty(math.ceil(x.numel() / 64), dtype=torch.int64, device=x.device)
        random_bytes = words.random_(-(2**63), None, generator=self.rng).view(torch.uint8)
        bits = random_bytes[:, None] & (1 << torch.arange(8, dtype=torch.uint8, device=x.device))
        keep = (bits.view(-1)[: x.numel()] != 0).view(x.shape)
        return x * keep.to(x.dtype).mul_(2)


def trunk(rng: torch.Generator) -> nn.Sequential:
    """Two unpadded 3x3, stride-2 convolutions on ``[B, 1, 31, 127]`` -> ``[B, 13888]``."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, stride=2), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(), nn.Flatten(), HalfDropout(rng)
    )


def classifier(classes: int, rng: torch.Generator) -> nn.Sequential:
    """``q(y | x)`` of Table 1 as logits: ``[B, 1, 31, 127]`` (phase / pi) -> ``[B, classes]``, on the device of ``rng``."""
    network = nn.Sequential(trunk(rng), nn.Linear(TRUNK_FEATURES, 200), nn.ReLU(), nn.Linear(200, classes)).to(rng.device)
    initialise(network, rng)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Draw all weights from ``rng``, torch's default way: U(-1/sqrt(fan in), 1/sqrt(fan in))."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=rng)
