"""table: a user's own speech, audio files with a CSV table."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Sex, Speaker, Speech
from ...benchmark.errors import UserError
from .._audio import read_speech
from .._table import TableRow, read_table

SEXES: dict[str, Sex] = {"": "", "f": "F", "female": "F", "m": "M", "male": "M"}


class Table(Speech):
    """A folder with one CSV, or the CSV: columns ``file, speaker`` and, where it is known, ``sex`` (F or M). Files are mono, of
    any rate from 16 kHz up."""

    reads_folder = True

    def __init__(self, rows: list[TableRow]) -> None:
        self._rows = {row.text("file"): row for row in rows}

    @classmethod
    def from_path(cls, path: Path) -> Self:
        if not path.exists():
            raise UserError(f"speech table {path}: no such file or folder; give a CSV with columns file, speaker, sex")
        corpus = cls(read_table(path, ("file", "speaker"), ("sex",)))
        corpus.speakers()
        return corpus

    def speakers(self) -> list[Speaker]:
        utterances: defaultdict[str, list[str]] = defaultdict(list)
        sexes: dict[str, Sex] = {}
        for utterance, row in self._rows.items():
            speaker, sex = row.text("speaker"), row.values.get("sex", "").lower()
            if sex not in SEXES or sexes.setdefault(speaker, SEXES[sex]) != SEXES[sex]:
                raise UserError(
                    f"{row.where}: sex of {speaker} is {sex!r}; write F or M, or nothing, the same for all of a speaker"
                )
            utterances[speaker].append(utterance)
        return [Speaker(speaker, sexes[speaker], tuple(sorted(utterances[speaker]))) for speaker in sorted(utterances)]

    def load(self, utterance: str) -> NDArray[np.float32]:
        return read_speech(self._rows[utterance].file)
