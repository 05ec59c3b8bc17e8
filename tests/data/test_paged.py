"""Memory that is handed back and there again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.paged import paged
from doabench.benchmark.sequences import FrameStore

MB = 1_000_000
needs_pages = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system keeps arrays in plain memory")


def resident_mb() -> float:
    found = re.search(r"^VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found is not None
    return int(found[1]) * 1024 / MB


@needs_pages
def test_what_is_handed_back_is_not_lost() -> None:
    array, hand_back = paged((10_000, 1000), np.float32)
    before = resident_mb()
    array[:] = np.arange(10_000, dtype=np.float32)[:, None]
    assert resident_mb() - before > 35
    hand_back()
    assert resident_mb() - before < 5
    assert np.array_equal(array.sum(0, np.float64), [9999 * 5000.0] * 1000)


@pytest.mark.parametrize("cache", ["", "not/a/folder"])
def test_where_there_is_no_room_for_a_file_memory_does(cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "not").touch()
    monkeypatch.setenv("DOABENCH_CACHE", str(tmp_path / cache) if cache else "")
    if not cache:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    array, hand_back = paged((3, 2), np.complex64)
    array[:] = 1j
    hand_back()
    assert array.tolist() == [[1j] * 2] * 3


def test_nothing_needs_no_file() -> None:
    array, hand_back = paged((0, 127), np.float32)
    hand_back()
    assert array.shape == (0, 127)


def test_frames_and_what_is_derived_of_them_are_the_same_after_a_rest() -> None:
    rng = np.random.default_rng(0)
    frames = (rng.standard_normal((9000, 2, 129)) + 1j * rng.standard_normal((9000, 2, 129))).astype(np.complex64)
    held, hand_back = paged(frames.shape, np.complex64)
    held[:] = frames
    store = FrameStore(held, [hand_back])
    phase, level = store.phase.copy(), store.level.copy()
    store.rest()
    assert np.array_equal(store.frames, frames)
    assert np.array_equal(store.phase, phase)
    assert np.array_equal(store.level, level)
    first, second = frames[:, 0, :127], frames[:, 1, :127]
    assert np.allclose(level, np.sqrt(np.abs(first) * np.abs(second)))
    assert np.allclose(np.exp(1j * phase), np.exp(1j * (np.angle(second) - np.angle(first))), atol=1e-5)
