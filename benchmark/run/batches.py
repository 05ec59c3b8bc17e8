"""How fits are put together for a cluster's queue: by job, and jobs by time limit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .jobs import Fit

JOB_S, UNKNOWN_S = 600.0, 120.0
"""Fits are put together until a job is expected to take this long; how long one is expected to take that never ran."""
LIMIT_S, SLACK = 2 * 3600.0, 3.0
"""The least time limit of a job, and how many times as long as expected it may take."""


@dataclass(frozen=True)
class Batch:
    """Jobs with one time limit, of which ``most`` run at a time: the fits of each."""

    limit_s: float
    most: int
    jobs: list[list[Fit]]


def jobs_of(fits: Sequence[Fit], expected_s: Mapping[str, float]) -> list[list[Fit]]:
    """Fits by job, in their order."""
    jobs, so_far_s = list[list[Fit]](), math.inf
    for fit in fits:
        if so_far_s >= JOB_S:
            jobs.append([])
            so_far_s = 0.0
        jobs[-1].append(fit)
        so_far_s += expected_s[fit.key]
    return jobs


def batches(
    jobs: Sequence[list[Fit]], expected_s: Mapping[str, float], time_limit_s: float | None, room: int
) -> Iterator[Batch]:
    """Jobs by time limit, the longest first; ``room``, how many may run at a time, is shared out by the work that there is.
    Limits double, so that there are few; where ``room`` is for fewer, all jobs get the longest."""
    by_limit: dict[float, list[list[Fit]]] = defaultdict(list)
    for job in jobs:
        may_take_s = sum(time_limit_s or SLACK * expected_s[fit.key] for fit in job)
        by_limit[LIMIT_S * 2 ** max(0, math.ceil(math.log2(may_take_s / LIMIT_S)))].append(job)
    if len(by_limit) > room:
        by_limit = {max(by_limit): list(jobs)}
    work_s = {limit_s: sum(expected_s[fit.key] for job in some for fit in job) for limit_s, some in by_limit.items()}
    for limit_s, some in sorted(by_limit.items(), reverse=True):
        share = work_s[limit_s] / sum(work_s.values())
        most = min(len(some), 1 + int((room - len(work_s)) * share))
        room -= most
        del work_s[limit_s]
        yield Batch(limit_s, most, some)
