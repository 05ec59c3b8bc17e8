"""Two runs on one folder against one, on eight equal fits: `tox -e bench`. Nothing else may run beside it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support import plugins
from support.command import SMOKE, plugin

FITS, STEPS = 8, 9000
WORKS = (
    plugins.HEADER.format(labels=True)
    + f"""
    def fit(self, data):
        matrix = np.random.default_rng(0).standard_normal((300, 300))
        for _ in range({STEPS}):
            matrix = np.tanh(matrix @ matrix.T)

    def predict(self, sequences):
        return Prediction(np.zeros(len(sequences)))
"""
)


def run(folder: Path, out: Path, drivers: int) -> float:
    """Seconds that so many runs take, started together."""
    names = [f"works_{number}" for number in range(FITS)]
    options = [part for name in names for part in ("--plugin", str(plugin(folder, name, WORKS)), "--method", name)]
    options += ["--protocol", "off-range", "--jobs", "1", "--threads", "1", "--out", str(out)]
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *options]
    began = time.monotonic()
    started = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(drivers)]
    assert [one.wait() for one in started] == [0] * drivers
    return time.monotonic() - began


def test_two_drivers_against_one(benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run(tmp_path, tmp_path / "first", 2)  # the data are cached from here on
    one_s = run(tmp_path, tmp_path / "one", 1)
    two_s = benchmark.pedantic(run, args=(tmp_path, tmp_path / "two", 2), rounds=1)
    benchmark.extra_info |= {"one_s": one_s, "two_s": two_s, "ratio": two_s / one_s}
    print(f"\n{FITS} equal fits: one driver {one_s:.0f} s, two {two_s:.0f} s: {two_s / one_s:.2f} of it")
