"""Where fits are run, as the options say."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:  # they take a second to import
    from ..run.engine import Engine
    from ..run.jobs import Settings

ENGINES = ("local", "slurm")
SLURM_JOBS = 100
"""Jobs that run at a time where nobody has said."""


@dataclass(frozen=True)
class Runs:
    """What was asked for of the place that fits are run in."""

    name: str
    device: str
    jobs: int | None
    threads: int | None
    time_limit_s: float | None
    sbatch: Mapping[str, str | bool]
    shard: tuple[int, int] | None

    def check(self) -> None:
        """Raises UserError for options that do not go together, and for what is not there."""
        if self.name == "local":
            if self.sbatch:
                raise UserError("--slurm is for --engine slurm: give both, or neither")
            _check_device(self.device)
            return
        if self.shard:
            raise UserError(
                "--shard is for other schedulers than Slurm: with --engine slurm leave it out, the jobs share the fits"
            )
        if self.device not in ("cpu", "cuda"):
            raise UserError(f"--device {self.device}: with --engine slurm a job sees its own GPU only; use cuda")
        if find_spec("submitit") is None:
            raise UserError("--engine slurm needs the package submitit; install it with: pip install 'doabench[slurm]'")
        if not (shutil.which("sbatch") and shutil.which("srun")):
            raise UserError("--engine slurm: there is no sbatch here; run it where jobs can be submitted to the cluster")

    def engine(self, fits: int, out: Path, plugins: tuple[Path, ...]) -> tuple[Settings, int, Engine]:
        """How ``fits`` are run, how many at a time, and by whom."""
        from ..run.engine import LocalProcesses
        from ..run.jobs import Settings
        from ..run.resources import jobs_and_threads

        if self.name == "local":
            jobs, threads = jobs_and_threads(fits, self.device, self.jobs, self.threads)
            return Settings(out.absolute(), self.device, threads, plugins), jobs, LocalProcesses(jobs, self.time_limit_s)
        from ..run.slurm import Slurm

        jobs = self.jobs or SLURM_JOBS
        settings = Settings(out.absolute(), self.device, self.threads or 1, plugins, cluster="slurm")
        return settings, jobs, Slurm(jobs, self.time_limit_s, self.sbatch)


def _check_device(device: str) -> None:
    if device == "cpu":
        return
    import torch

    if not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UserError(f"--device {device}: not available here; use cpu, or install a CUDA build of torch")
    try:
        torch.empty(1, device=device)
    except RuntimeError as error:
        raise UserError(f"--device {device}: cannot be used ({error}); use cpu") from error
