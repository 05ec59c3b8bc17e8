"""How long a request of many fits takes on a cluster, as a formula: docs/scale.md says what it assumes.

It knows nothing of the simulated scheduler that it is held against (`scale_scheduler.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from doabench.benchmark.checkpoint import EVERY_S as CHECKPOINT_S
from doabench.benchmark.cli.publish import EVERY_S as PUBLISH_EVERY_S
from doabench.benchmark.cli.publish import SHARE
from doabench.benchmark.run.batches import JOB_S, UNKNOWN_S
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.special import ndtr

POLL_S, MOST_JOBS = 3.0, 1000
"""As in `slurm.py`, which can only be imported where submitit is installed; a test holds them to it."""
TURN = SHARE / (1 + SHARE)
"""The share of the time that is spent publishing while fits run: a turn, and then 1 / SHARE times as long nothing."""


@dataclass(frozen=True)
class Asked:
    """A request: ``mix`` is the share of fits by the seconds that they take on a usual node. A scene has ``per_scene`` of them,
    each with ``cells`` scored sets, and there are ``seeds`` scenes of a room. ``known``: such fits ran there before, so that
    the scheduler is told how long they take."""

    fits: int
    workers: int
    mix: Mapping[float, float]
    per_scene: int = 60
    seeds: int = 10
    cells: int = 2
    known: bool = True

    def moment(self, power: int) -> float:
        """Of the seconds of a fit."""
        return sum(share * fit_s**power for fit_s, share in self.mix.items())

    @property
    def scenes(self) -> int:
        return math.ceil(self.fits / self.per_scene)


@dataclass(frozen=True)
class Costs:
    """What is measured (`scale_costs.py`, one core of an AMD EPYC), and from ``dispatched_s`` on assumed of a cluster."""

    start_s: float = 9.0  # the process of a job and that of its worker; also of the command
    room_s: float = 26.0  # responses that are not cached
    drawn_s: float = 5.4  # talkers of a scene
    streams_s: float = 7.0  # its streams of frames
    planned_fit_s: float = 0.01
    read_cell_s: float = 0.005
    read_row_s: float = 0.035
    sync_cell_s: float = 0.045
    sync_row_s: float = 0.24
    drawn_row_s: float = 0.02
    publish_s: float = 12.0  # the first time: an empty database
    dispatched_s: float = 15.0  # mean, from a free node to a job that begins
    preempted: float = 0.05  # share of the runs of a job
    requeued_s: float = 120.0  # until it may begin again
    slow: float = 0.1  # share of the nodes
    slowness: float = 1.5
    spread: float = 0.3  # standard deviation of the logarithm of a fit's seconds
    most_jobs: int = MOST_JOBS  # submitted together

    @property
    def scene_s(self) -> float:
        return self.drawn_s + self.streams_s

    def planned_s(self, asked: Asked) -> float:
        """One process, before the first job."""
        rooms = math.ceil(asked.scenes / asked.seeds)
        return self.start_s + rooms * self.room_s + asked.scenes * self.drawn_s + asked.fits * self.planned_fit_s

    def read_s(self, cells: float, rows: float) -> float:
        return cells * self.read_cell_s + rows * self.read_row_s

    def published_s(self, cells: float, rows: float, new: float, changed: float) -> float:
        """One turn: all is read, what is new goes into MLflow."""
        return self.read_s(cells, rows) + new * self.sync_cell_s + changed * self.sync_row_s


@dataclass(frozen=True)
class Wall:
    """Seconds until the first job can be submitted, from there until the last one has ended, and until all is published."""

    planned_s: float
    computed_s: float
    published_s: float

    @property
    def total_s(self) -> float:
        return self.planned_s + self.computed_s + self.published_s


def modelled(asked: Asked, costs: Costs) -> Wall:
    """The formula."""
    jobs, variance = _jobs(asked)
    each, begun_s = asked.fits / jobs, costs.start_s + costs.dispatched_s
    scenes, again = 1 + (each - 1) / asked.per_scene, costs.preempted / (1 - costs.preempted)
    scatter = math.expm1(costs.spread**2) * each * asked.moment(2)
    job_s = each * asked.moment(1) + begun_s + scenes * costs.scene_s
    job_s += again * (begun_s + costs.scene_s + CHECKPOINT_S / 2)
    one = _Job(job_s, variance + scatter, costs)
    waves = [costs.most_jobs] * (jobs // costs.most_jobs)
    if (rest := jobs % costs.most_jobs) >= asked.workers or not waves:
        waves.append(rest)
    else:  # too few to wait until all others have ended
        waves[-1] += rest
    computed_s = sum(POLL_S / 2 + one.wave_s(wave, asked.workers) for wave in waves)
    return Wall(costs.planned_s(asked), computed_s, _published_s(asked, costs, computed_s))


def _jobs(asked: Asked) -> tuple[int, float]:
    """How many jobs, and the variance of what their fits usually take. A job is full with the fit that takes it over JOB_S by
    what is expected: how far over, renewal theory says of fits in random order."""
    if len(asked.mix) == 1 or not asked.known:
        together = math.ceil(JOB_S / (asked.moment(1) if asked.known else UNKNOWN_S))
        return math.ceil(asked.fits / together), min(asked.fits, together) * (asked.moment(2) - asked.moment(1) ** 2)
    over_s = asked.moment(2) / asked.moment(1) / 2
    jobs = max(1, round(asked.fits * asked.moment(1) / (JOB_S + over_s)))
    return jobs, asked.moment(3) / asked.moment(1) / 3 - over_s**2


class _Job:
    """How long a job takes: log-normal with this mean and variance on a usual node."""

    def __init__(self, mean_s: float, variance: float, costs: Costs) -> None:
        sigma = math.sqrt(math.log1p(variance / mean_s**2))
        self._mean_s, self._costs = mean_s, costs
        latest_s = costs.slowness * mean_s * math.exp(6 * sigma) + costs.requeued_s
        self._at_s = np.concatenate([[0.0], np.geomspace(mean_s / 1000, latest_s, 2000)])
        self._ended = ndtr((np.log(np.maximum(self._at_s, 1e-9) / mean_s) + sigma**2 / 2) / max(sigma, 1e-9))
        self._rest_ended = np.minimum(cumulative_trapezoid(1 - self._ended, self._at_s, initial=0) / mean_s, 1.0)

    def wave_s(self, jobs: int, workers: int) -> float:
        """Of ``jobs`` that are submitted together. Where all begin at once that is the longest of them. Else workers are busy
        until no job is left, and then the longest rest decides: a job that is looked at then is anywhere in its run."""
        share = self._costs.slow
        if jobs <= workers:
            return self._longest_s(self._ended, jobs)
        speed = workers * (1 - share + share / self._costs.slowness)
        rest_s = float(np.trapezoid(1 - self._rest_ended, self._at_s))
        return (jobs * self._mean_s - workers * rest_s) / speed + self._longest_s(self._rest_ended, workers)

    def _longest_s(self, ended: NDArray[np.float64], count: int) -> float:
        """Expected longest of ``count``, some on slow nodes; half of those that are preempted still will be."""
        costs = self._costs
        late = np.interp(self._at_s - costs.requeued_s, self._at_s, ended, left=0.0)
        ended = ended + costs.preempted / 2 * (late - ended)
        slow = np.interp(self._at_s / costs.slowness, self._at_s, ended)
        return float(np.trapezoid(1 - ended ** (count * (1 - costs.slow)) * slow ** (count * costs.slow), self._at_s))


def _published_s(asked: Asked, costs: Costs, computed_s: float) -> float:
    """What is left for the end: what the turns until then had no time for, or what has ended since the last one. A turn reads
    all, and does what is new: of few cells each has a row of its own, of many all rows of a room have some."""
    cells, turns_s = asked.fits * asked.cells, TURN * computed_s
    rows, a_room = cells / asked.seeds, min(asked.per_scene, asked.fits) * asked.cells
    each_s = costs.sync_cell_s + costs.sync_row_s / asked.seeds
    read_s, turn_s = costs.read_s(cells, rows), turns_s
    for fixed_s, cell_s in ((read_s, costs.sync_cell_s + costs.sync_row_s), (read_s + a_room * costs.sync_row_s, each_s)):
        if (busy := cells * cell_s / turns_s) < 1:
            turn_s = min(turn_s, fixed_s / (1 - busy))
    since = cells / computed_s * max(turn_s / TURN, PUBLISH_EVERY_S) / 2
    left = min(cells, max(since, cells - turns_s / each_s))
    first_s = costs.publish_s if left == cells else 0.0
    changed = min(left, rows, left / asked.seeds + a_room)
    return first_s + costs.published_s(cells, rows, left, changed) + rows * costs.drawn_row_s
