"""A fit has ended when every cell is there or was tried again, though it came to the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.jobs import Fit
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.watch import Watch


@pytest.fixture(scope="module")
def fit() -> Fit:
    (fit,) = make_plan(Request(("off-range", "label-sweep"), ("srp_phat",), "talkers", "smoke", seeds=(0,))).fits
    assert len(fit.cells) == 3
    return fit


def test_a_fit_ends_once_however_often_it_is_tried(fit: Fit, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for _ in range(2):  # fails for the same reason both times
        watch = Watch(fit, store)
        assert not watch.has_ended()
        watch.fail("no luck")
        assert watch.has_ended()
    assert {record.reason for record in store.all_cells()} == {"no luck"}
    assert len(store.all_cells()) == 3
    assert not Watch(fit, store).began_afresh
    assert Watch(fit, Store(tmp_path / "other")).began_afresh


def test_what_came_of_a_cell_meanwhile_stays(fit: Fit, tmp_path: Path) -> None:
    store = Store(tmp_path)
    watch = Watch(fit, store)
    for cell, state in zip(fit.cells, ("ok", "failed"), strict=False):
        store.add_cell(CellRecord(key=cell.key, fit_key=fit.key, state=state, fit=fit.axes, axes=cell.axes, reason="its own"))
    assert not watch.has_ended()
    watch.fail("no luck")
    assert watch.has_ended()
    found = [store.cell(cell.key) for cell in fit.cells]
    assert [(one.state, one.reason) for one in found if one] == [
        ("ok", "its own"),
        ("failed", "its own"),
        ("failed", "no luck"),
    ]
