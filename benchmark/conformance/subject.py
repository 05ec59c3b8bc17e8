"""The adapter under trial: instances, fits and answers, each made once and shared by the checks that need it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..acoustics import ArraySetup
from ..method import Context, FitData, FitFailed, Method, Prediction
from ..plugins.spec import make_method
from ..seeds import seed_of
from ..sequences import FrameStore, Sequences
from .data import SETUP, bench, copied_view, silence
from .watch import Watch

SEED = seed_of("conformance", 0)
OTHER_SETUP = ArraySetup(spacing_m=0.05, candidates_deg=tuple(float(angle) for angle in range(-80, 81, 20)))


@dataclass
class Subject:
    """``spec`` names a registered method, with parameters: ``name[a=1]``."""

    spec: str
    watch: Watch = field(default_factory=Watch)

    def new(self, setup: ArraySetup = SETUP, seed: int = SEED, scratch: Path | None = None) -> Method:
        method = make_method(self.spec)[1]
        method.context = Context(setup, seed, scratch=scratch)
        return method

    @property
    def learns(self) -> bool:
        return self.new().info.uses_labels

    def fit(self, method: Method, data: FitData) -> None:
        """Train where the suite would train."""
        if method.info.uses_labels:
            views = (data.labelled, data.unlabelled, data.selection)
            self.watch.call("fit", lambda: method.fit(data), *views)

    def ask(self, method: Method, sequences: Sequences) -> Prediction:
        """What a method predicts for a copy of ``sequences``."""
        own = copied_view(sequences)
        return self.watch.call("predict", lambda: method.predict(own), own)

    @cached_property
    def fitted(self) -> Method:
        method = self.new()
        self.fit(method, bench().fit_data())
        return method

    @cached_property
    def scored(self) -> tuple[Sequences, NDArray[np.float64]]:
        return bench().scored()

    @cached_property
    def answer(self) -> Prediction:
        """What the fitted method says of the scored sequences, the first time that it is asked."""
        return self.ask(self.fitted, self.scored[0])

    @cached_property
    def used_elsewhere(self) -> Method:
        """Another instance that was fitted to other data (or, untrained, asked with another array) and asked once."""
        method = self.new(SETUP if self.learns else OTHER_SETUP, SEED + 1)
        self.fit(method, bench().fit_data(other=True))
        self.ask(method, self.scored[0])
        return method

    @cached_property
    def without_unlabelled(self) -> Prediction | str:
        """The answer after a fit without unlabelled sequences, or the reason that the method gave for not fitting."""
        data = bench().fit_data()
        method = self.new()
        try:
            self.fit(method, dataclasses.replace(data, unlabelled=subset(data.unlabelled, slice(0, 0))))
        except FitFailed as reason:
            return str(reason)
        return self.ask(method, self.scored[0])

    @cached_property
    def with_other_unlabelled(self) -> Prediction:
        """The answer after a fit in which as many unlabelled sequences were silent ones."""
        data, method = bench().fit_data(), self.new()
        store = FrameStore(np.zeros_like(data.unlabelled._store.frames))
        self.fit(method, dataclasses.replace(data, unlabelled=Sequences(store, data.unlabelled._starts)))
        return self.ask(method, self.scored[0])

    @cached_property
    def silent(self) -> Prediction:
        return self.ask(self.fitted, silence(5))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, gone afterwards."""
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)

    @cached_property
    def saved(self) -> Path:
        """A folder with what the fitted method saves; it goes with this object."""
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.watch.call("save", lambda: self.fitted.save(folder))
        return folder


def subset(view: Sequences, index: slice | NDArray[np.int64]) -> Sequences:
    return Sequences(view._store, view._starts[index])
