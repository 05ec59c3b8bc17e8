"""Tables that count their angles otherwise: `data verify` says which reading the delays speak for, and a parameter takes it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_room
from doabench.benchmark.errors import UserError
from support.measured_files import check_tdoas, response, responses_of, write_recordings, write_table, write_wav

ANGLES = (-60, -20, 0, 20, 40)
WRITERS: dict[str, Callable[[float], float]] = {
    "circle": lambda doa_deg: doa_deg % 360,
    "from-axis": lambda doa_deg: 90 - doa_deg,
    "radians": lambda doa_deg: round(np.radians(doa_deg), 4),
}
BEYOND = ("circle", "from-axis")


def folder_with(
    folder: Path, counted: Callable[[float], float], mirrored: bool = False, angles: tuple[int, ...] = ANGLES
) -> Path:
    """Responses from ``angles``, the table's column counted another way; ``mirrored``: microphone 2 on the other side."""
    for doa_deg in angles:
        write_wav(folder / f"{doa_deg}.wav", response(doa_deg, (0.04, -0.04) if mirrored else (-0.04, 0.04)))
    rows = [{"file": f"{a}.wav", "doa_deg": counted(a), "range_m": 1, "rt60_s": "", "spacing_m": 0.08} for a in angles]
    write_table(folder / "responses.csv", rows)
    return folder


def recordings_with(folder: Path, counted: Callable[[float], float]) -> Path:
    table = write_recordings(folder) / "recordings.csv"
    rows = list(csv.DictReader(table.open()))
    changed: list[dict[str, object]] = [{**row, "doa_deg": counted(float(row["doa_deg"]))} for row in rows]
    write_table(table, changed)
    return folder


def verified(room: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["data", "verify", room])
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize("angles", WRITERS)
def test_a_folder_is_told_how_it_counts_and_then_read_right(tmp_path: Path, angles: str) -> None:
    folder = folder_with(tmp_path, WRITERS[angles])
    code, said = verified(f"folder:{folder}")
    assert f"[angles={angles}]" in said
    assert code == (2 if angles in BEYOND else 1)
    assert "nothing wrong" in verified(f"folder[angles={angles}]:{folder}")[1]
    room = responses_of(f"folder[angles={angles}]:{folder}")
    assert room.candidates_deg == ANGLES
    check_tdoas(room)


@pytest.mark.parametrize("angles", WRITERS)
def test_recordings_are_told_how_they_count_and_then_read_right(tmp_path: Path, angles: str) -> None:
    folder = recordings_with(tmp_path, WRITERS[angles])
    assert f"[angles={angles}]" in verified(f"recordings:{folder}")[1]
    assert open_room(f"recordings[angles={angles}]:{folder}")[1].candidates_deg == (-40, 0, 40)


@pytest.mark.parametrize("angles", BEYOND)
def test_of_mirrored_angles_both_are_told(tmp_path: Path, angles: str) -> None:
    folder = folder_with(tmp_path, WRITERS[angles], mirrored=True)
    with pytest.raises(UserError, match=rf"write \[angles={angles},pair=2-1\]"):
        open_room(f"folder:{folder}")
    check_tdoas(responses_of(f"folder[angles={angles},pair=2-1]:{folder}"))


@pytest.mark.parametrize("options", ["", "[angles=circle]"])
def test_who_is_behind_the_pair_is_heard_like_one_before_it(tmp_path: Path, options: str) -> None:
    folder = folder_with(tmp_path, float, angles=(-40, 0, 140))
    with pytest.raises(UserError, match=r"line 4: doa_deg 140.0 is behind the pair, which hears it like 40 before it"):
        open_room(f"folder{options}:{folder}")


def test_a_circle_with_both_halves_is_told_one_after_the_other(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, WRITERS["circle"], angles=(-60, 0, 60, 120, 180, 240))
    with pytest.raises(UserError, match=r"angles=circle"):
        open_room(f"folder:{folder}")
    with pytest.raises(UserError, match=r"line 5: doa_deg 120 is behind the pair, which hears it like 60"):
        open_room(f"folder[angles=circle]:{folder}")


def test_angles_that_no_delay_speaks_for_are_refused_with_what_may_be_written(tmp_path: Path) -> None:
    wrong: dict[float, float] = dict(zip(ANGLES, (100.0, 20.0, 170.0, 130.0, 60.0), strict=True))
    with pytest.raises(
        UserError, match=r"expected a number from -90 to 90, 0 broadside; or write angles=from-axis .* angles=circle"
    ):
        open_room(f"folder:{folder_with(tmp_path, lambda doa_deg: wrong[doa_deg])}")


def test_a_reading_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"parameter angles: Input should be 'broadside', 'from-axis', 'circle' or 'radians'"):
        open_room(f"folder[angles=azimuth]:{folder_with(tmp_path, float)}")
