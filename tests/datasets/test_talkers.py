"""The synthetic talkers: what a corpus must keep to, and what makes them sound like people to a voice detector."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import webrtcvad
from doabench.benchmark.dataset import SAMPLE_RATE_HZ
from doabench.benchmark.errors import UserError
from doabench.datasets.speech.talkers import Talkers
from numpy.typing import NDArray

SOME = ("talker-000-0", "talker-013-1", "talker-046-0", "talker-099-1")
WINDOW = SAMPLE_RATE_HZ // 100


def voiced_windows(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which 10 ms windows WebRTC's detector, in its strictest mode, takes for voice."""
    detector = webrtcvad.Vad(3)
    windows = (samples[: len(samples) // WINDOW * WINDOW] * 32767).astype("<i2").reshape(-1, WINDOW)
    return np.array([detector.is_speech(window.tobytes(), SAMPLE_RATE_HZ) for window in windows])


def median_pitch_hz(samples: NDArray[np.float32]) -> float:
    """Median over clearly periodic 40 ms frames of the autocorrelation's peak between 60 and 400 Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 640)[::320]
    power = np.abs(np.fft.rfft(frames * np.hanning(640), 2048, axis=1)) ** 2
    correlation = np.fft.irfft(power, axis=1)
    # the window's own correlation would favour short lags
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(640), 2048)) ** 2)
    lags = slice(SAMPLE_RATE_HZ // 400, SAMPLE_RATE_HZ // 60)
    ratio = correlation[:, lags] / correlation[:, :1] / (window[lags] / window[0])
    loud = (frames**2).mean(axis=1) > 0.3 * (frames**2).mean()
    periodic = loud & (ratio.max(axis=1) > 0.7)
    # the first lag near the maximum, since a multiple of the period does as well
    near = ratio[periodic] > 0.93 * ratio[periodic].max(axis=1, keepdims=True)
    first = near.argmax(axis=1)
    ends = np.minimum(first + 15, near.shape[1])
    peak = [start + ratio[periodic][row, start:end].argmax() for row, (start, end) in enumerate(zip(first, ends, strict=True))]
    return float(np.median(SAMPLE_RATE_HZ / (lags.start + np.array(peak))))


def test_a_hundred_talkers_half_of_them_female() -> None:
    speakers = Talkers().speakers()
    assert [speaker.id for speaker in speakers] == [f"talker-{index:03d}" for index in range(100)]
    assert [speaker.sex for speaker in speakers] == ["F", "M"] * 50
    assert {len(speaker.utterances) for speaker in speakers} == {2}
    assert speakers == Talkers().speakers()


def test_the_same_samples_from_every_instance_and_in_any_order() -> None:
    one, other = Talkers(), Talkers()
    first = {utterance: one.load(utterance) for utterance in SOME}
    again = {utterance: other.load(utterance) for utterance in reversed(SOME)}
    assert all(np.array_equal(first[utterance], again[utterance]) for utterance in SOME)


def test_utterances_differ() -> None:
    corpus = Talkers()
    loaded = [corpus.load(utterance) for utterance in ("talker-000-0", "talker-000-1", "talker-001-0")]
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 0.1 for a, b in pairwise(loaded))


@pytest.mark.parametrize("utterance", SOME)
def test_format(utterance: str) -> None:
    samples = Talkers().load(utterance)
    assert samples.dtype == np.float32
    assert samples.shape == (8 * SAMPLE_RATE_HZ,)
    assert np.isfinite(samples).all()
    assert 0.1 < np.abs(samples).max() < 1


@pytest.mark.parametrize("utterance", SOME)
def test_a_voice_detector_finds_speech_and_pauses(utterance: str) -> None:
    voiced = voiced_windows(Talkers().load(utterance))
    assert voiced.sum() * WINDOW / SAMPLE_RATE_HZ >= 3.2
    assert 0.5 < voiced.mean() < 0.95


def test_pitch_tells_talkers_and_sexes_apart() -> None:
    corpus = Talkers()
    pitch_hz = {
        sex: [median_pitch_hz(corpus.load(f"talker-{index:03d}-0")) for index in range(first, 20, 2)]
        for sex, first in (("F", 0), ("M", 1))
    }
    assert 160 < np.median(pitch_hz["F"]) < 250
    assert 90 < np.median(pitch_hz["M"]) < 150
    assert np.std(pitch_hz["F"]) > 5
    assert np.std(pitch_hz["M"]) > 5


@pytest.mark.parametrize("utterance", ["talker-100-0", "talker-000-2", "talker-0-0", "84-121123-0000"])
def test_an_unknown_utterance_is_named(utterance: str) -> None:
    with pytest.raises(UserError, match=utterance):
        Talkers().load(utterance)
