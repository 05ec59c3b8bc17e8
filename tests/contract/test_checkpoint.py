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
    "rate in a tensor": lambda module: torch.optim.Adam(module.parameters(), torch.tensor(0.01), capturable=False),
    "two groups": lambda module: torch.optim.SGD(
        [
            {"params": [one], "lr": rate}
            for one, rate in zip(module.parameters(), (0.01, 0.02, 0.03, 0.01, 0.02, 0.03), strict=True)
        ]
    ),
}
lr_scheduler = torch.optim.lr_scheduler
SCHEDULES: dict[str, Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]] = {
    "steps": lambda optimiser: lr_scheduler.StepLR(optimiser, 3, 0.1),
    "milestones": lambda optimiser: lr_scheduler.MultiStepLR(optimiser, [2, 5, 6], 0.3),
    "a function": lambda optimiser: lr_scheduler.LambdaLR(optimiser, lambda step: 1 / (1 + step)),
    "a cosine": lambda optimiser: lr_scheduler.CosineAnnealingLR(optimiser, 6),
    "one cycle, momentum too": lambda optimiser: lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=8),
    "one after the other": lambda optimiser: lr_scheduler.SequentialLR(
        optimiser, [lr_scheduler.ConstantLR(optimiser, 0.1), lr_scheduler.ExponentialLR(optimiser, 0.8)], [3]
    ),
    "when nothing gets better": lambda optimiser: lr_scheduler.ReduceLROnPlateau(optimiser, patience=1, factor=0.5),
}


class Training:
    """A few layers that learn from noise drawn from a generator of their own; images lie channels-last."""

    def __init__(self, optimiser: str, folder: Path | None, seed: int = 0, schedule: str = "") -> None:
        self.rng = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.first = nn.Conv2d(2, 3, 3)
        self.module = nn.Sequential(self.first, nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 2))
        self.module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.optimiser = OPTIMISERS[optimiser](self.module)
        self.schedule = SCHEDULES[schedule](self.optimiser) if schedule else None
        self.checkpoint = Checkpoint(folder, {"layers": self.module}, self.optimiser, self.rng, self.schedule)
        self.step, self.losses = 0, list[float]()

    def to(self, steps: int) -> None:
        while self.step < steps:
            images = torch.rand((4, 2, 5, 5), generator=self.rng).to(memory_format=torch.channels_last)
            loss = self.module(images).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            if isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
                self.schedule.step(1.0)
            elif self.schedule:
                self.schedule.step()
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


@pytest.mark.parametrize("optimiser", ["momentum", "rate in a tensor", "two groups"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_resumed_schedule_goes_on_where_it_was(schedule: str, optimiser: str, tmp_path: Path) -> None:
    whole, interrupted = (Training(optimiser, folder, schedule=schedule) for folder in (None, tmp_path))
    whole.to(8)
    resumed = interrupted
    for step in (2, 4, 5, 8):
        resumed.to(step)
        resumed.save()
        resumed = Training(optimiser, tmp_path, seed=99, schedule=schedule)
        assert resumed.restore() is not None
    assert resumed.losses == whole.losses
    for found, expected in zip(resumed.module.parameters(), whole.module.parameters(), strict=True):
        assert torch.equal(found, expected)
    for found, expected in zip(resumed.optimiser.param_groups, whole.optimiser.param_groups, strict=True):
        assert {name: value for name, value in found.items() if name != "params"} == {
            name: value for name, value in expected.items() if name != "params"
        }
    rates = {float(group.get("initial_lr", 0.01)) for group in whole.optimiser.param_groups}
    assert rates != {float(group["lr"]) for group in whole.optimiser.param_groups}


def test_values_of_groups_that_the_loop_sets_itself_are_restored(tmp_path: Path) -> None:
    interrupted = Training("momentum", tmp_path)
    interrupted.optimiser.param_groups[0].update(lr=0.5, weight_decay=0.25, momentum=0.125, nesterov=True)
    interrupted.save()
    resumed = Training("momentum", tmp_path)
    resumed.restore()
    (group,) = resumed.optimiser.param_groups
    assert [group[name] for name in ("lr", "weight_decay", "momentum", "nesterov")] == [0.5, 0.25, 0.125, True]


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
