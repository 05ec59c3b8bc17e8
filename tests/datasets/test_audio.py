"""Audio files are read whole or refused: whatever the container, a cut file is no shorter recording."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from doabench.benchmark.errors import UserError
from doabench.datasets._audio import read_audio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measured_files import responses_of, write_folder
from support.rooms import RATE_HZ

SOUND = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)
CONTAINERS = {
    **{name: (name, "PCM_16") for name in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST", "FLAC")},
    **{f"{name} float": (name, "FLOAT") for name in ("WAV", "W64", "AIFF", "CAF", "AU")},
    "WAV big-endian": ("WAV", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
PADDING = 8
"""Bytes behind the sound that hold none of it."""


def content(container: str) -> bytes:
    kind, subtype = CONTAINERS[container]
    endian = "BIG" if "big" in container else "FILE"
    with tempfile.TemporaryFile() as file:
        soundfile.write(file, SOUND, RATE_HZ, subtype, endian, kind)
        file.seek(0)
        return file.read()


def read(written: bytes) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound")
        path.write_bytes(written)
        samples, rate_hz = read_audio(path)
    assert rate_hz == RATE_HZ
    return samples


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_whole_file_is_read_whole(container: str) -> None:
    samples = read(content(container))
    assert samples.shape == SOUND.shape
    if CONTAINERS[container][0] not in ("OGG", "MP3"):
        np.testing.assert_allclose(samples, SOUND, atol=2**-15)


@pytest.mark.parametrize("container", CONTAINERS)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1))
def test_a_cut_file_is_refused_wherever_it_is_cut(container: str, share: float) -> None:
    whole = content(container)
    with pytest.raises(UserError) as caught:
        read(whole[: round(share * (len(whole) - PADDING - 1))])
    assert "\n" not in str(caught.value)


PLACEHOLDERS = {
    "all ones": (0xFFFFFFFF, 0xFFFFFFFF),
    "two gigabytes": (0x80000024, 0x80000000),
    "almost": (0x7FFFF024, 0x7FFFF000),
    "largest signed": (0x7FFFFFFF, 0x7FFFFFFF),
    "the data alone": (0, 0xFFFFFFFF),
    "the file alone": (0xFFFFFFFF, SOUND.size * 2),
    "nothing said of the file": (0, SOUND.size * 2),
}


def with_sizes(riff: int, data: int) -> bytes:
    whole = content("WAV")
    at = whole.index(b"data") + 4
    return whole[:4] + struct.pack("<I", riff) + whole[8:at] + struct.pack("<I", data) + whole[at + 4 :]


@pytest.mark.parametrize("sizes", PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_what_was_written_to_a_pipe_is_read_whole(sizes: tuple[int, int]) -> None:
    np.testing.assert_allclose(read(with_sizes(*sizes)), SOUND, atol=2**-15)


def test_a_cut_is_found_behind_a_header_that_says_nothing_of_the_file() -> None:
    with pytest.raises(UserError, match="is cut short"):
        read(with_sizes(0, SOUND.size * 2)[:-1])


def test_other_chunks_hide_no_cut_and_are_none() -> None:
    whole = content("WAV")
    at = whole.index(b"data")
    note = b"LIST" + struct.pack("<I", 5) + b"INFO!" + b"\0"
    noted = whole[:at] + note + whole[at:] + note
    np.testing.assert_allclose(read(noted), SOUND, atol=2**-15)
    np.testing.assert_allclose(read(noted[:-3]), SOUND, atol=2**-15)  # of the note behind the sound
    with pytest.raises(UserError, match="is cut short"):
        read(noted[: -len(note) - 1])


def test_a_file_that_does_not_say_how_long_it_is_gives_one_line() -> None:
    flac = bytearray(content("FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)  # what an encoder leaves that cannot go back to the header
    with pytest.raises(UserError, match="does not say how long it is"):
        read(bytes(flac))
    with pytest.raises(UserError, match="its recorder was stopped"):
        read(with_sizes(36, 0))


def test_a_format_in_which_a_cut_cannot_be_told_is_refused() -> None:
    with tempfile.TemporaryFile() as file:
        soundfile.write(file, SOUND, RATE_HZ, "PCM_16", format="VOC")
        file.seek(0)
        with pytest.raises(UserError, match="format VOC"):
            read(file.read())


@pytest.mark.parametrize("peak", [6e-5, 1e-12])
def test_a_quiet_response_in_floating_point_is_no_silence(tmp_path: Path, peak: float) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, peak * SOUND, RATE_HZ, "FLOAT")
    np.testing.assert_array_equal(read_audio(quiet)[0], np.float32(peak) * SOUND)


def test_a_few_steps_of_whole_numbers_are_silence(tmp_path: Path) -> None:
    for bits, subtype in ((16, "PCM_16"), (24, "PCM_24")):
        for steps, silent in ((3, True), (4, False)):
            path = tmp_path / f"{bits}_{steps}.wav"
            soundfile.write(path, np.tile([0.0, steps / 2 ** (bits - 1)], 500), RATE_HZ, subtype)
            if silent:
                with pytest.raises(UserError, match="is silent"):
                    read_audio(path)
            else:
                read_audio(path)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_a_room_is_the_same_at_any_scale(tmp_path: Path, scale: float) -> None:
    made = write_folder(tmp_path / "mine")
    before = responses_of(f"folder:{made}").responses("0.3", "grid")
    for path in made.glob("*.wav"):
        soundfile.write(path, scale * soundfile.read(path)[0], RATE_HZ, "FLOAT")
    np.testing.assert_allclose(responses_of(f"folder:{made}").responses("0.3", "grid") / scale, before, rtol=1e-6)
