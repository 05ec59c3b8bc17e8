"""What `doabench data verify` would say of a room, `doabench run` says before it trains in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from support.command import SMOKE, doabench, run
from support.measured_files import response, write_folder, write_wav

OPTIONS = ("--method", "srp_phat", "--protocol", "label-sweep", "--jobs", "1", "--threads", "1")


def room(folder: Path, old: str = "", new: str = "") -> str:
    """A folder of responses whose table has ``new`` where it had ``old``."""
    table = write_folder(folder) / "responses.csv"
    for rt60_s in (0.3, 0.2):  # as written, this one is a copy of that at 1 m
        write_wav(folder / f"rt{rt60_s}_0_2m.wav", response(0.1, (-0.04, 0.04), rt60_s=rt60_s))
    table.write_text(table.read_text().replace(old, new))
    return f"folder:{folder}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("0.08", "0.12", "spacing (all positions): delays are 0.67 times what 12 cm give", id="spacing"),
        pytest.param(".wav,", ".wav,-", "swapped (all positions): delays follow the angles with the opposite", id="mirrored"),
    ],
)
def test_a_room_whose_directions_are_others_is_refused_before_anything_is_written(
    old: str, new: str, says: str, tmp_path: Path
) -> None:
    text = room(tmp_path / "mine", old, new)
    table = tmp_path / "mine" / "responses.csv"
    table.write_text(table.read_text().replace("--", ""))
    done = doabench("run", *SMOKE, *OPTIONS, "--rooms", text, "--out", tmp_path / "out", check=2)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"doabench: folder:mine: {says}")
    assert last.endswith("Nothing was run; mend it, or run it as it is with --accept-findings")
    assert not (tmp_path / "out").exists()


def test_a_room_of_one_microphone_written_twice_is_refused_too(tmp_path: Path) -> None:
    text = room(tmp_path / "mine")
    for path in (tmp_path / "mine").glob("*.wav"):
        samples, rate_hz = soundfile.read(path)
        soundfile.write(path, samples[:, [0, 0]], rate_hz, "FLOAT")
    done = doabench("run", *SMOKE, *OPTIONS, "--rooms", text, "--out", tmp_path / "out", check=2)
    assert "doabench: folder:mine: identical (all positions): both channels hold one signal" in done.stderr
    assert "Warning" not in done.stderr


def test_findings_that_are_accepted_stay_with_the_numbers(tmp_path: Path) -> None:
    text = room(tmp_path / "mine", "0.08", "0.12")
    records, said = run(tmp_path / "out", *OPTIONS[:4], "--rooms", text, "--accept-findings", publish=True)
    assert "folder:mine: 3 directions from -40 to 40 degrees at 1 m; 1 positions at other distances; microphones 12 cm" in said
    assert {record["state"] for record in records} == {"ok"}
    for record in records:
        ((finding),) = record["findings"]
        assert finding.startswith("folder:mine: spacing (all positions): delays are 0.67 times what 12 cm give")
    for suffix in ("md", "html"):
        page = tmp_path / "out" / "leaderboard" / ("index.html" if suffix == "html" else "leaderboard.md")
        assert "Found in the room's files: folder:mine: spacing" in page.read_text().replace("\\", "").replace("&#39;", "'")


def test_a_sound_room_is_said_as_it_was_understood(tmp_path: Path) -> None:
    records, said = run(tmp_path / "out", *OPTIONS[:4], "--rooms", room(tmp_path / "mine"))
    assert "microphones 8 cm apart; RT60 0.30 s (0.3), 0.20 s (0.2)" in said
    assert [record["findings"] for record in records] == [[]] * len(records)
