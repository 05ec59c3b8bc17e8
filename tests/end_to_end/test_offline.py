"""A run uses no network: not the process itself, not its workers, not MLflow inside of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import plugins

GUARD = """
import os, socket, sys

HERE = ("127.0.0.1", "::1", "localhost", "", None)

def guard(event, args):
    if event in ("socket.connect", "socket.sendto"):
        place = args[1]
        if args[0].family == getattr(socket, "AF_UNIX", None) or (isinstance(place, tuple) and place[0] in HERE):
            return
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        place = args[0]
        if place in HERE:
            return
    else:
        return
    with open(os.environ["GUARD_LOG"], "a") as log:
        log.write(f"{os.getpid()} {event} {place}\\n")
    raise OSError(f"the network is forbidden: {event} {place}")

sys.addaudithook(guard)
with open(os.environ["GUARD_LOG"] + ".guarded", "a") as log:
    log.write(f"{os.getpid()}\\n")
"""
"""Imported by every Python process that finds it on its path, before anything else; it keeps a log, since a refusal might be
swallowed. What compiled code does without asking Python stays unseen."""

ASKS = (
    plugins.HEADER.format(labels=False)
    + """
    def predict(self, sequences):
        import socket

        socket.create_connection(("{place}", 80), timeout=1)
        return Prediction(np.zeros(len(sequences)))
"""
)


class Guarded:
    """Runs `doabench` where no process may reach anything outside of this machine, nor any data that was fetched before."""

    def __init__(self, folder: Path) -> None:
        (folder / "guard").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(GUARD)
        self.log, self.out = folder / "asked", folder / "out"
        path = os.pathsep.join(filter(None, [str(folder / "guard"), os.environ.get("PYTHONPATH")]))
        own = {"PYTHONPATH": path, "GUARD_LOG": str(self.log), "DOABENCH_DATA": str(folder / "data")}
        self.environment = {**os.environ, **own}
        for name in ("DOABENCH_SPEECH", "MLFLOW_TRACKING_URI"):
            self.environment.pop(name, None)

    def run(self, *options: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "doabench.benchmark", "run", "--scale", "smoke", "--out", self.out, *options]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)

    @property
    def asked(self) -> str:
        """What anybody wanted of the network."""
        return self.log.read_text() if self.log.exists() else ""

    @property
    def guarded(self) -> set[str]:
        """The processes that were watched."""
        return set(self.log.with_name("asked.guarded").read_text().split())


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    return Guarded(tmp_path)


def test_a_run_opens_no_connection(guarded: Guarded) -> None:
    done = guarded.run(
        "--protocol", "label-sweep", "--method", "srp_phat", "--method", "rtf_1nn", "--jobs", "2", "--threads", "1"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "runs logged to MLflow" in " ".join(done.stderr.split())
    assert "MLflow is not" not in done.stderr
    assert guarded.asked == ""
    assert len(guarded.guarded) >= 3, "the process and its workers"


@pytest.mark.parametrize("place", ["203.0.113.1", "doabench.invalid"])
def test_a_method_that_asks_the_network_is_noticed_in_its_worker(guarded: Guarded, tmp_path: Path, place: str) -> None:
    (tmp_path / "asks.py").write_text(ASKS.replace("{place}", place))
    done = guarded.run("--protocol", "off-range", "--plugin", tmp_path / "asks.py", "--method", "asks", "--no-publish")
    assert done.returncode == 1
    assert "the network is forbidden" in " ".join(done.stderr.split())
    assert place in guarded.asked


@pytest.mark.parametrize(
    ("options", "name"),
    [(("--rooms", "r3vival"), "r3vival"), (("--rooms", "mir"), "mir"), (("--speech", "librispeech-dev"), "librispeech-dev")],
)
def test_what_was_not_fetched_is_named_and_not_loaded(guarded: Guarded, options: tuple[str, str], name: str) -> None:
    done = guarded.run("--protocol", "label-sweep", "--method", "srp_phat", *options)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("doabench: ")]
    assert f"doabench data fetch {name}" in line
    assert guarded.asked == ""
    assert not guarded.out.exists()
