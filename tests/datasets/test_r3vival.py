"""R3VIVAL as it is published: pairs, settings, originals and copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from doabench.benchmark.data.open import open_room
from doabench.benchmark.dataset import PositionKind
from doabench.datasets._measured import MeasuredRoom
from support.measured_files import check_tdoas, free_field, response, responses_of, run, tdoa_samples, write_wav


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
    check_tdoas(room, tolerance=0.45)  # 9 degrees at +-90, where the microphones' own figure bends the sound
    np.testing.assert_allclose(
        tdoa_samples(room.responses("100", "grid"))[1:-1], free_field((-60, -30, 0, 30, 60), 0.0671), atol=0.2
    )


@pytest.mark.parametrize(("pair", "spacing_m"), [("3-4", 0.0671), ("5-6", 0.0638), ("1-2", 0.0936), ("2-1", 0.0936)])
def test_r3vival_takes_other_pairs(r3vival: Path, pair: str, spacing_m: float) -> None:
    room = responses_of(f"r3vival[pair={pair},train=100,transfer=000]:{r3vival}")
    assert room.candidates_deg == tuple(range(-90, 91, 30))
    assert room.spacing_m == pytest.approx(spacing_m, abs=5e-4)
    assert (room.conditions[0].name, room.transfer) == ("100", "000")
    check_tdoas(room, tolerance=0.6)


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
    assert max(record["metrics"]["values"]["mae_deg"]["mean"] for record in records) < 20  # 45 by chance


def test_unseen_are_other_ranges_and_other_settings(r3vival: Path) -> None:
    room = open_room(f"r3vival:{r3vival}")[1]
    assert isinstance(room, MeasuredRoom)
    train, transfer = room.conditions[0].name, room.conditions[1].name
    positions, responses = room.positions("unseen"), room.responses(train, "unseen")
    places = dict.fromkeys(position.place for position in positions)
    assert "range: 1.5 m" not in places
    assert {"range: 2 m", "range: 3 m", f"condition {transfer}: 1.5 m"} <= set(places)
    assert {position.doa_deg for position in positions} == set(room.candidates_deg)
    kinds: list[tuple[PositionKind, str, str, float]] = [
        ("off_range", train, "range: 2 m", 2.0),
        ("grid", transfer, f"condition {transfer}: 1.5 m", 1.5),
    ]
    for kind, condition, place, range_m in kinds:
        found = {p.doa_deg: h for p, h in zip(positions, responses, strict=True) if p.place == place}
        for position, pair in zip(room.positions(kind), room.responses(condition, kind), strict=True):
            if position.range_m == range_m:
                np.testing.assert_array_equal(found[position.doa_deg][:, : pair.shape[1]], pair)
