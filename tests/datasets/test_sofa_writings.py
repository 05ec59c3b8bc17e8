"""However a SOFA file says it, a scene is read as the same positions, spacing and responses; where it cannot be, it is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from doabench.datasets.rooms.sofa import delayed
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measured_files import bare_sofa, check_tdoas, free_field, response, responses_of, tdoa_samples, write_sofa
from support.rooms import RATE_HZ
from support.sofa_scenes import (
    ANGLES,
    DEGREE,
    PLACES,
    RANGE_M,
    RESPONSES,
    WRITINGS,
    Coordinates,
    Writing,
    edited,
    replace_variable,
    write_scene,
)

CONVENTIONS = {
    "source": [("SingleRoomSRIR", "1.0"), ("singleroomsrir", "1"), ("GeneralFIR", "1.0"), ("SimpleFreeFieldHRIR", "1.0")],
    "head": [("SingleRoomDRIR", "0.3"), ("SingleRoomSRIR", "1.0"), ("SimpleFreeFieldHRIR", "0.4")],
    "emitters": [("GeneralFIR-E", "2.0"), ("SINGLEROOMMIMOSRIR", "1.0"), ("MultiSpeakerBRIR", "0.3"), ("GeneralFIRE", "1.0")],
}
turns = st.tuples(st.integers(-180, 180), st.integers(-60, 60), st.integers(-180, 180))


@st.composite
def writings(draw: st.DrawFn) -> Writing:
    told_by = draw(st.sampled_from(sorted(CONVENTIONS)))
    convention, version = draw(st.sampled_from(CONVENTIONS[told_by]))
    positions = {name: draw(st.sampled_from(WRITINGS)) for name in ("listener", "source", "receiver", "emitter", "view")}
    delays = ["IR", "MR", "IRI", "MRI", "RI", "MRE", "IRE", "R"]
    return Writing(
        told_by,
        convention,
        version,
        draw(st.sampled_from(["reverberant", "Reverberant", "shoebox"])),
        draw(st.tuples(*[st.sampled_from([-2.5, 0.0, 1.25])] * 3)),
        draw(turns),
        draw(turns),
        **positions,
        upright=draw(st.sampled_from(["", "cartesian", "spherical"])),
        delay=(delay := draw(st.sampled_from(["", *delays]))),
        advance=draw(st.sampled_from([(0, 0), (0, 2), (3, 0)])) if delay else (0, 0),
        rate=draw(st.sampled_from("IM")),
    )


@settings(max_examples=60, deadline=None)
@given(writing=writings())
def test_every_writing_of_a_scene_is_the_same_room(tmp_path_factory: pytest.TempPathFactory, writing: Writing) -> None:
    room = responses_of(f"sofa:{write_scene(tmp_path_factory.mktemp('scene') / 'room.sofa', writing)}")
    assert room.positions("grid") == tuple(Position(float(angle), RANGE_M) for angle in ANGLES)
    assert room.spacing_m == 0.08
    found = room.responses("as measured", "grid")
    np.testing.assert_allclose(found[..., : RESPONSES.shape[-1] - 3], RESPONSES[..., :-3], atol=1e-6)


def test_rates_may_differ_from_measurement_to_measurement(tmp_path: Path) -> None:
    finer = np.pad(response(-60, (-0.04, 0.04), 48_000, seconds=0.06).T, ((0, 0), (128, 0)))  # begins when the others do
    path = write_scene(tmp_path / "room.sofa", Writing(rate="M"))

    def change(file: netCDF4.Dataset) -> None:
        file["Data.SamplingRate"][0] = 48_000
        file["Data.IR"][0] = finer[:, : RESPONSES.shape[-1]]

    room = responses_of(f"sofa:{edited(path, change)}")
    check_tdoas(room)
    assert notes_of(room) == ("Data.SamplingRate differs between measurements, 16000 to 48000 Hz; each has its own",)


def test_fractions_of_a_sample_are_kept_at_all_frequencies(tmp_path: Path) -> None:
    lead = free_field(ANGLES, 0.08) / 2
    pulse = np.zeros((len(ANGLES), 2, RESPONSES.shape[-1]))
    pulse[..., 100] = 1
    path = write_scene(tmp_path / "room.sofa", Writing(delay="MR"))

    def change(file: netCDF4.Dataset) -> None:
        file["Data.IR"][:], file["Data.Delay"][:] = pulse, np.stack([10 + lead, 10 - lead], axis=1)

    room = responses_of(f"sofa:{edited(path, change)}")
    check_tdoas(room, tolerance=0.02)
    first, second = np.fft.rfft(room.responses("as measured", "grid").astype(np.float64), axis=-1).transpose(1, 0, 2)
    frequency = np.linspace(0, 0.5, first.shape[-1])
    below = frequency < 7000 / RATE_HZ
    off = np.angle(second * first.conj() * np.exp(-4j * np.pi * np.outer(lead, frequency)))
    assert np.abs(off[:, below]).max() < 0.01
    assert np.abs(np.abs(second / first)[:, below] - 1).max() < 0.01


def test_a_fraction_of_a_sample_does_not_ring_through_the_decay() -> None:
    pulse = np.zeros((2, 2000))
    pulse[:, 100] = 1
    later = delayed(pulse, np.array([0.0, 0.5]), 64)
    assert np.abs(later[1, 300:]).max() == 0
    assert (later[1] ** 2).sum() == pytest.approx(1, abs=0.02)


def test_emitters_have_their_own_delays(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa", Writing("emitters", "MultiSpeakerBRIR", "0.3", delay="IRE"))
    late = np.stack([np.arange(7), np.zeros(7)])[None]
    room = responses_of(f"sofa:{edited(path, lambda file: file['Data.Delay'].__setitem__(slice(None), late))}")
    expected = free_field(ANGLES, 0.08) + np.arange(7)
    np.testing.assert_allclose(tdoa_samples(room.responses("as measured", "grid")), expected, atol=0.06)


def test_receivers_may_stand_elsewhere_in_each_measurement(tmp_path: Path) -> None:
    """The ears change places, by their positions and in the data: the positive side stays where the second ear is."""
    ears = np.array([[0, 0.04, 0], [0, -0.04, 0]])
    path = write_scene(tmp_path / "room.sofa")
    flip = np.stack([ears if m % 2 else ears[::-1] for m in range(7)], axis=-1)
    room = open_room(f"sofa:{edited(path, lambda file: replace_receivers(file, flip))}")[1]
    assert room.candidates_deg == tuple(float(angle) for angle in sorted(a if m % 2 else -a for m, a in enumerate(ANGLES)))


def replace_receivers(file: netCDF4.Dataset, values: Any) -> None:
    replace_variable(file, "ReceiverPosition", "RCM", values)
    file["ReceiverPosition"].setncatts({"Type": "cartesian", "Units": "metre"})


def test_an_up_vector_without_type_beside_a_spherical_view_is_the_default(tmp_path: Path) -> None:
    """(0, 0, 1) is up; as a spherical vector it would be straight ahead."""
    writing = Writing("head", view=Coordinates("spherical", "degree, degree, metre", 1.0, DEGREE), upright="")
    path = write_scene(tmp_path / "room.sofa", writing)
    room = responses_of(f"sofa:{edited(path, lambda file: file['ListenerUp'].__setitem__(slice(None), [[0, 0, 1]] * 7))}")
    check_tdoas(room)
    assert notes_of(room) == (
        "ListenerUp has no Type and is taken to be cartesian, (0, 0, 1), although ListenerView is spherical",
    )


def set_units(name: str, units: str) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].setncattr("Units", units)


def set_type(name: str, kind: str) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].setncattr("Type", kind)


def set_values(name: str, values: Any) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: file[name].__setitem__(slice(None), values)


def without_coordinates(file: netCDF4.Dataset) -> None:
    file["SourcePosition"].delncattr("Type")
    file["SourcePosition"].delncattr("Units")


REFUSED: dict[str, tuple[Callable[[netCDF4.Dataset], object], str]] = {
    "feet": (set_units("ReceiverPosition", "foot"), "ReceiverPosition has Units 'foot'; expected such as metre"),
    "metres of angles": (
        set_type("SourcePosition", "spherical"),
        "SourcePosition has Units 'metre'; expected such as degree, d",
    ),
    "degrees of metres": (set_units("SourcePosition", "degree, degree, metre"), "SourcePosition has Units 'degree, degree, m"),
    "polar": (set_type("SourcePosition", "interaural-polar"), "SourcePosition has Type 'interaural-polar'"),
    "harmonics": (set_type("ReceiverPosition", "Spherical Harmonics"), "ReceiverPosition has Type 'spherical harmonics'"),
    "no coordinates": (without_coordinates, "SourcePosition has neither Type nor Units"),
    "delay nan": (set_values("Data.Delay", [[0, np.nan]]), "Data.Delay of measurement 1 is not a number"),
    "delay unset": (set_values("Data.Delay", np.ma.masked), "Data.Delay of measurement 1 is not a number"),
    "delay of a year": (
        set_values("Data.Delay", [[0, 5e11]]),
        "Data.Delay of measurement 1 is not a number or longer than 1 s",
    ),
    "delay in seconds": (set_units("Data.Delay", "second"), "Data.Delay has Units 'second'; expected samples"),
    "delay by sample": (
        lambda file: replace_variable(file, "Data.Delay", "MN", np.zeros((7, RESPONSES.shape[-1]))),
        "Data.Delay has the dimensions M=7, N=960, not M=7, R=2, E=1",
    ),
    "rate 0": (set_values("Data.SamplingRate", [0]), "Data.SamplingRate is not a number of hertz"),
    "rate unit": (set_units("Data.SamplingRate", "seconds"), "Data.SamplingRate has Units 'seconds'"),
    "no rate": (lambda file: file.renameVariable("Data.SamplingRate", "Rate"), "has no Data.SamplingRate"),
    "no responses": (lambda file: file.renameVariable("Data.IR", "Data.TF"), "has no Data.IR"),
    "two coordinates": (
        lambda file: replace_variable(file, "SourcePosition", "MR", np.ones((7, 2))),
        "SourcePosition has the dimensions M=7, R=2, not M=7, C=3",
    ),
    "no receivers": (lambda file: file.renameVariable("ReceiverPosition", "Ears"), "give spacing_m=0.08"),
    "source nan": (
        set_values("SourcePosition", np.nan),
        "SourcePosition, EmitterPosition or ListenerPosition of measurement 1",
    ),
    "no view": (set_values("ListenerView", 0), "ListenerView of measurement 1 is no direction"),
    "up ahead": (set_values("ListenerUp", [[1, 0, 0]]), "ListenerUp of measurement 1 is not at right angles to ListenerView"),
    "free field": (
        lambda file: file.setncatts({"SOFAConventions": "SimpleFreeFieldHRIR", "RoomType": "free field"}),
        "SimpleFreeFieldHRIR is not of a room: its RoomType is 'free field'",
    ),
    "another version": (lambda file: file.setncattr("SOFAConventionsVersion", "7.5"), "version 7.5 of SingleRoomSRIR"),
    "another convention": (
        lambda file: file.setncattr("SOFAConventions", "SimpleBRIR"),
        "convention SimpleBRIR 1.0 is not read",
    ),
    "no emitters": (
        lambda file: replace_variable(file, "EmitterPosition", "IN", np.zeros((1, RESPONSES.shape[-1]))),
        "EmitterPosition has the dimensions I=1, N=960, not M=7, E=1, C=3",
    ),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_known_is_refused_in_one_line_that_names_the_field(
    tmp_path: Path, change: Callable[[netCDF4.Dataset], object], says: str
) -> None:
    path = edited(write_scene(tmp_path / "room.sofa", Writing(delay="IR")), change)
    with pytest.raises(UserError) as caught:
        open_room(f"sofa:{path}")
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


VARIABLES = [f"Data.{name}" for name in ("IR", "Delay", "SamplingRate")]
VARIABLES += [f"{who}Position" for who in ("Listener", "Source", "Receiver", "Emitter")]
VARIABLES += [f"{who}{which}" for who in ("Listener", "Source") for which in ("View", "Up")]
TEXTS = ["", "metre", "degree", "degree, degree, metre", "spherical", "cartesian", "spherical harmonics", "furlong", "samples"]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["source", "emitters", "head"]),
    st.lists(
        st.tuples(
            st.sampled_from(VARIABLES),
            st.one_of(
                st.just("away"),
                st.tuples(st.sampled_from(["Type", "Units"]), st.sampled_from(TEXTS)),
                st.sampled_from([0.0, -1.0, 1e9, np.nan, np.inf]),
            ),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda change: change[0],
    ),
)
def test_whatever_stands_in_a_field_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, told_by: str, changes: list[tuple[str, Any]]
) -> None:
    convention, version = CONVENTIONS[told_by][-1]
    path = tmp_path_factory.mktemp("odd") / "room.sofa"
    write_scene(path, Writing(told_by, convention, version, delay="IR", source_turned=(20, 0, 0)))
    with netCDF4.Dataset(path, "r+") as file:
        for name, change in changes:
            if change == "away":
                file.renameVariable(name, "Elsewhere" + name.replace(".", ""))
            elif isinstance(change, tuple):
                file[name].setncattr(*change)
            else:
                file[name][0] = change
    said = ""
    try:
        room = responses_of(f"sofa:{path}")
    except UserError as error:
        said = str(error)
    else:
        assert np.isfinite(room.responses("as measured", "grid")).all()
        assert room.spacing_m > 0
    assert not said or (said.startswith(str(path)) and "\n" not in said)


@pytest.mark.parametrize("case", ["free field", "another version"])
def test_the_remedy_that_is_named_helps(tmp_path: Path, case: str) -> None:
    path = edited(write_scene(tmp_path / "room.sofa"), REFUSED[case][0])
    with pytest.raises(UserError) as caught:
        open_room(f"sofa:{path}")
    code = str(caught.value).partition('python -c "')[2].rstrip('"')
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    check_tdoas(responses_of(f"sofa:{path}"))


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
    assert [f"sofa[pair=1-2]:room: {note}" for note in notes_of(room)] == notes


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


def test_units_of_what_is_at_the_origin_do_not_matter(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa")

    def change(file: netCDF4.Dataset) -> None:
        file["EmitterPosition"].setncatts({"Type": "spherical", "Units": "metre"})
        file["ListenerPosition"].Units = "degree"

    check_tdoas(responses_of(f"sofa:{edited(path, change)}"))


def test_a_file_that_is_damaged_inside(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa", compressed=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"room.sofa: Data.IR cannot be read .* copy or download the file again"):
        open_room(f"sofa:{path}")


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


def test_a_file_of_any_name_is_read(tmp_path: Path) -> None:
    """The reader of the library wants names that end in .sofa."""
    check_tdoas(responses_of(f"sofa:{write_scene(tmp_path / 'room.SOFA')}"))
