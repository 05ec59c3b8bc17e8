"""MIR: multichannel impulse responses of the Bar-Ilan acoustic lab, the layout that the paper uses."""

from __future__ import annotations

from ...benchmark.source import RemoteFile, Source

BASE = "https://www.iks.rwth-aachen.de/fileadmin/user_upload/downloads/forschung/tools-downloads"
NAME = "Impulse_response_Acoustic_Lab_Bar-Ilan_University__Reverberation_{}s__3-3-3-8-3-3-3.zip"

SOURCE = Source(
    title="MIR: 8 microphones, 26 positions, RT60 0.61, 0.36 and 0.16 s, 48 kHz",
    kind="rooms",
    reader="mir",
    licence="unverified, none found; ask on iks.rwth-aachen.de (Multi-Channel Impulse Response Database)",
    citation="E. Hadad, F. Heese, P. Vary, S. Gannot, Multichannel audio database in various acoustic environments,"
    " IWAENC 2014",
    download_bytes=0,
    files=tuple(RemoteFile(f"{BASE}/{NAME.format(rt60)}") for rt60 in ("0.610", "0.360", "0.160")),
    most_files=1000,
)
