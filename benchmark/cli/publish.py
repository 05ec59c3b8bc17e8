"""MLflow and the page, kept up to date while fits run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..results.claims import Claims

EVERY_S, SHARE = 20.0, 0.1
"""Nothing is published more often than this, nor for more than this share of the time: fits need the processor, too."""
KEY = "publish"


@dataclass
class Published:
    """How many runs came into MLflow, why it was not reached if it was not, and the files of the leaderboard."""

    runs: int = 0
    problem: str = ""
    files: tuple[Path, ...] = ()


class Publisher:
    """Publishes in a thread of its own whenever there is `news`, and once more when all is done (`finish`). One process does so
    at a time for a folder; what it publishes is everybody's."""

    def __init__(self, out: Path) -> None:
        self._out, self._runs = out, 0
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
            found = _publish(self._out, last=True)
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

        if self._fit_has_ended.is_set():
            self._fit_has_ended.clear()
            self._runs += _publish(self._out, last=False).runs
        follow(self._out)


def _publish(out: Path, last: bool) -> Published:
    """Sync MLflow, which may be out of reach, and build the leaderboard; with shipped rows that need a replay when it is the
    ``last`` time."""
    from ...leaderboard.build import build
    from ...leaderboard.mlflow.database import without_password
    from ...leaderboard.mlflow.live import follow
    from ...leaderboard.mlflow.sync import sync
    from .installed import installed
    from .shipped import shipped

    found = Published()
    try:
        found.runs = sync(out)
        if last:
            follow(out)
    except Exception as error:
        found.problem = without_password(f"{type(error).__name__}: {error}")
    today = installed()
    found.files = tuple(build(out, today, shipped(today, replayed=last)))
    return found
