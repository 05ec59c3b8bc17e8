"""A simulated scheduler, against which the formula is held (`scale_model.py`).

Fits are put together by the suite's own code (`batches.py`), submitted by the rules of `slurm.py` and published by those of
`cli/publish.py`.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
from development.scale_model import CHECKPOINT_S, POLL_S, PUBLISH_EVERY_S, SHARE, Asked, Costs, Wall
from doabench.benchmark.data.scene import SceneSpec
from doabench.benchmark.protocol import Protocol
from doabench.benchmark.results.records import FitAxes
from doabench.benchmark.run.batches import UNKNOWN_S, batches, jobs_of
from doabench.benchmark.run.jobs import Fit
from doabench.benchmark.seeds import generator
from numpy.typing import NDArray

AXES, PROTOCOL = FitAxes.model_construct(), Protocol.model_construct()
"""Nobody looks at them."""


def simulated(asked: Asked, costs: Costs, seed: int) -> Wall:
    """The scheduler, event by event."""
    ended_s = _Cluster(asked, costs, seed).run()
    computed_s = float(ended_s.max()) + POLL_S / 2
    return Wall(costs.planned_s(asked), computed_s, _publisher(asked, costs, ended_s) - computed_s)


@dataclass
class _Array:
    """Jobs that were submitted together: those that wait, and how many run and have not ended."""

    most: int
    limit_s: float
    waiting: deque[list[Fit]]
    left: int
    running: int = 0


class _Cluster:
    """Nodes, arrays of jobs, and the one who submits them as `slurm.py` does."""

    def __init__(self, asked: Asked, costs: Costs, seed: int) -> None:
        self._asked, self._costs, self._chance = asked, costs, generator("scale", repr(asked), seed)
        kinds = np.searchsorted(np.cumsum([*asked.mix.values()]) - 1e-9, np.arange(asked.per_scene) / asked.per_scene)
        usual_s = np.array([*asked.mix])[self._chance.permutation(kinds)]  # in an order that is that of all scenes
        names = [f"{number:06d}" for number in range(asked.fits)]
        self._free = [_fit(name, number // asked.per_scene) for number, name in enumerate(names)]
        self._usual_s = {name: float(usual_s[number % asked.per_scene]) for number, name in enumerate(names)}
        self._left_s = {name: one * self._scatter() for name, one in self._usual_s.items()}
        self._told_s = self._usual_s if asked.known else dict.fromkeys(names, UNKNOWN_S)
        self._jobs: list[list[Fit]] | None = None
        self._ended_s: dict[str, float] = {}
        self._idle, self._arrays = list(range(asked.workers)), list[_Array]()
        self._now_s, self._events, self._number = 0.0, list[tuple[float, int, Callable[[], None]]](), count()

    def _scatter(self) -> float:
        return float(self._chance.lognormal(-(self._costs.spread**2) / 2, self._costs.spread))

    def run(self) -> NDArray[np.float64]:
        """When every fit has ended."""
        self._at(0.0, self._submit)
        while self._events:
            self._now_s, _, happens = heapq.heappop(self._events)
            happens()
            for array in self._arrays:
                while array.waiting and array.running < array.most and self._idle:
                    self._begin(array, array.waiting.popleft(), self._idle.pop(self._chance.integers(len(self._idle))))
        return np.array([self._ended_s[name] for name in self._usual_s])

    def _at(self, when_s: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._number), happens))

    def _submit(self) -> None:
        """When as many can begin at once as there are, or as there may be: see `_Run._submit`."""
        room = self._asked.workers - sum(min(array.most, array.left) for array in self._arrays)
        if not self._free or room <= 0:
            return
        if self._jobs is None:
            self._jobs = jobs_of(sorted(self._free, key=lambda fit: fit.key), self._told_s)
        jobs = self._jobs
        if room < min(self._asked.workers, len(jobs)):
            return
        for batch in batches(jobs[: self._costs.most_jobs], self._told_s, None, room):
            self._arrays.append(_Array(batch.most, batch.limit_s, deque(batch.jobs), len(batch.jobs)))
        self._jobs, self._free = None, [fit for job in jobs[self._costs.most_jobs :] for fit in job]

    def _begin(self, array: _Array, job: list[Fit], node: int) -> None:
        """A run of a job: its fits one after the other, until it is preempted, comes to its time limit or is through."""
        costs = self._costs
        slowness = costs.slowness if node < costs.slow * self._asked.workers else 1.0
        begun_s = self._now_s + self._chance.exponential(costs.dispatched_s)
        scenes_s = [costs.scene_s * (not place or fit.scene != job[place - 1].scene) for place, fit in enumerate(job)]
        whole_s = costs.start_s + sum(scenes_s) + sum(self._left_s[fit.key] for fit in job)
        preempted_s = whole_s * self._chance.random() if self._chance.random() < costs.preempted else math.inf
        until_s, at_s, rest = min(whole_s, preempted_s, array.limit_s / slowness), costs.start_s, list[Fit]()
        for fit, scene_s in zip(job, scenes_s, strict=True):
            ends_s = at_s + scene_s + self._left_s[fit.key]
            if rest or ends_s > until_s * (1 + 1e-9):
                if not rest:
                    lost_s = CHECKPOINT_S * self._chance.random()
                    self._left_s[fit.key] -= max(0.0, until_s - at_s - scene_s - lost_s)
                rest.append(fit)
            else:
                self._ended_s[fit.key] = begun_s + slowness * ends_s
            at_s = ends_s
        array.running += 1
        self._at(begun_s + slowness * until_s, partial(self._end, array, node, rest, preempted_s == until_s))

    def _end(self, array: _Array, node: int, rest: list[Fit], preempted: bool) -> None:
        self._idle.append(node)
        array.running -= 1
        if rest and preempted:
            self._at(self._now_s + self._costs.requeued_s, partial(array.waiting.appendleft, rest))
            return
        array.left -= 1
        if rest:
            self._jobs, self._free = None, self._free + rest
        self._at(math.ceil(self._now_s / POLL_S) * POLL_S, self._submit)


def _fit(key: str, scene: int) -> Fit:
    return Fit(key, AXES, "", True, SceneSpec("", "", scene, 20), PROTOCOL)


def _publisher(asked: Asked, costs: Costs, ended_s: NDArray[np.float64]) -> float:
    """When all is published, as `cli/publish.py` does it."""
    order, over_s = np.argsort(ended_s), ended_s.max() + POLL_S / 2
    numbers = np.arange(asked.fits)
    rows = (numbers // (asked.per_scene * asked.seeds) * asked.per_scene + numbers % asked.per_scene)[order]
    seen, now_s, first_s = 0, ended_s.min() + POLL_S / 2, costs.publish_s
    while True:
        last = now_s >= over_s
        there = asked.fits if last else int(np.searchsorted(ended_s[order], now_s))
        counts = [there - seen, len({*rows[seen:there]})]
        turn_s = first_s + costs.published_s(*(asked.cells * n for n in (there, len({*rows[:there]}), *counts)))
        turn_s *= last or there > seen
        if last:
            return float(now_s + turn_s + len({*rows}) * asked.cells * costs.drawn_row_s)
        seen, first_s, turned_s = there, 0.0, now_s + turn_s
        now_s = max(turned_s, min(over_s, turned_s + max(PUBLISH_EVERY_S, turn_s / SHARE)))
