"""The reverberation time of responses with noise, cut, gated: right, or not known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import scipy.signal
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.datasets._decay import rt60_s
from doabench.datasets._measure import measured_rt60_s
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyroomacoustics.experimental import measure_rt60
from support.measured_files import response, responses_of, run, write_table, write_wav
from support.rooms import RATE_HZ

KNOWN_S = (0.12, 0.3, 0.6, 1.1)


def tail(
    reverberation_s: float, noise_db: float = -np.inf, seconds: float = 1.0, direct: float = 0.0, seed: int = 0
) -> NDArray[np.float64]:
    """White noise ``[samples]`` that falls by 60 dB in ``reverberation_s``, behind 5 ms of nothing and a direct sound, on a
    floor of noise, in dB of where the decay begins."""
    rng, time_s = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    decay = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / reverberation_s)
    decay[0] += direct
    whole = np.concatenate([np.zeros(80), decay])
    return whole + 10 ** (noise_db / 20) * rng.standard_normal(len(whole))


@pytest.mark.parametrize("known_s", KNOWN_S)
@pytest.mark.parametrize(
    ("noise_db", "tolerance"), [(-40, 0.1), (-45, 0.1), (-50, 0.05), (-60, 0.05), (-70, 0.05), (-np.inf, 0.05)]
)
def test_a_known_decay_is_found_on_any_floor_of_noise(known_s: float, noise_db: float, tolerance: float) -> None:
    for seed in range(4):
        assert rt60_s(tail(known_s, noise_db, seed=seed)) == pytest.approx(known_s, rel=tolerance)


@pytest.mark.parametrize("known_s", KNOWN_S)
@pytest.mark.parametrize("direct", [0, 30])
def test_without_noise_it_is_what_another_implementation_finds(known_s: float, direct: float) -> None:
    clean = tail(known_s, seconds=2.0, direct=direct)
    assert rt60_s(clean) == pytest.approx(measure_rt60(clean, fs=RATE_HZ, decay_db=30), rel=0.02)


@pytest.mark.parametrize("known_s", KNOWN_S)
def test_noise_that_leaves_no_decay_of_20_db_leaves_no_time(known_s: float) -> None:
    assert np.isnan(rt60_s(tail(known_s, noise_db=-30)))


@pytest.mark.parametrize("gap_s", [0.005, 0.015])
@pytest.mark.parametrize("known_s", KNOWN_S)
def test_nothing_before_the_first_reflection_is_not_the_end(known_s: float, gap_s: float) -> None:
    whole = tail(known_s, direct=10)
    whole[85 : 85 + round(gap_s * RATE_HZ)] = 0
    assert rt60_s(whole) == pytest.approx(measure_rt60(whole, fs=RATE_HZ, decay_db=30), rel=0.02)


@settings(max_examples=200, deadline=None)
@given(
    known_s=st.floats(0.1, 1.5),
    gap_s=st.sampled_from([0, 0.005, 0.015]),
    noise_db=st.floats(-90, -10),
    seconds=st.floats(0.01, 1.0),
    direct=st.floats(0, 100),
    scale=st.sampled_from([1e-9, 1.0, 1e6]),
    seed=st.integers(0, 999),
)
def test_it_is_right_or_not_known(
    known_s: float, gap_s: float, noise_db: float, seconds: float, direct: float, scale: float, seed: int
) -> None:
    clean, whole = (tail(known_s, level_db, seconds, direct, seed) for level_db in (-np.inf, noise_db))
    gap = slice(85, 85 + round(gap_s * RATE_HZ))
    whole[gap] -= clean[gap]
    found = rt60_s(scale * whole)
    assert np.isnan(found) or found == pytest.approx(known_s, rel=0.25)


def click(first: int = 100, length: int = 8000) -> NDArray[np.float64]:
    return (np.arange(length) == first).astype(float)


def faded(whole: NDArray[np.float64], last: int) -> NDArray[np.float64]:
    return whole * np.minimum(1, np.arange(len(whole), 0, -1) / last)


def floor(length: int, level: float) -> NDArray[np.float64]:
    return level * np.random.default_rng(1).standard_normal(length)


BAND = scipy.signal.butter(4, [100, 7000], "bandpass", fs=RATE_HZ, output="sos")
UNKNOWN: dict[str, NDArray[np.float64]] = {
    "nothing": np.zeros(0),
    "silence": np.zeros(300),
    "one sample": np.ones(1),
    "two samples": np.array([0.5, 0.4]),
    "a constant": np.ones(4000),
    "a click": click(),
    "a click on noise": click() + floor(8000, 1e-4),
    "a click in a band": np.asarray(scipy.signal.sosfilt(BAND, click())),
    "the direct sound": tail(0.4, direct=30)[:84],
    "cut in the decay": tail(0.4)[:2000],
    "faded out in the decay": faded(tail(0.4)[:2000], 500),
    "gated": np.concatenate([tail(0.4, direct=30)[:1600], np.zeros(8000)]) + floor(9600, 1e-4),
    "noise that is faded out": faded(tail(0.4, -33, 0.6, direct=8), 3000),
    "noise alone": floor(9000, 1.0),
    "hum": np.sin(2 * np.pi * 50 * np.arange(9000) / RATE_HZ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", UNKNOWN)
def test_what_shows_no_decay_has_no_time(what: str) -> None:
    assert np.isnan(rt60_s(UNKNOWN[what]))


def test_a_rooms_time_is_the_mean_over_positions_at_microphone_1_where_half_of_them_know() -> None:
    short, long = tail(0.2), tail(0.4)
    pairs = np.stack([np.stack([short, long]), np.stack([long, short])])
    assert measured_rt60_s(pairs) == (rt60_s(short) + rt60_s(long)) / 2
    silent = np.zeros_like(pairs[:1])
    assert measured_rt60_s(np.concatenate([pairs[:1], silent])) == rt60_s(short)
    assert measured_rt60_s(np.concatenate([pairs[:1], silent, silent])) is None
    assert measured_rt60_s(pairs[:0]) is None


def folder_of(folder: Path, change: Callable[[NDArray[np.float64]], NDArray[np.float64]], rt60: str = "") -> str:
    """Three directions whose responses, RT60 0.3 s, have been changed."""
    for doa_deg in (-40, 0, 40):
        write_wav(folder / f"{doa_deg}.wav", change(response(doa_deg, (-0.04, 0.04))))
    rows = [{"file": f"{a}.wav", "doa_deg": a, "range_m": 1, "rt60_s": rt60, "spacing_m": 0.08} for a in (-40, 0, 40)]
    write_table(folder / "responses.csv", rows)
    return f"folder:{folder}"


def noisy(wet: NDArray[np.float64]) -> NDArray[np.float64]:
    long = np.concatenate([wet, np.zeros((4000, 2))])
    return long + 0.004 * np.random.default_rng(2).standard_normal(long.shape)


CHANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "noise 48 dB below the peak": noisy,
    "deltas": lambda wet: np.where(np.abs(wet) == np.abs(wet).max(axis=0), 1.0, 0.0)[:128],
    "two samples": lambda wet: wet[64:66],
    "a cut tail": lambda wet: wet[:500],
    "nothing behind the direct sound": lambda wet: wet[:80],
}


def strict(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("what", CHANGES)
def test_a_room_that_shows_no_time_has_none_and_no_label_that_nobody_gave(tmp_path: Path, what: str) -> None:
    room = folder_of(tmp_path, CHANGES[what])
    assert [(c.rt60_s, c.measured_rt60_s) for c in responses_of(room).conditions] == [(0.0, None)]
    (condition,) = strict(CliRunner().invoke(main, ["data", "verify", "--json", room]).output)["conditions"]
    assert (condition["rt60_s"], condition["measured_rt60_s"]) == (None, None)
    assert "rt60" not in {finding["kind"] for finding in condition["findings"]}


@pytest.mark.parametrize(("given", "label"), [("", None), ("0.31", 0.31)])
def test_a_label_is_shown_where_somebody_gave_one(tmp_path: Path, given: str, label: float | None) -> None:
    room = folder_of(tmp_path, lambda wet: wet, given)
    (condition,) = strict(CliRunner().invoke(main, ["data", "verify", "--json", room]).output)["conditions"]
    assert condition["rt60_s"] == label
    assert condition["measured_rt60_s"] == pytest.approx(0.3, rel=0.1)
    shown = CliRunner().invoke(main, ["data", "verify", room]).output
    assert ("0.31" in shown) == (label is not None)


def test_a_room_without_a_time_runs(tmp_path: Path) -> None:
    room = folder_of(tmp_path / "room", CHANGES["deltas"])
    records = run(tmp_path / "out", "--protocol", "label-sweep", "--method", "srp_phat", "--rooms", room)
    for record in records:
        assert (record["axes"]["rt60_s"], record["axes"]["measured_rt60_s"]) == (0.0, None)
    assert "nan" not in (tmp_path / "out/leaderboard/leaderboard.csv").read_text().lower()
