"""What went wrong in a plugin's code, in one line that leads to the line to change."""

from __future__ import annotations

import re
import sys
import sysconfig
import traceback
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PROJECT = {"benchmark", "leaderboard"}
_STACK = re.compile(r'File "(.+)", line (\d+) in ')
_NARROW_SEED = re.compile(r"2\s?\*\*\s?32|4294967295|random_state|too large to convert to C")
ENDS_THE_PROGRAM = (
    "a plugin must not end the program: raise FitFailed instead, and keep argparse under if __name__ == '__main__'"
)


def described(error: BaseException, seed: int | None = None) -> str:
    """``ValueError in mine.py, line 12: ...``, and what to do where that is known. ``seed`` is what the method was given."""
    return f"{type(error).__name__}{place_of(error)}: {said_by(error, seed)}"


def said_by(error: BaseException, seed: int | None = None) -> str:
    """What an exception says, and what to do about it where that is known."""
    text = str(error)
    if isinstance(error, SystemExit):
        return f"exit code {error.code or 0}; {ENDS_THE_PROGRAM}"
    if needs := package_needed(error):
        return f"{text}; install {needs}"
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str) and not Path(error.filename).is_absolute():
        return f"{text}; methods run in an empty working folder: what lies beside the plugin is Path(__file__).parent / NAME"
    if seed is not None and seed >= 2**32 and (str(seed) in text or _NARROW_SEED.search(text)):
        return f"{text}; context.seed has 63 bits: use context.seed % 2**32 where only 32 are taken"
    return text


def package_needed(error: BaseException) -> str:
    """The package that is not installed, where that was the cause."""
    absent = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    return "" if absent.partition(".")[0] == "doabench" else absent


def place_of(error: BaseException) -> str:
    """`` in mine.py, line 12``: the innermost line that is the plugin's own, else the innermost one."""
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    own = [frame for frame in frames if is_own(frame[0])] or frames
    return _at(*own[-1]) if own else ""


def place_in(stack: str) -> str:
    """The same for what `faulthandler` wrote of a process that has ended, most recent calls first; empty where no line is the
    plugin's own."""
    frames = ((file, int(line)) for file, line in _STACK.findall(stack))
    return next((_at(*frame) for frame in frames if is_own(frame[0])), "")


def place_here() -> str:
    """The same for the code that is running now."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            return _at(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return ""


def _at(file: str, line: int) -> str:
    return f" in {Path(file).name}, line {line}"


@cache
def is_own(file: str) -> bool:
    """Whether a file is one that a plugin's author writes: not of Python, of an installed package or of the suite's core."""
    if not Path(file).is_absolute():
        return False
    path = Path(file).resolve()
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT).parts[0] not in _PROJECT
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return not installed and not path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
