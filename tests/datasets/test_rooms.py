"""The twin rooms: geometry, reverberation and sign as they should be; responses that are simulated once; sensor noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from doabench.benchmark.acoustics import ArraySetup, free_space_phase
from doabench.benchmark.data.streams import concatenate
from doabench.benchmark.dataset import Position, PositionKind, Recording, SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.datasets._convolution import ImpulseResponseRoom, add_sensor_noise, arc
from doabench.datasets._shoebox import ShoeboxRoom
from doabench.datasets.rooms.dtu_twin import DtuTwin
from doabench.datasets.rooms.mir_twin import MirTwin
from numpy.typing import NDArray
from support.rooms import RATE_HZ, SOUND_M_PER_S, AnechoicRoom, SmallRoom

TWINS: dict[str, type[ShoeboxRoom]] = {"dtu-twin": DtuTwin, "mir-twin": MirTwin}
OFF_RANGE = [(0, 1), (10, 2), (40, 2), (-30, 2.5), (-40, 2.5), (-30, 3)]
PLACES: dict[str, dict[PositionKind, list[tuple[float, float]]]] = {
    "dtu-twin": {
        "grid": [(angle, 1.5) for angle in range(-90, 91, 10)],
        "off_grid": [(25, 1.5), (28, 1.5), (45, 1.5)],
        "off_range": OFF_RANGE,
        "unseen": [(angle, range_m) for range_m in (1.0, 2.2, 2.8, *[1.5] * 10) for angle in range(-90, 91, 10)],
    },
    "mir-twin": {"grid": [(angle, 2.0) for angle in range(-90, 91, 15)], "off_grid": [], "off_range": [], "unseen": []},
}
KINDS: list[tuple[str, PositionKind]] = [(name, kind) for name, kinds in PLACES.items() for kind in kinds if kinds[kind]]


@pytest.fixture(scope="module")
def twins() -> dict[str, ShoeboxRoom]:
    return {name: twin() for name, twin in TWINS.items()}


def direct_arrival(response: NDArray[np.float32], position: Position, finer: int = 256) -> NDArray[np.float64]:
    """When the direct sound peaks at each microphone, in samples; reflections come later than what is looked at."""
    early = response[:, : int(position.range_m / SOUND_M_PER_S * RATE_HZ) + 60].astype(np.float64)
    upsampled = np.asarray(scipy.signal.resample(early, finer * early.shape[1], axis=1))
    return np.abs(upsampled).argmax(axis=1) / finer


def tdoa_samples(room: ImpulseResponseRoom, kind: PositionKind) -> NDArray[np.float64]:
    """How many samples earlier the direct sound reaches microphone 2, for every position."""
    responses = room.responses(room.conditions[0].name, kind)
    arrivals = [direct_arrival(pair, position) for pair, position in zip(responses, room.positions(kind), strict=True)]
    return np.array([first - second for first, second in arrivals])


def free_field_tdoa_samples(room: ImpulseResponseRoom, kind: PositionKind) -> NDArray[np.float64]:
    angles = np.radians([position.doa_deg for position in room.positions(kind)])
    return room.spacing_m * np.sin(angles) / SOUND_M_PER_S * RATE_HZ


def decay_s(response: NDArray[np.float32]) -> float:
    """RT60 by a straight line through Schroeder's backward integral between -5 and -35 dB."""
    energy = np.cumsum(response.astype(np.float64)[::-1] ** 2)[::-1]
    level_db = 10 * np.log10(energy[energy > 0] / energy[0])
    span = np.arange(np.argmax(level_db < -5), np.argmax(level_db < -35))
    return float(-60 / np.polyfit(span / RATE_HZ, level_db[span], 1)[0])


@pytest.mark.parametrize("name", TWINS)
def test_positions_are_the_papers(twins: dict[str, ShoeboxRoom], name: str) -> None:
    for kind, places in PLACES[name].items():
        assert [(position.doa_deg, position.range_m) for position in twins[name].positions(kind)] == places


def test_arrays_and_conditions_are_the_papers(twins: dict[str, ShoeboxRoom]) -> None:
    dtu, mir = twins["dtu-twin"], twins["mir-twin"]
    assert (dtu.spacing_m, dtu.size_m) == (0.085, (9, 6, 3))
    assert (mir.spacing_m, mir.size_m) == (0.08, (6, 6, 2.4))
    assert dtu.candidates_deg == tuple(range(-90, 91, 10))
    assert mir.candidates_deg == tuple(range(-90, 91, 15))
    assert [condition.rt60_s for condition in dtu.conditions] == [0.5]
    assert [condition.rt60_s for condition in mir.conditions] == [0.61, 0.36, 0.16]
    assert dtu.transfer is None
    assert mir.transfer is not None
    assert mir.condition(mir.transfer).rt60_s == 0.36


@pytest.mark.parametrize("name", TWINS)
def test_reverberation_is_what_was_asked_for(twins: dict[str, ShoeboxRoom], name: str) -> None:
    assert len(twins[name].conditions) == {"dtu-twin": 1, "mir-twin": 3}[name]
    for condition in twins[name].conditions:
        assert condition.measured_rt60_s == pytest.approx(condition.rt60_s, abs=0.005)
        # the same, measured another way
        own = np.mean([decay_s(pair[0]) for pair in twins[name].responses(condition.name, "grid")])
        assert own == pytest.approx(condition.rt60_s, rel=0.03)


def test_unseen_places_are_thirteen_and_reverberate_as_their_names_say(twins: dict[str, ShoeboxRoom]) -> None:
    dtu = twins["dtu-twin"]
    responses, found = dtu.responses("rt60=0.5", "unseen"), dict[str, list[float]]()
    for position, pair in zip(dtu.positions("unseen"), responses, strict=True):
        found.setdefault(position.place, []).append(decay_s(pair[0]))
    assert len(found) == 13
    assert {len(decays) for decays in found.values()} == {19}
    for place, decays in found.items():
        expected_s = float(place.split("RT60 ")[1].removesuffix(" s")) if "RT60" in place else 0.5
        assert np.mean(decays) == pytest.approx(expected_s, rel=0.04), place


def test_no_response_of_an_unseen_place_is_one_of_the_grid(twins: dict[str, ShoeboxRoom]) -> None:
    """The tails of any two are no more alike than noise."""
    tails = [twins["dtu-twin"].responses("rt60=0.5", kind)[:, 0, 1000:6000].astype(np.float64) for kind in ("grid", "unseen")]
    grid, unseen = (tail / np.linalg.norm(tail, axis=1, keepdims=True) for tail in tails)
    assert np.abs(unseen @ grid.T).max() < 0.5


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_direct_sound_leads_by_the_free_field_delay(twins: dict[str, ShoeboxRoom], name: str, kind: PositionKind) -> None:
    lead = tdoa_samples(twins[name], kind)
    np.testing.assert_allclose(lead, free_field_tdoa_samples(twins[name], kind), atol=0.5)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kind in KINDS if name == "dtu-twin"])
def test_direct_sound_comes_from_the_angle_that_it_is_scored_against(
    twins: dict[str, ShoeboxRoom], name: str, kind: PositionKind
) -> None:
    lead = tdoa_samples(twins[name], kind)
    np.testing.assert_allclose(lead, free_field_tdoa_samples(twins[name], kind), atol=0.03)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_from_a_positive_angle_microphone_2_hears_first(twins: dict[str, ShoeboxRoom], name: str, kind: PositionKind) -> None:
    angles = np.array([position.doa_deg for position in twins[name].positions(kind)])
    lead = tdoa_samples(twins[name], kind)
    assert (lead[angles > 0] > 0).all()
    assert (lead[angles < 0] < 0).all()


def test_a_farther_talker_is_heard_later(twins: dict[str, ShoeboxRoom]) -> None:
    dtu = twins["dtu-twin"]
    positions = dtu.positions("off_range")
    arrivals = [
        direct_arrival(pair, position).mean()
        for pair, position in zip(dtu.responses("rt60=0.5", "off_range"), positions, strict=True)
    ]
    expected = np.array([position.range_m for position in positions]) / SOUND_M_PER_S * RATE_HZ
    np.testing.assert_allclose(arrivals - arrivals[0], expected - expected[0], atol=5)  # 5 samples are 11 cm


def test_the_free_field_of_the_tests_has_the_free_field_phase(talkers_draw: SpeechDraw) -> None:
    room = AnechoicRoom()
    np.testing.assert_allclose(tdoa_samples(room, "grid"), free_field_tdoa_samples(room, "grid"), atol=0.02)
    setup = ArraySetup(room.spacing_m, room.candidates_deg)
    expected = free_space_phase(room.candidates_deg, setup.frequency_hz, room.spacing_m)
    first, second = np.fft.rfft(room.responses("anechoic", "grid").astype(np.float64), 256).transpose(1, 0, 2)
    off = np.angle(second * first.conj() * np.exp(-1j * expected))
    assert np.abs(off[:, :120]).max() < 0.005
    # and so has what is recorded in it, but for noise and what the frames' edges cut off
    stream = concatenate(room.recordings(talkers_draw, "train", "anechoic", "grid"))
    frames = stream.store.frames.astype(np.complex128)
    place = stream.position[stream.recording_of(np.arange(len(frames)))]
    cross = np.array([(frames[place == p, 1] * frames[place == p, 0].conj()).sum(axis=0) for p in range(19)])
    off = np.angle(cross * np.exp(-1j * expected))
    assert np.abs(off[:, 3:40]).max() < 0.1


def refuse(*arguments: object) -> NDArray[np.float32]:
    raise AssertionError(f"simulated again: {arguments}")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOABENCH_CACHE", str(tmp_path))
    return tmp_path


def test_responses_are_simulated_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SmallRoom()
    responses = made.responses("rt60=0.2", "grid")
    assert responses.shape == (2, 2, RATE_HZ)
    assert len(list(cache.rglob("*.safetensors"))) == 2  # absorption, responses
    assert [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".safetensors"] == []
    monkeypatch.setattr(SmallRoom, "_simulate", refuse)
    read = SmallRoom()
    assert read.conditions == made.conditions
    np.testing.assert_array_equal(read.responses("rt60=0.2", "grid"), responses)


@pytest.mark.usefixtures("cache")
def test_simulation_repeats_itself_bit_for_bit() -> None:
    room = SmallRoom()
    stored = room.responses("rt60=0.2", "grid")
    np.random.default_rng(0).random(10)
    np.testing.assert_array_equal(
        room._simulate(room._calibrated(0.2)[0], room._shown(), room.positions("grid"), "grid"), stored
    )


CHANGES: dict[str, dict[str, object]] = {
    "size": {"size_m": (3.0, 2.6, 2.2)},
    "centre": {"array_centre_m": (1.5, 0.8, 1.1)},
    "spacing": {"spacing_m": 0.08},
    "directivity": {"directivity": 0.4},
    "rt60": {"rt60_s": (0.21,)},
    "places": {"places": {"grid": arc((-30, 35), 1.0)}},
}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_room_does_not_read_this_ones_responses(change: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    SmallRoom()
    other = type("Other", (SmallRoom,), change)
    monkeypatch.setattr(SmallRoom, "_simulate", refuse)
    with pytest.raises(AssertionError, match="simulated again"):
        other()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("what", ["absorption", "grid"])
def test_a_truncated_cache_file_is_made_again(cache: Path, what: str, share: float) -> None:
    responses = SmallRoom().responses("rt60=0.2", "grid")
    file = next(cache.rglob(f"*-{what}-*"))
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    np.testing.assert_array_equal(SmallRoom().responses("rt60=0.2", "grid"), responses)
    assert file.read_bytes() == content


@pytest.mark.usefixtures("cache")
def test_an_rt60_that_no_absorption_gives_is_an_error() -> None:
    with pytest.raises(UserError, match=r"^small: no absorption gives RT60 9 s .* change its RT60$"):
        type("Hall", (SmallRoom,), {"rt60_s": (9.0,), "places": {"grid": arc((0,), 1.0)}})()


@pytest.fixture(scope="module")
def recorded(twins: dict[str, ShoeboxRoom], talkers_draw: SpeechDraw) -> list[Recording]:
    return list(twins["dtu-twin"].recordings(talkers_draw, "validation", "rt60=0.5", "off_grid"))


def test_recordings_come_clip_by_clip_and_position_by_position(recorded: list[Recording], talkers_draw: SpeechDraw) -> None:
    segments = talkers_draw.segments["validation"]
    assert [(r.clip, r.speaker, r.position.doa_deg) for r in recorded] == [
        (segment.clip, segment.speaker, angle) for segment in segments for angle in (25, 28, 45)
    ]
    assert [r.waveform.shape for r in recorded] == [(len(s.samples) - 500, 2) for s in segments for _ in range(3)]
    assert {r.waveform.dtype for r in recorded} == {np.dtype(np.float32)}


def sensor_noise(
    room: ShoeboxRoom, recorded: list[Recording], draw: SpeechDraw
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Per recording: what the microphones would have heard without noise ``[samples, 2]``, and the noise after its start."""
    responses = room.responses("rt60=0.5", "off_grid")
    clean = [
        np.stack(
            [scipy.signal.fftconvolve(segment.samples, h)[: len(segment.samples)] for h in pair.astype(np.float64)], axis=1
        )
        for segment in draw.segments["validation"]
        for pair in responses
    ]
    return [(wet, recording.waveform.astype(np.float64) - wet[500:]) for wet, recording in zip(clean, recorded, strict=True)]


def test_sensor_noise_is_white_20_db_down_and_independent(
    twins: dict[str, ShoeboxRoom], recorded: list[Recording], talkers_draw: SpeechDraw
) -> None:
    noises = sensor_noise(twins["dtu-twin"], recorded, talkers_draw)
    for clean, noise in noises:
        snr_db = 10 * np.log10(np.mean(clean**2, axis=0) / np.mean(noise**2, axis=0))
        np.testing.assert_allclose(snr_db, 20, atol=0.15)
        assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.03
        for lag in (1, 2, 16):
            assert abs(np.corrcoef(noise[lag:, 0], noise[:-lag, 0])[0, 1]) < 0.03
        octaves = np.abs(np.fft.rfft(noise[:, 1])) ** 2
        bands = [part.mean() for part in np.array_split(octaves, 8)]
        assert max(bands) / min(bands) < 1.2
    shortest = min(len(noise) for _, noise in noises)
    correlation = np.corrcoef([noise[:shortest, 0] for _, noise in noises]) - np.eye(len(noises))
    assert np.abs(correlation).max() < 0.03


def test_each_microphone_has_noise_of_its_own_level() -> None:
    clean = np.random.default_rng(0).standard_normal((50_000, 2), dtype=np.float32) * np.array([1.0, 0.01], np.float32)
    noise = add_sensor_noise(clean, np.random.default_rng(1)) - clean
    np.testing.assert_allclose(noise.std(axis=0), [0.1, 0.001], rtol=0.02)


def test_recordings_repeat_themselves_bit_for_bit(
    recorded: list[Recording], talkers_draw: SpeechDraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DtuTwin, "_simulate", refuse)  # the responses are in the cache by now
    again = list(DtuTwin().recordings(talkers_draw, "validation", "rt60=0.5", "off_grid"))
    assert len(again) == 2 * 3  # talkers, places
    for one, other in zip(recorded, again, strict=True):
        np.testing.assert_array_equal(one.waveform, other.waveform)


def test_digests_tell_rooms_conditions_and_positions_apart(twins: dict[str, ShoeboxRoom]) -> None:
    dtu, mir = twins["dtu-twin"], twins["mir-twin"]
    digests = [dtu.digest("rt60=0.5", kind) for kind in ("grid", "off_grid", "off_range")]
    digests += [mir.digest(condition.name, "grid") for condition in mir.conditions]
    assert len(set(digests)) == len(digests)
    assert DtuTwin().digest("rt60=0.5", "off_grid") == digests[1]
