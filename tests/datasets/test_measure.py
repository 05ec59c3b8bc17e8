"""What room loaders and `data verify` measure by: known delays and first arrivals are read off as they are."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.datasets._measure import array_tdoa_s, direct_sound, first_arrival, gcc_phat
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
def test_silence_has_no_delay_worth_the_name() -> None:
    silence = np.zeros((2, 300))
    found, same_polarity = delay(silence)
    assert np.isfinite(found)
    assert not same_polarity
    assert np.isfinite(array_tdoa_s(silence, 0.085))
    assert first_arrival(silence) == 0


def test_the_direct_sound_is_cut_around_the_first_arrival() -> None:
    response = np.zeros((2, 400))
    response[0, 103], response[1, 100], response[0, 250] = 1.0, -0.8, 1.2  # a later reflection may be the loudest
    assert first_arrival(response) == 100
    assert direct_sound(response) == slice(84, 132)
    assert direct_sound(response, travel_s=0.001) == slice(84, 148)
    assert direct_sound(response[:, 95:]).start == 0
