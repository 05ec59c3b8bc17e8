"""Export, predict with numpy and scipy alone, score: a row like any other, and one line for answers that do not fit."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from safetensors.numpy import load_file
from support.command import doabench

DRAW = ("--protocol", "off-range", "--scale", "smoke", "--speech", "talkers", "--rooms", "dtu-twin", "--seeds", "1")
STRANGER = '''"""SRP-PHAT, as somebody writes it who has numpy and scipy."""
import csv, json, sys
from pathlib import Path

import numpy as np
from scipy.io import loadmat

folder, answers = Path(sys.argv[1]), sys.argv[2]
draw = json.loads((folder / "draw.json").read_text())
angles, bins = np.array(draw["candidates_deg"]), np.arange(128)
delay_s = draw["spacing_m"] * np.sin(np.radians(angles)) / draw["speed_of_sound_m_per_s"]
steering = np.exp(-2j * np.pi * (bins * draw["sample_rate_hz"] / draw["n_fft"])[:, None] * delay_s)
best = {}
for file in folder.glob("off_range-*.mat"):
    frames = loadmat(file)["stft"].astype(complex)
    cross = frames[:, :, 1, :128] * frames[:, :, 0, :128].conj()
    power = (cross / np.abs(cross)).sum(1) @ steering
    best[file.name] = angles[power.real.argmax(1)]
with open(answers, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["id", "estimated_deg"])
    for line in csv.DictReader((folder / "sequences.csv").open()):
        if line["set"] == "off_range":
            writer.writerow([line["id"], best[line["file"]][int(line["row"])]])
'''


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the export ``draw`` and the stranger's ``answers.csv``."""
    folder = tmp_path_factory.mktemp("elsewhere")
    said = doabench("export", folder / "draw", *DRAW, "--as", "stft.mat").stdout
    assert "README.txt says how to read them" in said
    (folder / "stranger.py").write_text(STRANGER)
    subprocess.run([sys.executable, folder / "stranger.py", folder / "draw", folder / "answers.csv"], check=True)
    return folder


def score(file: Path, out: Path, *more: str) -> tuple[int, str]:
    """Exit code, and what was said."""
    found = CliRunner().invoke(main, ["score", str(file), "--method-name", "stranger", *DRAW, "--out", str(out), *more])
    return found.exit_code, found.output


def test_the_row_equals_that_of_the_suites_own_adapter(there: Path, tmp_path: Path) -> None:
    code, said = score(there / "answers.csv", tmp_path / "out")
    assert (code, "stranger" in said) == (0, True), said
    doabench("run", *DRAW, "--method", "srp_phat", "--jobs", "1", "--threads", "1", "--out", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "leaderboard" / "leaderboard.csv").query("origin != 'shipped'").set_index("method")
    measured = ["mae_deg", "accuracy_pct", "median_deg", "accuracy_5_pct", "accuracy_10_pct", "accuracy_15_pct", "gross_pct"]
    assert table.loc["stranger", measured].to_list() == table.loc["srp_phat", measured].to_list()
    assert table["origin"].to_dict() == {"stranger": "predictions", "srp_phat": "own"}
    cells = [json.loads(path.read_text()) for path in (tmp_path / "out" / "cells").glob("*/record.json")]
    first, second = (cell["metrics"]["values"]["mae_deg"]["mean"] for cell in cells)
    assert first == pytest.approx(second, abs=1e-9)
    page = (tmp_path / "out" / "leaderboard" / "leaderboard.md").read_text()
    assert r"stranger \[predictions\]" in page
    assert "nothing proves that" in page


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda lines: lines[:-3], "3 of 3528 sequences have no answer, the first is off_range-"),
        (lambda lines: [*lines, lines[5]], "lines 6 and 3530: off_range-"),
        (lambda lines: [*lines, lines[1].replace("000000", "009999")], "009999 does not exist; it has 3528"),
        (lambda lines: [line.replace("off_range", "validation") for line in lines], "line 2: validation-"),
        (lambda lines: ["id,-90,0,90", *(f"{line.partition(',')[0]},1,2,3" for line in lines[1:])], "the draw has 19"),
    ],
)
def test_answers_that_do_not_fit_are_named(
    edit: Callable[[list[str]], list[str]], says: str, there: Path, tmp_path: Path
) -> None:
    lines = (there / "answers.csv").read_text().splitlines()
    (tmp_path / "edited.csv").write_text("\n".join(edit(lines)) + "\n")
    code, said = score(tmp_path / "edited.csv", tmp_path / "out")
    assert (code, says in said.splitlines()[-1]) == (2, True), said


def test_another_draw_and_a_name_of_the_suite_are_refused(there: Path, tmp_path: Path) -> None:
    code, said = score(there / "answers.csv", tmp_path / "out", "--seeds", "1-1")
    assert (code, "is no sequence of this draw" in said) == (2, True), said
    for name in ("srp-phat", "../evil", "a b"):
        code, said = score(there / "answers.csv", tmp_path / "out", "--method-name", name)
        assert (code, f"--method-name {name}: " in said) == (2, True), said


def test_labels_are_written_where_a_method_may_know_them_and_waveforms_are_those_of_the_frames(tmp_path: Path) -> None:
    for form in ("wav", "stft.safetensors", "phase.safetensors"):
        doabench("export", tmp_path / form, *DRAW, "--labels", "120", "--as", form)
    rows = list(csv.DictReader((tmp_path / "wav" / "sequences.csv").open()))
    by_set = {name: [row for row in rows if row["set"] == name] for name in dict.fromkeys(row["set"] for row in rows)}
    assert {name: any(row["doa_deg"] for row in those) for name, those in by_set.items()} == {
        "labelled": True,
        "selection": True,
        "unlabelled": False,
        "off_range": False,
    }
    assert len(by_set["labelled"]) == len(by_set["selection"]) == 114
    assert len({row["id"] for row in rows}) == len(rows)
    samples, rate = soundfile.read(tmp_path / "wav" / "labelled-000.wav", dtype="float32")
    assert (rate, samples.shape) == (16_000, (114 * 4096, 2))
    one = samples[7 * 4096 : 8 * 4096]
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(one, 256, axis=0)[::128] * np.hamming(257)[:-1])
    frames = load_file(tmp_path / "stft.safetensors" / "labelled-000.safetensors")["stft"][7]
    assert np.abs(spectra - frames).max() < 1e-5 * np.abs(frames).max()
    phase = load_file(tmp_path / "phase.safetensors" / "labelled-000.safetensors")["phase"][7]
    np.testing.assert_allclose(phase, np.angle(frames[:, 1] * frames[:, 0].conj())[:, :127], atol=1e-5)
