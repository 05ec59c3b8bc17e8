"""What this machine has to give, and what a run will take of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from ..cache import cache_folder
from ..digest import digest
from ..durable import write
from .environment import environment
from .jobs import Fit, Settings

WORKER_MB = 1500.0
"""What a worker takes at most in the default run, streams of two rooms and training included."""
CGROUP = Path("/sys/fs/cgroup")
_TAKEN_S = TypeAdapter(Annotated[float, Field(ge=0, allow_inf_nan=False)])


def cores() -> int:
    """Processors that this process may use: those that it is bound to, and no more than a container gives."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = (CGROUP / "cpu.max").read_text().split()
        bound = min(bound, max(1, int(quota) // int(period)))  # "max" is no number: no limit
    return bound


def available_mb() -> float:
    """Memory that is free, or that a container leaves."""
    import psutil

    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        free = min(free, limit - used)
    return free / 1e6


def jobs_and_threads(fits: int, device: str, jobs: int | None, threads: int | None) -> tuple[int, int]:
    """How many fits at a time, and threads of each, where a person has not said.

    One fit a core is quickest, since threads of one fit wait for each other. The number of ``fits`` is that of the whole
    request, so that what is missing of it later gets the threads that the rest had.
    """
    there = cores()
    if jobs is None:
        by_memory = max(1, int(available_mb() / WORKER_MB))
        jobs = 1 if device != "cpu" else max(1, min(there // (threads or 1), fits, by_memory))
    return jobs, threads or max(1, there // jobs)


def _file(fit: Fit, settings: Settings) -> Path:
    axes = fit.axes
    known = [axes.method, axes.variant, axes.labels, axes.dataset, fit.scene.speakers_per_role, len(fit.cells)]
    where = [settings.cluster, settings.device]  # its machines are not to be asked from here
    if not settings.cluster:
        here = environment(settings.device, settings.threads)
        where = [here["cpu"], here["device"]]
    return cache_folder() / "times" / f"{digest([*known, *where, settings.threads])}.json"


def remember(fit: Fit, settings: Settings, taken_s: float) -> None:
    """Keep how long a fit with its cells took here."""
    file = _file(fit, settings)
    with suppress(OSError):  # only a forecast is lost
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, json.dumps(taken_s))


def expected_s(fit: Fit, settings: Settings) -> float | None:
    """How long a fit with its cells took here before; None where it never ran."""
    try:
        return _TAKEN_S.validate_json(_file(fit, settings).read_bytes())
    except (OSError, ValueError):
        return None


def forecast(fits: Sequence[Fit], settings: Settings, jobs: int) -> str:
    """``about 24 minutes, by earlier runs here``; nothing where there were none."""
    found = [took_s for fit in fits if (took_s := expected_s(fit, settings)) is not None]
    if not found:
        return ""
    minutes = max(1, round(max(sum(found) / jobs, max(found)) / 60))
    unknown = f"; {len(fits) - len(found)} were never run here" if len(found) < len(fits) else ""
    return f"about {minutes} minute{'s' * (minutes > 1)} by earlier runs here{unknown}"
