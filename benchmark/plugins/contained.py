"""What a plugin's code does to its process, kept from the code that runs after it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def contained() -> Iterator[Path]:
    """Runs code in an empty working folder, which is gone afterwards with all that was written there. Working folder,
    environment and numbers of threads are then what they were."""
    import threadpoolctl

    torch = sys.modules.get("torch")  # who has not loaded it need not wait for it
    before, environment, threads = Path.cwd(), dict(os.environ), torch.get_num_threads() if torch else 0
    with (
        tempfile.TemporaryDirectory(prefix="doabench-", ignore_cleanup_errors=True) as folder,
        threadpoolctl.threadpool_limits(None),
    ):
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)
            if torch:
                torch.set_num_threads(threads)
