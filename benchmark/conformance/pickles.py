"""Files that run code when they are loaded."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_UNPACK: tuple[Callable[[bytes], bytes], ...] = (zlib.decompress, gzip.decompress, bz2.decompress, lzma.decompress)
_SAYS_NOTHING = {"PROTO", "FRAME", "STOP", "MARK"}


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle, compressed or not, an array of Python objects, or an archive that holds one of them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(_is_pickled(archive.read(name)) for name in archive.namelist())
    content = path.read_bytes()
    return _is_pickled(content) or any(_is_pickled(unpacked) for unpacked in _unpacked(content))


def _unpacked(content: bytes) -> list[bytes]:
    """What a compressed file holds, be it compressed in any of the ways of Python's own library."""
    found = list[bytes]()
    for unpack in _UNPACK:
        with suppress(Exception):  # it is compressed in another way, or not at all
            found.append(unpack(content))
    return found


def _is_pickled(content: bytes) -> bool:
    """joblib writes arrays between the operations, behind which they cannot be read: a protocol's mark and some operations that
    can be tell a pickle. What has no mark must be one to its end."""
    if content.startswith(b"\x93NUMPY"):
        return b"'descr': '|O'" in content[:256]
    names = list[str]()
    try:
        for operation, _, _ in pickletools.genops(content):
            names.append(operation.name)
    except Exception:  # whatever genops makes of a file that is none, or of what stands between
        return content[:1] == b"\x80" and content[1:2] in b"\2\3\4\5" and len([n for n in names if n not in _SAYS_NOTHING]) > 2
    return len(names) > 1
