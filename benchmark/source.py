"""What a public data set declares of itself, and where it lies once it was fetched. Nothing here touches the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RemoteFile:
    """One file to download. ``sha256`` is None where none is published: it is then pinned on first use. Where only another sum
    is published, that stands there with its kind before it: ``md5:...``."""

    url: str
    sha256: str | None = None
    path: str = ""
    """Where it goes below the data set's folder; an archive (.zip, .tar.gz) is unpacked at the top instead."""


@dataclass(frozen=True)
class Source:
    """A public data set: what reads it, on what terms, and its files. ``login`` stands instead of files where people must
    get them themselves, for a login or an archive that nothing here unpacks, and says how."""

    title: str
    kind: Literal["speech", "rooms"]
    reader: str
    """The speech or room plugin that opens the folder."""
    licence: str
    citation: str
    download_bytes: int
    files: tuple[RemoteFile, ...] = ()
    inner: str = ""
    """The folder inside the archive that the reader is given."""
    login: str = ""
    largest_bytes: int = 4 * 2**30
    """Unpacked, all together; more is refused."""
    most_files: int = 20_000
