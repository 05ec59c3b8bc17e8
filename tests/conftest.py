"""What several test files share. Scenes are built once a session: nothing in a test may change them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.segments import draw_segments
from doabench.benchmark.data.streams import Stream, concatenate
from doabench.benchmark.dataset import PositionKind, SpeechDraw, SpeechRole
from doabench.datasets.speech.talkers import Talkers
from support.rooms import AnechoicRoom
from support.streams import StreamOf

torch.set_num_threads(1)  # as many test processes run as there are cores

MEASURED_ROOM = os.environ.pop("DOABENCH_ROOMS", "") or os.environ.get("DOABENCH_TESTED_ROOMS", "")
"""Taken out of the environment, where it would be the default of every `doabench run` that the tests make. Workers of one test
run find it under another name."""
os.environ["DOABENCH_TESTED_ROOMS"] = MEASURED_ROOM


@pytest.fixture(scope="session")
def real_speech() -> Path:
    """The folder in DOABENCH_SPEECH. Without it tests skip, or fail where DOABENCH_REQUIRE_DATA=1."""
    named = os.environ.get("DOABENCH_SPEECH", "")
    folder = Path(named.removeprefix("librispeech:"))
    if named and folder.is_dir():
        return folder
    reason = f"DOABENCH_SPEECH={named} is no folder" if named else "DOABENCH_SPEECH is not set: needs a folder of LibriSpeech"
    return _do_without(reason)


@pytest.fixture(scope="session")
def r3vival() -> Path:
    """The folder in DOABENCH_ROOMS=r3vival:PATH, on the terms of `real_speech`."""
    folder = Path(MEASURED_ROOM.removeprefix("r3vival:"))
    if MEASURED_ROOM.startswith("r3vival:") and folder.is_dir():
        return folder
    return _do_without(f"DOABENCH_ROOMS={MEASURED_ROOM} is not r3vival:FOLDER")


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("DOABENCH_REQUIRE_DATA") == "1":
        pytest.fail(f"{reason}, and DOABENCH_REQUIRE_DATA=1")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def talkers_draw() -> SpeechDraw:
    """Two synthetic talkers per role."""
    return draw_segments(Talkers(), "talkers", seed=0, speakers_per_role=2)


@pytest.fixture(scope="session")
def anechoic_setup() -> ArraySetup:
    room = AnechoicRoom()
    return ArraySetup(room.spacing_m, room.candidates_deg)


@pytest.fixture(scope="session")
def anechoic_stream(talkers_draw: SpeechDraw) -> StreamOf:
    """Makes the stream of a role and a kind of position in the free field, each once."""
    room = AnechoicRoom()
    made: dict[tuple[SpeechRole, PositionKind], Stream] = {}

    def stream(role: SpeechRole, kind: PositionKind = "grid") -> Stream:
        if (role, kind) not in made:
            made[role, kind] = concatenate(room.recordings(talkers_draw, role, "anechoic", kind))
        return made[role, kind]

    return stream


@pytest.fixture(scope="session")
def train(anechoic_stream: StreamOf) -> Stream:
    return anechoic_stream("train", "grid")


@pytest.fixture(scope="session")
def validation(anechoic_stream: StreamOf) -> Stream:
    return anechoic_stream("validation", "grid")
