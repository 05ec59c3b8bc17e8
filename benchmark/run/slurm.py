"""Slurm: fits run in jobs of a cluster, short ones several in a job.

Records say what is done, claims who is at it, and Slurm's queue which jobs there are. So whoever submits them may die, or be
one of several: the next one finds all that again.
"""

from __future__ import annotations

import io
import logging
import math
import os
import pickle
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError

from ..errors import UserError
from ..plugins.outside import add_plugin_files
from ..results.claims import Claims
from ..results.store import Store
from .batches import UNKNOWN_S, Batch, batches, jobs_of
from .engine import DONE, Listener, LocalProcesses
from .jobs import Fit, Settings
from .queue import Array, Queue
from .resources import WORKER_MB, expected_s
from .watch import Watch

POLL_S = 3.0
MOST_JOBS, TRIES = 1000, 2
"""Jobs in the queue at a time, as many as an array may have where nobody has changed that; how often a fit is tried whose job
dies."""
SUBMITTING = "slurm"
WHY = {
    "TIMEOUT": "came to its time limit: give more, such as --slurm time=1-00:00:00",
    "OUT_OF_MEMORY": "ran out of memory: give more, such as --slurm mem=8G",
    "NODE_FAIL": "lost its node",
    "KILLED": "was killed",
    "CANCELLED": "was cancelled",
    "COMPLETED": "ended without results: can all its nodes write to --out?",
    "": "is no longer in the queue",
}
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a job does: ``fits`` one after the other, as on one machine. It may be ended and started again at any time. They are
    pickled apart, since classes of plugins are there only when those are loaded."""

    fits: bytes
    settings: Settings
    time_limit_s: float | None

    def __call__(self) -> None:
        # Slurm sends it to all processes long before it kills them; workers, who inherit this, use the time that is left.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        add_plugin_files(self.settings.plugins)
        LocalProcesses(1, self.time_limit_s).run(pickle.loads(self.fits), self.settings, _say)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What is to run when the job is started again: the same, which goes on where records and checkpoints are."""
        return submitit.helpers.DelayedSubmission(self)


def _say(key: str, _: float, note: str) -> None:
    if note == DONE:
        print(f"fit {key} has ended", flush=True)


class Slurm:
    """At most ``jobs`` jobs at a time, submitted with ``sbatch`` as further settings of that command."""

    def __init__(self, jobs: int, time_limit_s: float | None = None, sbatch: Mapping[str, str | bool] | None = None) -> None:
        self.jobs, self.time_limit_s, self.sbatch = jobs, time_limit_s, dict(sbatch or {})

    def run(self, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        _Run(self, fits, settings, listen).follow()


class _Run:
    """Fits that are still to come, the jobs that have ended and been looked after, and how many each fit has lost."""

    def __init__(self, engine: Slurm, fits: Sequence[Fit], settings: Settings, listen: Listener) -> None:
        self._engine, self._settings, self._listen = engine, settings, listen
        store = Store(settings.out)
        self._queue = Queue(settings.out)
        self._waiting = {fit.key: Watch(fit, store) for fit in fits}
        self._expected_s = {fit.key: expected_s(fit, settings) or UNKNOWN_S for fit in fits}
        self._over = {job.id for array in self._queue.arrays() for job in array.jobs if job.has_ended}
        self._lost = Counter[str]()
        self._in_queue = False

    def follow(self) -> None:
        """Submit and wait until all fits have ended."""
        with Claims(self._settings.out / "claims") as claims:
            try:
                while self._waiting:
                    arrays = self._queue.arrays()
                    self._in_queue = bool(_live(arrays))
                    self._bury(arrays)
                    self._hear(arrays)
                    self._submit(arrays, claims)
                    time.sleep(POLL_S)
            except BaseException:
                if self._in_queue:
                    said = "jobs in the queue go on, and the same command finds them; scancel --name=%s ends them"
                    LOG.warning(said, self._queue.name)
                raise

    def _hear(self, arrays: Sequence[Array]) -> None:
        """Pass on what has ended, and what runs."""
        jobs = [job for array in arrays for job in array.jobs]
        not_begun = {key for job in jobs if job.state == "PENDING" for key in job.fits}
        for key in [key for key, watch in self._waiting.items() if key not in not_begun and watch.has_ended()]:
            del self._waiting[key]
            self._listen(key, 1.0, DONE)
        for job in jobs:
            if job.state == "RUNNING" and (key := next(filter(self._waiting.__contains__, job.fits), None)):
                self._listen(key, 0.0, f"in job {job.id}")

    def _bury(self, arrays: Sequence[Array]) -> None:
        """See what a job that has ended left undone. It is submitted again, but no fit costs more than `TRIES` jobs: the first
        one that is left is the one that it was at; all are where the job itself raised an error."""
        live = _live(arrays)
        for job in (job for array in arrays for job in array.jobs if job.has_ended and job.id not in self._over):
            self._over.add(job.id)
            left = [key for key in job.fits if key in self._waiting and key not in live and not self._waiting[key].has_ended()]
            words, state = self._queue.last_words(job) if left else "", job.state
            if state == "FAILED":
                state = "TIMEOUT" if "timed-out" in words else state if words else "KILLED"
            if state == "PREEMPTED":
                continue
            for key in left if state in ("FAILED", "COMPLETED", "CANCELLED") else left[:1]:
                self._lost[key] += 1
                if state == "CANCELLED" or self._lost[key] >= TRIES:
                    how = WHY.get(state) or ": ".join(filter(None, [f"ended as {state}", words]))
                    self._waiting[key].fail(f"its Slurm job {job.id} {how}")

    def _submit(self, arrays: Sequence[Array], claims: Claims) -> None:
        """Submit what nobody holds, when that can run at once or nothing else is in the queue: an array keeps its limit."""
        free, room = self._free(arrays)
        if not free or room < min(self._engine.jobs, len(self._jobs_of(free))) or not claims.take(SUBMITTING):
            return
        free, room = self._free(self._queue.arrays())  # somebody else may just have submitted
        free = [fit for fit in free if _is_free(fit.key, claims) and not self._waiting[fit.key].has_ended()]
        if room > 0:
            for batch in batches(self._jobs_of(free)[:MOST_JOBS], self._expected_s, self._engine.time_limit_s, room):
                self._queue.add(batch.most, self._submitted(batch))
                self._in_queue = True
        claims.release(SUBMITTING)

    def _free(self, arrays: Sequence[Array]) -> tuple[list[Fit], int]:
        """Fits that no job has, and how many more jobs may run."""
        live = _live(arrays)
        free = [watch.fit for key, watch in self._waiting.items() if key not in live]
        return free, self._engine.jobs - sum(array.takes for array in arrays)

    def _jobs_of(self, fits: Sequence[Fit]) -> list[list[Fit]]:
        return jobs_of(fits, self._expected_s)

    def _submitted(self, batch: Batch) -> dict[str, Sequence[str]]:
        """Submit an array; the keys of the fits of each job by its id. Raises UserError where sbatch refuses it."""
        settings, sbatch = self._settings, self._engine.sbatch
        executor = submitit.SlurmExecutor(self._queue.folder, max_num_timeout=0)
        resources: dict[str, str | int] = {}
        if not any(name.startswith("mem") for name in sbatch):
            resources["mem"] = f"{2 * WORKER_MB:.0f}MB"  # the worker, and the process that starts it
        if settings.device == "cuda" and not any(name.startswith(("gpus", "gres")) for name in sbatch):
            resources["gpus_per_node"] = 1
        executor.update_parameters(
            job_name=self._queue.name,
            time=int(
                sbatch.get("time") or math.ceil(batch.limit_s / 60)
            ),  # also tells a job that runs out of it from one preempted
            cpus_per_task=settings.threads,
            array_parallelism=batch.most,
            additional_parameters=sbatch,
            **resources,
        )
        try:
            with redirect_stderr(io.StringIO()), _as_from_outside(), executor.batch():
                limit = self._engine.time_limit_s
                jobs = [executor.submit(Work(pickle.dumps(fits), settings, limit)) for fits in batch.jobs]
        except (FailedJobError, FailedSubmissionError) as error:
            raise UserError(f"sbatch refused the jobs ({error}); --slurm KEY=VALUE sets what it needs") from error
        return {job.job_id: [fit.key for fit in fits] for job, fits in zip(jobs, batch.jobs, strict=True)}


def _live(arrays: Sequence[Array]) -> set[str]:
    """Keys of the fits of all jobs that wait or run."""
    return {key for array in arrays for job in array.jobs if not job.has_ended for key in job.fits}


def _is_free(key: str, claims: Claims) -> bool:
    if not claims.take(key):
        return False
    claims.release(key)
    return True


@contextmanager
def _as_from_outside() -> Iterator[None]:
    """A job that submits others must not hand its own sizes on to them; what says where Slurm is stays."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    where = {name: os.environ[name] for name in ("SLURM_CONF", "SLURM_CLUSTERS") if name in os.environ}
    with submitit.helpers.clean_env():
        os.environ.update(where)
        yield
