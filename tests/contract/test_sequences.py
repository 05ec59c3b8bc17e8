"""STFT, phase and the gathering of sequences, against the plainest way to compute each."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from doabench.benchmark.sequences import FrameStore, Sequences, stft
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

FRAMES, N_FFT, HOP, BINS, PHASE_BINS = 31, 256, 128, 129, 127


def random_store(frames: int, seed: int = 0) -> FrameStore:
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((frames, 2, BINS, 2), dtype=np.float32)
    return FrameStore(parts.view(np.complex64)[..., 0])


@pytest.fixture(scope="module")
def store() -> FrameStore:
    return random_store(9000)


def brute_force(values: NDArray[np.float64], starts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of ``values [frames, ...]`` over the 31 frames of every sequence."""
    return values[np.asarray(starts, np.int64)[:, None] + np.arange(FRAMES)].mean(axis=1)


def power(frames: NDArray[np.complex64]) -> NDArray[np.float64]:
    return np.abs(frames[:, :, :3].astype(np.complex128)) ** 2


def test_stft_is_the_discrete_fourier_transform_of_hamming_frames() -> None:
    waveform = np.random.default_rng(0).standard_normal((2000, 2), dtype=np.float32)
    n = np.arange(N_FFT)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * n / N_FFT)
    kernel = window * np.exp(-2j * np.pi * np.outer(np.arange(BINS), n) / N_FFT)
    expected = np.array([kernel @ waveform[first : first + N_FFT] for first in range(0, 2000 - N_FFT + 1, HOP)])
    frames = stft(waveform)
    assert frames.dtype == np.complex64
    np.testing.assert_allclose(frames, expected.transpose(0, 2, 1), atol=2e-5)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (255, 0), (256, 1), (383, 1), (384, 2), (16_000, 124)])
def test_frame_counts(samples: int, frames: int) -> None:
    spectra = stft(np.zeros((samples, 2), np.float32))
    assert spectra.shape == (frames, 2, BINS)
    assert spectra.dtype == np.complex64


def test_phase_is_that_of_microphone_2_relative_to_1(store: FrameStore) -> None:
    # 9000 frames: more than are computed at once
    first, second = store.frames.astype(np.complex128).transpose(1, 0, 2)[:, :, :PHASE_BINS]
    assert store.phase.shape == (9000, PHASE_BINS)
    assert store.phase.dtype == np.float32
    assert np.abs(store.phase).max() <= np.float32(np.pi)
    np.testing.assert_allclose(np.exp(1j * store.phase), (second / first) / np.abs(second / first), atol=2e-6)


@pytest.mark.parametrize("index", [slice(None), slice(3, 7), np.array([5, 0, 5, 19])], ids=["all", "slice", "indices"])
def test_all_ways_to_gather_agree(store: FrameStore, index: slice | NDArray[np.int64]) -> None:
    starts = np.random.default_rng(1).integers(0, 9000 - FRAMES + 1, 20)
    view = Sequences(store, starts)
    expected = np.array([store.frames[start : start + FRAMES] for start in starts[index]])
    np.testing.assert_array_equal(view.stft(index), expected)
    expected_phase = np.array([store.phase[start : start + FRAMES] for start in starts[index]])
    np.testing.assert_array_equal(view.phase(index), expected_phase)
    on_device = view.phase_on("cpu")(torch.from_numpy(np.arange(20)[index]))
    assert on_device.dtype == torch.float32
    np.testing.assert_array_equal(on_device.numpy(), expected_phase)


SMALL = random_store(700)
start_lists = st.lists(st.integers(0, 700 - FRAMES), min_size=1, max_size=400)


@given(start_lists)
@example([0])
@example([700 - FRAMES])
@example([5, 5, 5])
@example([0, 30])  # share one frame
@example([0, 31])  # touch
@example([0, 32])  # a frame between them that neither has
@example(list(range(700 - FRAMES + 1)))
def test_frame_mean_is_the_mean_over_the_frames(starts: list[int]) -> None:
    result = Sequences(SMALL, np.array(starts)).frame_mean(power)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, brute_force(power(SMALL.frames), starts), rtol=1e-12)


@pytest.mark.parametrize("step", [1, 2, 7, 30, 31, 32, 500])
def test_frame_mean_over_many_runs_and_blocks(store: FrameStore, step: int) -> None:
    starts = np.random.default_rng(step).permutation(np.arange(0, 9000 - FRAMES + 1, step))
    result = Sequences(store, starts).frame_mean(power)
    np.testing.assert_allclose(result, brute_force(power(store.frames), starts), rtol=1e-12)


def test_frame_mean_does_not_cancel_beside_a_loud_frame() -> None:
    frames = random_store(200).frames.copy()
    frames[60] *= 1e9
    starts = np.arange(200 - FRAMES + 1)
    quiet = (starts > 60) | (starts + FRAMES - 1 < 60)
    result = Sequences(FrameStore(frames), starts).frame_mean(power)
    np.testing.assert_allclose(result[quiet], brute_force(power(frames), starts)[quiet], rtol=1e-12)


def test_then_is_applied_to_the_means(store: FrameStore) -> None:
    starts = np.random.default_rng(2).integers(0, 9000 - FRAMES + 1, 6000)

    def loudest(means: NDArray[np.float64]) -> NDArray[np.int64]:
        return means.reshape(len(means), -1).argmax(axis=1)

    result = Sequences(store, starts).frame_mean(power, loudest)
    np.testing.assert_array_equal(result, loudest(brute_force(power(store.frames), starts)))


def test_frame_mean_of_no_sequences_is_empty(store: FrameStore) -> None:
    result = Sequences(store, np.empty(0, np.int64)).frame_mean(power, lambda means: means[:, 0])
    assert result.shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8])
def test_frame_mean_of_booleans_and_small_integers(store: FrameStore, dtype: type[np.generic]) -> None:
    def loud(frames: NDArray[np.complex64]) -> NDArray[np.generic]:
        return (100 * (np.abs(frames[:, 0, :3]) > 1)).astype(dtype)

    result = Sequences(store, np.arange(50)).frame_mean(loud)
    np.testing.assert_allclose(result, brute_force(loud(store.frames).astype(np.float64), np.arange(50)), rtol=1e-6)


@settings(max_examples=25)
@given(start_lists, st.integers(0, 10**6))
def test_order_of_sequences_changes_no_bit(starts: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(starts))

    def single(frames: NDArray[np.complex64]) -> NDArray[np.complex64]:
        return frames[:, 0, :5] * frames[:, 1, :5].conj()

    result = Sequences(SMALL, np.array(starts)).frame_mean(single)
    shuffled = Sequences(SMALL, np.array(starts)[order]).frame_mean(single)
    np.testing.assert_array_equal(shuffled, result[order])


def test_company_changes_no_bit(store: FrameStore) -> None:
    """A sequence's mean is the same alone, among a few and among all others."""

    def single(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
        return np.abs(frames[:, 0, :5])

    among_all = Sequences(store, np.arange(9000 - FRAMES + 1)).frame_mean(single)
    some = np.random.default_rng(3).integers(0, 9000 - FRAMES + 1, 50)
    np.testing.assert_array_equal(Sequences(store, some).frame_mean(single), among_all[some])
    for start in some[:5]:
        np.testing.assert_array_equal(Sequences(store, np.array([start])).frame_mean(single)[0], among_all[start])


def held_bytes(*objects: object) -> int:
    return sum(value.nbytes for each in objects for value in vars(each).values() if isinstance(value, np.ndarray))


def test_what_is_held_grows_with_frames_not_with_sequences_times_31() -> None:
    store = random_store(3000)
    view = Sequences(store, np.arange(3000 - FRAMES + 1))
    gathered = (view.stft(slice(0, 10)), view.phase(slice(0, 10)), view.phase_on("cpu"), view.frame_mean(power))
    assert len(gathered[3]) == len(view)
    per_frame = 2 * BINS * 8 + PHASE_BINS * 4
    assert held_bytes(store, view) == 3000 * per_frame + 8 * len(view)


def test_frame_mean_never_expands_sequences(store: FrameStore) -> None:
    view = Sequences(store, np.arange(9000 - FRAMES + 1))
    computed = 0

    def counted(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
        nonlocal computed
        computed += len(frames)
        return np.abs(frames)

    tracemalloc.start()
    view.frame_mean(counted, lambda means: means[:, 0, 0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert computed < 1.2 * 9000
    assert peak < 0.2 * FRAMES * store.frames.nbytes
