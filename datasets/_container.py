"""Is an audio file whole? Its container says where the sound ends, and libsndfile reads what is left of it without a word."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

UNKNOWN = 0x7FFFF000
"""A size in 32 bits from here up is what programs write that cannot go back to the header, in a pipe for instance."""
MOST_CHUNKS = 10_000
"""No recorder writes more before the sound; a size that leads nowhere, or back, comes to an end here."""
OGG_LARGEST_PAGE = 27 + 255 + 255 * 255
OGG_LAST_PAGE = 4


class _Chunks(NamedTuple):
    """A container of chunks: bytes of its own header, of a chunk's name and of its size, the chunk that holds the sound."""

    header: int
    name: int
    size: int
    order: Literal["little", "big"]
    sound: bytes
    size_counts_head: bool = False
    align: int = 2


_CHUNKS = {
    b"RIFF": _Chunks(12, 4, 4, "little", b"data"),
    b"RIFX": _Chunks(12, 4, 4, "big", b"data"),
    b"RF64": _Chunks(12, 4, 4, "little", b"data"),
    b"riff": _Chunks(40, 16, 8, "little", b"data", size_counts_head=True, align=8),  # Wave64
    b"FORM": _Chunks(12, 4, 4, "big", b"SSND"),
    b"caff": _Chunks(8, 4, 8, "big", b"data", align=1),
}


def is_cut(path: Path) -> bool:
    """Whether the sound of a file ends before the file's header says, or before an Ogg stream does. WAV (RF64, Wave64), AIFF,
    CAF, AU, NIST and Ogg are known here; for FLAC and MP3 the decoder tells. Raises OSError."""
    with path.open("rb") as file:
        magic = file.read(4)
        if magic == b"OggS":
            return not _ogg_ends(file)
        end = _sound_ends(file, magic)
        return end is not None and os.fstat(file.fileno()).st_size < end


def _sound_ends(file: BinaryIO, magic: bytes) -> int | None:
    """The byte behind the sound as the header has it; None where it does not say."""
    if magic in _CHUNKS:
        return _chunk_ends(file, _CHUNKS[magic])
    if magic == b".snd":
        offset, size = (int.from_bytes(file.read(4), "big") for _ in range(2))
        return offset + size if size < UNKNOWN else None
    if magic == b"NIST":
        file.seek(0)
        fields = dict(re.findall(rb"(\w+) -i (\d+)", file.read(1024)))
        counts = [int(fields.get(name, 0)) for name in (b"channel_count", b"sample_count", b"sample_n_bytes")]
        return 1024 + counts[0] * counts[1] * counts[2]
    return None


def _chunk_ends(file: BinaryIO, chunks: _Chunks) -> int | None:
    place, head, long_size = chunks.header, chunks.name + chunks.size, 0
    length = os.fstat(file.fileno()).st_size
    for _ in range(MOST_CHUNKS):
        file.seek(min(place, length))
        start = file.read(head)
        if len(start) < head:
            return None
        size = int.from_bytes(start[chunks.name :], chunks.order) - (head if chunks.size_counts_head else 0)
        if start[:4] == b"ds64":  # sizes too large for 32 bits: of the file, of the sound
            long_size = int.from_bytes(file.read(16)[8:], "little")
        if start[:4] == chunks.sound:
            known = size < (UNKNOWN if chunks.size == 4 else 2**62)
            return place + head + (size if known else long_size) if known or long_size else None
        place += head + size + -(head + size) % chunks.align
    return None


def _ogg_ends(file: BinaryIO) -> bool:
    """Whether the last page is whole and says that it is the last."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - OGG_LARGEST_PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    segments = page[27 : 27 + page[26]] if len(page) > 27 else b""
    return len(page) >= 27 + len(segments) + sum(segments) and bool(segments) and bool(page[5] & OGG_LAST_PAGE)
