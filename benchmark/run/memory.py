"""How much memory a stretch of work added, as the operating system counts it."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

STATUS, CLEAR_REFS, VMSTAT = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/vmstat")


def start_added() -> Callable[[], float | None]:
    """Note how much this process holds now; what is returned tells how much more it held at once at most since, in MB.

    That is resident memory; not that of an accelerator. What was there before does not count, whoever made it; what the work is
    the first to load or to make of its data, and leaves there, does. What earlier work freed is handed back first, lest the
    work take it and add nothing. None where the system cannot forget its earlier peak (Linux can).
    """
    if not CLEAR_REFS.exists():
        return lambda: None
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        return lambda: None
    before = _peak_mb()  # just forgotten: what is held now

    def added() -> float | None:
        after = _peak_mb()
        return None if before is None or after is None else max(0.0, after - before)

    return added


def ended_for_memory() -> int:
    """How many processes the system has ended so far since there was no memory left; 0 where it does not count them."""
    counts = re.findall(r"^oom_kill (\d+)$", VMSTAT.read_text(), re.MULTILINE) if VMSTAT.exists() else []
    return sum(map(int, counts))


def _peak_mb() -> float | None:
    found = re.search(r"^VmHWM:\s*(\d+) kB", STATUS.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None
