"""LibriSpeech dev-other, as published."""

from __future__ import annotations

from ...benchmark.source import RemoteFile, Source

SOURCE = Source(
    title="LibriSpeech dev-other: read English, 16 kHz",
    kind="speech",
    reader="librispeech",
    licence="CC BY 4.0",
    citation="V. Panayotov, G. Chen, D. Povey, S. Khudanpur, LibriSpeech: an ASR corpus based on public domain audio books,"
    " ICASSP 2015 (openslr.org/12)",
    download_bytes=314305928,
    files=(
        RemoteFile(
            "https://www.openslr.org/resources/12/dev-other.tar.gz",
            "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
        ),
    ),
    inner="LibriSpeech/dev-other",
)
