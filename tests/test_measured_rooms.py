"""Rooms from files: what was written in the public form comes back with the geometry, the sign and the samples it was given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import sofar
import soundfile
from doabench.benchmark.dataset import Position, Room, SpeechDraw, SpeechRole
from doabench.benchmark.half_grid import HalfGrid
from doabench.benchmark.scene import make_scene, open_room
from doabench.datasets._convolution import ImpulseResponseRoom
from doabench.datasets._pair import see
from measured_files import (
    MIR_ANGLES,
    bare_sofa,
    free_field,
    heard,
    leads,
    response,
    write_dtu,
    write_folder,
    write_mir,
    write_recordings,
    write_sofa,
    write_table,
    write_wav,
)
from rooms import RATE_HZ, AnechoicRoom


def responses_of(text: str) -> ImpulseResponseRoom:
    room = open_room(text)[1]
    assert isinstance(room, ImpulseResponseRoom)
    return room


def check_leads(room: ImpulseResponseRoom, condition: str = "", tolerance: float = 0.06) -> None:
    """The direct sound reaches microphone 2 first from positive angles, by what the spacing says."""
    found = leads(room.responses(condition or room.conditions[0].name, "grid"))
    np.testing.assert_allclose(found, free_field(room.candidates_deg, room.spacing_m), atol=tolerance)


def run(out: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "doabench.benchmark", "run", "--scale", "smoke", "--out", str(out), "--json", *arguments]
    environment = {**os.environ, "DOABENCH_SPEECH": "talkers"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


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
        check_leads(room, condition)


def test_mir_takes_any_pair_and_condition(tmp_path: Path) -> None:
    name, room = open_room(f"mir[pair=2-7,train=0.36,transfer=0.61]:{write_mir(tmp_path / 'lab', True, True)}")
    assert name == "mir[pair=2-7,train=0.36,transfer=0.61]:lab"
    assert room.spacing_m == pytest.approx(0.20)
    assert ([c.name for c in room.conditions], room.transfer) == (["0.36", "0.61"], "0.61")
    assert isinstance(room, ImpulseResponseRoom)
    check_leads(room)


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
    scenes = [make_scene(f"dtu:{dtu}", speech, seed, 20) for speech, seed in (("no such corpus", 0), ("talkers", 1))]
    assert {scene.draw.corpus for scene in scenes} == {"own"}
    assert scenes[0].draw.digest == scenes[1].draw.digest


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("turned_deg", [0.0, 130.0])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_sofa_positions_follow_the_listener(tmp_path: Path, spherical: bool, turned_deg: float, rate_hz: int) -> None:
    angles = (-90, -50, -10, 0, 35, 90)
    path = write_sofa(tmp_path / "room.sofa", angles, spherical, turned_deg, rate_hz)
    room = responses_of(f"sofa:{path}")
    assert room.candidates_deg == angles
    assert room.spacing_m == 0.08
    assert [p.range_m for p in room.positions("grid")] == [1.5] * 6
    check_leads(room)
    assert room.conditions[0].measured_rt60_s == pytest.approx(0.3, rel=0.1)
    swapped = responses_of(f"sofa[pair=2-1]:{path}")
    assert swapped.candidates_deg == tuple(sorted(-angle for angle in angles))
    check_leads(swapped)


def test_sofa_leaves_out_talkers_behind_and_takes_other_ranges_as_off_range(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "r.sofa", (-30, 0, 30, 150, 180, 31), range_m=lambda angle: 3.0 if angle == 31 else 1.5)
    room = open_room(f"sofa:{path}")[1]
    assert room.candidates_deg == (-30, 0, 30)
    assert room.positions("off_range") == ()  # 31 degrees is no direction of the grid
    path = write_sofa(tmp_path / "s.sofa", (-30, 0, 30, -30.001), range_m=lambda angle: 3.0 if angle == -30.001 else 1.5)
    assert open_room(f"sofa:{path}")[1].positions("off_range") == (Position(-30.0, 3.0),)


def test_sofa_puts_back_delays_that_are_kept_apart(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "room.sofa", (-90, 0, 90), Data_Delay=np.array([[0.0, 3.0]]))
    room = responses_of(f"sofa:{path}")
    np.testing.assert_allclose(leads(room.responses("as measured", "grid")), free_field((-90, 0, 90), 0.08) - 3, atol=0.06)


def brir(path: Path, convention: str, angles: tuple[int, ...]) -> Path:
    """Ears 18 cm apart and one loudspeaker per direction, in a file with emitters."""
    sofa = bare_sofa(convention)
    heard = np.stack([response(angle, (-0.09, 0.09)).T for angle in angles], axis=1)[None]  # [1, ears, emitters, samples]
    sofa.Data_IR = np.moveaxis(heard, 2, 3) if sofa.GLOBAL_DataType == "FIR-E" else heard
    sofa.ReceiverPosition = np.array([[0, 0.09, 0], [0, -0.09, 0.0]])[:, :, None]
    sofa.ReceiverPosition_Type, sofa.ReceiverPosition_Units = "cartesian", "metre"
    azimuth = -np.radians(angles)
    sofa.EmitterPosition = np.stack([2 * np.cos(azimuth), 2 * np.sin(azimuth), 0 * azimuth], axis=1)[:, :, None]
    sofa.EmitterPosition_Type, sofa.EmitterPosition_Units = "cartesian", "metre"
    sofa.SourcePosition = np.zeros((1, 3))
    sofa.SourcePosition_Type, sofa.SourcePosition_Units = "cartesian", "metre"
    sofa.Data_SamplingRate = float(RATE_HZ)
    sofa.Data_Delay = np.zeros((1, 2, len(angles) if sofa.GLOBAL_DataType == "FIRE" else 1))
    sofa.verify(issue_handling="ignore")
    sofar.io._write_sofa(str(path), sofa, 4, verify=False)  # pyright: ignore - the public one refuses what is deprecated
    return path


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("convention", ["MultiSpeakerBRIR", "SingleRoomMIMOSRIR"])
def test_sofa_reads_ears_and_loudspeakers_as_emitters(tmp_path: Path, convention: str) -> None:
    room = responses_of(f"sofa:{brir(tmp_path / 'brir.sofa', convention, (-60, -20, 20, 60))}")
    assert room.candidates_deg == (-60, -20, 20, 60)
    assert room.spacing_m == 0.18
    check_leads(room)


def test_a_room_never_seen_is_one_command_line(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "attic.sofa")
    records = run(
        tmp_path / "out",
        "--method",
        "srp_phat",
        "--rooms",
        f"sofa:{path}",
        "--protocol",
        "label-sweep",
        "--protocol",
        "off-grid",
    )
    by_protocol = {record["axes"]["protocol"]: record for record in records}
    sweep, between = by_protocol["label-sweep"], by_protocol["off-grid"]
    assert {record["state"] for record in records} == {"ok"}
    assert sweep["fit"]["dataset"] == "sofa:attic"
    assert sweep["fit"]["measured"] is True
    assert sweep["fit"]["candidates_deg"] == list(range(-90, 91, 5))
    assert sweep["metrics"]["mae_deg"] < 5
    assert between["fit"]["dataset"] == "sofa:attic/half-grid"
    assert between["fit"]["candidates_deg"] == list(range(-90, 91, 10))
    assert between["metrics"]["floor_deg"] == pytest.approx(5)
    assert 5 <= between["metrics"]["mae_deg"] < 9


@pytest.mark.parametrize(("delimiter", "encoding", "rate_hz"), [(",", "utf-8", 16_000), (";", "utf-8-sig", 48_000)])
def test_a_folder_of_responses_with_its_table(tmp_path: Path, delimiter: str, encoding: str, rate_hz: int) -> None:
    folder = write_folder(tmp_path / "mine", rate_hz, delimiter=delimiter, encoding=encoding)
    room = responses_of(f"folder:{folder}")
    assert (room.candidates_deg, room.spacing_m) == ((-40, 0, 40), 0.08)
    assert room.positions("off_range") == (Position(0, 2),)
    assert ([c.rt60_s for c in room.conditions], room.transfer) == ([0.3, 0.2], "0.2")
    check_leads(room)
    assert open_room(f"folder[train=0.2,transfer=0.3]:{folder / 'responses.csv'}")[1].conditions[0].rt60_s == 0.2
    assert open_room(f"folder[spacing_m=0.1]:{folder}")[1].spacing_m == 0.1


def test_two_of_many_channels_and_an_rt60_that_nobody_knows(tmp_path: Path) -> None:
    rows = []
    for angle in (-30, 30):
        write_wav(tmp_path / f"{angle}.wav", response(angle, (0, 0.05, 0.1), rt60_s=0.25))
        rows.append({"file": f"{angle}.wav", "doa_deg": -angle, "range_m": 1, "rt60_s": ""})
    write_table(tmp_path / "table.csv", rows)
    room = responses_of(f"folder[pair=3-1,spacing_m=0.1]:{tmp_path}")
    check_leads(room)
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
    swept = [record["metrics"] for record in records if record["axes"]["protocol"] == "label-sweep"]
    assert min(metrics["accuracy_pct"] for metrics in swept) > 95


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


def test_r3vival_is_as_its_source_says(r3vival: Path) -> None:
    room = responses_of(f"r3vival:{r3vival}")
    assert room.candidates_deg == tuple(range(-90, 91, 30))
    assert room.spacing_m == pytest.approx(0.0671)
    assert {p.range_m for p in room.positions("grid")} == {1.5}
    assert {p.range_m for p in room.positions("off_range")} == {2.0, 3.0}
    assert len(room.conditions) == 8
    assert (room.conditions[0].name, room.transfer) == ("000", "100")
    for condition in room.conditions:
        assert condition.measured_rt60_s == pytest.approx(condition.rt60_s, rel=0.1)
    check_leads(room, tolerance=0.45)  # 9 degrees at +-90, where the microphones' own figure bends the sound
    np.testing.assert_allclose(leads(room.responses("100", "grid"))[1:-1], free_field((-60, -30, 0, 30, 60), 0.0671), atol=0.2)


@pytest.mark.parametrize(("pair", "spacing_m"), [("3-4", 0.0671), ("5-6", 0.0638), ("1-2", 0.0936), ("2-1", 0.0936)])
def test_r3vival_takes_other_pairs(r3vival: Path, pair: str, spacing_m: float) -> None:
    room = responses_of(f"r3vival[pair={pair},train=100,transfer=000]:{r3vival}")
    assert room.candidates_deg == tuple(range(-90, 91, 30))
    assert room.spacing_m == pytest.approx(spacing_m, abs=5e-4)
    assert (room.conditions[0].name, room.transfer) == ("100", "000")
    check_leads(room, tolerance=0.6)


def test_r3vival_originals_are_the_same_responses(r3vival: Path, tmp_path: Path) -> None:
    copies = responses_of(f"r3vival[train=100]:{r3vival / 'rir_16k'}")
    originals = responses_of(f"r3vival[train=100]:{r3vival / 'original_48k_sample'}")
    assert originals.positions("grid") == tuple(p for p in copies.positions("off_range") if p.range_m == 2)
    expected = copies.responses("100", "off_range")[:7]
    np.testing.assert_allclose(originals.responses("100", "grid"), expected, atol=2**-22)
    assert soundfile.info(next((r3vival / "original_48k_sample").glob("*.wav"))).samplerate == 48_000
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("originals", "chosen"), [((0,), "copies"), ((0, 30, 330), "originals")])
def test_r3vival_is_never_read_from_copies_and_originals_at_once(
    tmp_path: Path, originals: tuple[int, ...], chosen: str
) -> None:
    """Those of which there are more, else the originals; here they differ in loudness."""
    for azimuth in (0, 30, 330):
        heard = response(azimuth - 360 * (azimuth > 180), [0.01 * number for number in range(7)])
        write_wav(tmp_path / "16k" / f"r3vival_abs000_az{azimuth:03d}_d150.wav", heard)
        if azimuth in originals:
            name = f"RLRVarAcLab_Absorptive_000_S{azimuth:03d}-150_R1_FRL10cm.wav"
            write_wav(tmp_path / "48k" / name, 0.5 * heard)
    heard = responses_of(f"r3vival:{tmp_path}").responses("000", "grid")
    only = tmp_path / {"copies": "16k", "originals": "48k"}[chosen]
    np.testing.assert_array_equal(heard, responses_of(f"r3vival:{only}").responses("000", "grid"))
    assert len(heard) == 3


def test_srp_phat_finds_talkers_in_r3vival(r3vival: Path, tmp_path: Path) -> None:
    options = ("--protocol", "label-sweep", "--protocol", "off-range", "--protocol", "rt60-transfer", "--method", "srp_phat")
    records = run(tmp_path, *options, "--rooms", f"r3vival[train=100,transfer=000]:{r3vival}")
    assert {record["state"] for record in records} == {"ok"}
    assert {(r["axes"]["protocol"], r["axes"]["split"], r["axes"]["rt60_s"]) for r in records} == {
        ("label-sweep", "train", 0.43),
        ("label-sweep", "validation", 0.43),
        ("off-range", "off_range", 0.43),
        ("rt60-transfer", "train", 0.43),
        ("rt60-transfer", "validation", 0.64),
    }
    assert max(record["metrics"]["mae_deg"] for record in records) < 20  # 45 by chance


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
