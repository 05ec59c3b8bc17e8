"""Malformed states of training, and a method that goes on from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from doabench.benchmark.weights import load_arrays, save_arrays
from support.hostile import DAMAGE

CHECKPOINT = "checkpoint.safetensors"
LEARNS = """
from dataclasses import dataclass
import numpy as np
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.method import Method, MethodInfo, Prediction
from doabench.benchmark.weights import load_arrays, save_arrays

@dataclass
class Learns(Method):
    info = MethodInfo("Learns", "nobody, 2026")
    stops: bool = False

    def fit(self, data):
        checkpoint.EVERY_S = 0.0
        torch.manual_seed(self.context.seed % 2**32)
        layer, rng = torch.nn.Linear(3, 1), torch.Generator().manual_seed(self.context.seed % 2**63)
        optimiser = torch.optim.Adam(layer.parameters(), 0.01)
        state = checkpoint.Checkpoint(self.context.scratch, {"layer": layer}, optimiser, rng)
        found = state.restore()
        step = found[0]["step"] if found else 0
        while step < 6:
            optimiser.zero_grad()
            (layer(torch.randn((4, 3), generator=rng)).square().mean()).backward()
            optimiser.step()
            step += 1
            if step == 3:
                state.save({"step": step}, {"best": layer.weight})
                if self.stops:
                    raise RuntimeError("stopped")
        self.angle = layer.weight.detach().numpy().sum() * np.ones(1)

    def predict(self, sequences):
        return Prediction(np.full(len(sequences), np.clip(10 * self.angle[0], -90, 90)))

    def save(self, folder):
        save_arrays(folder, {"angle": self.angle})

    def load(self, folder):
        self.angle = load_arrays(folder)["angle"]
"""
"""Six steps; after three its state is kept, and where it is told to, it ends."""

Arrays = dict[str, np.ndarray]


def words(value: object) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def arrays(change: Callable[[Arrays], Arrays]) -> Callable[[Path], object]:
    return lambda folder: save_arrays(folder, change(load_arrays(folder, CHECKPOINT)), CHECKPOINT)


def content(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / CHECKPOINT).write_bytes(change((folder / CHECKPOINT).read_bytes()))


def instead(folder: Path) -> None:
    (folder / CHECKPOINT).unlink()
    (folder / CHECKPOINT).mkdir()


WITHOUT_TRACE = ("a hole", "bits turned")
"""Of these the format itself tells nothing where they meet numbers alone."""
KINDS: dict[str, Callable[[Path], object]] = {
    **{name: content(change) for name, change in DAMAGE.items()},
    "a folder": instead,
    "nothing in it": arrays(lambda _: {}),
    "no generator": arrays(lambda all_: {name: one for name, one in all_.items() if name != "rng"}),
    "no values": arrays(lambda all_: {name: one for name, one in all_.items() if name != "values"}),
    "another module": arrays(lambda all_: {name.replace("layer", "other"): one for name, one in all_.items()}),
    "another shape": arrays(lambda all_: all_ | {"module/layer/weight": np.zeros((2, 2), np.float32)}),
    "a generator of another make": arrays(lambda all_: all_ | {"rng": np.zeros(3, np.uint8)}),
    "a generator of numbers": arrays(lambda all_: all_ | {"rng": np.zeros(5056, np.float64)}),
    "values of noise": arrays(lambda all_: all_ | {"values": np.arange(255, dtype=np.uint8)}),
    "values of another training": arrays(lambda all_: all_ | {"values": words({"epoch": 3})}),
    "values that are a list": arrays(lambda all_: all_ | {"values": words([3])}),
    "values deeper than any": arrays(lambda all_: all_ | {"values": np.frombuffer(b"[" * 100_000, np.uint8)}),
    "groups of nothing": arrays(lambda all_: all_ | {"groups": words([None, {"lr": "fast"}])}),
    "slots of nobody": arrays(lambda all_: all_ | {"optimiser/x/exp_avg": np.zeros(3)}),
    "slots too deep": arrays(lambda all_: all_ | {"optimiser/0/a/b": np.zeros(3)}),
}
