"""R3VIVAL: measured responses of a variable acoustics lab, at a pinned commit. `r3vival.sha256` lists the files."""

from __future__ import annotations

from pathlib import Path

from ...benchmark.source import RemoteFile, Source

COMMIT = "0dca1929d6c119641284ccb34c06abafa3e0edce"
BASE = f"https://raw.githubusercontent.com/facebookresearch/R3VIVAL/{COMMIT}"
LISTED = [line.split() for line in Path(__file__).with_suffix(".sha256").read_text(encoding="utf-8").splitlines()]

SOURCE = Source(
    title="R3VIVAL: 7 microphones, 30 positions, 8 settings of absorption, 48 kHz",
    kind="rooms",
    reader="r3vival",
    licence="CC BY 4.0",
    citation="Meta Reality Labs Research (S. V. Amengual), github.com/facebookresearch/R3VIVAL",
    download_bytes=len(LISTED) * 1_344_156,
    files=tuple(RemoteFile(f"{BASE}/{path}", sha256, path) for sha256, path in LISTED),
)
