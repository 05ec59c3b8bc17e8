"""Which talkers of a SOFA file take part, what is said of the others, and what a person can say that the file does not."""

from __future__ import annotations

import re
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import sofar
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import notes_of, open_room
from doabench.benchmark.dataset import Position
from doabench.benchmark.errors import UserError
from doabench.benchmark.run.plan import Request, make_plan
from support.measured_files import bare_sofa, check_tdoas, response, responses_of, write_sofa
from support.rooms import RATE_HZ
from support.sofa_scenes import (
    ANGLES,
    DEGREE,
    PLACES,
    Coordinates,
    Writing,
    edited,
    set_values,
    write_scene,
)


def test_talkers_that_are_left_out_are_said(tmp_path: Path) -> None:
    """Seven before, one behind, one at 45 degrees of elevation, one that stands where another does, one far away by itself."""
    angles = (*ANGLES, 170, 20, -20, 31)
    path = write_sofa(tmp_path / "room.sofa", angles, range_m=lambda angle: 3.0 if angle == 31 else 1.5)
    centre = np.array([3.0, 2.0, 1.2])

    def lift(file: netCDF4.Dataset) -> None:
        away = np.array([np.cos(np.radians(20)), -np.sin(np.radians(20)), 1.0]) / np.sqrt(2)
        file["SourcePosition"][8] = centre + 1.5 * away

    room = open_room(f"sofa:{edited(path, lift)}")[1]
    assert room.candidates_deg == ANGLES
    assert notes_of(room) == (
        "1 of 11 talkers behind the pair are left out: a pair cannot tell them from those before it",
        "1 of 11 talkers more than 10 degrees above or below the others are left out; elevation_deg=90 takes them in",
        "1 of 11 responses are left out: others come from the same direction and range",
        "left out, in directions that the grid at 1.5 m lacks: 31 degrees at 3 m",
    )
    assert notes_of(open_room(f"sofa:{path}/half-grid")[1]) == notes_of(room)
    # the high one has the bearing of a level one, which is nearer to the array's plane
    assert open_room(f"sofa[elevation_deg=90]:{path}")[1].candidates_deg == ANGLES
    said = CliRunner().invoke(main, ["data", "verify", f"sofa:{path}"]).output
    assert "note: 1 of 11 talkers behind the pair are left out" in said
    request = Request(("label-sweep",), ("srp_phat",), "talkers", "smoke", rooms=(f"sofa[pair=1-2]:{path}",))
    notes = make_plan(request).notes
    assert [f"sofa[pair=1-2]:{path.parent.name}/room: {note}" for note in notes_of(room)] == notes


def test_a_sphere_of_talkers_around_a_head_in_a_room_is_its_horizontal_circle(tmp_path: Path) -> None:
    """Ears 18 cm apart, stored by the convention for the free field."""
    level = [(azimuth, 0) for azimuth in range(0, 360, 10)]
    high = [(azimuth, elevation) for elevation in (-30, 30, 60) for azimuth in range(0, 360, 24)]
    places = np.radians(level + high)
    sines = -np.sin(places[:, 0]) * np.cos(places[:, 1])
    sofa = bare_sofa("SimpleFreeFieldHRIR")
    sofa.Data_IR = np.stack([response(float(np.degrees(np.arcsin(sine))), (-0.09, 0.09), seconds=0.06).T for sine in sines])
    sofa.Data_SamplingRate, sofa.Data_Delay = float(RATE_HZ), np.zeros((1, 2))
    sofa.SourcePosition = np.column_stack([np.degrees(places), np.full(len(places), 1.7)])
    sofar.write_sofa(str(tmp_path / "head.sofa"), sofa)
    edited(tmp_path / "head.sofa", lambda file: file.setncattr("RoomType", "reverberant"))  # the library does not write that
    room = responses_of(f"sofa:{tmp_path / 'head.sofa'}")
    assert room.candidates_deg == tuple(range(-90, 91, 10))
    assert room.spacing_m == 0.18
    check_tdoas(room)
    behind, above = notes_of(room)
    assert "talkers behind the pair are left out" in behind
    assert above.startswith("21 of 81 talkers more than 10 degrees above or below")
    assert len(open_room(f"sofa[elevation_deg=60]:{tmp_path / 'head.sofa'}")[1].candidates_deg) > 19


def test_talkers_that_all_stand_higher_are_read_by_their_cones(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa", Writing(listener_m=(0.0, 0.0, -1.5)))
    turned = edited(path, lambda file: set_values("ListenerPosition", [[0, 0, -3.0]])(file))  # 1.5 m below the talkers
    room = open_room(f"sofa:{turned}")[1]
    expected = np.degrees(np.arcsin(np.sin(np.radians(ANGLES)) / np.sqrt(2)))
    np.testing.assert_allclose(room.candidates_deg, expected, atol=0.01)
    assert notes_of(room) == ("all talkers are 45 degrees or more above or below the array's plane",)


@pytest.mark.parametrize("ranges_m", [(1.47, 1.512, 1.492, 1.52, 1.527, 1.484, 1.5), (1.5, 1.52, 1.5, 1.47, 1.5, 1.53, 1.48)])
def test_ranges_as_measured_are_one_grid(tmp_path: Path, ranges_m: tuple[float, ...]) -> None:
    at: dict[float, float] = dict(zip(ANGLES, ranges_m, strict=True))
    room = responses_of(f"sofa:{write_sofa(tmp_path / 'room.sofa', ANGLES, range_m=lambda angle: at[angle])}")
    assert room.positions("grid") == tuple(Position(float(angle), 1.5) for angle in ANGLES)
    check_tdoas(room)
    assert notes_of(room) == (f"{len(set(ranges_m))} ranges from 1.47 to 1.53 m are taken as one, 1.5 m",)


def test_azimuths_that_run_clockwise(tmp_path: Path) -> None:
    how = Coordinates("spherical", "degree, degree, metre", 1.0, DEGREE)
    path = write_scene(tmp_path / "room.sofa", Writing(source=how))
    edited(path, lambda file: set_values("SourcePosition", file["SourcePosition"][:] * [-1, 1, 1])(file))
    with pytest.raises(AssertionError):
        check_tdoas(responses_of(f"sofa:{path}"))
    check_tdoas(responses_of(f"sofa[clockwise=true]:{path}"))


@pytest.mark.parametrize("apart_m", [0.0, 0.09])
def test_a_spacing_that_the_file_cannot_tell(tmp_path: Path, apart_m: float) -> None:
    """Receivers in one place, or where the convention puts ears: the first is on the left."""
    ears = np.array([[0, apart_m, 0], [0, -apart_m, 0]])[..., None]
    path = edited(write_scene(tmp_path / "room.sofa"), set_values("ReceiverPosition", ears))
    for pair in ("1-2", "2-1"):
        room = responses_of(f"sofa[spacing_m=0.08,pair={pair}]:{path}")
        assert room.spacing_m == 0.08
        assert room.candidates_deg == ANGLES
        check_tdoas(room)
        asked = "microphones 0.08 m apart, as was asked for; the file says 0.18 m"
        assert notes_of(room) == ((asked,) if apart_m else ())


@pytest.mark.parametrize("listener_m", [(3, 2, 1.5), (0, 0, 1.5), (-1, 0.4, 0), (0.5, -0.5, 0.2)])
def test_talkers_that_count_from_a_listener_who_is_elsewhere(tmp_path: Path, listener_m: tuple[float, ...]) -> None:
    path = edited(write_scene(tmp_path / "room.sofa"), set_values("ListenerPosition", [listener_m]))
    with pytest.raises(UserError, match=r"SourcePosition.*origin=listener"):
        open_room(f"sofa:{path}")
    check_tdoas(responses_of(f"sofa[origin=listener]:{path}"))


def test_a_listener_who_has_moved_within_the_circle_of_talkers_is_taken_at_his_word(tmp_path: Path) -> None:
    """Ranges differ, and the delays say so."""
    path = write_scene(tmp_path / "room.sofa", Writing(listener_m=(0.4, 0.3, 0.0)))
    away = PLACES - [0.4, 0.3, 0]
    doa_deg = np.degrees(np.arcsin(-away[:, 1] / np.linalg.norm(away, axis=1)))
    edited(path, set_values("SourcePosition", PLACES))
    edited(path, set_values("Data.IR", [response(angle, (-0.04, 0.04), seconds=0.06).T for angle in doa_deg]))
    room = open_room(f"sofa:{path}")[1]
    assert set(room.candidates_deg) <= {round(float(angle), 2) for angle in doa_deg}


@pytest.mark.parametrize("given", ["elevation_deg=-1", "elevation_deg=nan", "spacing_m=80", "spacing_m=-0.08", "spacing_m=nan"])
def test_parameters_that_cannot_be_meant(tmp_path: Path, given: str) -> None:
    path = write_scene(tmp_path / "room.sofa")
    with pytest.raises(
        UserError, match=r"room.sofa: elevation_deg=.*, spacing_m=.*: expected up to 90 degrees, and 0.001 to 10 m"
    ):
        open_room(f"sofa[{given}]:{path}")


def test_too_few_directions_are_said_with_what_was_left_out(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "room.sofa", (0, 150, 180))
    reason = open_room(f"sofa:{path}")[1].untrainable()
    assert reason is not None
    assert re.match(r"1 direction; .* 2 of 3 talkers behind the pair are left out", reason)
