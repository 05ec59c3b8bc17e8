"""Signals that ask a command to stop: Ctrl-C, `kill`, a closed terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASK_TO_STOP = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(BaseException):
    """A signal asked this process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name, self.exit_code = signal.Signals(number).name, 128 + number


@contextmanager
def stoppable() -> Iterator[None]:
    """The first signal that asks to stop raises `Stopped` in the main thread, so that everything ends in good order; others
    are ignored meanwhile. Who starts a program with `nohup` wants it to outlive its terminal: SIGHUP stays ignored then.
    SIGINT does not: scripts hand it on ignored to what they start in the background, and mean nothing by it."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for one in ASK_TO_STOP:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    hangs_on = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = {one: signal.signal(one, stop) for one in ASK_TO_STOP if not (hangs_on and one == signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
