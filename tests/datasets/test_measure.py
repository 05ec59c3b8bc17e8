"""What room loaders and `data verify` measure by: known delays, first arrivals and decays are read off as they are."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.datasets._measure import array_tdoa_s, direct_sound, first_arrival, gcc_phat, measured_rt60_s, rt60_s
from numpy.typing import NDArray
from support.rooms import RATE_HZ, fractional_delay, plane_wave

N_FFT = 512


def heard(samples: float, gain: float = 1.0) -> NDArray[np.float64]:
    """Responses ``[2, 128]``: microphone 2 hears the sound so many samples earlier, ``gain`` times as loud."""
    return np.stack([fractional_delay(64 + samples / 2), gain * fractional_delay(64 - samples / 2)])


def delay(channels: NDArray[np.float64], finer: int = 64, either_polarity: bool = True) -> tuple[float, bool]:
    """In samples at 16 kHz."""
    first, second = np.fft.rfft(channels, N_FFT)
    reach_s, band_hz = 10 / RATE_HZ, (200.0, 4000.0)
    tdoa_s, same_polarity = gcc_phat(first * second.conj(), N_FFT, finer, reach_s, 1e-3, band_hz, either_polarity)
    return tdoa_s * RATE_HZ, same_polarity


@pytest.mark.parametrize("samples", [0.0, 1.0, 3.25, -3.25, 0.4, -7.9])
def test_a_known_delay_is_found_with_its_sign(samples: float) -> None:
    for gain in (1.0, 0.1):
        found, same_polarity = delay(heard(samples, gain))
        assert found == pytest.approx(samples, abs=0.5 / 64 + 1e-9)
        assert same_polarity


def test_opposite_polarity_is_told_and_does_not_move_the_delay() -> None:
    found, same_polarity = delay(heard(2.5, gain=-1.0))
    assert found == pytest.approx(2.5)
    assert not same_polarity
    assert delay(heard(2.5, gain=-1.0), either_polarity=False)[0] != pytest.approx(2.5, abs=0.5)


def test_delays_beyond_reach_are_not_found() -> None:
    assert abs(delay(heard(14.0))[0]) <= 10


@pytest.mark.parametrize("doa_deg", [-90, -35, 0, 10, 90])
def test_a_plane_wave_from_a_positive_angle_is_earlier_at_the_second_microphone(doa_deg: float) -> None:
    expected_s = 0.085 * np.sin(np.radians(doa_deg)) / 343.0
    assert array_tdoa_s(plane_wave(doa_deg, 0.085), 0.085) == pytest.approx(expected_s, abs=0.5 / 16 / RATE_HZ + 1e-9)


@pytest.mark.filterwarnings("error")
def test_silence_has_no_delay_worth_the_name_and_no_reverberation_time() -> None:
    silence = np.zeros((2, 300))
    found, same_polarity = delay(silence)
    assert np.isfinite(found)
    assert not same_polarity
    assert np.isfinite(array_tdoa_s(silence, 0.085))
    assert first_arrival(silence) == 0
    for nothing in (silence[0], silence[0, :0], silence[0, :1]):
        assert np.isnan(rt60_s(nothing, noisy=True))


def test_the_direct_sound_is_cut_around_the_first_arrival() -> None:
    response = np.zeros((2, 400))
    response[0, 103], response[1, 100], response[0, 250] = 1.0, -0.8, 1.2  # a later reflection may be the loudest
    assert first_arrival(response) == 100
    assert direct_sound(response) == slice(84, 132)
    assert direct_sound(response, travel_s=0.001) == slice(84, 148)
    assert direct_sound(response[:, 95:]).start == 0


def tail(reverberation_s: float, noise_db: float = -np.inf, seconds: float = 1.0) -> NDArray[np.float64]:
    """White noise ``[samples]`` that falls by 60 dB in ``reverberation_s``, on a floor of noise."""
    rng, time_s = np.random.default_rng(0), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    decay = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / reverberation_s)
    return decay + 10 ** (noise_db / 20) * rng.standard_normal(len(time_s))


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("known_s", [0.16, 0.36, 0.61])
def test_a_known_decay_is_found(known_s: float, noisy: bool) -> None:
    assert rt60_s(tail(known_s), noisy) == pytest.approx(known_s, rel=0.05)


@pytest.mark.parametrize(("noise_db", "tolerance"), [(-60, 0.05), (-45, 0.15)])
def test_noise_is_weighed_out_only_where_it_is_asked_for(noise_db: float, tolerance: float) -> None:
    response = tail(0.3, noise_db)
    assert rt60_s(response, noisy=True) == pytest.approx(0.3, rel=tolerance)
    assert rt60_s(response) > rt60_s(response, noisy=True)


def test_a_decay_that_drowns_at_once_is_not_known() -> None:
    assert np.isnan(rt60_s(tail(0.5, noise_db=-15), noisy=True))


def test_a_rooms_time_is_the_mean_over_positions_at_microphone_1() -> None:
    short, long = (tail(known_s).astype(np.float32) for known_s in (0.2, 0.4))
    responses = np.stack([np.stack([short, long]), np.stack([long, short])])
    assert measured_rt60_s(responses) == (rt60_s(short) + rt60_s(long)) / 2
