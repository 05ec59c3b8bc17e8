"""What Slurm knows of the jobs that work for a folder of results, whoever submitted them."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..digest import digest
from ..durable import write
from ..errors import UserError

ASK_AGAIN_S, ANSWERS_WITHIN_S = 10.0, 60.0
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "CANCELLED", "PREEMPTED", "")
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A job: the keys of its fits in their order, and its state in Slurm's words, empty where Slurm has forgotten it."""

    id: str
    fits: tuple[str, ...]
    state: str

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Array:
    """Jobs that were submitted together, of which no more than ``most`` run at a time."""

    most: int
    jobs: tuple[Job, ...]

    @property
    def takes(self) -> int:
        """How many of them still are to run at a time."""
        return min(self.most, sum(not job.has_ended for job in self.jobs))


class Queue:
    """The jobs of ``out``: `slurm/ID.json` says which fits the jobs of an array have, their name in the queue is that of the
    folder, and `squeue` tells how they are, with accounting or without."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "slurm"
        self.folder.mkdir(exist_ok=True)
        self.name = f"doabench-{digest(str(out))[:8]}"
        self._answered = False

    def arrays(self) -> list[Array]:
        """All that were ever submitted. Raises UserError where there is no queue to ask."""
        found = [json.loads(file.read_text()) for file in sorted(self.folder.glob("*.json"))]
        states = self._states() if found else {}
        return [
            Array(one["most"], tuple(Job(name, tuple(fits), states.get(name, "")) for name, fits in one["jobs"].items()))
            for one in found
        ]

    def add(self, most: int, jobs: dict[str, Sequence[str]]) -> None:
        """Note jobs that were submitted together: the keys of their fits by the id of each."""
        write(self.folder / f"{next(iter(jobs))}.json", json.dumps({"most": most, "jobs": jobs}))

    def last_words(self, job: Job) -> str:
        """The last line that a job wrote to its log of errors, without what Slurm adds."""
        file = self.folder / f"{job.id}_0_log.err"
        lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
        own = [line.strip() for line in lines if line.strip() and not line.startswith(("srun:", "slurmstepd", "submitit "))]
        return own[-1] if own else ""

    def _states(self) -> dict[str, str]:
        """State by id of all jobs that Slurm has not forgotten; waits for a queue that does not answer, if it once did."""
        while True:
            command = ["squeue", "--noheader", "--array", "--states=all", f"--name={self.name}", "--format=%i|%T"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ANSWERS_WITHIN_S)
                problem = done.stderr if done.returncode else ""
            except (OSError, subprocess.TimeoutExpired) as error:
                done, problem = None, str(error)
            if done is not None and not problem:
                self._answered = True
                lines = (line.partition("|") for line in done.stdout.split())
                return {name: state for name, _, state in lines}
            if not self._answered:
                raise UserError(
                    f"--engine slurm: squeue does not answer ({problem.strip()}); run it where jobs can be submitted"
                )
            LOG.warning("squeue does not answer (%s); asked again", problem.strip())
            time.sleep(ASK_AGAIN_S)
