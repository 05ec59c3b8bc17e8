"""What is scored against what was given: shares by hand, none in the strict protocols, the known ones in the published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from doabench.benchmark.data.scene import Scene
from doabench.benchmark.data.segments import ROLES
from doabench.benchmark.data.splits import fit_data, scored_set
from doabench.benchmark.data.streams import Stream, concatenate
from doabench.benchmark.dataset import Position, Recording, Segment, SpeechDraw, SpeechRole
from doabench.benchmark.plugins.registry import PROTOCOLS
from doabench.benchmark.plugins.spec import default_protocols
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.scored_set import Part, leak
from doabench.benchmark.run.worker import Worker
from support.rooms import AnechoicRoom

STRICT = [name for name in PROTOCOLS.names() if name.endswith("-strict")]


def recording(speaker: str, clip: int, frames: int) -> Recording:
    waveform = np.ones((256 + 128 * (frames - 1), 2), np.float32)
    return Recording(Position(0.0, 1.0), clip, speaker, waveform)


@pytest.fixture(scope="module")
def three() -> Stream:
    """Frames 0..99 of ann, 100..199 of bob, 200..299 of ann again in another clip."""
    return concatenate([recording("ann", 0, 100), recording("bob", 1, 100), recording("ann", 2, 100)])


def part(stream: Stream, starts: Sequence[int], role: str = "train") -> Part:
    return Part(role, "a room", stream, np.array(starts, np.int64))


def shares(scored: Part, *used: Part) -> tuple[float, float, float]:
    found = leak(scored, used)
    return found.frame_pct, found.clip_pct, found.speaker_pct


def test_shares_by_hand(three: Stream) -> None:
    scored = part(three, [0, 60, 130, 230])
    assert shares(scored) == (0, 0, 0)
    assert shares(scored, part(three, [30])) == (50, 50, 75), "30 is the last frame of the first, 60 the first of the second"
    assert shares(scored, part(three, [31])) == (25, 50, 75), "30 and 31 do not meet, 60 is in the second"
    assert shares(scored, part(three, [61]), part(three, [160])) == (50, 75, 100)
    assert shares(part(three, []), part(three, [0])) == (0, 0, 0)


def test_a_sequence_that_straddles_counts_for_both_recordings(three: Stream) -> None:
    assert shares(part(three, [0, 150]), part(three, [90])) == (0, 100, 100)


def test_the_same_clip_in_another_room_shares_no_frame(three: Stream) -> None:
    again = concatenate([recording("ann", 0, 100), recording("eve", 1, 100)])
    assert shares(part(three, [0]), part(again, [0])) == (0, 100, 100)
    assert shares(part(three, [0]), part(again, [0], role="validation")) == (0, 0, 100)
    assert shares(part(three, [0]), part(again, [130])) == (0, 0, 0)


def test_a_response_is_a_position_in_a_condition() -> None:
    def heard(*positions: Position) -> Stream:
        return concatenate([replace(recording("ann", 0, 40), position=position) for position in positions])

    near, far, elsewhere = Position(0.0, 1.0), Position(0.0, 2.0), Position(0.0, 1.0, "another room")
    scored, used = part(heard(near, far, elsewhere), [0, 40, 80]), part(heard(far, near), [0])
    assert leak(scored, [used]).response_pct == pytest.approx(100 / 3)
    assert leak(scored, [replace(used, condition="another")]).response_pct == 0


@pytest.fixture(scope="module")
def full_size() -> Scene:
    """As many speakers and frames as the published protocols have; what is said does not matter for shares."""
    rng = np.random.default_rng(0)
    segments: dict[SpeechRole, tuple[Segment, ...]] = {
        role: tuple(
            Segment(clip, f"{role} {clip}", rng.standard_normal(int(rng.uniform(32_000, 48_000))).astype(np.float32))
            for clip in range(20)
        )
        for role in ROLES
    }
    return Scene("anechoic", AnechoicRoom(), SpeechDraw("noise", 0, segments, "noise"))


@pytest.mark.parametrize(("labels", "low", "high"), [(114, 3, 9), (988, 45, 65), (1995, 85, 92), (3990, 97, 100)])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_published_sweep_leaks_what_is_known_of_it(
    full_size: Scene, split: SpeechRole, labels: int, low: float, high: float
) -> None:
    protocol = PROTOCOLS.get("label-sweep").found
    train, selection = full_size.stream(protocol.train), full_size.stream(protocol.selection)
    _, chosen = fit_data(train, selection, labels, full_size.setup, 0)
    given = [Part("train", "", train, chosen.labelled), Part("validation", "", selection, chosen.selected)]
    own = given[0] if split == "train" else given[1]
    scored = scored_set(own.stream, own.starts, False, 0)
    frame, clip, speaker = shares(Part(split, "", scored.stream, scored.starts), *given)
    assert low <= frame <= high
    assert clip == speaker == 100


def test_labels_at_even_distances_leak_what_the_released_program_leaks(full_size: Scene) -> None:
    """Its labels cannot be nested: at even distances 105 of a class leave some 3 % untouched, in nested order 12 %."""
    protocol = PROTOCOLS.get("label-sweep").found
    stream = full_size.stream(protocol.train)
    whole = stream.whole()
    group = stream.doa_deg(whole)
    even = [whole[group == doa][np.linspace(0, (group == doa).sum() - 1, 105).round().astype(int)] for doa in np.unique(group)]
    labelled = np.concatenate(even)
    chosen = scored_set(stream, labelled, False, 0)
    assert shares(Part("train", "", stream, chosen.starts), Part("train", "", stream, labelled))[0] > 95


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[CellRecord]:
    """A method that is given data, in every protocol that has both twins, as the worker does it."""
    settings = Settings(tmp_path_factory.mktemp("out"))
    named = (*STRICT, *(name.removesuffix("-strict") for name in STRICT))
    plan = make_plan(Request(named, ("rtf_1nn",), "talkers", scale="smoke", seeds=(0,)))
    worker = Worker(settings)
    return [record for fit in plan.fits for record in worker.run(fit, lambda _fraction, _note: None)]


def test_strict_protocols_share_nothing_but_room_responses(records: list[CellRecord]) -> None:
    strict = [record for record in records if record.axes.protocol.endswith("-strict")]
    assert {record.axes.protocol for record in strict} == set(STRICT)
    assert len(STRICT) == 5
    for record in strict:
        assert record.leaks is not None
        for shared in (record.leaks.labelled, record.leaks.unlabelled):
            assert set(shared.model_dump(exclude={"response_pct"}).values()) == {0.0}
            assert shared.response_pct == (100.0 if record.axes.protocol == "label-sweep-strict" else 0.0)


def test_published_protocols_show_their_leak(records: list[CellRecord]) -> None:
    found = {(r.axes.protocol, r.axes.split): r.leaks for r in records if not r.axes.protocol.endswith("-strict")}
    assert len(found) == 7
    for (protocol, split), leaks in found.items():
        assert leaks is not None
        assert leaks.labelled.clip_pct == leaks.labelled.speaker_pct == 100, (protocol, split)
    assert found["label-sweep", "train"].labelled.frame_pct > 0  # pyright: ignore
    assert found["label-sweep", "train"].unlabelled.frame_pct > 99  # pyright: ignore
    assert found["off-grid", "off_grid"].labelled.frame_pct == 0  # pyright: ignore


def test_a_strict_fit_is_the_published_one(records: list[CellRecord]) -> None:
    fits = {record.axes.protocol: record.fit_key for record in records if record.fit.nominal_labels == 120}
    assert fits["label-sweep-strict"] == fits["label-sweep"] == fits["off-grid-strict"]


def test_strict_protocols_run_when_named() -> None:
    named = {*STRICT, "other-room", "sim-to-real"}
    assert set(default_protocols()) == set(PROTOCOLS.names()) - named
    assert {PROTOCOLS.get(name).found.seeds for name in STRICT} == {3}
