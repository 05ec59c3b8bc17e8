"""`doabench data verify`: every planted fault is found and named, and clean rooms are left in peace."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from click.testing import CliRunner
from doabench.benchmark.acoustics import tdoa_s
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_room
from doabench.datasets.verify.measure import Measurements
from doabench.datasets.verify.report import verify_room
from doabench.datasets.verify.responses import Finding, verify
from numpy.typing import NDArray
from support.measured_files import response, responses_of, write_folder, write_recordings, write_wav
from support.rooms import AnechoicRoom, plane_wave


@dataclass(frozen=True)
class Measured:
    """What `verify` takes, of one condition."""

    responses: NDArray[np.float32]
    doa_deg: NDArray[np.float64]
    range_m: NDArray[np.float64]
    spacing_m: float
    rt60_s: float | None

    def verified(self) -> tuple[list[Finding], Measurements]:
        return verify(self.responses, self.doa_deg, self.range_m, self.spacing_m, self.rt60_s)

    def kinds(self) -> set[str]:
        return {finding.kind for finding in self.verified()[0]}

    def heard(self, change: Callable[[NDArray[np.float32]], object]) -> Measured:
        """With a copy of the responses that ``change`` has worked on."""
        responses = self.responses.copy()
        changed = change(responses)
        return replace(self, responses=responses if changed is None else np.asarray(changed, np.float32))


@pytest.fixture(scope="module")
def clean() -> Measured:
    """The grid of dtu-twin: 19 directions at 1.5 m."""
    return conditions("dtu-twin")[0]


def conditions(room_text: str) -> list[Measured]:
    room = responses_of(room_text)
    grid = room.positions("grid")
    angles, ranges = np.array([p.doa_deg for p in grid]), np.array([p.range_m for p in grid])
    return [
        Measured(room.responses(condition.name, "grid"), angles, ranges, room.spacing_m, condition.rt60_s)
        for condition in room.conditions
    ]


AT = 14
"""The position that gets a fault of its own: +50 degrees."""

Plant = Callable[[Measured], Measured]


def put(where: object, value: float) -> Plant:
    def change(responses: NDArray[np.float32]) -> None:
        responses[where] = value  # type: ignore

    return lambda room: room.heard(change)


def scaled(channel: int, by: float) -> Plant:
    def change(responses: NDArray[np.float32]) -> None:
        responses[:, channel] *= by

    return lambda room: room.heard(change)


def swapped(at: int | slice) -> Plant:
    def change(responses: NDArray[np.float32]) -> None:
        responses[at] = responses[at][..., ::-1, :].copy()

    return lambda room: room.heard(change)


def at_rate(up: int, down: int) -> Plant:
    """Recorded at ``up / down`` times the rate that the header states."""
    return lambda room: room.heard(lambda responses: scipy.signal.resample_poly(responses.astype(float), up, down, axis=-1))


def relabelled(new: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Plant:
    return lambda room: replace(room, doa_deg=new(room.doa_deg))


def shifted(by: int, channel: int = 1) -> Plant:
    def change(responses: NDArray[np.float32]) -> None:
        responses[:, channel] = np.roll(responses[:, channel], by, axis=-1)

    return lambda room: room.heard(change)


def mislabelled(doa_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.arange(len(doa_deg)) == AT, 10.0, doa_deg)


def clipped(responses: NDArray[np.float32]) -> None:
    limit = 0.25 * np.abs(responses[AT]).max()
    responses[AT] = np.clip(responses[AT], -limit, limit)


def constant(responses: NDArray[np.float32]) -> None:
    responses[AT, 0] += 0.002


def copied_channel(responses: NDArray[np.float32]) -> None:
    responses[AT, 1] = responses[AT, 0]


def copied_position(responses: NDArray[np.float32]) -> None:
    responses[AT] = responses[AT - 1]


def no_direct_sound(responses: NDArray[np.float32]) -> None:
    first = int(np.abs(responses[AT, 0]).argmax())
    responses[AT, :, : first + 40] = 0


def upside_down(responses: NDArray[np.float32]) -> None:
    responses[AT, 1] *= -1


def cut_late(responses: NDArray[np.float32]) -> NDArray[np.float32]:
    return responses[..., 110:]


ALL = tuple(range(19))
FAULTS: dict[str, tuple[Plant, str, tuple[int, ...]]] = {
    "channels swapped": (swapped(slice(None)), "swapped", ALL),
    "angles mirrored": (relabelled(np.negative), "swapped", ALL),
    "channels of one position swapped": (swapped(AT), "position-swapped", (AT,)),
    "spacing too small": (lambda room: replace(room, spacing_m=0.065), "spacing", ALL),
    "spacing too large": (lambda room: replace(room, spacing_m=0.17), "spacing", ALL),
    "48 kHz taken for 16": (at_rate(3, 1), "sample-rate", ALL),
    "32 kHz taken for 16": (at_rate(2, 1), "sample-rate", ALL),
    "8 kHz taken for 16": (at_rate(1, 2), "sample-rate", ALL),
    "one sample of offset": (shifted(1), "offset", ALL),
    "one sample of offset, other channel": (shifted(-1), "offset", ALL),
    "radians": (relabelled(np.radians), "radians", ALL),
    "angles from the axis": (relabelled(lambda doa_deg: 90 - doa_deg), "from-axis", ALL),
    "one position mislabelled": (relabelled(mislabelled), "position", (AT,)),
    "sides folded": (relabelled(np.abs), "front-back", ALL),
    "angles behind the pair": (relabelled(lambda a: np.where(a > 30, 180 - a, a)), "front-back", (13, 14, 15, 16, 17)),
    "angles shuffled": (relabelled(lambda a: np.random.default_rng(0).permutation(a)), "delays", ()),
    "clipped": (lambda room: room.heard(clipped), "clipped", (AT,)),
    "silent channel": (put((AT, 1), 0.0), "silent", (AT,)),
    "silent channel everywhere": (scaled(1, 0.01), "silent", ALL),
    "constant": (lambda room: room.heard(constant), "dc", (AT,)),
    "one channel twice": (lambda room: room.heard(copied_channel), "identical", (AT,)),
    "not a number": (put((AT, 0, 500), np.nan), "non-finite", (AT,)),
    "infinite": (put((AT, 1, 9), np.inf), "non-finite", (AT,)),
    "RT60 label": (lambda room: replace(room, rt60_s=0.75), "rt60", ALL),
    "polarity": (scaled(1, -1), "polarity", ALL),
    "polarity of one position": (lambda room: room.heard(upside_down), "polarity", (AT,)),
    "gain": (scaled(0, 2), "gain", ALL),
    "direct sound missing": (lambda room: room.heard(no_direct_sound), "no-direct-sound", (AT,)),
    "onset cut": (lambda room: room.heard(cut_late), "cut-onset", ALL),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found_where_it_is_and_nothing_else(fault: str, clean: Measured) -> None:
    plant, kind, positions = FAULTS[fault]
    findings, _ = plant(clean).verified()
    assert [finding.kind for finding in findings] == [kind], findings
    assert findings[0].positions == positions or not positions
    assert findings[0].found
    assert findings[0].todo


def test_copied_response_is_found_and_its_delay_with_it(clean: Measured) -> None:
    findings, _ = clean.heard(copied_position).verified()
    assert ("duplicate", (AT - 1, AT)) in [(finding.kind, finding.positions) for finding in findings]
    assert {finding.kind for finding in findings} <= {"duplicate", "position"}


def test_two_faults_are_both_named(clean: Measured) -> None:
    both = FAULTS["channels swapped"][0](FAULTS["one sample of offset"][0](clean))
    assert both.kinds() == {"swapped", "offset"}
    assert FAULTS["spacing too small"][0](FAULTS["RT60 label"][0](clean)).kinds() == {"spacing", "rt60"}


def test_fitted_spacing_and_rate_are_told(clean: Measured) -> None:
    assert "fit 8.5 cm" in FAULTS["spacing too small"][0](clean).verified()[0][0].found
    assert "2.00 times the rate" in at_rate(2, 1)(clean).verified()[0][0].todo
    without_label = replace(at_rate(2, 1)(clean), rt60_s=None)
    assert without_label.kinds() == {"spacing"}


def test_mislabelled_position_is_told_its_direction(clean: Measured) -> None:
    (finding,), _ = relabelled(mislabelled)(clean).verified()
    assert "50 degrees" in finding.found


@pytest.mark.parametrize("name", ["dtu-twin", "mir-twin"])
def test_clean_twins_have_no_faults(name: str) -> None:
    for room in conditions(name):
        findings, measured = room.verified()
        assert not findings
        assert measured.scale == pytest.approx(1, abs=0.01)
        np.testing.assert_allclose(measured.tdoa_s, tdoa_s(room.doa_deg, room.spacing_m), atol=5e-6)


@pytest.mark.parametrize("pair", ["4-3", "2-1", "1-3"])
def test_measured_room_has_no_faults(pair: str, r3vival: Path) -> None:
    _, room = open_room(f"r3vival[pair={pair}]:{r3vival}")
    reports = verify_room(room)
    assert [report.findings for report in reports] == [[]] * 8
    assert min(len(report.positions) for report in reports) > len(room.positions("grid"))


def test_faults_planted_into_the_measured_room_are_found(r3vival: Path) -> None:
    room = conditions(f"r3vival:{r3vival}")[0]
    assert swapped(slice(None))(room).kinds() == {"swapped"}
    assert swapped(5)(room).kinds() == {"position-swapped"}
    assert shifted(1)(room).kinds() == {"offset"}
    assert at_rate(3, 1)(room).kinds() == {"sample-rate"}
    assert replace(room, spacing_m=0.0936).kinds() == {"spacing"}
    assert relabelled(np.abs)(room).kinds() == {"front-back"}
    assert scaled(1, -1)(room).kinds() == {"polarity"}


@pytest.mark.parametrize("kept_s", [0.1, 0.2, 0.4])
def test_short_responses_are_no_fault(kept_s: float) -> None:
    for room in conditions("mir-twin"):
        assert not room.heard(lambda responses: responses[..., : round(kept_s * 16_000)]).verified()[0]


@pytest.mark.parametrize("noise_db", [-70, -60, -50, -40])
@pytest.mark.parametrize("name", ["dtu-twin", "mir-twin"])
def test_noise_of_a_measurement_is_no_fault(noise_db: float, name: str) -> None:
    rng = np.random.default_rng(0)
    for room in conditions(name):
        noise = rng.standard_normal(room.responses.shape) * np.abs(room.responses).max() * 10 ** (noise_db / 20)
        findings, measured = room.heard(lambda responses, noise=noise: responses + noise).verified()
        assert not findings
        if noise_db <= -60:
            assert np.nanmedian(measured.rt60_s) == pytest.approx(room.rt60_s, rel=0.15)


def test_free_field_without_reverberation_has_no_faults() -> None:
    room = AnechoicRoom()
    angles = np.array([position.doa_deg for position in room.positions("grid")])
    findings, measured = verify(room.responses("anechoic", "grid"), angles, np.full(19, 1.5), room.spacing_m, 0.0)
    assert not findings
    np.testing.assert_allclose(measured.tdoa_s, tdoa_s(angles, room.spacing_m), atol=2e-6)


def test_one_sample_of_offset_shows_in_a_wide_pair() -> None:
    angles = np.arange(-90.0, 91, 15)
    heard = np.array([plane_wave(doa_deg, 0.3) for doa_deg in angles], np.float32)
    room = Measured(heard, angles, np.full(len(angles), 2.0), 0.3, None)
    assert not room.verified()[0]
    assert shifted(1)(room).kinds() == {"offset"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda responses: responses * 0, "silent"),
        (lambda responses: responses * np.nan, "non-finite"),
        (lambda responses: responses[..., :0], "silent"),
        (lambda responses: responses[:, [0, 0]], "identical"),
        (lambda responses: responses * 0 + 1, "identical"),
        (lambda responses: np.repeat(responses[:1], len(responses), axis=0), "duplicate"),
        (lambda responses: np.random.default_rng(0).standard_normal(responses.shape), "delays"),
    ],
)
def test_responses_that_are_wrong_throughout(
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]], kind: str, clean: Measured
) -> None:
    findings, _ = clean.heard(change).verified()
    assert kind in {finding.kind for finding in findings}
    assert "spacing" not in {finding.kind for finding in findings}
    assert len(findings) < 6


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_few_positions_are_no_fault(kept: int, clean: Measured) -> None:
    few = replace(
        clean, responses=clean.responses[5 : 5 + kept], doa_deg=clean.doa_deg[5 : 5 + kept], range_m=clean.range_m[5 : 5 + kept]
    )
    assert not few.verified()[0]


@pytest.mark.parametrize("name", ["dtu-twin", "mir-twin"])
def test_command_finds_twins_in_order(name: str) -> None:
    done = CliRunner().invoke(main, ["data", "verify", name])
    assert (done.exit_code, done.exception is None or isinstance(done.exception, SystemExit)) == (0, True), done.output
    assert "nothing wrong" in done.output


def test_command_tells_faults_of_files_and_exits_with_1(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    for rt60_s in (0.3, 0.2):  # as written, this one is a copy of that at 1 m
        write_wav(folder / f"rt{rt60_s}_0_2m.wav", response(0.1, (-0.04, 0.04), rt60_s=rt60_s))
    assert CliRunner().invoke(main, ["data", "verify", f"folder:{folder}"]).exit_code == 0
    table = folder / "responses.csv"
    table.write_text(table.read_text().replace("0.08", "0.12"))
    done = CliRunner().invoke(main, ["data", "verify", f"folder:{folder}"])
    assert done.exit_code == 1
    assert "spacing (all positions): delays are 0.67 times what 12 cm give: they fit 8" in done.output
    report = json.loads(CliRunner().invoke(main, ["data", "verify", "--json", f"folder:{folder}"]).output)
    assert [condition["name"] for condition in report["conditions"]] == ["0.3", "0.2"]
    assert [finding["kind"] for finding in report["conditions"][0]["findings"]] == ["spacing"]
    assert len(report["conditions"][0]["positions"]) == 4
    assert report["conditions"][0]["positions"][0]["tdoa_s"] == pytest.approx(float(tdoa_s(-40, 0.08)), abs=2e-6)


@pytest.mark.parametrize("room", ["recordings:{}/half-grid", "folder:{}/nowhere", "dtu-twin/half-grid"])
def test_what_has_no_responses_is_one_line_and_exit_2(room: str, tmp_path: Path) -> None:
    folder = write_recordings(tmp_path / "talk")
    done = CliRunner().invoke(main, ["data", "verify", room.format(folder)])
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert done.output.startswith("doabench: ")
