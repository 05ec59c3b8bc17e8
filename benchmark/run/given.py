"""What a fit is given of its scene, and where that lies in its streams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.scene import Scene
from ..data.splits import Given, adapted, fit_data, most_labels
from ..data.streams import Stream
from ..method import FitData
from ..protocol import Subset, label_count
from .jobs import Fit


@dataclass(frozen=True)
class Part:
    """Sequences ``starts`` of a stream. ``role`` is whose clips they are: clips are numbered within a role. ``condition`` is
    that of the room: with the position it tells responses apart."""

    role: str
    condition: str
    stream: Stream
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class GivenParts:
    """The data of a fit, and the same as ``parts`` of streams: with labels (to learn or to select), and without."""

    data: FitData
    parts: tuple[tuple[Part, ...], tuple[Part, ...]]


def given(scene: Scene, fit: Fit) -> GivenParts:
    """What ``fit`` is given. Raises UserError where there are too few sequences."""
    protocol, setup, seed = fit.protocol, scene.setup, fit.axes.seed
    adaptation, home = protocol.adaptation, (scene.stream(protocol.train), scene.stream(protocol.selection))
    taught = fit.axes.labels
    if adaptation is not None:  # a small scale may have fewer
        taught = min(label_count(adaptation.taught, len(setup.candidates_deg)), *(most_labels(one, setup) for one in home))
    data, own = fit_data(*home, taught, setup, seed)
    if adaptation is None:
        return GivenParts(data, _parts(scene, own, protocol.train, protocol.selection))
    streams = scene.stream(adaptation.train), scene.stream(adaptation.selection)
    data, more = adapted(data, *streams, fit.axes.labels, setup, seed)
    (labelled, selected), _ = _parts(scene, own, protocol.train, protocol.selection)
    (real, real_selected), unlabelled = _parts(scene, more, adaptation.train, adaptation.selection)
    return GivenParts(data, ((labelled, real, real_selected if fit.axes.labels else selected), unlabelled))


def part_of(scene: Scene, subset: Subset, starts: NDArray[np.int64]) -> Part:
    """Sequences of the stream of a ``subset``."""
    where = (subset.room or "", scene.condition(subset).name)
    return Part(subset.speech, ": ".join(filter(None, where)), scene.stream(subset), starts)


def _parts(scene: Scene, given: Given, train: Subset, selection: Subset) -> tuple[tuple[Part, Part], tuple[Part, ...]]:
    labelled = part_of(scene, train, given.labelled), part_of(scene, selection, given.selected)
    return labelled, (part_of(scene, train, given.unlabelled),)
