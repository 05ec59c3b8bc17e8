"""A process for code that may end it, or never come back: its parent learns at which line of a plugin it was."""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

from .faults import place_in

ENDS_WITHIN_S = 2.0
"""How long a process that was asked to end may take before it is made to."""
ANSWERS_WITHIN_S = 1.0
PR_SET_PDEATHSIG = 1
_ASK = getattr(signal, "SIGUSR1", None)


@contextmanager
def _without_main() -> Iterator[None]:
    """A spawned process imports the program that starts it. Ours need nothing of it, and a script without a main guard would
    run itself again in each of them."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


class Child:
    """A fresh process that runs ``serve(line, *arguments)``; ``line`` is the other end of the line to it. It may have processes
    of its own, as data loaders do, and ends with the one that started it."""

    def __init__(self, serve: Callable[..., None], *arguments: Any) -> None:
        handle, name = tempfile.mkstemp(prefix="doabench-")
        os.close(handle)
        self._words = Path(name)
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self._process = context.Process(target=_begin, args=(self._words, serve, theirs, *arguments))
        with _without_main():
            self._process.start()
        theirs.close()

    @property
    def sentinel(self) -> int:
        return self._process.sentinel

    @property
    def exitcode(self) -> int | None:
        return self._process.exitcode

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def cause_of_death(self) -> str:
        """``died (exit code 7) in mine.py, line 12``, of a process that has ended or is about to."""
        self._process.join(ENDS_WITHIN_S)
        if self._process.is_alive():  # it has closed its end of the line
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"died ({how}){self._place()}"

    def halt(self) -> str:
        """End a process that takes too long; `` in mine.py, line 12`` is where it was."""
        if _ASK is not None and self.is_alive():
            with suppress(OSError):
                os.kill(self._process.pid or 0, _ASK)
            patience = time.monotonic() + ANSWERS_WITHIN_S
            while not self._place() and time.monotonic() < patience and self.is_alive():
                time.sleep(0.02)
        place = self._place()
        self.stop(ends_within_s=0.0)
        return place

    def stop(self, ends_within_s: float = ENDS_WITHIN_S) -> None:
        """End it, with all that it has started."""
        import psutil

        self.line.close()
        others = list[psutil.Process]()
        with suppress(psutil.Error):
            others = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        self._process.join(ends_within_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        for other in others:
            with suppress(psutil.Error):
                other.kill()
        self._words.unlink(missing_ok=True)

    def _place(self) -> str:
        try:
            return place_in(self._words.read_text(errors="replace"))
        except FileNotFoundError:
            return ""


def _begin(words: Path, serve: Callable[..., None], line: Connection, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    _end_with_parent()
    _leave_words(words)
    serve(line, *arguments)


def _leave_words(file: Path) -> None:
    """Have this process write where it is when a fault ends it, when it calls os._exit, and when it is asked."""
    words = file.open("w")
    faulthandler.enable(words)
    if _ASK is not None:
        faulthandler.register(_ASK, words)
    end, own = os._exit, os.getpid()

    def say_and_end(status: int) -> None:
        if os.getpid() == own:  # a forked process ends this way as a matter of course
            faulthandler.dump_traceback(words, all_threads=False)
        end(status)

    os._exit = say_and_end  # pyright: ignore[reportAttributeAccessIssue]


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went: by a signal of the kernel where it has one for
    that, and when the line to the parent, which Python keeps anyway, is closed."""
    parent, end = multiprocessing.parent_process(), os._exit
    assert parent is not None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        wait([parent.sentinel])
        end(1)

    threading.Thread(target=watch, daemon=True).start()
