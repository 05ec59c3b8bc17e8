"""Eyes on a plugin's code while it runs: what it does to the network, to global random generators and to its inputs."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np

from ..sequences import Sequences
from .data import contents

T = TypeVar("T")
_NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")


@dataclass
class Watch:
    """Notes of what was seen, each a phrase for people. While it watches, the network is blocked."""

    network: list[str] = field(default_factory=list)
    global_rng: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def call(self, doing: str, call: Callable[[], T], *views: Sequences) -> T:
        """Run a plugin's code on ``views``."""
        generators_before, before = _generators(), contents(*views)
        watching = _audited()
        watching.append((self, doing))
        try:
            return call()
        finally:
            watching.pop()
            for name, old, new in zip(("numpy", "random", "torch"), generators_before, _generators(), strict=True):
                if old != new:
                    self.global_rng.append(f"{doing} uses the global generator of {name}")
            if not all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before, contents(*views), strict=True)):
                self.inputs.append(f"{doing} writes into what it was given")


def _generators() -> tuple[Any, ...]:
    import torch

    name, keys, *rest = np.random.get_state()
    return (name, np.asarray(keys).tobytes(), *rest), random.getstate(), torch.get_rng_state().numpy().tobytes()


@cache
def _audited() -> list[tuple[Watch, str]]:
    """Who is watching now. Hooks of the interpreter cannot be taken away again, so there is one for good."""
    watching: list[tuple[Watch, str]] = []

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if watching and event in _NETWORK:
            watch, doing = watching[-1]
            watch.network.append(f"{doing} calls {event}")
            raise ConnectionRefusedError("doabench check: methods have no network")

    sys.addaudithook(hook)
    return watching
