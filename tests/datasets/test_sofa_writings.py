"""However a SOFA file says it, a scene is read as the same positions, spacing and responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from doabench.benchmark.data.open import notes_of, open_room
from doabench.benchmark.dataset import Position
from doabench.datasets.rooms.sofa import delayed
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measured_files import check_tdoas, free_field, response, responses_of, tdoa_samples
from support.rooms import RATE_HZ
from support.sofa_scenes import (
    ANGLES,
    DEGREE,
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


def test_units_of_what_is_at_the_origin_do_not_matter(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa")

    def change(file: netCDF4.Dataset) -> None:
        file["EmitterPosition"].setncatts({"Type": "spherical", "Units": "metre"})
        file["ListenerPosition"].Units = "degree"

    check_tdoas(responses_of(f"sofa:{edited(path, change)}"))


def test_a_file_of_any_name_is_read(tmp_path: Path) -> None:
    """The reader of the library wants names that end in .sofa."""
    check_tdoas(responses_of(f"sofa:{write_scene(tmp_path / 'room.SOFA')}"))
