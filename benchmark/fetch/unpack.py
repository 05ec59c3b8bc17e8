"""Unpacking archives that strangers made."""

from __future__ import annotations

import errno
import gzip
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..errors import UserError

CHUNK = 2**20
OF_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""What is wrong where a name cannot be, or is that of a file and of a folder; else the disk is at fault, not the archive."""
HEADERS_BYTES = 4096
"""What a tar archive may say of each of its files."""


class BadArchive(UserError):
    """The archive itself is at fault."""


def unpack(archive: Path, into: Path, largest_bytes: int, most_files: int) -> None:
    """Unpack a .zip or .tar.gz below ``into``. Raises BadArchive for absolute or ``..`` paths, links, devices, more than the
    limits allow (as unpacked, not as the archive says), and for what is no archive."""
    budget = _Budget(archive, largest_bytes, most_files)
    try:
        if archive.name.endswith(".zip"):
            _unzip(archive, into, budget)
        else:
            _untar(archive, into, budget)
    except tarfile.FilterError as error:
        raise BadArchive(f"{archive.name}: refused: {error}") from error
    except OSError as error:
        if error.errno is not None and error.errno not in OF_NAMES:
            raise
        raise BadArchive(f"{archive.name}: cannot be unpacked ({error}); fetch it again") from error
    except _BROKEN as error:
        raise BadArchive(f"{archive.name}: cannot be unpacked ({error}); fetch it again") from error


_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, LookupError, RuntimeError, ValueError, OverflowError)


class _Budget:
    def __init__(self, archive: Path, largest_bytes: int, most_files: int) -> None:
        self.archive, self.bytes, self.files = archive, largest_bytes, most_files

    def enter(self, name: str) -> None:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0] or "\0" in name:
            raise BadArchive(f"{self.archive.name}: holds {name!r}, which points out of its folder; it is not unpacked")
        self.files -= 1
        if self.files < 0:
            raise BadArchive(f"{self.archive.name}: holds more files than this data set can have; it is not unpacked")

    def spend(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise BadArchive(f"{self.archive.name}: unpacks to more than this data set can have; it is not unpacked")

    def link(self, name: str) -> BadArchive:
        return BadArchive(f"{self.archive.name}: {name!r} is a link or a device, not a file; it is not unpacked")


def _unzip(archive: Path, into: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            budget.enter(entry.filename)
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise budget.link(entry.filename)
            target = into / entry.filename
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(entry) as source, target.open("wb") as file:
                _copy(source, file, budget)


def _untar(archive: Path, into: Path, budget: _Budget) -> None:
    with gzip.open(archive) as plain:
        metered: Any = _Metered(plain, budget)  # of a file, tarfile asks no more where it is a stream
        with tarfile.open(fileobj=metered, mode="r|") as opened:
            for member in opened:
                budget.enter(member.name)
                if not (member.isreg() or member.isdir()):
                    raise budget.link(member.name)
                budget.spend(member.size)
                opened.extract(member, into, filter="data")


class _Metered:
    """What is read of a tar archive, its headers too: a few bytes may unpack to any number of them."""

    def __init__(self, plain: gzip.GzipFile, budget: _Budget) -> None:
        self._plain, self._budget = plain, budget
        self._left = budget.bytes + (budget.files + 1) * HEADERS_BYTES + CHUNK

    def read(self, count: int) -> bytes:
        self._left -= count
        if self._left < 0:
            self._budget.spend(self._budget.bytes + 1)
        return self._plain.read(count)


def _copy(source: IO[bytes], file: IO[bytes], budget: _Budget) -> None:
    while chunk := source.read(CHUNK):
        budget.spend(len(chunk))
        file.write(chunk)
