"""Twins of an array: rooms of every kind, talkers clear of the walls, delays of the directions that are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.benchmark.data.open import open_room
from doabench.benchmark.dataset import SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.datasets.rooms.twin_of import WALL_M, TwinOf
from support.measured_files import check_tdoas
from support.rooms import AnechoicRoom, SmallRoom


@pytest.fixture(scope="module")
def twin() -> TwinOf:
    return TwinOf(SmallRoom(), rooms=6)


def test_the_array_is_that_of_the_room_and_nothing_else_of_it() -> None:
    name, room = open_room("twin-of[rooms=2]:dtu-twin")
    assert name == "twin-of[rooms=2]:dtu-twin"
    assert (room.spacing_m, room.candidates_deg) == (0.085, tuple(range(-90, 91, 10)))
    assert len(room.positions("grid")) == 2 * 19
    assert not room.positions("off_range")
    assert not room.measured


@pytest.mark.parametrize(("text", "says"), [("twin-of", "write the room behind it"), ("twin-of:dtu-twn", "dtu-twin")])
def test_a_twin_of_nothing_is_one_line(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        open_room(text)


@pytest.mark.parametrize("range_m", [0.5, 1.5, 4.0])
def test_talkers_stand_clear_of_the_walls_of_rooms_that_differ(range_m: float) -> None:
    other = AnechoicRoom()
    other.positions = lambda kind: tuple(  # type: ignore
        type(p)(p.doa_deg, range_m) for p in AnechoicRoom().positions(kind)
    )
    places = TwinOf(other)._places
    assert len({place.size_m for place in places}) == 60
    ratios = [place.range_m / range_m for place in places]
    assert 0.7 <= min(ratios) < 0.8 < 1.4 < max(ratios) <= 1.5
    for place in places:
        assert place.size_m is not None
        radians = np.radians(np.arange(-90, 91, 10) - place.turned_deg)
        talkers = np.array(place.array_centre_m[:2]) + place.range_m * np.stack([np.sin(radians), np.cos(radians)], axis=1)
        assert (talkers > WALL_M - 1e-9).all()
        assert (talkers < np.array(place.size_m[:2]) - WALL_M + 1e-9).all()


def test_delays_are_those_of_the_directions_however_the_array_is_turned(twin: TwinOf) -> None:
    assert len({place.turned_deg for place in twin._places}) == 6
    for place in twin._places:
        one = TwinOf(SmallRoom(), rooms=1)
        one._places = (place,)
        check_tdoas(one)


def test_clips_to_select_on_are_heard_in_other_rooms_than_those_to_train_on(twin: TwinOf, talkers_draw: SpeechDraw) -> None:
    places = [
        {recording.position.place for recording in twin.recordings(talkers_draw, role, "simulated", "grid")}
        for role in ("train", "validation")
    ]
    assert [len(found) for found in places] == [2, 2]
    assert not places[0] & places[1]
    heard = list(twin.recordings(talkers_draw, "train", "simulated", "grid"))
    assert [(recording.clip, recording.position.doa_deg) for recording in heard] == [(0, -30), (0, 30), (1, -30), (1, 30)]


def test_what_defines_a_twin_is_in_its_digest(twin: TwinOf) -> None:
    found = {
        room.digest("simulated", "grid")
        for room in (twin, TwinOf(SmallRoom(), rooms=6), TwinOf(SmallRoom(), rooms=5), TwinOf(AnechoicRoom(), rooms=6))
    }
    assert len(found) == 3
