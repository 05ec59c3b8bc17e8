"""Shipped fits are held against today's code by doing their first steps again and asking what they kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.method import Form
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Stored
from doabench.benchmark.run import replay as replay_module
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.replay import replay
from doabench.benchmark.run.worker import Worker
from doabench.benchmark.weights import load_arrays, save_arrays
from doabench.datasets.speech import talkers
from doabench.leaderboard.shipping import ship
from doabench.methods.vae_ssl import VaeSsl, published

METHOD = "vae_ssl[variant=as-published,thin=16,epochs=20]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A short fit, shipped as if it were a long one."""
    out, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VaeSsl, "form", lambda _: Form("as published", as_published=True))
        ship_one(out, folder)
        yield folder


def ship_one(out: Path, folder: Path) -> None:
    plan = make_plan(Request(("label-sweep",), (METHOD,), "talkers", "smoke"))
    worker = Worker(Settings(out))
    for fit in plan.fits:
        records = worker.run(fit, lambda *_: None)
        assert [record.state for record in records] == ["ok", "ok"]
    assert len(ship(out, folder)) == 2


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "STEPS", 10)


@pytest.fixture
def cells(made: Path) -> list[CellRecord]:
    return Stored(made).all_cells()


def test_what_is_shipped_is_enough_and_small(made: Path, cells: list[CellRecord]) -> None:
    stored = Stored(made)
    files = sorted(path.name for path in (stored.fits / cells[0].fit_key).iterdir())
    assert files == ["history.json", "record.json", "weights.safetensors"]
    assert sum(path.stat().st_size for path in made.rglob("*") if path.is_file()) < 6.5e6
    assert all(len(stored.predictions(cell.key)) == cell.metrics.sequences for cell in cells if cell.metrics)


def test_today_s_code_gives_the_same(made: Path, cells: list[CellRecord]) -> None:
    assert replay(Stored(made), cells) == ""


@pytest.mark.parametrize(("name", "value", "steps"), [("RATE", published.RATE / 2, 10), ("TOP_K", 2, 50)])
def test_a_changed_step_is_seen(
    name: str, value: float, steps: int, made: Path, cells: list[CellRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "STEPS", steps)
    monkeypatch.setattr(published, name, value)
    assert "at step" in replay(Stored(made), cells)


def test_changed_answers_are_seen(made: Path, cells: list[CellRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "_curve", lambda *_: "")
    folder = Stored(made).fits / cells[0].fit_key
    kept = load_arrays(folder)
    save_arrays(folder, kept | {"classifier.3.bias": np.roll(kept["classifier.3.bias"], 1) + np.float16(3)})
    try:
        assert "of its answers are others" in replay(Stored(made), cells)
    finally:
        save_arrays(folder, kept)


def test_other_speech_is_seen(made: Path, cells: list[CellRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "_curve", lambda *_: "")
    monkeypatch.setattr(talkers, "SPEECH_RMS", talkers.SPEECH_RMS / 2)
    monkeypatch.setattr(talkers, "VOWEL_MS", 150.0)
    assert "are others" in replay(Stored(made), cells)


def test_a_method_that_takes_other_parameters_now_is_seen(made: Path, cells: list[CellRecord]) -> None:
    changed = [cell.model_copy(update={"fit": cell.fit.model_copy(update={"variant": "nothing=1"})}) for cell in cells]
    assert "cannot be planned" in replay(Stored(made), changed)
