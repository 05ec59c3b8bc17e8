"""Eyes on a plugin's code while it runs: what it does to its inputs, to what all share, and to the world outside."""

from __future__ import annotations

import io
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..plugins.contained import contained
from ..plugins.faults import place_here
from ..sequences import Sequences
from .data import contents

T = TypeVar("T")
_NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
_FILES = ("open", "os.mkdir")
MOST_THREADS = 8
"""What the loader of data and the like start; whoever starts more takes processors that were not given."""


@dataclass
class Watch:
    """Notes of what was seen, each a phrase for people. While it watches, the network is blocked, and what is printed goes to
    standard error."""

    network: list[str] = field(default_factory=list)
    global_rng: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)

    def call(self, doing: str, call: Callable[[], T], *views: Sequences) -> T:
        """Run a plugin's code on ``views``, in an empty working folder."""
        import torch  # before anything is compared: it sets itself up

        generators_before, before, environment = _generators(), contents(*views), dict(os.environ)
        threads = torch.get_num_threads()
        with contained() as folder, _eyes(_Eyes(self, doing, folder, threading.active_count())) as eyes:
            try:
                return call()
            finally:
                for name, old, new in zip(("numpy", "random", "torch"), generators_before, _generators(), strict=True):
                    if old != new:
                        self.global_rng.append(f"{doing} uses the global generator of {name}")
                if not all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before, contents(*views), strict=True)):
                    self.inputs.append(f"{doing} writes into what it was given")
                for path in folder.iterdir():
                    self.files.append(f"{doing} writes {path.name}{eyes.written.get(path.name, '')}")
                if (now := torch.get_num_threads()) != threads:
                    self.threads.append(f"{doing} sets torch's number of threads to {now}{eyes.threads_set}")
                for name in {name for name, _ in environment.items() ^ os.environ.items() if name.endswith("_NUM_THREADS")}:
                    self.threads.append(f"{doing} sets {name} in the environment{eyes.environment.get(name, '')}")


@dataclass
class _Eyes:
    """On one call: where in the plugin something happened."""

    watch: Watch
    doing: str
    folder: Path
    threads_before: int
    written: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    threads_set: str = ""

    def on(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event of the interpreter."""
        if event in _NETWORK and not (event == "socket.connect" and isinstance(arguments[1], str | bytes)):
            self.watch.network.append(f"{self.doing} calls {event}{place_here()}")
            raise ConnectionRefusedError("doabench check: methods have no network")  # processes talk to each other by paths
        if event in _FILES and isinstance(arguments[0], str | os.PathLike):
            path = Path(self.folder, arguments[0])
            if path.parts[: len(self.folder.parts)] == self.folder.parts and path != self.folder:
                self.written.setdefault(path.relative_to(self.folder).parts[0], place_here())
        if event == "os.putenv":
            self.environment[os.fsdecode(arguments[0])] = place_here()


class _Heard(io.TextIOBase):
    """In the place of standard output."""

    def __init__(self, eyes: _Eyes) -> None:
        self._eyes = eyes

    def write(self, text: str) -> int:
        if text.strip():
            self._eyes.watch.printed.append(f"{self._eyes.doing} prints {text.strip()[:40]!r}{place_here()}")
        return sys.stderr.write(text)


def _generators() -> tuple[Any, ...]:
    import torch

    name, keys, *rest = np.random.get_state()
    return (name, np.asarray(keys).tobytes(), *rest), random.getstate(), torch.get_rng_state().numpy().tobytes()


@contextmanager
def _eyes(eyes: _Eyes) -> Iterator[_Eyes]:
    """Eyes that are open. What the interpreter does not tell of is heard of by standing in for it."""
    import torch
    from torch.utils.data import dataloader

    def set_threads(number: int) -> None:
        eyes.threads_set = place_here()
        own_set_threads(number)

    def start_thread(self: threading.Thread) -> None:
        if threading.active_count() == eyes.threads_before + MOST_THREADS:
            eyes.watch.threads.append(f"{eyes.doing} starts more than {MOST_THREADS} threads{place_here()}")
        own_start_thread(self)

    def start_loader(self: Any, loader: Any) -> None:
        """A loader draws a seed for its workers from torch's global generator, whether or not they use it."""
        state = torch.get_rng_state()
        own_start_loader(self, loader)
        torch.set_rng_state(state)

    places: Any = ((torch, "set_num_threads"), (threading.Thread, "start"), (dataloader._BaseDataLoaderIter, "__init__"))
    kept: Any = [getattr(*place) for place in places]
    own_set_threads, own_start_thread, own_start_loader = kept
    for (owner, name), stand_in in zip(places, (set_threads, start_thread, start_loader), strict=True):
        setattr(owner, name, stand_in)
    _audited().append(eyes)
    try:
        with redirect_stdout(_Heard(eyes)):
            yield eyes
    finally:
        _audited().pop()
        for (owner, name), own in zip(places, kept, strict=True):
            setattr(owner, name, own)


@cache
def _audited() -> list[_Eyes]:
    """Who is watching now. Hooks of the interpreter cannot be taken away again, so there is one for good."""
    watching: list[_Eyes] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching:
            watching[-1].on(event, arguments)

    sys.addaudithook(hook)
    return watching
