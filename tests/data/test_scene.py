"""Scenes: one draw of speech in one room, made once as long as they are kept, with a hash of all that defines their streams."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from doabench.benchmark.data.scene import Scene, Scenes, SceneSpec
from doabench.benchmark.data.segments import draw_segments
from doabench.benchmark.data.streams import SEQUENCE_SAMPLES, concatenate, excerpts
from doabench.benchmark.dataset import Position, Recording, SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.benchmark.protocol import Subset
from doabench.datasets.rooms.dtu_twin import DtuTwin
from doabench.datasets.speech.talkers import Talkers
from hypothesis import given
from hypothesis import strategies as st
from support.rooms import AnechoicRoom

SPEC = SceneSpec("dtu-twin", "talkers", 0, 1)
SUBSETS = [
    Subset(speech="train"),
    Subset(speech="validation"),
    Subset(speech="scored"),
    Subset(speech="validation", positions="off_grid"),
    Subset(speech="validation", positions="off_range"),
]


@pytest.fixture(scope="module")
def anechoic(talkers_draw: SpeechDraw) -> Scene:
    return Scene("anechoic", AnechoicRoom(), talkers_draw)


def test_the_latest_scenes_are_kept() -> None:
    scenes = Scenes(most=2)
    first, second, third = (replace(SPEC, seed=seed) for seed in range(3))
    made = {spec: scenes.get(spec) for spec in (first, second)}
    assert scenes.get(first) is made[first]
    assert scenes.get(second) is made[second]
    latest = scenes.get(third)
    assert scenes.get(second) is made[second]
    assert scenes.get(third) is latest
    assert scenes.get(first) is not made[first]
    assert scenes.get(first).draw.digest == made[first].draw.digest


def test_a_room_is_opened_once_whatever_is_said_in_it() -> None:
    scenes = Scenes(most=1)
    made = [scenes.get(replace(SPEC, seed=seed)) for seed in range(2)]
    assert made[0] is not made[1]
    assert made[0].room is made[1].room
    assert made[0].draw.digest != made[1].draw.digest
    assert scenes.get(replace(SPEC, room="dtu-twin/half-grid")).room is not made[0].room


def test_a_room_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="did you mean dtu-twin"):
        Scenes().get(replace(SPEC, room="dtu-twn"))


def test_a_stream_is_built_once(anechoic: Scene) -> None:
    subset = Subset(speech="train")
    stream = anechoic.stream(subset)
    assert anechoic.stream(Subset(speech="train")) is stream
    assert anechoic.stream(Subset(speech="validation")) is not stream
    np.testing.assert_array_equal(np.unique(stream.doa_deg(stream.whole())), anechoic.setup.candidates_deg)


def test_every_subset_has_a_digest_of_its_own_which_is_that_of_the_same_scene_made_again() -> None:
    scene, again = (Scene("dtu-twin", DtuTwin(), draw_segments(Talkers(), "talkers", 0, 1)) for _ in range(2))
    digests = [scene.digest(subset) for subset in SUBSETS]
    assert len(set(digests)) == len(SUBSETS)
    assert [again.digest(subset) for subset in SUBSETS] == digests


def test_a_digest_tells_rooms_and_draws_apart(anechoic: Scene) -> None:
    subset, draw = Subset(speech="train"), anechoic.draw
    other_room = Scene("dtu-twin", DtuTwin(), draw)
    other_draw = Scene("anechoic", anechoic.room, draw_segments(Talkers(), "talkers", 1, 2))
    assert len({scene.digest(subset) for scene in (anechoic, other_room, other_draw)}) == 3


def test_names_change_no_digest(anechoic: Scene) -> None:
    subset = Subset(speech="train")
    named = Scene("elsewhere", anechoic.room, replace(anechoic.draw, corpus="others"))
    assert named.digest(subset) == anechoic.digest(subset)


@given(lengths=st.lists(st.integers(0, 60_000), max_size=6), count=st.integers(1, 12))
def test_excerpts_are_one_sequence_long_in_order_and_share_no_sample(lengths: list[int], count: int) -> None:
    waveforms = [np.repeat(np.arange(length, dtype=np.float32)[:, None], 2, 1) for length in lengths]
    recordings = [Recording(Position(0.0, 1.0), clip, "one", waveform) for clip, waveform in enumerate(waveforms)]
    found = list(excerpts(recordings, count))
    for clip, length in enumerate(lengths):
        own = [int(excerpt.waveform[0, 0]) for excerpt in found if excerpt.clip == clip]
        assert len(own) <= count
        assert bool(own) == (length >= SEQUENCE_SAMPLES)
        assert all(after - before >= SEQUENCE_SAMPLES for before, after in pairwise(own))
    assert {excerpt.waveform.shape for excerpt in found} <= {(SEQUENCE_SAMPLES, 2)}
    stream = concatenate(found)
    assert len(stream.whole()) == len(found)


def test_excerpts_lie_all_over_the_clips() -> None:
    waveform = np.arange(40_000, dtype=np.float32)[:, None].repeat(2, 1)
    recordings = [Recording(Position(0.0, 1.0), clip, "one", waveform) for clip in range(200)]
    first = np.sort([excerpt.waveform[0, 0] for excerpt in excerpts(recordings, 1)])
    np.testing.assert_allclose(first, np.linspace(0, 40_000 - SEQUENCE_SAMPLES, 200), atol=600)


def test_a_subset_with_excerpts_has_a_digest_of_its_own(anechoic: Scene) -> None:
    subsets = [Subset(speech="train"), *(Subset(speech="train", excerpts=count) for count in (1, 2))]
    assert len({anechoic.digest(subset) for subset in subsets}) == 3
