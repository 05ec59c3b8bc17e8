"""`doabench locate` on files as people have them: trained here, shipped or without training; and one line for what is odd."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from doabench.benchmark.api import load_fit, locate, untrained
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_room
from doabench.benchmark.data.scene import Scenes, SceneSpec
from doabench.benchmark.dataset import Recording, Room
from doabench.benchmark.errors import UserError
from numpy.typing import NDArray
from support.command import run

TWIN, SPACING_M = "dtu-twin", 0.085
ENERGY = ("--method", "srp_phat[weight=energy]")


def said(*arguments: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["locate", *map(str, arguments)])
    return found.exit_code, found.output


def heard(text: str) -> list[Recording]:
    """What is heard in a room, of synthetic talkers that nobody trains on."""
    room: Room = open_room(text)[1]
    draw = Scenes().get(SceneSpec(text, "talkers", 5, 2)).draw
    return [one for one in room.recordings(draw, "validation", room.conditions[0].name, "grid") if one.clip == 0]


def write(path: Path, waveform: NDArray[np.float32], rate_hz: int = 16_000) -> Path:
    soundfile.write(path, waveform / (2 * np.abs(waveform).max(initial=1e-9)), rate_hz)
    return path


@pytest.fixture(scope="module")
def at_30(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A talker at 30 degrees in a simulated room."""
    recording = next(one for one in heard(TWIN) if one.position.doa_deg == 30)
    return write(tmp_path_factory.mktemp("talker") / "talker.wav", recording.waveform)


@pytest.mark.parametrize("ask", [("von_mises",), ENERGY], ids=["shipped weights", "no training"])
def test_in_a_measured_room(ask: tuple[str, ...], tmp_path: Path, r3vival: Path) -> None:
    measured = f"r3vival:{r3vival}"
    spacing_m = open_room(measured)[1].spacing_m
    for one in heard(measured):
        if abs(one.position.doa_deg) <= 60:
            file = write(tmp_path / "talker.wav", one.waveform)
            options, words = (ask, ()) if ask == ENERGY else ((), ask)
            code, text = said(*options, "--spacing-m", str(spacing_m), "--json", *words, file)
            assert code == 0, text
            found = json.loads(text.splitlines()[-1])
            assert abs(found["directions"][0]["doa_deg"] - one.position.doa_deg) <= 10, one.position
            assert found["directions"][0]["share_of_speech"] > 0.25


def test_with_a_fit_of_ones_own(at_30: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (record, *_), _ = run(out, "--protocol", "label-sweep", "--rooms", TWIN, "--method", "von_mises", "--labels", "250")
    for fit in ("von_mises", record["fit_key"][:6], out / "fits" / record["fit_key"]):
        code, text = said(fit, at_30, "--out", out, "--to", tmp_path / "track.csv", "--to", tmp_path / "track.png")
        assert code == 0, text
        assert "+30.0 deg" in text.splitlines()[1]
        assert "% sure" in text.splitlines()[1]
    rows = list(csv.DictReader((tmp_path / "track.csv").open()))
    assert list(rows[0]) == ["time_s", "doa_deg", "speech", "probability"]
    assert np.diff([float(row["time_s"]) for row in rows]) == pytest.approx(0.064, abs=2e-3)
    assert (tmp_path / "track.png").read_bytes()[:4] == b"\x89PNG"
    listed = json.loads(CliRunner().invoke(main, ["fits", "--out", str(out), "--json"]).output)
    assert [line["key"] for line in listed if line["origin"] == "own"] == [record["fit_key"]]
    removed = CliRunner().invoke(main, ["fits", "--out", str(out), "--remove", record["fit_key"][:6]])
    assert removed.exit_code == 0, removed.output
    assert not [*(out / "fits").glob("[!.]*"), *(out / "cells").glob("[!.]*")]
    assert "von_mises" not in (out / "leaderboard" / "leaderboard.csv").read_text()


def test_the_same_from_python(at_30: Path) -> None:
    track = locate(untrained("srp_phat[weight=energy]", SPACING_M), at_30)
    assert abs(track.directions[0][0] - 30) <= 5
    assert track.probability is None
    mirrored = locate(untrained("srp_phat[weight=energy]", SPACING_M), at_30, pair="2-1")
    np.testing.assert_allclose(mirrored.doa_deg[track.spoken], -track.doa_deg[track.spoken])
    with pytest.raises(UserError, match=r"von_mises is for microphones 8\.5 cm apart, these are 20 cm apart"):
        load_fit("b8c1", spacing_m=0.2)
    with pytest.raises(UserError, match="may mean 3 fits"):
        load_fit("von_mises")
    with pytest.raises(UserError, match="cnn has to be trained"):
        untrained("cnn", SPACING_M)


def test_another_rate_and_long_files_in_pieces_change_nothing(at_30: Path, tmp_path: Path) -> None:
    waveform = np.asarray(soundfile.read(at_30, dtype="float32")[0], np.float32)
    fit = untrained("srp_phat[weight=energy]", SPACING_M)
    alone = locate(fit, at_30)
    twenty_times = locate(fit, write(tmp_path / "long.flac", np.tile(waveform, (20, 1))))
    np.testing.assert_array_equal(twenty_times.doa_deg[: len(alone.doa_deg)], alone.doa_deg)
    assert len(twenty_times.time_s) == ((20 * len(waveform)) - 4096) // 1024 + 1
    spectrum = np.fft.rfft(waveform, axis=0)
    padded = np.zeros((3 * len(waveform) // 2 + 1, 2), complex)
    padded[: len(spectrum)] = spectrum
    faster = np.fft.irfft(padded, 3 * len(waveform), axis=0).astype(np.float32)
    at_48_khz = locate(fit, write(tmp_path / "faster.wav", faster, 48_000))
    assert np.mean(at_48_khz.doa_deg[: len(alone.doa_deg)] == alone.doa_deg) > 0.95


def _nan(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    waveform[5000] = np.nan
    return waveform


@pytest.mark.parametrize(
    ("edit", "rate_hz", "code", "says"),
    [
        (lambda x: x[:, 0], 16_000, 2, "is mono"),
        (lambda x: x[::2], 8_000, 2, "8000 Hz; recordings must be at 16000 Hz or above"),
        (lambda x: x[:2000], 16_000, 2, "is shorter than 0.26 s"),
        (lambda x: x[:0], 16_000, 2, "is shorter than 0.26 s"),
        (_nan, 16_000, 2, "holds NaN or infinite samples after 0 s"),
        (lambda x: 0 * x, 16_000, 0, "it is silent"),
        (lambda x: 0 * x, 16_000, 0, "no speech was found"),
        (lambda x: x[:, [0, 0]], 16_000, 0, "both channels hold one signal"),
        (lambda x: x * np.array([1, 0], np.float32), 16_000, 0, "a channel is silent"),
        (lambda x: x * np.array([1, -1], np.float32), 16_000, 0, "opposite polarity"),
        (lambda x: np.stack([x[12:, 0], x[:-12, 0]], 1), 16_000, 0, "apart allow 0.25 ms: another spacing"),
    ],
)
def test_what_is_odd_is_said(
    edit: Callable[[NDArray[np.float32]], NDArray[np.float32]], rate_hz: int, code: int, says: str, at_30: Path, tmp_path: Path
) -> None:
    waveform = np.asarray(soundfile.read(at_30, dtype="float32")[0], np.float32)
    soundfile.write(tmp_path / "odd.wav", edit(waveform), rate_hz, subtype="FLOAT")
    found, text = said(*ENERGY, "--spacing-m", str(SPACING_M), tmp_path / "odd.wav")
    assert (found, says in text) == (code, True), text
    assert "Traceback" not in text


def test_bad_usage_is_one_line(at_30: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    for arguments, says in [
        ((at_30,), "locate takes FIT RECORDING, or --method NAME"),
        ((*ENERGY, at_30), "add --spacing-m"),
        (("nothing_like_it", at_30), "no such fit in results or "),
        (("von_mises", tmp_path / "none.wav", "--spacing-m", "0.08"), "none.wav: cannot be read as audio"),
        (("von_mises", tmp_path / "text.wav", "--spacing-m", "0.08"), "text.wav: cannot be read as audio"),
        (("von_mises", at_30, "--to", tmp_path / "track.xlsx"), "must end in .csv, .json or .png"),
        (("von_mises", at_30, "--spacing-m", "0.08", "--pair", "1-3"), "pair=1-3 does not name two of its 2 channels"),
        (("von_mises", at_30, "--spacing-m", "0.08", "--to", tmp_path / "no" / "t.csv"), "t.csv: cannot be written"),
    ]:
        code, text = said(*arguments)
        assert (code, says in text.splitlines()[-1]) == (2, True), text


def test_a_cold_start_loads_no_training_framework(at_30: Path) -> None:
    program = (
        "import sys\nfrom doabench.benchmark.cli.main import main\n"
        f"main(['locate', *{ENERGY!r}, '--spacing-m', '{SPACING_M}', {str(at_30)!r}], standalone_mode=False)\n"
        "print(sorted({'torch', 'sklearn', 'mlflow', 'matplotlib', 'pyroomacoustics'} & {*sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
