"""The networks of Table 1: classifier ``q(y | x)``, latent encoder ``q(z | x, y)`` and decoder ``p(x | y, z)``.

``x`` is phase / pi, ``[B, 1, 31, 127]``; ``y`` a class index ``[B]``; ``z`` ``[B, latent]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from .._networks import TRUNK_FEATURES, HalfDropout, classifier, initialise, trunk, widened

HIDDEN = 200
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-6, 10.0


@dataclass(frozen=True)
class Shape:
    """What may differ from Table 1; the defaults are its values."""

    latent: int = 50
    decoder_dropout: bool = True
    separate: bool = False


class Encoder(nn.Module):
    """``q(z | x, y)``: the part that depends on x is computed once, whatever number of classes is then asked for."""

    def __init__(self, classes: int, latent: int, rng: torch.Generator) -> None:
        super().__init__()
        self.from_x = nn.Sequential(trunk(rng), nn.Linear(TRUNK_FEATURES, HIDDEN))
        self.from_y = nn.Linear(classes, HIDDEN)
        self.location = nn.Linear(HIDDEN, latent)
        self.log_scale = nn.Linear(HIDDEN, latent)

    def forward(self, features: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``features = from_x(x)`` ``[B, 200]`` and classes ``[B]`` -> mean and standard deviation of z, ``[B, latent]``."""
        hidden = F.relu(features + _one_hot(self.from_y, y))
        return self.location(hidden), self.log_scale(hidden).exp()


class Decoder(nn.Module):
    """``p(x | y, z)``: a mean in [-1, 1] and a variance in (0, 10] for every pixel.

    Table 1 lists one first transposed convolution for both; ``separate`` gives mean and variance one each, as the released
    program does.
    """

    def __init__(self, classes: int, shape: Shape, rng: torch.Generator) -> None:
        super().__init__()
        branches, latent = (2 if shape.separate else 1), shape.latent
        self.from_z = nn.Linear(latent, HIDDEN)
        self.from_y = nn.Linear(classes, HIDDEN)
        self.spread = nn.Linear(HIDDEN, TRUNK_FEATURES)
        self.dropout = HalfDropout(rng) if shape.decoder_dropout else nn.Identity()
        self.up = nn.ConvTranspose2d(64, 32 * branches, 3, stride=2)
        self.heads = nn.ConvTranspose2d(32 * branches, 2, 3, stride=2, groups=branches)

    def hidden(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """``[B, latent]`` and ``[B]`` -> ``[B, 13888]``, the input of `components`, not rectified yet."""
        return self.spread(F.relu(self.from_z(z) + _one_hot(self.from_y, y)))

    def components(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``[B, 13888]`` -> `polyphase` components of mean and standard deviation of phase / pi, each ``[B, 4, 16, 64]``
        (float32).

        The hidden units are numbered channel last, so that the convolutions find them as they like them without a copy.
        """
        image = F.relu(self.dropout(hidden)).reshape(-1, 7, 31, 64).permute(0, 3, 1, 2)
        # Inside a transposed convolution a bias makes it five times as slow on a CPU; in another precision, the sum ten times.
        raised = F.conv_transpose2d(image, self.up.weight, stride=2)
        raised = raised.add_(_per_channel(self.up.bias).to(raised.dtype)).relu_()
        mean, variance = _transposed_components(self.heads, raised).unbind(1)
        # tanh, four times as fast
        return (2 * mean).sigmoid() * 2 - 1, (LARGEST_VARIANCE * variance.sigmoid() + SMALLEST_VARIANCE).sqrt()

    def pixels(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same as images, each ``[B, 31, 127]``."""
        mean, scale = self.components(hidden)
        return interleaved(mean), interleaved(scale)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of phase / pi, each ``[..., 31, 127]``; ``z [..., latent]`` and ``y [...]`` broadcast."""
        hidden = self.hidden(z, y)
        mean, scale = self.pixels(hidden)
        shape = (*hidden.shape[:-1], *mean.shape[1:])
        return mean.view(shape), scale.view(shape)


class Networks(nn.Module):
    """All three, and the power ``sharpness`` that calibrates the answer. Weights are drawn from ``rng``, on its device."""

    sharpness: torch.Tensor

    def __init__(self, classes: int, shape: Shape, rng: torch.Generator) -> None:
        super().__init__()
        self.classifier = classifier(classes, rng)
        with torch.random.fork_rng(devices=[]):  # as in `classifier`: first weights that nobody uses
            self.encoder = Encoder(classes, shape.latent, rng)
            self.decoder = Decoder(classes, shape, rng)
        self.register_buffer("sharpness", torch.ones(()))
        self.to(rng.device)
        for network in (self.encoder, self.decoder):
            initialise(network, rng)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _one_hot(layer: nn.Linear, y: torch.Tensor) -> torch.Tensor:
    """``layer(one_hot(y))`` by looking its columns up."""
    return F.embedding(y, layer.weight.t()) + layer.bias


def _per_channel(bias: torch.Tensor | None) -> torch.Tensor:
    assert bias is not None
    return bias[:, None, None]


def polyphase(image: torch.Tensor) -> torch.Tensor:
    """``[B, 31, 127] -> [B, 4, 16, 64]``: pixel (2 m + p, 2 n + r) stands at (m, n) of component 2 p + r. A last row and
    column of zeros make the image even."""
    return F.pixel_unshuffle(F.pad(image, (0, 1, 0, 1))[:, None], 2)


def interleaved(components: torch.Tensor) -> torch.Tensor:
    """The image that `polyphase` took apart."""
    return F.pixel_shuffle(components, 2)[:, 0, :-1, :-1]


def _transposed_components(layer: nn.ConvTranspose2d, image: torch.Tensor) -> torch.Tensor:
    """The `polyphase` components ``[B, outputs, 4, ...]`` of ``layer(image)``, in float32, for 3x3 kernels with stride 2.

    Output pixel (2 m + p, 2 n + r) sees only inputs m - 1 and m (n - 1 and n): a plain 2x2 convolution gives all components,
    for few output channels three times as fast; and whoever sums over pixels need not lay them side by side.
    """
    inputs, outputs = layer.weight.shape[0] // layer.groups, layer.weight.shape[1]
    taps = F.pad(layer.weight, (0, 1, 0, 1)).view(layer.groups, inputs, outputs, 2, 2, 2, 2).flip(3, 5)
    kernel = taps.permute(0, 2, 4, 6, 1, 3, 5).reshape(layer.groups * outputs * 4, inputs, 2, 2)
    packed = F.conv2d(image, kernel.contiguous(memory_format=torch.channels_last), padding=1, groups=layer.groups)
    apart = widened(packed).contiguous().unflatten(1, (layer.groups * outputs, 4))
    return apart + _per_channel(layer.bias)[..., None]
