"""LOCATA: development and evaluation recordings, as published. Only MD5 sums of them are."""

from __future__ import annotations

from ...benchmark.source import RemoteFile, Source

FILES = "https://zenodo.org/api/records/3630471/files"

SOURCE = Source(
    title="LOCATA: real talkers in one room, four arrays, 48 kHz; 85 GB unpacked (task 1 of it is read)",
    kind="rooms",
    reader="locata",
    licence="ODC-BY 1.0",
    citation="C. Evers et al., The LOCATA challenge: acoustic source localization and tracking, IEEE/ACM TASLP 28, 2020;"
    " data: doi.org/10.5281/zenodo.3630471",
    download_bytes=6_207_354_195 + 13_045_105_034,
    files=(
        RemoteFile(f"{FILES}/dev.zip/content", "md5:d5a5417c3f6b2ed0e43581dd06f504e6", "dev.zip"),
        RemoteFile(f"{FILES}/eval.zip/content", "md5:46709713350bc16c106e788920d30a8b", "eval.zip"),
    ),
    largest_bytes=27_136_519_350 + 57_426_914_435,
)
