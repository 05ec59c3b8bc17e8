"""The draw of speakers and segments, on real speech where it is there and on synthetic talkers always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import webrtcvad
from doabench.benchmark.data.segments import ROLES, SMALLEST_SCALE, draw_segments, role_digest, voiced
from doabench.benchmark.dataset import SAMPLE_RATE_HZ, Segment, Sex, Speaker, Speech, SpeechDraw
from doabench.benchmark.errors import UserError
from doabench.benchmark.protocol import SCALES
from doabench.datasets.speech.librispeech import LibriSpeech
from doabench.datasets.speech.talkers import Talkers
from numpy.typing import NDArray


class SomeTalkers(Speech):
    """The first few synthetic talkers, with the sexes given; those in ``curt`` speak for a second and a half only."""

    def __init__(self, sexes: Sequence[Sex], curt: Sequence[str] = ()) -> None:
        self.sexes, self.curt = sexes, curt

    def speakers(self) -> list[Speaker]:
        known = Talkers().speakers()
        return [Speaker(known[i].id, sex, known[i].utterances) for i, sex in enumerate(self.sexes)]

    def load(self, utterance: str) -> NDArray[np.float32]:
        samples = Talkers().load(utterance)
        return samples[: 3 * SAMPLE_RATE_HZ // 2] if utterance.rsplit("-", 1)[0] in self.curt else samples


@pytest.fixture(scope="module")
def corpus(real_speech: Path) -> LibriSpeech:
    return LibriSpeech.from_path(real_speech)


@pytest.fixture(scope="module")
def draw(corpus: LibriSpeech) -> SpeechDraw:
    return draw_segments(corpus, "real", seed=0, speakers_per_role=20)


def everyone(draw: SpeechDraw) -> list[Segment]:
    return [segment for role in ROLES for segment in draw.segments[role]]


def test_forty_different_speakers_half_of_each_role_female(corpus: LibriSpeech, draw: SpeechDraw) -> None:
    sex = {speaker.id: speaker.sex for speaker in corpus.speakers()}
    assert len({segment.speaker for segment in everyone(draw)}) == 40
    for role in ROLES:
        assert [segment.clip for segment in draw.segments[role]] == list(range(20))
        assert Counter(sex[segment.speaker] for segment in draw.segments[role]) == {"F": 10, "M": 10}


def test_segments_last_two_to_three_seconds(draw: SpeechDraw) -> None:
    seconds = np.array([len(segment.samples) / SAMPLE_RATE_HZ for segment in everyone(draw)])
    assert seconds.min() >= 2
    assert seconds.max() <= 3
    assert seconds.std() > 0.1
    assert {segment.samples.dtype for segment in everyone(draw)} == {np.dtype(np.float32)}


def test_a_segment_is_a_stretch_of_its_speakers_voiced_speech(corpus: LibriSpeech, draw: SpeechDraw) -> None:
    utterances = {speaker.id: speaker.utterances for speaker in corpus.speakers()}
    for segment in everyone(draw)[::4]:
        wanted = segment.samples.tobytes()
        assert any(wanted in voiced(corpus.load(utterance)).tobytes() for utterance in utterances[segment.speaker])


def test_a_seed_draws_the_same_again_and_another_seed_something_else(corpus: LibriSpeech, draw: SpeechDraw) -> None:
    again = draw_segments(corpus, "real", seed=0, speakers_per_role=20)
    assert again.digest == draw.digest
    for one, other in zip(everyone(draw), everyone(again), strict=True):
        assert (one.clip, one.speaker) == (other.clip, other.speaker)
        np.testing.assert_array_equal(one.samples, other.samples)
    different = draw_segments(corpus, "real", seed=1, speakers_per_role=20)
    assert different.digest != draw.digest
    assert [segment.speaker for segment in everyone(different)] != [segment.speaker for segment in everyone(draw)]


def test_seeds_cut_the_same_speaker_differently() -> None:
    cuts = [
        {
            segment.speaker: segment.samples.tobytes()
            for segment in everyone(draw_segments(SomeTalkers(["F", "M"]), "talkers", seed, 1))
        }
        for seed in (0, 1)
    ]
    assert cuts[0].keys() == cuts[1].keys()
    assert all(cuts[0][speaker] != cuts[1][speaker] for speaker in cuts[0])


def detected(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """What WebRTC VAD in mode 3 takes for speech, 10 ms at a time."""
    detector = webrtcvad.Vad(3)
    kept = []
    for start in range(0, len(pcm) - 159, 160):
        window = pcm[start : start + 160]
        if detector.is_speech(window.tobytes(), SAMPLE_RATE_HZ):
            kept.append(window)
    return np.concatenate(kept)


def test_voiced_is_what_the_detector_keeps_of_real_speech(real_speech: Path) -> None:
    path = min(real_speech.rglob("*.flac"))
    pcm = np.asarray(soundfile.read(path, dtype="int16")[0], np.int16)
    expected = detected(pcm)
    assert 0.2 < len(expected) / len(pcm) < 1
    np.testing.assert_array_equal(voiced((pcm / 32768).astype(np.float32)), (expected / 32768).astype(np.float32))


def test_voiced_is_what_the_detector_keeps_at_full_scale() -> None:
    # 1.0 has no 16-bit number: it must become the largest one, not wrap round to the most negative
    samples = np.clip(20 * Talkers().load("talker-000-0"), -1, 1)[:-50]
    pcm = np.minimum(np.round(samples * 32768.0), 32767).astype(np.int16)
    expected = detected(pcm)
    assert 0.2 < len(expected) / len(pcm) < 1
    kept = voiced(samples)
    np.testing.assert_array_equal(np.minimum(np.round(kept * 32768.0), 32767), expected)
    assert kept.max() == 1.0


@pytest.mark.parametrize("length", [0, 159, 16_000])
def test_nothing_is_voiced_where_nobody_speaks(length: int) -> None:
    assert voiced(np.zeros(length, np.float32)).shape == (0,)


@pytest.mark.parametrize("scale", [1e-6, 0.003, 0.05, 300.0])
def test_the_level_of_speech_does_not_matter(scale: float) -> None:
    samples = Talkers().load("talker-000-0")
    found, usual = voiced((scale * samples).astype(np.float32)), voiced(samples)
    assert len(found) == pytest.approx(len(usual), rel=0.15)
    assert np.isin(found, (scale * samples).astype(np.float32)).all()  # what is kept keeps its level


def test_quiet_speech_is_drawn_like_any_other() -> None:
    class Quiet(SomeTalkers):
        def load(self, utterance: str) -> NDArray[np.float32]:
            return 0.002 * super().load(utterance)

    draw = draw_segments(Quiet(["F", "M", "F", "M"]), "quiet", seed=0, speakers_per_role=2)
    assert [len(draw.segments[role]) for role in ROLES] == [2, 2]


def test_speech_of_a_usual_level_is_judged_as_it_is(corpus: LibriSpeech) -> None:
    for speech, every in ((corpus, 12), (Talkers(), 15)):
        for speaker in speech.speakers()[::every]:
            samples = speech.load(speaker.utterances[0])
            pcm = np.minimum(np.round(samples * 32768.0), 32767).astype(np.int16)
            np.testing.assert_array_equal(np.minimum(np.round(voiced(samples) * 32768.0), 32767), detected(pcm))


def test_two_speakers_per_role_are_one_of_each_sex(talkers_draw: SpeechDraw) -> None:
    sex = {speaker.id: speaker.sex for speaker in Talkers().speakers()}
    assert len({segment.speaker for segment in everyone(talkers_draw)}) == 4
    for role in ROLES:
        assert Counter(sex[segment.speaker] for segment in talkers_draw.segments[role]) == {"F": 1, "M": 1}


def test_speakers_whose_sex_is_unknown_are_drawn_all_the_same() -> None:
    draw = draw_segments(SomeTalkers(["", "", "", "", ""]), "talkers", seed=0, speakers_per_role=2)
    assert [len(draw.segments[role]) for role in ROLES] == [2, 2]
    assert len({segment.speaker for segment in everyone(draw)}) == 4


def test_where_one_sex_is_rare_the_others_fill_up() -> None:
    corpus = SomeTalkers(["F", "M", "M", "M", "", "M"])
    draw = draw_segments(corpus, "talkers", seed=0, speakers_per_role=3)
    sex = {speaker.id: speaker.sex for speaker in corpus.speakers()}
    assert Counter(sex[segment.speaker] for segment in everyone(draw)) == {"F": 1, "M": 4, "": 1}


def test_speakers_who_say_too_little_are_passed_over() -> None:
    corpus = SomeTalkers(["F", "M", "F", "M", "F", "M"], curt=["talker-000", "talker-003"])
    draw = draw_segments(corpus, "talkers", seed=0, speakers_per_role=2)
    assert {segment.speaker for segment in everyone(draw)} == {"talker-001", "talker-002", "talker-004", "talker-005"}


def test_too_few_speakers_are_counted_and_the_remedy_named() -> None:
    corpus = SomeTalkers(["F", "M", "F", "M"], curt=["talker-002"])
    with pytest.raises(UserError) as caught:
        draw_segments(corpus, "my speech", seed=0, speakers_per_role=2)
    message = str(caught.value)
    assert "'my speech'" in message
    assert "3 of 4 speakers have 2 s of voiced speech" in message
    assert "needs 4" in message
    assert "add recordings of more speakers" in message
    assert "\n" not in message


def test_only_a_larger_scale_is_told_of_the_smallest() -> None:
    assert min(scale.speakers_per_role for scale in SCALES.values()) == SCALES["smoke"].speakers_per_role == SMALLEST_SCALE
    for per_role in (SMALLEST_SCALE, SMALLEST_SCALE + 1):
        with pytest.raises(UserError) as caught:
            draw_segments(SomeTalkers(["F", "M", "F"]), "few", 0, per_role)
        assert ("--scale smoke" in str(caught.value)) == (per_role > SMALLEST_SCALE)


def test_too_few_real_speakers_are_counted(corpus: LibriSpeech) -> None:
    n_speakers = len(corpus.speakers())
    with pytest.raises(UserError, match=rf"\d+ of {n_speakers} speakers .* needs {2 * n_speakers}"):
        draw_segments(corpus, "real", seed=0, speakers_per_role=n_speakers)


def test_the_speakers_to_be_scored_are_others_and_change_nothing_of_the_published_draw() -> None:
    sexes: list[Sex] = ["F", "M"] * 8
    corpus = SomeTalkers(sexes)
    published = draw_segments(corpus, "talkers", seed=3, speakers_per_role=2)
    draw = draw_segments(corpus, "talkers", seed=3, speakers_per_role=2)
    scored = draw.segments["scored"]
    assert len(scored) == 4
    assert {segment.speaker for segment in scored}.isdisjoint(segment.speaker for segment in everyone(draw))
    assert [segment.clip for segment in scored] == [0, 1, 2, 3]
    sex = {speaker.id: speaker.sex for speaker in corpus.speakers()}
    assert Counter(sex[segment.speaker] for segment in scored) == {"F": 2, "M": 2}
    assert draw.digest == published.digest == role_digest(draw, "train") == role_digest(draw, "validation")
    assert role_digest(draw, "scored") != draw.digest
    assert role_digest(draw, "scored") == role_digest(published, "scored")


def test_a_small_corpus_gives_the_speakers_that_are_left() -> None:
    draw = draw_segments(SomeTalkers(["F", "M", "F", "M", "F"]), "talkers", seed=0, speakers_per_role=2)
    assert len(draw.segments["scored"]) == 1
    assert len(draw_segments(SomeTalkers(["F", "M", "F", "M"]), "talkers", 0, 2).segments["scored"]) == 0
