"""Training state on disk, so that a killed fit goes on where it was with the numbers of one that was never killed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from .weights import load_arrays, save_arrays

_FILE = "checkpoint.safetensors"
EVERY_S = float(os.environ.get("DOABENCH_CHECKPOINT_S", "10"))
"""Epochs may be shorter than writing their state takes; then it is written this often."""


class Checkpoint:
    """State of one training run: modules, optimiser, random generator and a few JSON values (step, best score, ...).

    Without a folder it keeps nothing. All is written as one safetensors file by atomic replacement.
    """

    def __init__(
        self, folder: Path | None, modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer, rng: torch.Generator
    ) -> None:
        self._folder, self._modules, self._optimiser, self._rng = folder, modules, optimiser, rng
        self._written = time.monotonic()

    def save(self, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write the state if the last time was long enough ago; ``tensors`` travel along, e.g. the best weights so far."""
        if self._folder is None or time.monotonic() - self._written < EVERY_S:
            return
        state = {f"extra/{name}": tensor for name, tensor in (tensors or {}).items()}
        for prefix, module in self._modules.items():
            state |= {f"module/{prefix}/{name}": tensor for name, tensor in module.state_dict().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            state |= {f"optimiser/{index}/{name}": torch.as_tensor(slot) for name, slot in slots.items()}
        state["rng"] = self._rng.get_state()
        state["values"] = torch.frombuffer(bytearray(json.dumps(dict(values)).encode()), dtype=torch.uint8)
        save_arrays(self._folder, {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}, _FILE)
        self._written = time.monotonic()

    def restore(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
        """Put modules, optimiser and generator back; the JSON values and extra tensors, or None without a checkpoint, or with a
        damaged one (a machine that lost its power may leave half a file)."""
        if self._folder is None or not (self._folder / _FILE).is_file():
            return None
        try:
            state = {name: torch.from_numpy(array) for name, array in load_arrays(self._folder, _FILE).items()}
        except SafetensorError:
            return None
        for prefix, module in self._modules.items():
            module.load_state_dict(_below(state, f"module/{prefix}/"))
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _below(state, "optimiser/").items():
            index, slot = name.split("/")
            slots.setdefault(int(index), {})[slot] = tensor
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": slots})
        for parameter, own in self._optimiser.state.items():
            # A fused optimiser walks memory: its slots must be laid out like their parameter, channels-last or not.
            own |= {name: _like(slot, parameter) for name, slot in own.items()}
        self._rng.set_state(state["rng"])
        return json.loads(state["values"].numpy().tobytes()), _below(state, "extra/")


def _like(slot: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(parameter).copy_(slot) if slot.shape == parameter.shape else slot


def _below(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
