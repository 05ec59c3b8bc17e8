"""Training state on disk: whoever goes on from it ends where one that was never interrupted ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from doabench.benchmark import checkpoint
from doabench.benchmark.checkpoint import Checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

OPTIMISERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "adam": lambda module: torch.optim.Adam(module.parameters(), 0.01),
    "fused adam": lambda module: torch.optim.Adam(module.parameters(), 0.01, fused=True),
    "momentum": lambda module: torch.optim.SGD(module.parameters(), 0.01, momentum=0.9),
}


class Training:
    """A few layers that learn from noise drawn from a generator of their own; images lie channels-last."""

    def __init__(self, optimiser: str, folder: Path | None, seed: int = 0) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.first = nn.Conv2d(2, 3, 3)
        self.module = nn.Sequential(self.first, nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 2))
        self.module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.optimiser = OPTIMISERS[optimiser](self.module)
        self.checkpoint = Checkpoint(folder, {"layers": self.module}, self.optimiser, self.rng)
        self.step, self.losses = 0, list[float]()

    def to(self, steps: int) -> None:
        while self.step < steps:
            images = torch.rand((4, 2, 5, 5), generator=self.rng).to(memory_format=torch.channels_last)
            loss = self.module(images).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.step += 1
            self.losses.append(loss.item())

    def save(self) -> None:
        self.checkpoint.save({"step": self.step, "losses": self.losses}, {"first": self.first.weight})

    def restore(self) -> dict[str, torch.Tensor] | None:
        found = self.checkpoint.restore()
        if found is None:
            return None
        self.step, self.losses = found[0]["step"], found[0]["losses"]
        return found[1]


@pytest.fixture(autouse=True)
def _written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_resumed_training_ends_as_an_uninterrupted_one(optimiser: str, tmp_path: Path) -> None:
    whole = Training(optimiser, None)
    whole.to(7)
    interrupted = Training(optimiser, tmp_path)
    interrupted.to(4)
    interrupted.save()
    interrupted.to(5)  # what is done after the last checkpoint is lost
    resumed = Training(optimiser, tmp_path, seed=99)
    tensors = resumed.restore()
    assert tensors is not None
    assert torch.equal(tensors["first"], resumed.first.weight)
    assert resumed.step == 4
    resumed.to(7)
    assert resumed.losses == whole.losses
    assert len(whole.losses) == 7
    for (name, found), expected in zip(resumed.module.state_dict().items(), whole.module.state_dict().values(), strict=True):
        assert torch.equal(found, expected), name
    assert torch.equal(resumed.rng.get_state(), whole.rng.get_state())


def test_without_a_folder_or_a_file_there_is_nothing_to_restore(tmp_path: Path) -> None:
    without = Training("adam", None)
    without.save()
    assert without.restore() is None
    assert Training("adam", tmp_path).restore() is None
    assert list(tmp_path.iterdir()) == []


def test_it_is_written_no_more_often_than_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 3600.0)
    training = Training("adam", tmp_path)
    training.save()
    assert list(tmp_path.iterdir()) == []


@given(share=st.floats(0, 0.999))
@settings(max_examples=20, deadline=None)
def test_a_file_that_is_cut_short_is_no_checkpoint(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As a machine that loses its power may leave it: training starts anew, and nothing of the file is taken over."""
    folder = tmp_path_factory.mktemp("scratch")
    interrupted = Training("adam", folder)
    interrupted.to(2)
    interrupted.save()
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    anew, fresh = Training("adam", folder), Training("adam", None)
    assert anew.restore() is None
    for training in (anew, fresh):
        training.to(2)
    assert anew.losses == fresh.losses
    anew.save()
    assert Training("adam", folder).restore() is not None
