"""One unlabelled step of VAE-SSL, 256 sequences, 19 classes, all cores: the published Pyro program against the fast objective.

Each runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from doabench.methods.vae_ssl import published
from doabench.methods.vae_ssl.batches import Source
from doabench.methods.vae_ssl.networks import Networks
from doabench.methods.vae_ssl.objective import Batch
from pytest_benchmark.fixture import BenchmarkFixture

SCRIPT = """
import json, resource, sys, time
import torch
from doabench.methods.vae_ssl import published
from doabench.methods.vae_ssl.networks import Decoder, Networks

class Sequences:
    def __init__(self, x): self.x = x
    def batch(self, index):
        from doabench.methods.vae_ssl.objective import Batch
        return Batch(self.x[index])

def plain_pixels(self, hidden):
    image = self.dropout(hidden).relu().reshape(-1, 64, 7, 31)
    mean, variance = self.heads(self.up(image).relu()).unbind(1)
    return mean.tanh(), (10 * variance.sigmoid() + 1e-6).sqrt()

estimator, repeats = sys.argv[1], int(sys.argv[2])
rng = torch.Generator().manual_seed(0)
networks = Networks(19, published.SHAPE, rng)
if estimator == "pyro":  # as published: float32, torch's own layers, channels first
    networks = networks.to(memory_format=torch.contiguous_format)
    Decoder.pixels = plain_pixels
x = torch.rand(256, 1, 31, 127, generator=rng) * 2 - 1
optimiser = torch.optim.Adam(networks.parameters(), 5e-5, fused=estimator != "pyro")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parts = (networks, "truncated-normal")
make = published.pyro_gradients if estimator == "pyro" else published.fast_gradients
gradients = make(*parts, published.Recipe(estimator, 5000.0, 1), Sequences(x), Sequences(x), rng)
times = []
for _ in range(repeats):
    began = time.perf_counter()
    optimiser.zero_grad()
    gradients(torch.arange(256), None)
    optimiser.step()
    times.append(time.perf_counter() - began)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"step_s": min(times), "peak_gb": (peak - before) / 2**20}))
"""


def measured(estimator: str, repeats: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, estimator, str(repeats)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("estimator", ["exact", "topk"])
def test_a_step_against_the_pyro_program(estimator: str, benchmark: BenchmarkFixture) -> None:
    pyro = measured("pyro", 3)
    ours = benchmark.pedantic(lambda: measured(estimator, 6), rounds=1)
    ratio = {"times_as_fast": pyro["step_s"] / ours["step_s"], "share_of_memory": ours["peak_gb"] / pyro["peak_gb"]}
    benchmark.extra_info.update(ratio | {f"{key}_pyro": value for key, value in pyro.items()} | ours)
    print(
        f"\n{estimator}: {ours['step_s']:.2f} s, {ours['peak_gb']:.2f} GB a step; pyro {pyro['step_s']:.2f} s, "
        f"{pyro['peak_gb']:.2f} GB: {ratio['times_as_fast']:.1f} times as fast in {ratio['share_of_memory']:.2f} of the memory"
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_an_exact_epoch_on_an_accelerator(benchmark: BenchmarkFixture) -> None:
    """All data of `quick`, about 110,000 sequences, batches of 256, the sum over 19 classes."""
    epoch = exact_epoch(torch.device("cuda"), 110_000)
    benchmark.extra_info["device"] = torch.cuda.get_device_name()
    benchmark.pedantic(epoch, rounds=3, warmup_rounds=1)


def exact_epoch(device: torch.device, count: int) -> Callable[[], None]:
    rng = torch.Generator(device).manual_seed(0)
    networks = Networks(19, published.SHAPE, rng)
    x = torch.rand(count, 1, 31, 127, generator=rng, device=device) * 2 - 1
    optimiser = torch.optim.Adam(networks.parameters(), 5e-5, fused=True)
    source = cast(Source, SimpleNamespace(batch=lambda index: Batch(x[index])))
    gradients = published.fast_gradients(
        networks, "truncated-normal", published.Recipe("exact", 5000.0, 1), source, source, rng
    )

    def epoch() -> None:
        for index in torch.randperm(count, generator=rng, device=device).split(256):
            optimiser.zero_grad()
            gradients(index, None)
            optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return epoch
