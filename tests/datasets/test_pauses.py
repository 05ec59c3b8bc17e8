"""Recordings with pauses: who says nothing has no direction, so silence is neither learned from nor scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from doabench.benchmark.data.open import open_room
from doabench.benchmark.dataset import SpeechDraw, SpeechRole
from doabench.benchmark.errors import UserError
from doabench.datasets.speech.talkers import Talkers
from numpy.typing import NDArray
from support.measured_files import response, run, write_recordings, write_table, write_wav
from support.rooms import RATE_HZ

ANGLES, CLIPS = (-40, 0, 40), {"ann": 0, "bob": 1}
SILENT_S, SPOKEN_S = 3.0, 2.5
NO_DRAW = SpeechDraw("own", 0, {}, "")


def talk(speaker: int, doa_deg: float, noise_db: float, level: float) -> NDArray[np.float64]:
    """``[samples, 2]``: a synthetic talker between two long pauses, in a room with noise, which differs between microphones."""
    dry = np.zeros(round((2 * SILENT_S + SPOKEN_S) * RATE_HZ))
    first = round(SILENT_S * RATE_HZ)
    spoken = Talkers().load(f"talker-{speaker:03d}-0")[: round(SPOKEN_S * RATE_HZ)]
    dry[first : first + len(spoken)] = spoken
    wet = np.stack([scipy.signal.fftconvolve(dry, one)[: len(dry)] for one in response(doa_deg, (-0.04, 0.04)).T], axis=1)
    noise = np.random.default_rng(round(doa_deg) % 1000 + speaker).standard_normal(wet.shape)
    return level * (wet + np.sqrt((wet[first:-first] ** 2).mean()) * 10 ** (noise_db / 20) * noise)


def write_pauses(folder: Path, noise_db: float = -30, level: float = 1.0) -> Path:
    rows = []
    for speaker, number in CLIPS.items():
        for doa_deg in ANGLES:
            write_wav(folder / f"{speaker}_{doa_deg}.wav", talk(number, doa_deg, noise_db, level))
            rows.append({"file": f"{speaker}_{doa_deg}.wav", "doa_deg": doa_deg, "clip": speaker, "speaker": speaker})
    write_table(folder / "recordings.csv", [row | {"spacing_m": 0.08} for row in rows])
    return folder


def waveforms(room: str) -> list[NDArray[np.float32]]:
    opened = open_room(room)[1]
    roles: tuple[SpeechRole, ...] = ("train", "validation")
    return [one.waveform for role in roles for one in opened.recordings(NO_DRAW, role, "as recorded", "grid")]


@pytest.mark.parametrize("level", [1.0, 0.002])
@pytest.mark.parametrize("noise_db", [-60, -30, -15])
def test_pauses_are_cut_out_at_any_level_and_speech_is_kept(tmp_path: Path, noise_db: float, level: float) -> None:
    for waveform in waveforms(f"recordings:{write_pauses(tmp_path, noise_db, level)}"):
        assert 0.6 * SPOKEN_S < len(waveform) / RATE_HZ < SPOKEN_S + 0.8


def test_pauses_may_be_kept(tmp_path: Path) -> None:
    for waveform in waveforms(f"recordings[pauses=keep]:{write_pauses(tmp_path)}"):
        assert len(waveform) == round((2 * SILENT_S + SPOKEN_S) * RATE_HZ)


def test_what_is_never_silent_is_kept_sample_by_sample(tmp_path: Path) -> None:
    kept, cut = (waveforms(f"recordings{options}:{write_recordings(tmp_path)}") for options in ("[pauses=keep]", ""))
    for one, other in zip(kept, cut, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 48_000])
def test_parts_of_one_file_are_as_files_of_their_own(tmp_path: Path, rate_hz: int) -> None:
    apart = write_recordings(tmp_path / "apart", rate_hz=rate_hz)
    header, *lines = (apart / "recordings.csv").read_text().splitlines()
    (tmp_path / "joined").mkdir()
    table, samples, length = [f"{header},start_s,END_S"], [], 0
    for line in lines:
        file, _, rest = line.partition(",")
        samples.append(soundfile.read(apart / file)[0])
        table.append(f"all.wav,{rest},{length / rate_hz:.6f},{(length + len(samples[-1])) / rate_hz:.6f}")
        length += len(samples[-1])
    soundfile.write(tmp_path / "joined" / "all.wav", np.concatenate(samples), rate_hz, "FLOAT")
    table[-1] = table[-1].rpartition(",")[0] + ","
    (tmp_path / "joined" / "recordings.csv").write_text("\n".join(table))
    for one, other in zip(waveforms(f"recordings:{apart}"), waveforms(f"recordings:{tmp_path / 'joined'}"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(one).max())


def test_a_recording_in_which_nobody_speaks_is_one_line(tmp_path: Path) -> None:
    folder = write_pauses(tmp_path)
    click = np.zeros((round(SILENT_S * RATE_HZ), 2))
    click[8000:8200] = 0.1
    write_wav(folder / "bob_0.wav", click)
    with pytest.raises(UserError, match=r"bob_0.wav: less than 0.5 s of speech is heard in it; .* \[pauses=keep\]"):
        waveforms(f"recordings:{folder}")
    assert len(waveforms(f"recordings[pauses=keep]:{folder}")) == 6


def test_silence_is_not_scored(tmp_path: Path) -> None:
    records = run(
        tmp_path / "out", "--protocol", "label-sweep", "--method", "srp_phat", "--rooms", f"recordings:{write_pauses(tmp_path)}"
    )
    assert max(record["metrics"]["values"]["mae_deg"]["mean"] for record in records) < 3
