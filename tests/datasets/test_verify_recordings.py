"""`doabench data verify` on recordings: silence about clean rooms, and the right word for every planted fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_room
from doabench.benchmark.dataset import SpeechDraw
from doabench.datasets.verify.recordings import verify_recordings
from numpy.typing import NDArray
from support.measured_files import DTU_ROWS, write_dtu, write_recordings


@dataclass(frozen=True)
class Heard:
    """Recordings of a room and what is said of them."""

    waveforms: tuple[NDArray[np.floating], ...]
    doa_deg: tuple[float, ...]
    spacing_m: float

    @property
    def faults(self) -> set[str]:
        return {finding.kind for finding in verify_recordings(self.waveforms, self.doa_deg, self.spacing_m)[0]}


def heard(room: str, draw: SpeechDraw, condition: int = 0) -> Heard:
    _, opened = open_room(room)
    found = list(opened.recordings(draw, "train", opened.conditions[condition].name, "grid"))
    return Heard(tuple(one.waveform for one in found), tuple(one.position.doa_deg for one in found), opened.spacing_m)


@pytest.fixture(scope="module")
def classroom(talkers_draw: SpeechDraw) -> Heard:
    return heard("dtu-twin", talkers_draw)


def test_a_reverberant_room_has_no_faults(classroom: Heard) -> None:
    findings, measured = verify_recordings(classroom.waveforms, classroom.doa_deg, classroom.spacing_m)
    assert findings == []
    assert 0.9 < measured.scale < 1.02
    assert np.abs(measured.residual_s).max() < 15e-6


@pytest.mark.parametrize("condition", [0, 1])
def test_a_more_reverberant_room_has_no_faults(talkers_draw: SpeechDraw, condition: int) -> None:
    assert heard("mir-twin", talkers_draw, condition).faults == set()


@pytest.mark.parametrize("setting", ["000", "100", "RBL"])
def test_a_measured_room_has_no_faults(r3vival: Path, talkers_draw: SpeechDraw, setting: str) -> None:
    assert heard(f"r3vival[train={setting}]:{r3vival}", talkers_draw).faults == set()


def each(change: Callable[[NDArray[np.floating]], NDArray[np.floating]]) -> Callable[[Heard], Heard]:
    return lambda clean: replace(clean, waveforms=tuple(map(change, clean.waveforms)))


def at(index: int, change: Callable[[NDArray[np.floating]], NDArray[np.floating]]) -> Callable[[Heard], Heard]:
    def changed(clean: Heard) -> Heard:
        waveforms = list(clean.waveforms)
        waveforms[index] = change(waveforms[index])
        return replace(clean, waveforms=tuple(waveforms))

    return changed


def angles(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Heard], Heard]:
    return lambda clean: replace(clean, doa_deg=tuple(change(np.array(clean.doa_deg)).tolist()))


def one_angle(doa_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.arange(len(doa_deg)) == 3, 40.0, doa_deg)


def late(waveform: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([waveform[1:, 0], waveform[:-1, 1]], axis=1)


PLANTED: dict[str, tuple[Callable[[Heard], Heard], set[str]]] = {
    "channels swapped": (each(lambda one: one[:, ::-1]), {"swapped"}),
    "angles mirrored": (angles(np.negative), {"swapped"}),
    "spacing too large": (lambda clean: replace(clean, spacing_m=1.4 * clean.spacing_m), {"spacing"}),
    "spacing too small": (lambda clean: replace(clean, spacing_m=0.7 * clean.spacing_m), {"spacing"}),
    "another rate than stated": (each(lambda one: np.repeat(one, 2, axis=0)), {"spacing"}),
    "one sample late": (each(late), {"offset"}),
    "radians": (angles(np.radians), {"radians"}),
    "from the axis": (angles(lambda doa_deg: 90 - doa_deg), {"from-axis"}),
    "sign lost": (angles(np.abs), {"front-back"}),
    "angles shuffled": (angles(np.random.default_rng(0).permutation), {"delays"}),
    "one file swapped": (at(2, lambda one: one[:, ::-1]), {"position-swapped"}),
    "one angle wrong": (angles(one_angle), {"position"}),
    "one file clipped": (at(2, lambda one: np.clip(one, -0.2 * np.abs(one).max(), 0.2 * np.abs(one).max())), {"clipped"}),
    "one file with a constant": (at(2, lambda one: one + 0.05), {"dc"}),
    "one channel silent": (at(2, lambda one: one * [1.0, 0.0]), {"silent"}),
    "one channel twice": (at(2, lambda one: one[:, [0, 0]]), {"identical"}),
    "one channel upside down": (each(lambda one: one * [1.0, -1.0]), {"polarity"}),
    "one channel louder": (each(lambda one: one * [1.0, 2.0]), {"gain"}),
    "one file twice": (lambda clean: replace(clean, waveforms=(clean.waveforms[18], *clean.waveforms[1:])), {"duplicate"}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_under_its_name(name: str, classroom: Heard) -> None:
    plant, expected = PLANTED[name]
    found = plant(classroom).faults
    assert expected <= found
    assert found <= expected | ({"position", "position-swapped"} if name == "one file twice" else set())


def test_two_directions_are_too_few_for_delays(classroom: Heard) -> None:
    chosen = [index for index, doa_deg in enumerate(classroom.doa_deg) if doa_deg in (-40, 40)]
    swapped = tuple(classroom.waveforms[index][:, ::-1] for index in chosen)
    assert Heard(swapped, tuple(classroom.doa_deg[index] for index in chosen), classroom.spacing_m).faults == set()


def verified(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["data", "verify", *arguments])


def test_a_users_recordings_are_verified_from_the_command_line(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path / "mine")
    result = verified(f"recordings:{folder}")
    assert result.exit_code == 0, result.output
    assert "nothing wrong in 12 recordings" in result.output
    table = folder / "recordings.csv"
    table.write_text(table.read_text().replace(",-40,", ",TURNED,").replace(",40,", ",-40,").replace(",TURNED,", ",40,"))
    result = verified(f"recordings:{folder}", "--json")
    assert result.exit_code == 1
    (condition,) = json.loads(result.output)["conditions"]
    (finding,) = condition["findings"]
    assert finding["kind"] == "swapped"
    assert len(finding["positions"]) == len(condition["positions"]) == 12
    assert "swapped (all positions)" in verified(f"recordings:{folder}").output
    assert verified(f"recordings:{folder}/half-grid").exit_code == 2


def test_the_authors_files_are_verified_from_the_command_line(tmp_path: Path) -> None:
    rows = {name: DTU_ROWS[name] for name in ("train", "valid")}
    result = verified(f"dtu:{write_dtu(tmp_path, rows=rows)}")
    assert result.exit_code == 0, result.output
    assert "nothing wrong in 25 recordings" in result.output
