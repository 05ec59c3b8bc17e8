"""How much memory a stretch of work took, as the operating system counts it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def start_peak() -> Callable[[], float | None]:
    """Forget how much this process used so far; what is returned tells the most that it held at once since, in MB.

    That is the resident memory of the whole process: interpreter, libraries, data, and what the work itself needs; not that of
    an accelerator. What earlier work freed is handed back first, the libraries that it loaded stay. None where the system
    cannot forget (it can on Linux).
    """
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        return lambda: None
    return _peak_mb


def _peak_mb() -> float | None:
    lines = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 / 1e6 if lines else None
