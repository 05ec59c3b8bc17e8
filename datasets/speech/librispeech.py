"""LibriSpeech (V. Panayotov, G. Chen, D. Povey, S. Khudanpur, ICASSP 2015; CC BY 4.0): any folder of its files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Sex, Speaker, Speech
from ...benchmark.errors import UserError
from .._audio import read_speech
from .._files import files_below

KEPT: dict[str, Callable[[bool], bool]] = {
    "all": lambda _: True,
    "reported": lambda development: not development,
    "development": lambda development: development,
}
NAME = re.compile(r"(?P<speaker>\d+)-(?P<chapter>\d+)-(?P<utterance>\d+)\.(flac|wav)", re.IGNORECASE)


# fmt: off
DEVELOPMENT = frozenset(
    map(str, (
        19, 27, 60, 78, 83, 89, 163, 198, 201, 211, 226, 229, 311, 374, 403, 445, 460, 481, 839, 909, 911, 1034, 1040, 1081,
        1098, 1183, 1235, 1246, 1263, 1447, 1455, 1502, 1578, 1737, 1743, 1867, 1898, 1970, 1992, 2002, 2136, 2196, 2289, 2391,
        2514, 2764, 2893, 2989, 3112, 3214, 3374, 3440, 3526, 3723, 3947, 3983, 4014, 4051, 4137, 4214,
    ))
)
# fmt: on
"""30 women and 30 men of train-clean-100 on whom recipes are chosen (docs/development.md)."""


class LibriSpeech(Speech):
    """Files named ``<speaker>-<chapter>-<utterance>.flac``, however nested; sex from `SPEAKERS.TXT` in or above the folder.

    ``only=reported`` leaves out the speakers of `DEVELOPMENT`, so that nobody is scored on whom a recipe was chosen;
    ``only=development`` has these alone.
    """

    reads_folder = True

    def __init__(self, folder: Path, only: str = "all") -> None:
        self.folder, self.only = folder, only

    @classmethod
    def from_path(cls, path: Path, only: str = "all") -> Self:
        if not path.is_dir():
            raise UserError(f"speech folder {path}: no such folder; give the folder that holds the LibriSpeech files")
        if only not in KEPT:
            raise UserError(f"speech folder {path}: only={only} must be one of {', '.join(KEPT)}")
        corpus = cls(path, only)
        if not corpus.speakers():
            raise UserError(
                f"speech folder {path}: no file named like 84-121123-0000.flac in it; give the folder of a LibriSpeech subset, "
                "or for speech of your own table:PATH, with a CSV of columns file, speaker, sex"
            )
        return corpus

    def speakers(self) -> list[Speaker]:
        by_speaker: defaultdict[str, list[str]] = defaultdict(list)
        for utterance in self._files:
            speaker = utterance.split("-")[0]
            if KEPT[self.only](speaker in DEVELOPMENT):
                by_speaker[speaker].append(utterance)
        return [
            Speaker(speaker, self._sex.get(speaker, ""), tuple(sorted(by_speaker[speaker])))
            for speaker in sorted(by_speaker, key=lambda speaker: (int(speaker), speaker))
        ]

    def load(self, utterance: str) -> NDArray[np.float32]:
        return read_speech(self._files[utterance])

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Path by utterance id; sorted, so that neither nesting nor the order of a directory changes the draw."""
        return {path.stem: path for path in sorted(files_below(self.folder), reverse=True) if NAME.fullmatch(path.name)}

    @cached_property
    def _sex(self) -> dict[str, Sex]:
        inside = sorted(self.folder.rglob("SPEAKERS.TXT"))
        above = [parent / "SPEAKERS.TXT" for parent in self.folder.resolve().parents[:2]]
        table = next((path for path in (*inside, *above) if path.is_file()), None)
        if table is None:
            return {}
        sexes: dict[str, Sex] = {}
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            fields = [field.strip() for field in line.split("|")]
            if not line.startswith(";") and len(fields) > 1 and fields[1] in ("F", "M"):
                sexes[fields[0]] = "F" if fields[1] == "F" else "M"
        return sexes
