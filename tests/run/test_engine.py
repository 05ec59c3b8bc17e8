"""Local processes: one fit that goes wrong stops no other, progress arrives, and no worker is left behind."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.engine import LocalProcesses
from doabench.benchmark.run.jobs import Fit, Settings
from doabench.benchmark.run.plan import Request, make_plan
from support import plugins

SPEAKS = (
    plugins.GUESS
    + """
    def save(self, folder):
        self.context.progress(0.25, "a quarter")
"""
)
WAITS = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        import time

        time.sleep(600)
"""
)
RAISES_THEN_DIES = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        mark = os.path.join(os.path.dirname(__file__), "mark")
        if os.path.exists(mark):
            os._exit(7)
        open(mark, "w").close()
        return 1 / 0
"""
)
TEXTS = {
    "raises_then_dies": RAISES_THEN_DIES,
    "dies": plugins.DIES,
    "guess": plugins.GUESS,
    "speaks": SPEAKS,
    "waits": WAITS,
    "waits_too": WAITS,
}
Said = list[tuple[str, float, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of methods, each of which can be asked for while this module runs."""
    made = tmp_path_factory.mktemp("plugins")
    with METHODS.scope():
        for name, text in TEXTS.items():
            (made / f"{name}.py").write_text(text)
            METHODS.add_file(made / f"{name}.py")
        yield made


def fits_of(*methods: str) -> list[Fit]:
    plan = make_plan(Request(("off-range",), methods, "talkers", scale="smoke", seeds=(0,)))
    assert len(plan.fits) == len(methods)
    return plan.fits


def run(jobs: int, fits: Sequence[Fit], out: Path, folder: Path) -> tuple[dict[str, list[CellRecord]], Said]:
    """The records of each method's cells, and what the listener heard."""
    said: Said = []
    settings = Settings(out, plugins=tuple({folder / f"{fit.method}.py" for fit in fits}))
    LocalProcesses(jobs).run(fits, settings, lambda *heard: said.append(heard))
    assert workers() == []
    records: dict[str, list[CellRecord]] = {fit.method: [] for fit in fits}
    for record in Store(out).all_cells():
        records[record.fit.method].append(record)
    return records, said


def workers() -> list[psutil.Process]:
    assert multiprocessing.active_children() == []
    return [child for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]


def test_a_worker_that_dies_fails_its_own_fit_and_the_next_ones_run(folder: Path, tmp_path: Path) -> None:
    fits = fits_of("dies", "guess", "speaks")
    lost = replace(fits[1], scene=replace(fits[1].scene, room="no-such-room"))
    lost.cells = [replace(cell, key=f"{cell.key}-lost") for cell in fits[1].cells]
    lost.key += "-lost"
    records, said = run(1, [fits[0], lost, fits[1], fits[2]], tmp_path / "out", folder)
    (dead,), (ok,) = records["dies"], records["speaks"]
    assert dead.state == "failed"
    assert "the worker process died (exit code 7)" in dead.reason
    found = {record.key: record for record in records["guess"]}
    outside = found[lost.cells[0].key]
    assert outside.state == "failed"
    assert outside.reason.startswith("UserError: no room named 'no-such-room'")
    assert (found[fits[1].cells[0].key].state, ok.state) == ("ok", "ok")
    ends = [key for key, fraction, note in said if (fraction, note) == (1.0, "done")]
    assert ends == [fits[0].key, lost.key, fits[1].key, fits[2].key]
    assert (fits[2].key, 0.25, "a quarter") in said


def test_the_reason_is_that_of_the_latest_try(folder: Path, tmp_path: Path) -> None:
    fits = fits_of("raises_then_dies")
    for reason in ("ZeroDivisionError", "the worker process died (exit code 7)"):
        (record,) = run(1, fits, tmp_path / "out", folder)[0]["raises_then_dies"]
        assert record.state == "failed"
        assert reason in record.reason


def test_more_jobs_than_fits(folder: Path, tmp_path: Path) -> None:
    fits = fits_of("guess", "dies")
    records, said = run(4, fits, tmp_path / "out", folder)
    assert [record.state for record in records["guess"]] == ["ok"]
    assert [record.state for record in records["dies"]] == ["failed"]
    assert sorted(key for key, _, note in said if note == "done") == sorted(fit.key for fit in fits)


def test_nothing_to_do_is_done_at_once(folder: Path, tmp_path: Path) -> None:
    assert run(2, [], tmp_path / "out", folder) == ({}, [])


def test_an_interrupt_ends_all_workers(folder: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches the listener, which is called by the process that a person has started."""
    fits = fits_of("speaks", "waits", "waits_too")
    heard: list[int] = []

    def interrupted(_key: str, _fraction: float, _note: str) -> None:
        heard.append(len(multiprocessing.active_children()))
        if heard[-1] == 3:
            raise KeyboardInterrupt

    settings = Settings(tmp_path / "out", plugins=tuple(folder / f"{name}.py" for name in ("speaks", "waits", "waits_too")))
    with pytest.raises(KeyboardInterrupt):
        LocalProcesses(3).run(fits, settings, interrupted)
    assert heard[-1] == 3
    assert workers() == []
