"""A user's own speech with a table: who says what, at any rate; one clear line for what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from doabench.benchmark.data.open import open_speech
from doabench.benchmark.data.segments import ROLES, draw_segments
from doabench.benchmark.dataset import Speaker
from doabench.benchmark.errors import UserError
from doabench.datasets.speech.talkers import Talkers
from support.measured_files import write_table

ROWS: list[dict[str, object]] = [
    {"file": "a/one.wav", "speaker": "ann", "sex": "f"},
    {"file": "a/two.wav", "speaker": "ann", "sex": "Female"},
    {"file": "b.wav", "speaker": "bob", "sex": "M"},
    {"file": "c.wav", "speaker": "chris", "sex": ""},
]


def write_speech(folder: Path, rows: list[dict[str, object]] = ROWS, rate_hz: int = 16_000) -> Path:
    for number, row in enumerate(ROWS):
        path = folder / str(row["file"])
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.repeat(Talkers().load(f"talker-{number:03d}-0"), rate_hz // 16_000), rate_hz)
    write_table(folder / "speech.csv", rows)
    return folder


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_table_says_who_speaks(tmp_path: Path, rate_hz: int) -> None:
    name, corpus = open_speech(f"table:{write_speech(tmp_path / 'mine', rate_hz=rate_hz)}")
    assert name == "table:mine"
    assert corpus.speakers() == [
        Speaker("ann", "F", ("a/one.wav", "a/two.wav")),
        Speaker("bob", "M", ("b.wav",)),
        Speaker("chris", "", ("c.wav",)),
    ]
    spoken = Talkers().load("talker-002-0")
    assert np.corrcoef(corpus.load("b.wav")[: len(spoken)], spoken)[0, 1] > 0.98
    draw = draw_segments(corpus, name, 0, 1)
    assert len({segment.speaker for role in ROLES for segment in draw.segments[role]}) == 2


def test_the_table_itself_may_be_named_and_sex_may_be_missing(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"file": row["file"], "speaker": row["speaker"]} for row in ROWS]
    name, corpus = open_speech(f"table:{write_speech(tmp_path / 'mine', rows) / 'speech.csv'}")
    assert name == "table:mine/speech"
    assert {speaker.sex for speaker in corpus.speakers()} == {""}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"file": "d.wav", "speaker": "ann", "sex": "x"}, "line 6: sex of ann is 'x'; write F or M"),
        ({"file": "d.wav", "speaker": "ann", "sex": "M"}, "line 6: sex of ann is 'm'"),
        ({"file": "d.wav", "speaker": "", "sex": "M"}, "line 6: speaker is empty"),
        ({"file": "b.wav", "speaker": "bob", "sex": "M"}, "stands on line 4 already"),
    ],
)
def test_a_wrong_table_is_one_clear_line(tmp_path: Path, row: dict[str, object], says: str) -> None:
    with pytest.raises(UserError) as caught:
        open_speech(f"table:{write_speech(tmp_path, [*ROWS, row])}")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_left_out_by_name(tmp_path: Path) -> None:
    folder = write_speech(tmp_path)
    (folder / "c.wav").unlink()
    left_out: list[str] = []
    draw = draw_segments(open_speech(f"table:{folder}")[1], "mine", 0, 1, left_out)
    assert [len(draw.segments[role]) for role in ROLES] == [1, 1]
    list(draw.segments["scored"])
    assert len(left_out) == 1
    assert left_out[0].startswith(f"{folder / 'speech.csv'}, line 5: no file")


def test_a_folder_without_a_table_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"table:PATH, with a CSV of columns file, speaker, sex"):
        open_speech(str(tmp_path))
    with pytest.raises(UserError, match="no such file or folder"):
        open_speech(f"table:{tmp_path / 'none'}")
