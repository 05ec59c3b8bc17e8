"""Rooms from files: what was written in the public form comes back with the geometry, the sign and the samples it was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
from doabench.benchmark.data.half_grid import HalfGrid
from doabench.benchmark.data.open import notes_of, open_room
from doabench.benchmark.data.scene import Scenes, SceneSpec
from doabench.benchmark.dataset import Position, Room, SpeechDraw, SpeechRole
from doabench.datasets._convolution import ImpulseResponseRoom
from doabench.datasets._measured import nominal_ranges
from doabench.datasets._pair import see
from hypothesis import given
from hypothesis import strategies as st
from support.measured_files import (
    MIR_ANGLES,
    check_tdoas,
    heard,
    response,
    responses_of,
    run,
    write_dtu,
    write_folder,
    write_mir,
    write_recordings,
    write_sofa,
    write_table,
    write_wav,
)
from support.rooms import RATE_HZ, AnechoicRoom


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_mir_reads_zips_and_files_and_settles_the_sign_from_the_delays(tmp_path: Path, zipped: bool, mirrored: bool) -> None:
    room = responses_of(f"mir:{write_mir(tmp_path, zipped, mirrored)}")
    assert room.candidates_deg == MIR_ANGLES
    assert {position.range_m for position in room.positions("grid")} == {2.0}
    assert room.spacing_m == 0.08
    assert room.measured
    assert [(c.name, c.rt60_s) for c in room.conditions] == [("0.61", 0.61), ("0.36", 0.36)]
    assert room.transfer == "0.36"
    assert [c.measured_rt60_s for c in room.conditions] == [pytest.approx(c.rt60_s, rel=0.1) for c in room.conditions]
    assert room.responses("0.61", "grid").shape == (13, 2, RATE_HZ)  # the one that is longer is cut to 1 s
    for condition in ("0.61", "0.36"):
        check_tdoas(room, condition)


def test_mir_takes_any_pair_and_condition(tmp_path: Path) -> None:
    name, room = open_room(f"mir[pair=2-7,train=0.36,transfer=0.61]:{write_mir(tmp_path / 'lab', True, True)}")
    assert name == "mir[pair=2-7,train=0.36,transfer=0.61]:lab"
    assert room.spacing_m == pytest.approx(0.20)
    assert ([c.name for c in room.conditions], room.transfer) == (["0.36", "0.61"], "0.61")
    assert isinstance(room, ImpulseResponseRoom)
    check_tdoas(room)


@pytest.fixture(scope="module")
def dtu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dtu(tmp_path_factory.mktemp("dtu") / "dtu")


NO_DRAW = SpeechDraw("none", 0, {}, "")


def test_dtu_maps_files_to_roles_and_keeps_clips_apart(dtu: Path) -> None:
    room = open_room(f"dtu:{dtu}")[1]
    assert room.candidates_deg == (-90, -30, 0, 40, 90)
    assert room.spacing_m == 0.085
    assert room.measured
    assert room.brings_speech
    trained = list(room.recordings(NO_DRAW, "train", "as recorded", "grid"))
    assert [(r.clip, r.position.doa_deg) for r in trained] == [(c, a) for c in range(3) for a in (-90, -30, 0, 40, 90)]
    validated = list(room.recordings(NO_DRAW, "validation", "as recorded", "grid"))
    assert [(r.clip, r.position.doa_deg) for r in validated] == [(c, a) for c in range(2) for a in (-90, -30, 0, 40, 90)]
    assert not {r.speaker for r in trained} & {r.speaker for r in validated}
    for recordings, first in ((trained, 0), (validated, 10)):
        for recording in recordings:
            clean = heard(recording.position.doa_deg, first + recording.clip)[500:]
            noise = recording.waveform - clean
            assert noise.shape == clean.shape
            snr_db = 10 * np.log10(np.mean(clean**2, axis=0) / np.mean(noise**2, axis=0))
            np.testing.assert_allclose(snr_db, 20, atol=0.4)


def test_dtu_off_grid_and_off_range_belong_to_validation(dtu: Path) -> None:
    room = open_room(f"dtu:{dtu}")[1]
    assert [p.doa_deg for p in room.positions("off_grid")] == [25, 45]
    assert set(room.positions("off_range")) == {Position(0, 1), Position(-30, 2.5), Position(-30, 3)}
    found = [(r.clip, r.position) for r in room.recordings(NO_DRAW, "validation", "as recorded", "off_range")]
    assert found == [(c, Position(*place)) for c in (0, 1) for place in ((-30, 2.5), (-30, 3), (0, 1))]
    assert not list(room.recordings(NO_DRAW, "train", "as recorded", "off_range"))


def test_dtu_with_channels_the_other_way_round_is_the_same(dtu: Path, tmp_path: Path) -> None:
    straight, turned = open_room(f"dtu:{dtu}")[1], open_room(f"dtu:{write_dtu(tmp_path / 'turned', mirrored=True)}")[1]
    assert straight.digest("as recorded", "grid") == turned.digest("as recorded", "grid")


def test_a_room_with_talkers_of_its_own_needs_no_speech(dtu: Path) -> None:
    scenes = [
        Scenes().get(SceneSpec(f"dtu:{dtu}", speech, seed, 20)) for speech, seed in (("no such corpus", 0), ("talkers", 1))
    ]
    assert {scene.draw.corpus for scene in scenes} == {"own"}
    assert scenes[0].draw.digest == scenes[1].draw.digest


@pytest.mark.parametrize(("delimiter", "encoding", "rate_hz"), [(",", "utf-8", 16_000), (";", "utf-8-sig", 48_000)])
def test_a_folder_of_responses_with_its_table(tmp_path: Path, delimiter: str, encoding: str, rate_hz: int) -> None:
    folder = write_folder(tmp_path / "mine", rate_hz, delimiter=delimiter, encoding=encoding)
    room = responses_of(f"folder:{folder}")
    assert (room.candidates_deg, room.spacing_m) == ((-40, 0, 40), 0.08)
    assert room.positions("off_range") == (Position(0, 2),)
    assert ([c.rt60_s for c in room.conditions], room.transfer) == ([0.3, 0.2], "0.2")
    check_tdoas(room)
    assert open_room(f"folder[train=0.2,transfer=0.3]:{folder / 'responses.csv'}")[1].conditions[0].rt60_s == 0.2
    assert open_room(f"folder[spacing_m=0.1]:{folder}")[1].spacing_m == 0.1


def test_two_of_many_channels_and_an_rt60_that_nobody_knows(tmp_path: Path) -> None:
    rows = []
    for angle in (-30, 30):
        write_wav(tmp_path / f"{angle}.wav", response(angle, (0, 0.05, 0.1), rt60_s=0.25))
        rows.append({"file": f"{angle}.wav", "doa_deg": -angle, "range_m": 1, "rt60_s": ""})
    write_table(tmp_path / "table.csv", rows)
    room = responses_of(f"folder[pair=3-1,spacing_m=0.1]:{tmp_path}")
    check_tdoas(room)
    assert room.conditions[0].rt60_s == pytest.approx(0.25, rel=0.1)
    assert room.transfer is None


def test_own_recordings_are_played_as_they_are(tmp_path: Path) -> None:
    room = open_room(f"recordings:{write_recordings(tmp_path)}")[1]
    assert room.brings_speech
    halves: tuple[tuple[SpeechRole, str, int], ...] = (("train", "ann", 0), ("validation", "bob", 10))
    for role, speaker, first in halves:
        found = list(room.recordings(NO_DRAW, role, "as recorded", "grid"))
        assert [(r.clip, r.speaker, r.position.doa_deg) for r in found] == [
            (c, speaker, a) for c in (0, 1) for a in (-40, 0, 40)
        ]
        for recording in found:
            expected = heard(recording.position.doa_deg, first + recording.clip, seconds=2.0)
            np.testing.assert_allclose(recording.waveform, expected, atol=1e-6)


def test_one_speakers_clips_are_shared_out_and_other_rates_resampled(tmp_path: Path) -> None:
    room = open_room(f"recordings[rt60_s=0.4]:{write_recordings(tmp_path, ('ann',), 3, rate_hz=48_000)}")[1]
    counts = [len(list(room.recordings(NO_DRAW, role, "as recorded", "grid"))) for role in ("train", "validation")]
    assert counts == [6, 3]
    recording = next(iter(room.recordings(NO_DRAW, "train", "as recorded", "grid")))
    expected = heard(-40, 0, seconds=2.0)
    assert np.corrcoef(recording.waveform[:, 0], expected[:, 0])[0, 1] > 0.99
    assert room.conditions[0].rt60_s == 0.4


def test_own_recordings_run_a_learning_method_from_the_command_line(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path / "mine", clips=2)
    options = ("--method", "rtf_1nn", "--method", "srp_phat", "--protocol", "label-sweep", "--protocol", "off-grid")
    records = run(tmp_path / "out", *options, "--rooms", f"recordings:{folder}")
    assert {record["state"] for record in records} == {"ok"}
    assert {record["fit"]["dataset"] for record in records} == {"recordings:mine", "recordings:mine/half-grid"}
    assert {record["fit"]["speech"] for record in records} == {"own"}
    assert {tuple(record["speakers"]) for record in records} == {("ann", "ann"), ("bob", "bob")}
    swept = [record["metrics"]["values"] for record in records if record["axes"]["protocol"] == "label-sweep"]
    assert min(metrics["accuracy_pct"]["mean"] for metrics in swept) > 95


class NoneBetween(AnechoicRoom):
    """The free field of the tests, without the three positions between its directions."""

    def positions(self, kind: Any) -> tuple[Position, ...]:
        return super().positions("grid") if kind == "grid" else ()


def test_a_half_grid_holds_out_every_second_direction(talkers_draw: SpeechDraw) -> None:
    whole: Room = NoneBetween()
    half = HalfGrid(whole)
    assert half.candidates_deg == tuple(range(-90, 91, 20))
    assert [p.doa_deg for p in half.positions("off_grid")] == list(range(-80, 81, 20))
    expected = {(r.clip, r.position): r.waveform for r in whole.recordings(talkers_draw, "validation", "anechoic", "grid")}
    kinds = {kind: list(half.recordings(talkers_draw, "validation", "anechoic", kind)) for kind in ("grid", "off_grid")}
    assert sum(map(len, kinds.values())) == len(expected)
    for recording in (*kinds["grid"], *kinds["off_grid"]):
        np.testing.assert_array_equal(recording.waveform, expected[recording.clip, recording.position])
    digests = {half.digest("anechoic", "grid"), half.digest("anechoic", "off_grid"), whole.digest("anechoic", "grid")}
    assert len(digests) == 3
    assert not HalfGrid.suits(HalfGrid(HalfGrid(HalfGrid(HalfGrid(whole)))))


@pytest.mark.parametrize(
    ("axis", "azimuth_deg", "expected"),
    [
        ((0, -1, 0), -30, (30, 1)),  # axis to the right, talker 30 degrees to the right
        ((0, 1, 0), -30, (-30, 1)),  # turned round: the same talker on the other side, still before the pair
        ((0, -1, 0), 180 - 30, (-30, -1)),
        ((-1, 0, 0), -90, (0, 1)),  # front to back: looks to the right
        ((-1, 0, 0), 180, (90, 0)),
    ],
)
def test_what_a_pair_sees(axis: tuple[float, ...], azimuth_deg: float, expected: tuple[float, int]) -> None:
    azimuth = np.radians(azimuth_deg)
    doa_deg, _, depth = see((np.cos(azimuth), np.sin(azimuth), 0.0), axis)
    assert doa_deg == pytest.approx(expected[0])
    assert np.sign(round(depth, 9)) == expected[1]


def test_the_ends_of_a_grid_follow_from_any_number_of_positions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    angles = tuple(sorted(rng.choice(np.arange(-90, 91), 9, replace=False).tolist()))
    assert open_room(f"sofa:{write_sofa(tmp_path / 'odd.sofa', angles)}")[1].candidates_deg == angles


def test_scipy_resamples_without_moving_the_sound(tmp_path: Path) -> None:
    at_48 = np.asarray(scipy.signal.resample_poly(response(20, (-0.04, 0.04)), 3, 1, axis=0))
    write_wav(tmp_path / "a.wav", at_48, 48_000)
    write_wav(tmp_path / "b.wav", response(20, (-0.04, 0.04)))
    rows = [{"file": f"{name}.wav", "doa_deg": angle, "range_m": 1, "rt60_s": ""} for name, angle in (("a", 20), ("b", 21))]
    write_table(tmp_path / "table.csv", rows)
    first, second = responses_of(f"folder[spacing_m=0.08]:{tmp_path}").responses("as measured", "grid")
    assert np.corrcoef(first[:, :5000].ravel(), second[:, :5000].ravel())[0, 1] > 0.98


JITTER_M = {-60: 1.47, -40: 1.512, -20: 1.492, 0: 1.52, 20: 1.527, 40: 1.484, 60: 1.505}


def jittered(folder: Path, extra: Sequence[tuple[int, float]] = ()) -> Path:
    """Two conditions, measured with a tape each time."""
    rows = []
    for rt60_s, shift_m in ((0.3, 0.0), (0.2, 0.01)):
        for doa_deg, range_m in (*JITTER_M.items(), *extra):
            name = f"{rt60_s}_{doa_deg}_{range_m}.wav"
            write_wav(folder / name, response(doa_deg, (-0.04, 0.04), rt60_s=rt60_s))
            rows.append({"file": name, "doa_deg": doa_deg, "range_m": range_m + shift_m, "rt60_s": rt60_s})
    write_table(folder / "responses.csv", rows)
    return folder


def test_ranges_as_measured_are_one_range(tmp_path: Path) -> None:
    folder = jittered(tmp_path, extra=((-40, 2.03), (20, 1.98), (25, 2.01)))
    room = responses_of(f"folder[spacing_m=0.08]:{folder}")
    assert room.positions("grid") == tuple(Position(angle, 1.51) for angle in sorted(JITTER_M))
    assert room.positions("off_range") == (Position(-40, 2.01), Position(20, 2.01))
    assert room.responses("0.2", "grid").shape == room.responses("0.3", "grid").shape
    assert notes_of(room) == (
        "14 ranges from 1.47 to 1.537 m are taken as one, 1.51 m",
        "6 ranges from 1.98 to 2.04 m are taken as one, 2.01 m",
        "left out, in directions that the grid at 1.51 m lacks: 25 degrees at 2.01 m",
    )


def test_ranges_close_to_each_other_with_the_same_directions_are_two(tmp_path: Path) -> None:
    room = responses_of(f"folder[spacing_m=0.08]:{jittered(tmp_path, extra=((-40, 1.6), (20, 1.6)))}")
    assert [position.doa_deg for position in room.positions("grid")] == sorted(JITTER_M)
    assert [position.doa_deg for position in room.positions("off_range")] == [-40, 20]


def test_recordings_at_ranges_as_measured_are_one_grid(tmp_path: Path) -> None:
    folder = write_recordings(tmp_path)
    table = folder / "recordings.csv"
    header, *rows = table.read_text().split()
    measured = [f"{row},{1.5 + 0.01 * (number % 3):g}" for number, row in enumerate(rows)]
    table.write_text("\n".join([f"{header},range_m", *measured]))
    room = open_room(f"recordings:{folder}")[1]
    assert room.positions("grid") == tuple(Position(angle, 1.51) for angle in (-40, 0, 40))
    assert room.positions("off_range") == ()
    assert notes_of(room) == ("3 ranges from 1.5 to 1.52 m are taken as one, 1.51 m",)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3), st.floats(0.5, 4.0)), min_size=1, max_size=30, unique=True)
)
def test_no_range_moves_far_and_no_position_is_lost(found: list[tuple[str, int, float]]) -> None:
    positions = [(owner, Position(10.0 * step, range_m)) for owner, step, range_m in found]
    nominal_m = nominal_ranges(positions)
    assert all(abs(nominal / range_m - 1) <= 0.1 for range_m, nominal in nominal_m.items())
    groups: dict[float, set[float]] = {}
    for range_m, nominal in nominal_m.items():
        groups.setdefault(nominal, set()).add(range_m)
    for group in groups.values():
        at = [(owner, position.doa_deg, position.range_m) for owner, position in set(positions) if position.range_m in group]
        assert len({place[:2] for place in at}) == len(at)
