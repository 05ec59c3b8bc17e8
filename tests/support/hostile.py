"""What a reader does with malformed input: an error of ours or a result, in time, and nothing is run or written beside."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from doabench.benchmark.errors import UserError

Read: TypeAlias = Callable[[], object]
Kind: TypeAlias = Callable[[Path], Read]
"""Writes one malformed input into an empty folder, or spells it, and gives what reads it."""

HANGS_AFTER_S = 30
RUNS = ("pickle.find_class", "os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect")
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod", "shutil.rmtree")
_events: list[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Reader:
    """``kinds`` of malformed input by name; ``sound`` holds whatever is read in spite of it to what it has to be."""

    kinds: Mapping[str, Kind]
    sound: Callable[[Any], bool] = lambda _: True


class Hang(BaseException):
    """It took too long."""


def ours_or_result(read: Read, may_write: Path | None = None) -> object:
    """What ``read`` gives, or None where it says in one line what is wrong. Any other error fails the test that asks, as does
    a reader that never ends, runs something, or writes elsewhere than below ``may_write``."""
    with _within(HANGS_AFTER_S), _heard() as events:
        try:
            found = read()
        except UserError as error:
            said, found = str(error), None
            assert said, "an error that says nothing"
            assert len(said.splitlines()) == 1, said
    for event, place in events:
        assert event not in RUNS, f"{event} {place}"
        allowed = may_write is not None and Path(place).absolute().is_relative_to(may_write)
        assert allowed or _is_pythons_own(place), f"{event} {place}"
    return found


def check(reader: Reader, kind: str, folder: Path, may_write: Path | None = None) -> None:
    """One kind of malformed input to one reader; what lies beside the input is as it was."""
    (folder / "beside").write_text("as it was")
    (folder / "in").mkdir()
    read = reader.kinds[kind](folder / "in")
    found = ours_or_result(read, may_write)
    assert found is None or reader.sound(found), f"{kind} is read as {found!r:.200}"
    assert sorted(path.name for path in folder.iterdir()) == ["beside", "in"]
    assert (folder / "beside").read_text() == "as it was"
    assert not EVIL.exists()


def _is_pythons_own(place: str) -> bool:
    """Compiled modules, and what the kernel counts of this process."""
    return place.startswith("/proc/self/") or "__pycache__" in place


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang(f"still reading after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _heard() -> Iterator[list[tuple[str, str]]]:
    """What Python itself says of all that is run and written meanwhile."""
    global _events
    heard = list[tuple[str, str]]()
    _events = heard
    try:
        yield heard
    finally:
        _events = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _events is None:
        return
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _, mode, flags = arguments
        if (mode and set(mode) & set("wax+")) or (not mode and (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            _events.append((event, os.fsdecode(arguments[0])))
    elif event == "os.mkdir" and Path(arguments[0]).is_dir():
        return  # which fails, or is asked for in case it is not there
    elif event in ("os.remove", "os.rmdir") and arguments[1] != -1:
        return  # within a folder that shutil.rmtree has named
    elif event in WRITES or event in RUNS:
        _events.append((event, str(arguments[0]) if arguments else ""))
        if event in ("os.rename", "os.link", "os.symlink"):
            _events.append((event, str(arguments[1])))


sys.addaudithook(_listen)


class Evil:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._mark),)


def evil(mark: Path) -> bytes:
    return pickle.dumps(Evil(mark))


def pickled_array(mark: Path) -> bytes:
    """Python objects as NumPy saves them."""
    made = io.BytesIO()
    np.save(made, np.array([Evil(mark)], object), allow_pickle=True)
    return made.getvalue()


def pickled_by_torch(mark: Path) -> bytes:
    made = io.BytesIO()
    torch.save({"weight": Evil(mark)}, made)
    return made.getvalue()


EVIL = Path("evil")
"""What a pickle would make, if it were loaded."""


def flipped(content: bytes, seed: int = 0, count: int = 8) -> bytes:
    """Some bits turned, anywhere."""
    rng, changed = np.random.default_rng(seed), bytearray(content)
    for place in rng.integers(0, len(changed), count):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "cut within its head": lambda content: content[: min(20, len(content) // 3)],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "ones": lambda content: b"\xff" * len(content),
    "a hole": lambda content: content[: len(content) // 3] + bytes(len(content) // 3) + content[len(content) * 2 // 3 :],
    "noise": lambda content: np.random.default_rng(1).bytes(len(content)),
    "bits turned": flipped,
    "backwards": lambda content: content[::-1],
    "a web page": lambda _: b"<!doctype html><html><title>404</title></html>\n" * 40,
    "a pickle": lambda _: evil(EVIL),
    "a pickled array": lambda _: pickled_array(EVIL),
    "a pickle of torch's": lambda _: pickled_by_torch(EVIL),
    "a page before it": lambda content: b"HTTP/1.1 200 OK\r\n\r\n" + content,
}
"""Of any file."""
