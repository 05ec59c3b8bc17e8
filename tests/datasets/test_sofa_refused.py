"""What stands in a SOFA file and is not known is refused in one line that names the field, with a remedy that helps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from doabench.benchmark.data.open import open_room
from doabench.benchmark.errors import UserError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measured_files import check_tdoas, responses_of
from support.sofa_scenes import (
    RESPONSES,
    Writing,
    edited,
    replace_variable,
    set_type,
    set_units,
    set_values,
    write_scene,
)


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
    "no names": (
        lambda file: (file.renameDimension("R", "phony_dim_1"), file.renameDimension("M", "phony_dim_0")),
        "Data.IR has the dimensions PHONY_DIM_0=7, PHONY_DIM_1=2, N=960, not M, R, E, N",
    ),
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
    path = tmp_path_factory.mktemp("odd") / "room.sofa"
    convention, version = ("GeneralFIR-E", "2.0") if told_by == "emitters" else ("SingleRoomSRIR", "1.0")
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
    subprocess.run([sys.executable, "-c", code], check=True)
    check_tdoas(responses_of(f"sofa:{path}"))


def test_a_file_that_is_damaged_inside(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "room.sofa", compressed=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"room.sofa: Data.IR cannot be read .* copy or download the file again"):
        open_room(f"sofa:{path}")
