"""RealMAN: published as RAR archives, which nothing here unpacks."""

from __future__ import annotations

from ...benchmark.source import Source

SOURCE = Source(
    title="RealMAN: Mandarin speech from a loudspeaker in 32 real scenes, 32 microphones; its test part",
    kind="rooms",
    reader="realman",
    licence="CC BY 4.0",
    citation="B. Yang et al., RealMAN: a real-recorded and annotated microphone array dataset for dynamic speech enhancement"
    " and localization, NeurIPS 2024 (arxiv.org/abs/2406.19959)",
    download_bytes=39_300_000_000,
    login="It is a RAR archive: get test.rar (39 GB) from aishelltech.com/RealMAN or the page that"
    " github.com/Audio-WestlakeU/RealMAN names, and unpack it.",
)
