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
    """State of one training run: modules, optimiser with the values of its groups (the learning rate is one), random generator,
    the ``schedule`` of the learning rate if there is one, and a few JSON values (step, best score, ...).

    Without a folder it keeps nothing. All is written as one safetensors file by atomic replacement.
    """

    def __init__(
        self,
        folder: Path | None,
        modules: Mapping[str, nn.Module],
        optimiser: torch.optim.Optimizer,
        rng: torch.Generator,
        schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    ) -> None:
        self.folder, self._modules, self._optimiser, self._rng, self._schedule = folder, modules, optimiser, rng, schedule
        self._written = time.monotonic()

    def save(self, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write the state if the last time was long enough ago; ``tensors`` travel along, e.g. the best weights so far."""
        if self.folder is None or time.monotonic() - self._written < EVERY_S:
            return
        state = {f"extra/{name}": tensor for name, tensor in (tensors or {}).items()}
        for prefix, module in self._modules.items():
            state |= {f"module/{prefix}/{name}": tensor for name, tensor in module.state_dict().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            state |= {f"optimiser/{index}/{name}": torch.as_tensor(slot) for name, slot in slots.items()}
        state["rng"] = self._rng.get_state()
        schedule = self._schedule.state_dict() if self._schedule else {}
        state |= _packed(values=dict(values), groups=_plain(self._optimiser.param_groups), schedule=_plain(schedule))
        save_arrays(self.folder, {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}, _FILE)
        self._written = time.monotonic()

    def restore(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
        """Put modules, optimiser, generator and schedule back; the JSON values and extra tensors, or None without a checkpoint,
        or with a damaged one (a machine that lost its power may leave half a file)."""
        if self.folder is None or not (self.folder / _FILE).is_file():
            return None
        try:
            state = {name: torch.from_numpy(array) for name, array in load_arrays(self.folder, _FILE).items()}
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
        _put_back(_unpacked(state, "groups"), self._optimiser.param_groups)
        if self._schedule:
            schedule = self._schedule.state_dict()
            _put_back(_unpacked(state, "schedule"), schedule)
            self._schedule.load_state_dict(schedule)
        self._rng.set_state(state["rng"])
        return _unpacked(state, "values"), _below(state, "extra/")


def _packed(**values: Any) -> dict[str, torch.Tensor]:
    """JSON as bytes."""
    return {name: torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8) for name, value in values.items()}


def _unpacked(state: Mapping[str, torch.Tensor], name: str) -> Any:
    return json.loads(state[name].numpy().tobytes())


def _plain(value: Any) -> Any:
    """What is a number, text or truth value in ``value``, however deep, in JSON: that is what training changes. The rest
    (parameters, functions) is made anew with the object; None stands for it in lists."""
    match value:
        case bool() | int() | float() | str():
            return value
        case torch.Tensor() if not value.requires_grad and value.ndim == 0:  # of an optimiser on an accelerator
            return value.item()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return None


def _put_back(plain: Any, into: Any) -> Any:
    """What `_plain` took, put back ``into`` an object of the same make; the object, or what stands for it."""
    match into:
        case torch.Tensor():
            return into if plain is None else into.fill_(plain)
        case dict():
            names = {str(key): key for key in into}
            for name, kept in plain.items():
                if kept is not None:
                    key = names.get(name, name)
                    into[key] = _put_back(kept, into.get(key))
            return into
        case list() | tuple() if len(into) == len(plain):
            items = [_put_back(kept, item) for kept, item in zip(plain, into, strict=True)]
            return items if isinstance(into, list) else tuple(items)
    return into if plain is None else plain


def _like(slot: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(parameter).copy_(slot) if slot.shape == parameter.shape else slot


def _below(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
