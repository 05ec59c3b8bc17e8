"""What is labelled, unlabelled, selected on and scored. Recordings are told apart here frame by frame, from their lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.splits import ScoredSet, fit_data, scored_set, spread_order
from doabench.benchmark.data.streams import Stream, concatenate
from doabench.benchmark.dataset import Position, Recording, SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.benchmark.protocol import label_count
from doabench.benchmark.sequences import LabelledSequences, Sequences
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.rooms import AnechoicRoom

FRAMES = 31
NOMINAL = (120, 250, 500, 1000, 2000, 4000, 8000)
PUBLISHED = {
    19: (114, 247, 494, 988, 1995, 3990, 7999),
    13: (117, 247, 494, 988, 1989, 3991, 7995),
}


def owner(stream: Stream) -> NDArray[np.int64]:
    """The recording of every frame."""
    lengths = np.diff([*stream.first_frame, len(stream.store)])
    return np.repeat(np.arange(len(lengths)), lengths)


def straddles(stream: Stream, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sequences have frames of more than one recording."""
    recordings = owner(stream)[starts[:, None] + np.arange(FRAMES)]
    return recordings.min(axis=1) != recordings.max(axis=1)


def places(stream: Stream, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return stream.position[owner(stream)[starts]]


def all_starts(stream: Stream) -> NDArray[np.int64]:
    return np.arange(len(stream.store) - FRAMES + 1)


@pytest.fixture(scope="module")
def uneven(talkers_draw: SpeechDraw) -> Stream:
    """Recordings of which some positions have one clip only."""
    recordings = AnechoicRoom().recordings(talkers_draw, "train", "anechoic", "grid")
    return concatenate(recording for recording in recordings if recording.clip == 0 or recording.position.doa_deg % 20 == 0)


@pytest.mark.parametrize("classes", PUBLISHED)
def test_published_label_counts(classes: int) -> None:
    assert tuple(label_count(n, classes) for n in NOMINAL) == PUBLISHED[classes]


def test_the_stream_keeps_track_of_its_recordings(train: Stream, talkers_draw: SpeechDraw) -> None:
    lengths = [(len(segment.samples) - 500 - 256) // 128 + 1 for segment in talkers_draw.segments["train"] for _ in range(19)]
    np.testing.assert_array_equal(train.first_frame, np.cumsum([0, *lengths[:-1]]))
    assert len(train.store) == sum(lengths)
    np.testing.assert_array_equal(train.clip, np.repeat([0, 1], 19))
    np.testing.assert_array_equal(train.position, np.tile(np.arange(19), 2))
    assert train.speakers == tuple(segment.speaker for segment in talkers_draw.segments["train"] for _ in range(19))
    starts = all_starts(train)
    np.testing.assert_array_equal(train.recording_of(starts), owner(train)[starts])
    np.testing.assert_array_equal(train.doa_deg(starts), -90 + 10 * places(train, starts))
    np.testing.assert_array_equal(train.whole(), starts[~straddles(train, starts)])
    assert train.n_starts == len(starts)


def test_sequences_over_several_short_recordings_are_not_whole() -> None:
    # 31, 30, 1, 0 and 40 frames
    samples = [256 + 128 * (frames - 1) for frames in (31, 30, 1)] + [255, 256 + 128 * 39]
    recordings = [
        Recording(Position(float(angle), 1.0), 0, "a", np.ones((length, 2), np.float32)) for angle, length in enumerate(samples)
    ]
    stream = concatenate(recordings)
    assert [position.doa_deg for position in stream.positions] == [0, 1, 2, 4]
    np.testing.assert_array_equal(stream.first_frame, [0, 31, 61, 62])
    np.testing.assert_array_equal(stream.whole(), [0, *range(62, 72)])


def test_a_stream_of_nothing_has_no_sequences() -> None:
    stream = concatenate([])
    assert stream.n_starts == 0
    assert len(stream.whole()) == 0


def test_labelled_sets_are_nested_and_alike_per_class(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> None:
    before: tuple[set[int], set[int]] = (set(), set())
    for labels in PUBLISHED[19]:
        data, given = fit_data(train, validation, labels, anechoic_setup, 0)
        assert len(data.labelled) == len(data.selection) == labels
        for stream, starts in ((train, given.labelled), (validation, given.selected)):
            np.testing.assert_array_equal(np.bincount(places(stream, starts), minlength=19), labels // 19)
        assert before[0] < set(given.labelled)
        assert before[1] < set(given.selected)
        before = set(given.labelled), set(given.selected)


def test_labelled_selected_and_scored_sequences_never_straddle(
    train: Stream, validation: Stream, anechoic_setup: ArraySetup
) -> None:
    data, given = fit_data(train, validation, 7999, anechoic_setup, 0)
    np.testing.assert_array_equal(data.labelled._starts, given.labelled)
    np.testing.assert_array_equal(data.selection._starts, given.selected)
    assert not straddles(train, given.labelled).any()
    assert not straddles(validation, given.selected).any()
    for balance in (False, True):
        assert not straddles(train, scored_set(train, given.labelled, balance, 0).starts).any()


def test_labels_tell_the_recording_that_the_sequence_is_from(
    train: Stream, validation: Stream, anechoic_setup: ArraySetup
) -> None:
    data, _ = fit_data(train, validation, 988, anechoic_setup, 0)
    for stream, view in ((train, data.labelled), (validation, data.selection)):
        place = places(stream, view._starts)
        np.testing.assert_array_equal(view.doa_deg, -90 + 10 * place)
        np.testing.assert_array_equal(view.doa_class, place)


def test_unlabelled_is_all_the_rest_a_tenth_of_it_straddling(
    train: Stream, validation: Stream, anechoic_setup: ArraySetup
) -> None:
    data, given = fit_data(train, validation, 114, anechoic_setup, 0)
    unlabelled = data.unlabelled._starts
    assert set(unlabelled).isdisjoint(given.labelled)
    np.testing.assert_array_equal(np.sort([*unlabelled, *given.labelled]), all_starts(train))
    assert 0.08 < straddles(train, unlabelled).mean() < 0.14


def test_scored_is_every_whole_sequence_not_used(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> None:
    _, given = fit_data(train, validation, 988, anechoic_setup, 0)
    scored = scored_set(train, given.labelled, False, 0)
    starts = all_starts(train)
    np.testing.assert_array_equal(np.sort([*scored.starts, *given.labelled]), starts[~straddles(train, starts)])
    np.testing.assert_array_equal(scored.sequences._starts, scored.starts)


def test_balance_scores_as_many_of_every_position(uneven: Stream) -> None:
    available = np.bincount(places(uneven, uneven.whole()))
    assert available.max() > 1.5 * available.min()
    scored = scored_set(uneven, np.empty(0, np.int64), True, 0)
    np.testing.assert_array_equal(np.bincount(places(uneven, scored.starts)), available.min())
    assert len(set(scored.starts)) == len(scored.starts)
    # spread over both clips of a position that has two
    both = scored.starts[places(uneven, scored.starts) == np.argmax(available)]
    assert np.ptp(np.bincount(uneven.clip[owner(uneven)[both]])) < 0.4 * len(both)


def test_balance_holds_where_some_of_the_stream_were_labelled(
    uneven: Stream, validation: Stream, anechoic_setup: ArraySetup
) -> None:
    _, given = fit_data(uneven, validation, 988, anechoic_setup, 0)
    counts = np.bincount(places(uneven, scored_set(uneven, given.labelled, True, 0).starts))
    assert counts.min() == counts.max()


def test_more_labels_than_sequences_is_an_error_that_names_numbers_and_remedy(
    train: Stream, validation: Stream, anechoic_setup: ArraySetup
) -> None:
    available = int(np.bincount(places(train, train.whole())).min())
    fit_data(train, validation, 19 * available, anechoic_setup, 0)
    with pytest.raises(UserError) as caught:
        fit_data(train, validation, 19 * (available + 1), anechoic_setup, 0)
    message = str(caught.value)
    assert f"{available + 1} sequences of each direction asked for, one has {available}" in message
    assert "lower --labels or give more speech" in message


def views(train: Stream, validation: Stream, setup: ArraySetup, seed: int) -> tuple[Sequences, ...]:
    data, given = fit_data(train, validation, 988, setup, seed)
    return data.labelled, data.selection, data.unlabelled, scored_set(train, given.labelled, False, seed).sequences


def test_views_come_in_a_seeded_random_order(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> None:
    of_seed = [views(train, validation, anechoic_setup, seed) for seed in (0, 0, 1)]
    for view, again, other in zip(*of_seed, strict=True):
        np.testing.assert_array_equal(view._starts, again._starts)
        assert not np.array_equal(view._starts, other._starts)
        assert abs(np.corrcoef(view._starts, np.arange(len(view)))[0, 1]) < 0.1
        assert np.mean(np.abs(np.diff(view._starts)) < FRAMES) < 0.05


def test_another_seed_labels_other_sequences(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> None:
    chosen = [set(fit_data(train, validation, 247, anechoic_setup, seed)[1].labelled) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0] & chosen[2]) < 0.3 * 247


def test_views_show_nothing_that_tells_start_or_clip(train: Stream, validation: Stream, anechoic_setup: ArraySetup) -> None:
    data, given = fit_data(train, validation, 247, anechoic_setup, 0)
    scored = scored_set(train, given.labelled, False, 0)
    assert isinstance(scored, ScoredSet)
    gathering = {"subset", "stft", "phase", "phase_on", "level_on", "frame_mean"}

    def public(view: object) -> set[str]:
        return {name for name in dir(view) if not name.startswith("_")}

    for view in (data.unlabelled, scored.sequences):
        assert type(view) is Sequences
        assert public(view) == gathering
    for view in (data.labelled, data.selection):
        assert type(view) is LabelledSequences
        assert public(view) == gathering | {"doa_deg", "doa_class"}
    assert public(data) == {"labelled", "unlabelled", "selection"}


counts = st.integers(1, 3000)
seeds = st.integers(0, 10**6)


@given(counts, seeds)
def test_spread_order_is_a_permutation(count: int, seed: int) -> None:
    np.testing.assert_array_equal(np.sort(spread_order(count, "labelled", seed)), np.arange(count))


@given(counts, seeds, st.data())
def test_any_first_k_are_spread_evenly(count: int, seed: int, data: st.DataObject) -> None:
    """No two neighbours are farther apart, and no two nearer, than about twice and a third of the mean distance."""
    k = data.draw(st.integers(1, count), label="k")
    chosen = np.sort(spread_order(count, "labelled", seed)[:k])
    gaps = np.diff([*chosen, chosen[0] + count])
    assert gaps.max() <= math.ceil(2 * count / k)
    assert gaps.min() >= math.floor(count / k / 3)


def test_spread_order_starts_anywhere_but_the_same_for_the_same_axes() -> None:
    first = [int(spread_order(1000, "labelled", seed)[0]) for seed in range(200)]
    assert first == [int(spread_order(1000, "labelled", seed)[0]) for seed in range(200)]
    assert first != [int(spread_order(1000, "selection", seed)[0]) for seed in range(200)]
    assert np.histogram(first, bins=4, range=(0, 1000))[0].min() > 30
