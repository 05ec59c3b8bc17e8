"""The networks of Table 1 that more than one method uses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays

TRUNK_FEATURES = 64 * 7 * 31


class HalfDropout(nn.Module):
    """Dropout at 0.5 from a generator of its own, one random bit for each unit; a byte of them is looked up at a time."""

    factors: torch.Tensor

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        self.rng = rng
        bits = torch.arange(256)[:, None] >> torch.arange(8) & 1
        self.register_buffer("factors", bits.float().mul(2), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        words = torch.empty(math.ceil(x.numel() / 64), dtype=torch.int64, device=x.device)
        random_bytes = words.random_(-(2**63), None, generator=self.rng).view(torch.uint8)
        factors = self.factors.to(x.dtype).index_select(0, random_bytes.int())
        return x * factors.view(-1)[: x.numel()].view(x.shape)


class FlattenChannelsLast(nn.Module):
    """``[B, C, H, W] -> [B, H W C]``: no copy of a channels-last image, and its gradient stays channels-last too."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.permute(0, 2, 3, 1).flatten(1)


def trunk(rng: torch.Generator) -> nn.Sequential:
    """Two unpadded 3x3, stride-2 convolutions on ``[B, 1, 31, 127]`` -> ``[B, 13888]``."""
    first, second = nn.Conv2d(1, 32, 3, stride=2), nn.Conv2d(32, 64, 3, stride=2)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), FlattenChannelsLast(), HalfDropout(rng))


def classifier(classes: int, rng: torch.Generator) -> nn.Sequential:
    """``q(y | x)`` of Table 1 as logits: ``[B, 1, 31, 127]`` (phase / pi) -> ``[B, classes]``, on the device of ``rng``."""
    with torch.random.fork_rng(devices=[]):  # layers draw first weights, which nobody uses, from the global generator
        network = nn.Sequential(trunk(rng), nn.Linear(TRUNK_FEATURES, 200), nn.ReLU(), nn.Linear(200, classes)).to(rng.device)
    initialise(network, rng)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Draw all weights from ``rng``, torch's default way: U(-1/sqrt(fan in), 1/sqrt(fan in))."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=rng)


def reduced_precision(device: torch.device) -> torch.autocast:
    """Products in bfloat16 where the hardware multiplies in it (five times as fast, and it changes no decision that matters);
    in float32 where it would only be imitated, which is fifty times slower."""
    if device.type == "cpu":
        native = any(torch.cpu.get_capabilities().get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    else:
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=native)


def widened(values: torch.Tensor) -> torch.Tensor:
    """What products in reduced precision left, in float32; anything else as it is."""
    return values.float() if values.dtype == torch.bfloat16 else values


Gather: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
Images: TypeAlias = Callable[[Sequences, torch.device], Gather]
"""What a network sees of sequences: makes a function of indices ``[B]`` that returns ``[B, 31, 127]``."""


def phase_images(sequences: Sequences, device: torch.device) -> Gather:
    """Phase divided by pi, as published."""
    phase = sequences.phase_on(device)
    return lambda index: phase(index) / torch.pi


def weighted_images(sequences: Sequences, device: torch.device) -> Gather:
    """The same times the amplitude, of mean one over the frames of each frequency: quiet moments are near zero."""
    phase, level = sequences.phase_on(device), sequences.level_on(device)

    def image(index: torch.Tensor) -> torch.Tensor:
        amplitude = level(index)
        mean = amplitude.mean(1, keepdim=True).clamp_min(torch.finfo(amplitude.dtype).tiny)
        return phase(index) / torch.pi * (amplitude / mean)

    return image


PREDICT_BATCH = 128
"""What passes through the network fits into the second-level cache: three times as fast as 1024 at a time."""


def class_scores(network: nn.Module, sequences: Sequences, images: Images = phase_images) -> NDArray[np.float32]:
    """``log q(y | x)`` of a classifier for every sequence, ``[N, T]``. Leaves the network in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    image = images(sequences, device)
    with torch.inference_mode(), reduced_precision(device):
        batches = torch.arange(len(sequences), device=device).split(PREDICT_BATCH)
        scores = [network(image(index)[:, None]).float().log_softmax(-1).cpu() for index in batches]
    return torch.cat(scores).numpy()


def copy_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """A network's weights, detached from it."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def save_network(folder: Path, network: nn.Module) -> None:
    save_arrays(folder, {name: tensor.cpu().numpy() for name, tensor in copy_of(network).items()})


def load_network(folder: Path, network: nn.Module) -> None:
    network.load_state_dict({name: torch.from_numpy(array) for name, array in load_arrays(folder).items()})
