"""Where a number was made: captured in every record."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from ..digest import versions

PACKAGES = ("doabench", "torch", "numpy", "scipy", "scikit-learn", "pyroomacoustics", "soundfile", "webrtcvad-wheels")
PACKAGES += ("pyro-ppl", "mlflow")


@cache
def environment(device: str, threads: int) -> dict[str, Any]:
    """Commit and whether the tree was dirty (empty and None where git cannot tell), versions, processor, device and threads."""
    changes = _git("status", "--porcelain")
    return {
        "commit": _git("rev-parse", "HEAD") or "",
        "dirty": None if changes is None else changes != "",
        "python": platform.python_version(),
        "packages": versions(*PACKAGES),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "device": _device(device),
        "threads": threads,
    }


def _git(*arguments: str) -> str | None:
    """Output of git in the project's folder; None for an installed copy without a checkout, and where there is no git.

    A checkout that belongs to somebody else is asked, too: its code is what runs here.
    """
    git, folder = shutil.which("git"), Path(__file__).resolve().parents[2]
    if git is None or not (folder / ".git").exists():
        return None
    command = [git, "-c", f"safe.directory={folder}", "-C", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def _device(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"
