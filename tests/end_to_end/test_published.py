"""What is finished is seen while the rest still runs."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import plugins
from support.command import SMOKE, plugin

TRAINS_ON = (
    plugins.HEADER.format(labels=True)
    + """
    def fit(self, data):
        import time
        for step in range(1, 10_000):
            self.context.history.add(step, loss=1 / step)
            self.context.progress(step / 10_000, "on and on")
            time.sleep(0.1)

    def predict(self, sequences):
        return Prediction(np.zeros(len(sequences)))
"""
)


def test_page_and_mlflow_show_a_finished_fit_and_the_curve_of_one_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    out, path = tmp_path / "out", plugin(tmp_path, "trains_on", TRAINS_ON)
    options = ["--plugin", str(path), "--method", "trains_on", "--method", "srp_phat", "--protocol", "off-range"]
    options += ["--jobs", "2", "--threads", "1", "--out", str(out)]
    command = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 180
            while not (shown(out) and "loss" in followed(out)):
                assert process.poll() is None
                assert time.monotonic() < deadline, (shown(out), followed(out))
                time.sleep(0.5)
        finally:
            process.terminate()
        assert process.wait(10) == 143


def shown(out: Path) -> bool:
    """Whether the page has the finished fit, and says that the other one is missing."""
    page = out / "leaderboard" / "leaderboard.csv"
    rows = page.read_text().splitlines() if page.exists() else []
    return any("srp_phat" in row and ",ok," in row for row in rows) and any(",missing," in row for row in rows)


def followed(out: Path) -> str:
    """Names of metrics in MLflow, once it has the finished fit's."""
    if not (out / "mlflow.db").exists():
        return ""
    with sqlite3.connect(f"file:{out / 'mlflow.db'}?mode=ro", uri=True) as sql:
        names = {name for (name,) in sql.execute("SELECT DISTINCT key FROM metrics")}
    return " ".join(names) if "mae_deg" in names else ""
