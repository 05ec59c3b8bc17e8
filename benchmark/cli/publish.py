"""MLflow and the page, kept up to date while fits run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..results.claims import Claims

EVERY_S, SHARE = 20.0, 0.1
"""Nothing is published more often than this, nor for more than this share of the time: fits need the processor, too."""
KEY = "publish"


@dataclass
class Published:
    """How many runs came into MLflow, what is wrong with it if anything is, and the files of the leaderboard."""

    runs: int = 0
    problem: str = ""
    files: tuple[Path, ...] = ()


class Publisher:
    """Publishes in a thread of its own whenever there is `news`, and once more when all is done (`finish`). One process does so
    at a time for a folder; what it publishes is everybody's."""

    def __init__(self, out: Path) -> None:
        self._out, self._runs, self._problem = out, 0, ""
        self._news, self._fit_has_ended, self._over = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)  # a run that is stopped does not wait for it

    def news(self, fit_has_ended: bool) -> None:
        """Say that a fit has ended, or has trained on."""
        if not self._thread.ident:
            self._thread.start()
        if fit_has_ended:
            self._fit_has_ended.set()
        self._news.set()

    def finish(self) -> Published:
        """Publish everything."""
        self._over.set()
        self._news.set()
        if self._thread.ident:
            self._thread.join()
        with Claims(self._out / "claims") as claims:
            while not claims.take(KEY):
                time.sleep(0.2)
            found = _publish(self._out, last=True, problem=self._problem)
        found.runs += self._runs
        return found

    def _work(self) -> None:
        with Claims(self._out / "claims") as claims:
            while self._news.wait() and not self._over.is_set():
                self._news.clear()
                began = time.monotonic()
                if claims.take(KEY):
                    with suppress(Exception):  # `finish` does it again, and says what is wrong
                        self._turn()
                    claims.release(KEY)
                self._over.wait(max(EVERY_S, (time.monotonic() - began) / SHARE))

    def _turn(self) -> None:
        from ...leaderboard.mlflow.live import follow

        if not self._fit_has_ended.is_set():
            return follow(self._out)
        self._fit_has_ended.clear()
        found = _publish(self._out, last=False)
        self._runs += found.runs
        if self._over.is_set():  # the run waited for that: it does not wait once more for an MLflow that is out of reach
            self._problem = found.problem
        return None


def _publish(out: Path, last: bool, problem: str = "") -> Published:
    """Sync MLflow, which may be out of reach (known by its ``problem``, it is left alone), and build the leaderboard; with
    shipped rows that need a replay, and with the figures, which take as long as all the rest, when it is the ``last`` time."""
    from ...leaderboard.build import read, write_files
    from ...leaderboard.mlflow.database import without_password
    from ...leaderboard.mlflow.live import follow
    from ...leaderboard.mlflow.sync import sync
    from .installed import installed
    from .shipped import shipped

    found, today = Published(problem=problem), installed()
    board = read(out, today, shipped(today, replayed=last))
    try:
        if not problem:
            found.runs = sync(out, board.tables, today)
            follow(out)
    except Exception as error:
        found.problem = str(error) if isinstance(error, UserError) else without_password(f"{type(error).__name__}: {error}")
    found.files = tuple(write_files(board, today, figures=last))
    return found
