"""LibriSpeech folders as people have them: nested anyhow, with or without the speaker table, and with broken files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from doabench.benchmark.data.open import open_speech
from doabench.benchmark.data.segments import ROLES, draw_segments
from doabench.benchmark.dataset import SAMPLE_RATE_HZ, Speaker
from doabench.benchmark.errors import UserError
from doabench.datasets.speech.librispeech import DEVELOPMENT, LibriSpeech
from doabench.datasets.speech.talkers import Talkers
from numpy.typing import NDArray

TABLE = """\
; comment | F | not a speaker
;84  | M | commented out
;ID  |SEX| SUBSET           |MINUTES| NAME
84   | F | dev-clean        |  8.02 | Christie Nowak
174  | M | dev-clean        |  8.04 | Peter Eastman
"""


def noise(seconds: float = 0.5) -> NDArray[np.float32]:
    return 0.1 * np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE_HZ), dtype=np.float32)


def write(path: Path, samples: NDArray[np.float32], rate_hz: int = SAMPLE_RATE_HZ, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


def test_files_are_found_however_nested(tmp_path: Path) -> None:
    for name in (
        "LibriSpeech/dev-clean/1272/128104/1272-128104-0000.flac",
        "84-121123-0001.flac",
        "x/84-121123-0000.wav",
        "x/y/174-50561-0000.FLAC",
        "x/84-122000-0000.flac",
    ):
        write(tmp_path / name, noise())
    for name in ("notes.flac", "x/84-121123.flac", "x/84-121123-0000.trans.txt", "x/._84-121123-0002.flac"):
        (tmp_path / name).write_bytes(b"not speech")
    assert LibriSpeech.from_path(tmp_path).speakers() == [
        Speaker("84", "", ("84-121123-0000", "84-121123-0001", "84-122000-0000")),
        Speaker("174", "", ("174-50561-0000",)),
        Speaker("1272", "", ("1272-128104-0000",)),
    ]


def test_samples_are_those_of_the_file(tmp_path: Path) -> None:
    samples = (np.round(noise() * 32768) / 32768).astype(np.float32)
    write(tmp_path / "a/84-121123-0000.flac", samples)
    loaded = LibriSpeech.from_path(tmp_path).load("84-121123-0000")
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, samples)


@pytest.mark.parametrize(
    "table", ["corpus/dev-clean/SPEAKERS.TXT", "corpus/dev-clean/84/SPEAKERS.TXT", "corpus/SPEAKERS.TXT", "SPEAKERS.TXT"]
)
def test_sex_comes_from_the_table_inside_or_above(tmp_path: Path, table: str) -> None:
    folder = tmp_path / "corpus/dev-clean"
    for name in ("84/84-121123-0000.flac", "174/174-50561-0000.flac", "777/777-126732-0000.flac"):
        write(folder / name, noise())
    (tmp_path / table).write_text(TABLE)
    assert {speaker.id: speaker.sex for speaker in LibriSpeech.from_path(folder).speakers()} == {
        "84": "F",
        "174": "M",
        "777": "",  # not in the table
    }


def test_without_a_table_sex_is_empty(tmp_path: Path) -> None:
    write(tmp_path / "a/b/c/84-121123-0000.flac", noise())
    assert [speaker.sex for speaker in LibriSpeech.from_path(tmp_path / "a/b/c").speakers()] == [""]


def not_finite() -> NDArray[np.float32]:
    samples = noise()
    samples[100] = np.nan
    return samples


def truncated(path: Path) -> None:
    write(path, noise(2.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BAD_FILES: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "empty file": (".flac", "cannot be read as audio", lambda path: path.write_bytes(b"")),
    "no samples": (".wav", "no samples", lambda path: write(path, noise()[:0])),
    "silent": (".flac", "silent", lambda path: write(path, 0 * noise())),
    "nan": (".wav", "NaN", lambda path: write(path, not_finite(), subtype="FLOAT")),
    "clipped": (".flac", "clipped", lambda path: write(path, np.clip(20 * noise(), -1, 1))),
    "stereo": (".flac", "2 channels", lambda path: write(path, np.stack([noise(), noise()], axis=1))),
    "8 kHz": (".flac", "8000 Hz", lambda path: write(path, noise(), rate_hz=8000)),
    "clipped beyond 1": (".wav", "clipped", lambda path: write(path, np.clip(60 * noise(), -3, 3), subtype="FLOAT")),
    "truncated": (".flac", "cannot be read as audio", truncated),
    "text": (".flac", "cannot be read as audio", lambda path: path.write_text("It was a dark and stormy night.\n" * 99)),
    "truncated wav": (".wav", "is cut short", truncated),
}


@pytest.mark.parametrize(("suffix", "problem", "make"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_gives_one_clear_line(tmp_path: Path, suffix: str, problem: str, make: Callable[[Path], object]) -> None:
    path = tmp_path / f"84-121123-0000{suffix}"
    make(path)
    with pytest.raises(UserError) as caught:
        LibriSpeech.from_path(tmp_path).load("84-121123-0000")
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "remove" in message
    assert "\n" not in message


def test_a_bad_file_is_left_out_by_name_and_the_rest_drawn(tmp_path: Path) -> None:
    for number, speaker in enumerate((7, 84, 174)):
        write(tmp_path / f"{speaker}-1-0000.flac", Talkers().load(f"talker-{number:03d}-0"))
    whole = draw_segments(LibriSpeech.from_path(tmp_path), "whole", 0, 1)
    truncated(tmp_path / "9-1-0000.flac")
    left_out: list[str] = []
    draw = draw_segments(LibriSpeech.from_path(tmp_path), "broken", 0, 1, left_out)
    assert {segment.speaker for role in ROLES for segment in draw.segments[role]} < {"7", "84", "174"}
    assert len(draw.segments["scored"]) == len(whole.segments["scored"]) == 1
    (said,) = left_out
    assert said.startswith(f"{tmp_path / '9-1-0000.flac'}: cannot be read")


def test_where_too_few_are_left_the_first_bad_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "84-121123-0000.flac", noise())
    truncated(tmp_path / "174-50561-0000.flac")
    with pytest.raises(UserError, match=r"1 left out, the first: .*174-50561-0000") as caught:
        draw_segments(LibriSpeech.from_path(tmp_path), "broken", 0, 1)
    assert "--scale smoke" not in str(caught.value)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
def test_any_rate_from_16_khz_up_is_read_alike(tmp_path: Path, rate_hz: int) -> None:
    time_s = np.arange(rate_hz, dtype=np.float32) / rate_hz
    write(tmp_path / "84-1-0000.wav", np.sin(2 * np.pi * 440 * time_s).astype(np.float32) * 0.3, rate_hz=rate_hz)
    samples = LibriSpeech.from_path(tmp_path).load("84-1-0000")
    assert samples.shape == (16_000,)
    np.testing.assert_allclose(samples[200:-200], 0.3 * np.sin(2 * np.pi * 440 * np.arange(200, 15_800) / 16_000), atol=2e-3)


def test_loud_but_unclipped_speech_is_taken(tmp_path: Path) -> None:
    samples = noise()
    samples[1000] = 1.0  # one peak at full scale is no clipping
    write(tmp_path / "84-121123-0000.wav", samples, subtype="FLOAT")
    np.testing.assert_array_equal(LibriSpeech.from_path(tmp_path).load("84-121123-0000"), samples)


def without_speech(tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    write(tmp_path / "music/song.flac", noise())
    return tmp_path / "music"


BAD_FOLDERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "without speech": ("no file named like 84-121123-0000.flac", without_speech),
    "missing": ("no such folder", lambda tmp_path: tmp_path / "nowhere"),
    "a file": ("no such folder", lambda tmp_path: write(tmp_path / "84-121123-0000.flac", noise())),
}


@pytest.mark.parametrize(("problem", "make"), BAD_FOLDERS.values(), ids=BAD_FOLDERS)
def test_a_bad_folder_gives_one_clear_line(tmp_path: Path, problem: str, make: Callable[[Path], Path]) -> None:
    folder = make(tmp_path)
    with pytest.raises(UserError) as caught:
        LibriSpeech.from_path(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert problem in message
    assert "give the folder" in message
    assert "\n" not in message


def test_neither_nesting_nor_names_of_folders_change_the_draw(tmp_path: Path) -> None:
    names = [f"{speaker}-{chapter}-0000.flac" for speaker in (7, 84, 174, 1272) for chapter in (12, 9)]
    speech = dict(zip(names, (Talkers().load(f"talker-{i // 2:03d}-{i % 2}") for i in range(8)), strict=True))

    def digest(folder: str, place: Callable[[str], str], speech: dict[str, NDArray[np.float32]] = speech) -> str:
        for name, samples in speech.items():
            write(tmp_path / folder / place(name), samples)
        return draw_segments(LibriSpeech.from_path(tmp_path / folder), "librispeech", 0, 2).digest

    flat = digest("flat", lambda name: name)
    assert digest("as published", lambda name: "/".join([*name.split("-")[:2], name])) == flat
    assert digest("turned round", lambda name: f"{9999 - int(name.split('-')[0])}/{name[::-1]}/{name}") == flat
    assert digest("louder", lambda name: name, {name: 1.5 * samples for name, samples in speech.items()}) != flat


def test_speakers_of_development_can_be_left_out_of_what_is_reported(tmp_path: Path) -> None:
    for speaker in (*sorted(DEVELOPMENT)[:2], "84", "174"):
        write(tmp_path / f"{speaker}-1-0000.flac", noise())
    found = {
        only: {speaker.id for speaker in open_speech(f"librispeech[only={only}]:{tmp_path}")[1].speakers()}
        for only in ("all", "reported", "development")
    }
    assert found["reported"] == {"84", "174"}
    assert found["development"] == set(sorted(DEVELOPMENT)[:2])
    assert found["all"] == found["reported"] | found["development"]
    with pytest.raises(UserError, match="only=dev must be one of all, reported, development"):
        open_speech(f"librispeech[only=dev]:{tmp_path}")
    with pytest.raises(UserError, match="librispeech has no parameter onyl; it has: name, only"):
        open_speech(f"librispeech[onyl=all]:{tmp_path}")


def test_the_list_of_development_is_half_women_and_its_speakers_are_of_the_corpus(real_speech: Path) -> None:
    corpus = LibriSpeech.from_path(real_speech, only="development")
    assert len(DEVELOPMENT) == 60
    assert sorted(speaker.sex for speaker in corpus.speakers()) == ["F"] * 30 + ["M"] * 30
