"""What a plugin's code does to its process, kept from the code that runs after it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


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


@contextmanager
def heard_exit() -> Iterator[None]:
    """`os._exit`, which ends a process without a word, raises SystemExit inside the block, as `sys.exit` does."""
    end, own = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != own:  # a forked process ends this way as a matter of course
            end(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = end
