"""LOCATA and RealMAN: directions, signs and pauses are those of the published files, and what is wrong there is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.cli.rooms import understood
from doabench.benchmark.data.open import notes_of, open_room
from doabench.benchmark.dataset import Recording, Room, SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.worker import Worker
from doabench.datasets._measure import array_tdoa_s
from numpy.typing import NDArray
from support.measured_files import free_field
from support.real_talkers import DICIT, RATE_HZ, Heard, doa_deg, only, write_locata, write_realman

NO_DRAW = SpeechDraw("none", 0, {}, "")


@pytest.fixture(scope="module")
def locata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_locata(tmp_path_factory.mktemp("locata"))


@pytest.fixture(scope="module")
def realman(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_realman(tmp_path_factory.mktemp("realman"))


def scored(room: Room) -> list[Recording]:
    assert not list(room.recordings(NO_DRAW, "train", "as recorded", "grid"))
    return list(room.recordings(NO_DRAW, "scored", "as recorded", "grid"))


def check_delays(room: Room) -> None:
    """The sound reaches microphone 2 first from positive angles, by what the spacing says; the talkers are not far away."""
    found = scored(room)
    measured = [array_tdoa_s(one.waveform.T, room.spacing_m) * RATE_HZ for one in found]
    np.testing.assert_allclose(measured, free_field([one.position.doa_deg for one in found], room.spacing_m), atol=0.07)


def test_a_talker_toward_minus_x_is_at_positive_angles_of_the_usual_pair(locata: Path) -> None:
    name, room = open_room(f"locata[name=lab]:{locata}")
    assert name == "locata:lab"
    assert room.spacing_m == 0.08
    positions = [one.position for one in scored(room)]
    expected = [doa_deg(one.talker_m, (-1, 0, 0)) for one in DICIT[:5]]
    assert expected[1] < -30 < 30 < expected[2] < expected[3]
    np.testing.assert_allclose([position.doa_deg for position in positions], expected, atol=0.01)
    ranges = np.linalg.norm([one.talker_m for one in DICIT[:5]], axis=1)
    np.testing.assert_allclose([position.range_m for position in positions], ranges, atol=0.01)
    assert notes_of(room) == ("left out, talkers behind the pair, which hears them as if before it: eval recording3",)
    assert understood(room).startswith(
        "5 directions from -36.87 to 74.48 degrees at 1.87, 1.97, 2, 2.12 m; microphones 8 cm apart"
    )
    check_delays(room)


def test_a_talker_above_the_array_is_nearer_to_broadside_than_the_azimuth_says(locata: Path) -> None:
    (found,) = [one for one in scored(open_room(f"locata[part=eval]:{locata}")[1]) if one.position.doa_deg < 0]
    azimuth = np.degrees(np.arctan2(0.7, 1.2))
    assert -found.position.doa_deg < azimuth - 8


@pytest.mark.parametrize(
    ("parameters", "count", "signs"),
    [("part=dev", 3, (0, -1, 1)), ("part=eval", 2, (1, -1)), ("pair=9-6", 5, (0, 1, -1, -1, 1)), ("pair=4-7", 5, None)],
)
def test_parts_and_pairs(locata: Path, parameters: str, count: int, signs: tuple[int, ...] | None) -> None:
    room = open_room(f"locata[{parameters}]:{locata}")[1]
    found = [one.position.doa_deg for one in scored(room)]
    assert len(found) == count
    if signs:
        assert tuple(np.sign(np.round(found))) == signs
    assert room.spacing_m == (0.16 if "4-7" in parameters else 0.08)
    check_delays(room)


def test_angles_are_seen_from_the_middle_of_a_pair_at_the_end_of_the_line(locata: Path) -> None:
    room = open_room(f"locata[pair=2-3,part=dev]:{locata}")[1]
    found = scored(room)[0].position
    assert found.doa_deg == pytest.approx(np.degrees(np.arctan2(0.48, 2.0)), abs=0.01), "straight ahead of the array"
    check_delays(room)


def test_the_robots_head_looks_ahead_and_a_pair_along_its_nose_to_the_right(tmp_path: Path) -> None:
    heard = (
        Heard("dev/task1/recording1", (1.0, 1.0, 0.0), 30.0),
        Heard("dev/task1/recording2", (-1.0, 1.0, 0.0), 200.0),
        Heard("dev/task1/recording3", (1.0, -1.0, 0.0)),
    )
    folder = write_locata(tmp_path, heard, "benchmark2")
    across = open_room(f"locata[array=benchmark2,pair=7-1]:{folder}")[1]
    assert [round(one.position.doa_deg) for one in scored(across)] == [45, -45]
    along = open_room(f"locata[array=benchmark2,pair=4-10]:{folder}")[1]  # from the front to the back
    assert [round(one.position.doa_deg) for one in scored(along)] == [-45, 45]
    for room in (across, along):
        assert room.spacing_m == 0.1
        check_delays(room)
    with pytest.raises(UserError, match=r"which two of the 12 microphones of benchmark2"):
        open_room(f"locata[array=benchmark2]:{folder}")


def test_pauses_are_cut_by_the_tables_of_speech(locata: Path, tmp_path: Path) -> None:
    cut, whole = (scored(open_room(f"locata[pauses={pauses}]:{locata}")[1]) for pauses in ("cut", "keep"))
    assert {len(one.waveform) for one in whole} == {2 * RATE_HZ}
    assert {len(one.waveform) for one in cut} == {round(1.7 * RATE_HZ)}, "half a second, but for 0.1 s at both of its ends"
    bare = open_room(f"locata:{write_locata(tmp_path, only(0, 1), vad=False)}")[1]
    assert notes_of(bare) == ("without a table of speech, cut as a detector hears it: dev recording1, dev recording2",)
    assert 1.5 * RATE_HZ <= len(scored(bare)[0].waveform) < 2 * RATE_HZ


def test_realmans_azimuths_begin_at_x_and_run_counter_clockwise(realman: Path) -> None:
    room = open_room(f"realman:{realman}")[1]
    assert room.spacing_m == 0.06
    found = scored(room)
    assert [one.position.doa_deg for one in found] == [0, 60, -60, 80, 30, -30, -80]
    assert [one.position.range_m for one in found] == [1.5, 1.8, 1.8, 1.8, 1.5, 1.8, 1.8], "the first of each is not known"
    assert {one.position.place for one in found} == {"scene: OfficeRoom1", "scene: Bus"}
    assert notes_of(room) == ("left out, 2 talkers behind the pair, which hears them as if before it",)
    check_delays(room)
    along = open_room(f"realman[pair=7-3]:{realman}")[1]  # toward +y; it looks to +x
    assert [one.position.doa_deg for one in scored(along)] == [90, 30, 10, 60, -60]
    check_delays(along)


def test_realmans_pauses_are_those_of_the_direct_sound(realman: Path, tmp_path: Path) -> None:
    """In the recordings themselves noise fills them."""
    lengths = {len(one.waveform) for one in scored(open_room(f"realman:{realman}")[1])}
    assert 1.6 * RATE_HZ < min(lengths) <= max(lengths) < 1.9 * RATE_HZ
    bare = open_room(f"realman:{write_realman(tmp_path, dry=False)}")[1]
    assert {len(one.waveform) for one in scored(bare)} == {2 * RATE_HZ}


def test_scenes_are_chosen_and_utterances_drawn(realman: Path) -> None:
    room = open_room(f"realman[scene=Bus,most=2]:{realman}")[1]
    assert len(scored(room)) == 2
    assert notes_of(room)[1] == "2 of 3 utterances: no more than 2 of a scene, as [most=2] says"
    assert len(scored(open_room(f"realman[most=0]:{realman / 'test'}")[1])) == 7


@pytest.mark.parametrize("kind", ["locata", "realman"])
def test_srp_finds_them_where_it_was_set_up_for_twins(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    room = f"{kind}:{request.getfixturevalue(kind)}"
    asked = Request(("other-room",), ("srp_phat",), "talkers", "smoke", (), (0,), (f"twin-of[rooms=2]:{room}",), (room,))
    (fit,) = make_plan(asked).fits
    assert fit.axes.candidates_deg == tuple(range(-90, 91, 5)), "not the directions of the talkers themselves"
    (record,) = Worker(Settings(tmp_path)).run(fit, lambda _fraction, _note: None)
    assert record.state == "ok", record.reason
    assert record.leaks is not None
    assert record.leaks.labelled.response_pct == 0
    table = pd.read_parquet(tmp_path / "cells" / record.key / "predictions.parquet")
    by_clip = table.groupby("clip")[["true_deg", "estimated_deg"]].median().to_numpy()
    assert len(by_clip) == {"locata": 5, "realman": 7}[kind]
    error_deg = np.abs(by_clip[:, 1] - by_clip[:, 0])
    assert error_deg.max() < 8
    assert error_deg.mean() < 3


def test_nothing_is_trained_where_every_talker_was_recorded_once(locata: Path) -> None:
    with pytest.raises(UserError, match="so nothing is trained here; train in twin-of: it"):
        make_plan(Request(("label-sweep",), ("srp_phat",), "talkers", "smoke", (), (0,), (f"locata:{locata}",)))


def late(audio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Microphone 9 two samples at 16 kHz after the others."""
    audio[:, 8] = np.roll(audio[:, 8], 6)
    return audio


def swapped(audio: NDArray[np.float64]) -> NDArray[np.float64]:
    return audio[:, [0, 1, 2, 3, 4, 8, 6, 7, 5, *range(9, 15)]]


def verified(room: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["data", "verify", room])
    return done.exit_code, done.output


def test_data_verify_has_nothing_against_them(locata: Path, realman: Path) -> None:
    code, said = verified(f"locata[name=lab]:{locata}")
    assert code == 0, said
    assert "locata:lab: nothing wrong in 5 recordings" in said
    assert "note: left out, talkers behind the pair" in said
    code, said = verified(f"realman[name=man]:{realman}")
    assert code == 0, said
    assert "realman:man: nothing wrong in 7 recordings" in said


@pytest.mark.parametrize(
    ("changed", "says"), [(late, "offset (all positions): channel 2 leads by -1"), (swapped, "swapped (all positions)")]
)
def test_data_verify_hears_what_is_wrong_with_microphones(
    tmp_path: Path, changed: Callable[..., NDArray[np.float64]], says: str
) -> None:
    code, said = verified(f"locata:{write_locata(tmp_path, only(0, 1, 2, 3, seconds=1.2), changed=changed)}")
    assert code == 1
    assert says in said


@pytest.mark.parametrize(
    ("angle_of", "says"),
    [
        (lambda azimuth: (180 - azimuth) % 360, "swapped (all positions)"),  # the half plane stays, the sides do not
        (lambda azimuth: 90 - abs(90 - azimuth), "front-back (all positions): the angles have lost their sign"),
    ],
    ids=["mirrored", "folded"],
)
def test_data_verify_hears_what_is_wrong_with_angles(tmp_path: Path, angle_of: Callable[[float], float], says: str) -> None:
    code, said = verified(f"realman:{write_realman(tmp_path, angle_of=angle_of)}")
    assert code == 1
    assert says in said


BRIEF = only(0, 1, seconds=1.0)


def damaged(name: str, change: Callable[[Path], object]) -> Callable[[Path], str]:
    """LOCATA with one of its files changed."""

    def make(folder: Path) -> str:
        write_locata(folder, BRIEF)
        change(folder / "dev/task1/recording2/dicit" / name)
        return f"locata:{folder}"

    return make


def replaced(old: str, new: str, count: int = -1) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text().replace(old, new, count))


def nowhere(table: Path) -> None:
    header, *rows = table.read_text().splitlines()
    lost = ["\t".join([*row.split("\t")[:6], *["nan"] * 15]) for row in rows]
    table.write_text("\n".join([header, *lost]))


def with_rate(rate_hz: int) -> Callable[[Path], object]:
    return lambda path: soundfile.write(path, soundfile.read(path)[0], rate_hz, subtype="FLOAT")


def locata_of(parameters: str = "", heard: tuple[Heard, ...] = BRIEF) -> Callable[[Path], str]:
    return lambda folder: f"locata{parameters}:{write_locata(folder, heard)}"


def realman_of(change: Callable[[Path], object], parameters: str = "") -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        write_realman(folder, {"Bus": (60.0, 120.0)})
        change(folder / "test")
        return f"realman{parameters}:{folder}"

    return make


TABLE = "test_static_source_location.csv"
FIRST = "ma_noisy_speech/Bus/static/0010/TEST_S_BUS_0010_0000_CH5.flac"
WAV = "audio_array_dicit.wav"
TALKER, ARRAY = "position_source_loudspeaker3.txt", "position_array_dicit.txt"
TIMES = "audio_array_timestamps_dicit.txt"
CASES: dict[str, tuple[Callable[[Path], str], str]] = {
    "locata: nothing there": (lambda folder: f"locata:{folder}", "no folder dev/task1/recording1/dicit or the like"),
    "locata: no such part": (locata_of("[part=eval]"), "no folder eval/task1/recording1/dicit"),
    "locata: no such microphone": (locata_of("[pair=6-16]"), "pair=6-16 does not name two of its 15 channels"),
    "locata: one above the other": (locata_of("[pair=1-8]"), "one microphone stands above the other"),
    "locata: all behind": (locata_of("", only(5)), "no talker before the pair is left"),
    "locata: moving talker": (locata_of("", only(0, 1, moves_m=0.4, seconds=1.0)), "the talker moves by 0.38 m"),
    "locata: audio missing": (damaged(WAV, Path.unlink), f"{WAV}: is not there"),
    "locata: array's table missing": (damaged(ARRAY, Path.unlink), f"{ARRAY}: is not there"),
    "locata: talker's table missing": (damaged(TALKER, Path.unlink), "0 files position_source_NAME.txt"),
    "locata: another header": (damaged(ARRAY, replaced("mic9_x", "microphone9_x")), "no column 'mic9_x'"),
    "locata: a header too short": (damaged(TALKER, replaced("year\t", "", 1)), "more values in a row than names"),
    "locata: words": (damaged(TALKER, replaced("\t1.2\t", "\tnear\t")), "could not convert string to float: 'near'"),
    "locata: never tracked": (damaged(TALKER, nowhere), "the talker is tracked nowhere"),
    "locata: no times": (damaged(TIMES, replaced("2017\t", "2017\t2\t")), "its ends are no rows of times"),
    "locata: an empty table": (damaged(TALKER, lambda path: path.write_text("")), "cannot be read as a table"),
    "locata: header alone": (damaged(TALKER, lambda p: p.write_text(p.read_text().split("\n")[0])), "has no rows"),
    "locata: another rate in the header": (
        damaged(WAV, with_rate(44_100)),
        "48000 samples at 44100 Hz, that audio_array_timestamps_dicit.txt says lasted 1.00 s",
    ),
    "locata: other channels": (
        damaged(WAV, lambda path: soundfile.write(path, soundfile.read(path)[0][:, :4], 48_000)),
        "4 channels; dicit has 15",
    ),
    "locata: speech of another length": (
        damaged("VAD_dicit_loudspeaker3.txt", lambda path: path.write_text("VAD\n" + "1\n" * 999)),
        "999 rows for 48000 samples",
    ),
    "locata: silence": (
        damaged("VAD_dicit_loudspeaker3.txt", replaced("1", "0")),
        "less than 0.5 s of speech in it; write [pauses=keep]",
    ),
    "locata: 8 kHz": (lambda folder: f"locata:{write_locata(folder, only(0), rate_hz=8000)}", "8000 Hz; recordings must be at"),
    "realman: nothing there": (lambda folder: f"realman:{folder}", f"holds 0 tables {TABLE}"),
    "realman: no such channel": (realman_of(lambda _: None, "[pair=5-32]"), "does not name two of the channels 0 to 31"),
    "realman: one above the other": (realman_of(lambda _: None, "[pair=28-31]"), "one microphone stands above the other"),
    "realman: no such scene": (realman_of(lambda _: None, "[scene=Tram]"), "in a scene Tram; there are such in: Bus"),
    "realman: another header": (realman_of(lambda part: replaced("angle(", "azimuth(")(part / TABLE)), "no column 'angle'"),
    "realman: a moving talker": (
        realman_of(lambda part: replaced("60.0,", '"60.0,61.0",')(part / TABLE)),
        "so its talker moves",
    ),
    "realman: no angle": (
        realman_of(lambda part: replaced("60.0,", "-1000,")(part / TABLE)),
        "angle is '-1000'; expected degrees",
    ),
    "realman: another path": (
        realman_of(lambda part: replaced("static/", "")(part / TABLE)),
        "expected one like test/ma_noisy",
    ),
    "realman: channel missing": (realman_of(lambda part: (part / FIRST).unlink()), "line 2: no file "),
    "realman: another rate": (
        realman_of(lambda part: soundfile.write(part / FIRST, np.ones(99_999), 44_100)),
        "is not as long",
    ),
}


@pytest.mark.parametrize(("make", "says"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_one_clear_line(tmp_path: Path, make: Callable[[Path], str], says: str) -> None:
    with pytest.raises(UserError) as caught:
        open_room(make(tmp_path))[1].digest("as recorded", "grid")
    message = str(caught.value)
    assert says in message
    assert str(tmp_path) in message
    assert "\n" not in message
