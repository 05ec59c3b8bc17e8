"""LibriSpeech dev-clean, as published."""

from __future__ import annotations

from ...benchmark.source import RemoteFile, Source

SOURCE = Source(
    title="LibriSpeech dev-clean: read English, 16 kHz",
    kind="speech",
    reader="librispeech",
    licence="CC BY 4.0",
    citation="V. Panayotov, G. Chen, D. Povey, S. Khudanpur, LibriSpeech: an ASR corpus based on public domain audio books,"
    " ICASSP 2015 (openslr.org/12)",
    download_bytes=337926286,
    files=(
        RemoteFile(
            "https://www.openslr.org/resources/12/dev-clean.tar.gz",
            "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
        ),
    ),
    inner="LibriSpeech/dev-clean",
)
