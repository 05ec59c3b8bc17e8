"""Speed as ratios measured in one run: `tox -e bench`. One thread, real or synthetic speech in dtu-twin."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import pyroomacoustics as pra
import pytest
import threadpoolctl
import torch
from doabench.benchmark.data.scene import Scene, Scenes, SceneSpec
from doabench.benchmark.data.splits import scored_set
from doabench.benchmark.method import Context, Method
from doabench.benchmark.protocol import Subset
from doabench.benchmark.sequences import Sequences
from doabench.methods.music import Music
from doabench.methods.norm_music import NormMusic
from doabench.methods.srp_phat import SrpPhat
from pytest_benchmark.fixture import BenchmarkFixture

ORACLE_SEQUENCES = 300
METHODS = {
    "srp_phat": (SrpPhat(), "SRP", {}),
    "music": (Music(), "MUSIC", {"frequency_normalization": False}),
    "norm_music": (NormMusic(), "NormMUSIC", {}),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scenes().get(SceneSpec("dtu-twin", os.environ.get("DOABENCH_SPEECH", "talkers"), 0, 20))


@pytest.fixture(scope="module")
def sequences(scene: Scene) -> Sequences:
    return scored_set(scene.stream(Subset(speech="validation")), np.empty(0, np.int64), False, 0).sequences


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@pytest.mark.parametrize("name", METHODS)
def test_against_a_loop_over_pyroomacoustics(
    name: str, scene: Scene, sequences: Sequences, benchmark: BenchmarkFixture
) -> None:
    method, theirs, options = METHODS[name]
    method.context = Context(scene.setup)
    half = scene.setup.spacing_m / 2
    azimuth = np.radians(90 - np.array(scene.setup.candidates_deg))
    doa = pra.doa.algorithms[theirs](
        np.array([[-half, half], [0.0, 0.0]]), 16_000, 256, c=343.0, num_src=1, azimuth=azimuth, **options
    )
    frames = sequences.stft(slice(0, ORACLE_SEQUENCES)).transpose(0, 2, 3, 1)

    def loop() -> None:
        for sequence in frames:
            doa.locate_sources(sequence, freq_bins=np.arange(128))

    theirs_us = min(seconds(loop) for _ in range(3)) / ORACLE_SEQUENCES * 1e6
    benchmark.pedantic(method.predict, args=(sequences,), rounds=3, warmup_rounds=1)
    ours_us = benchmark.stats.stats.min / len(sequences) * 1e6  # pyright: ignore
    benchmark.extra_info |= {"theirs_us": theirs_us, "ours_us": ours_us, "ratio": theirs_us / ours_us}
    print(f"\n{name}: {ours_us:.2f} us a sequence, pyroomacoustics {theirs_us:.0f} us: {theirs_us / ours_us:.0f} x")


@pytest.mark.parametrize("name", METHODS)
def test_marginal_cost(name: str, scene: Scene, sequences: Sequences, benchmark: BenchmarkFixture) -> None:
    """Microseconds for each sequence more, between 10,000 and as many as there are."""
    method: Method = METHODS[name][0]
    method.context = Context(scene.setup)
    sizes = np.linspace(10_000, len(sequences), 4).astype(int)
    stream = scene.stream(Subset(speech="validation"))
    starts = stream.whole()
    views = [Sequences(stream.store, starts[:size]) for size in sizes]
    took = np.array([min(seconds(lambda view=view: method.predict(view)) for _ in range(5)) for view in views])
    marginal_us = np.diff(took) / np.diff(sizes) * 1e6
    benchmark.pedantic(method.predict, args=(views[0],), rounds=1)
    benchmark.extra_info["marginal_us"] = marginal_us.tolist()
    spread = np.abs(marginal_us / marginal_us.mean() - 1).max()
    print(f"\n{name}: marginal cost {np.round(marginal_us, 2)} us a sequence, within {spread:.0%} of their mean")
