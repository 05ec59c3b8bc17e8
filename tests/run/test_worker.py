"""What a worker does with cells that cannot be scored, and what it times."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doabench.benchmark.data.streams import Stream
from doabench.benchmark.method import Prediction
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Store
from doabench.benchmark.run import scored_set, worker
from doabench.benchmark.run.jobs import Fit, Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.methods.srp_phat import SrpPhat


@pytest.fixture(scope="module")
def fit() -> Fit:
    """One fit with more than one cell."""
    request = Request(protocols=("label-sweep",), methods=("srp_phat",), speech="talkers", scale="smoke", seeds=(0,))
    (found,) = make_plan(request).fits
    assert len(found.cells) > 1
    return found


def run(fit: Fit, out: Path) -> list[CellRecord]:
    records = worker.Worker(Settings(out)).run(fit, lambda *_: None)
    assert [Store(out).cell(record.key) for record in records] == records
    return records


def first_call(function: Any, instead: Any) -> Any:
    """``function``, but ``instead`` the first time."""
    calls = iter([instead])
    return lambda *arguments: next(calls, function)(*arguments)


def test_what_breaks_in_scoring_fails_that_cell_alone(fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise ValueError("no such metric")

    monkeypatch.setattr(worker, "score", first_call(worker.score, breaks))
    first, *others = run(fit, tmp_path)
    assert first.state == "failed"
    assert first.reason.startswith(f"srp_phat score {fit.cells[0].split}: ValueError in test_worker.py, line ")
    assert first.reason.endswith("no such metric")
    assert [record.state for record in others] == ["ok"] * len(others)
    (mended,) = run(fit, tmp_path)
    assert (mended.key, mended.state) == (first.key, "ok")


def test_nothing_to_score_fails_that_cell_with_advice(fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_set = scored_set.scored_set

    def none_left(stream: Stream, *_: Any) -> Any:
        return whole_set(stream, stream.whole(), False, 0)

    monkeypatch.setattr(scored_set, "scored_set", first_call(whole_set, none_left))
    first, *others = run(fit, tmp_path)
    assert (first.state, first.traceback) == ("failed", "")
    assert first.reason == f"no sequence is left to score in {fit.cells[0].split}: lower --labels or give more speech"
    assert [record.state for record in others] == ["ok"] * len(others)


def test_only_the_methods_own_work_is_timed(fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s, predict, checked = [0.0], SrpPhat.predict, worker.checked

    def predict_in_two_seconds(*arguments: Any) -> Prediction:
        clock_s[0] += 2.0
        return predict(*arguments)

    def check_for_an_hour(*arguments: Any) -> None:
        clock_s[0] += 3600.0
        checked(*arguments)

    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: clock_s[0], monotonic=lambda: clock_s[0]))
    monkeypatch.setattr(SrpPhat, "predict", predict_in_two_seconds)
    monkeypatch.setattr(worker, "checked", check_for_an_hour)
    for record in run(fit, tmp_path):
        assert record.metrics is not None
        assert record.predict_us_per_sequence == pytest.approx(2e6 / record.metrics.sequences)
    assert clock_s[0] > 3600
