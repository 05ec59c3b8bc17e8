"""SOFA files of every convention that is read come back with geometry, sign and samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sofar
from doabench.benchmark.data.open import open_room
from doabench.benchmark.dataset import Position
from support.measured_files import bare_sofa, check_tdoas, free_field, response, responses_of, run, tdoa_samples, write_sofa
from support.rooms import RATE_HZ


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
    check_tdoas(room)
    assert room.conditions[0].measured_rt60_s == pytest.approx(0.3, rel=0.1)
    swapped = responses_of(f"sofa[pair=2-1]:{path}")
    assert swapped.candidates_deg == tuple(sorted(-angle for angle in angles))
    check_tdoas(swapped)


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
    np.testing.assert_allclose(
        tdoa_samples(room.responses("as measured", "grid")), free_field((-90, 0, 90), 0.08) - 3, atol=0.06
    )


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
    check_tdoas(room)


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
    assert sweep["fit"]["dataset"] == f"sofa:{tmp_path.name}/attic"
    assert sweep["fit"]["measured"] is True
    assert sweep["fit"]["candidates_deg"] == list(range(-90, 91, 5))
    assert sweep["metrics"]["values"]["mae_deg"]["mean"] < 5
    assert between["fit"]["dataset"] == f"sofa:{tmp_path.name}/attic/half-grid"
    assert between["fit"]["candidates_deg"] == list(range(-90, 91, 10))
    assert between["metrics"]["floor_deg"] == pytest.approx(5)
    assert 5 <= between["metrics"]["values"]["mae_deg"]["mean"] < 9
