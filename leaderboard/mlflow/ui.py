"""The MLflow UI on the store of a folder of results."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ...benchmark.errors import UserError
from .database import SETTINGS, calm, in_words, is_server, open_client, store_uri, without_password
from .sqlite import database_file
from .sync import our_experiments
from .views import addresses

HOST = "127.0.0.1"


def serve(out: Path, port: int) -> None:
    """Show the MLflow UI of ``out`` on this machine only, until Ctrl-C; of a server, which has its own, say where to look.
    Raises UserError where it cannot."""
    uri, database = store_uri(out), database_file(store_uri(out))
    if is_server(uri):
        try:
            print(_places(uri, uri), flush=True)
        except Exception:  # whatever it says may hold the password
            where = without_password(uri)
            raise UserError(f"MLFLOW_TRACKING_URI is a server that does not answer: start it, then open {where}") from None
        return
    if database is not None and not database.exists():
        raise UserError(f"no MLflow store at {database}: make one with doabench run --out {out}")
    if _answers(port):
        raise UserError(f"--port {port}: another program answers there; choose another port")
    with calm(), in_words(uri):
        open_client(uri)
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    lean = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore", "PYTHONSAFEPATH": "1"}
    settings = SETTINGS | lean | os.environ | {"MLFLOW_BACKEND_STORE_URI": uri}
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends the server in good order.
    command += ["--uvicorn-opts", "--log-level warning"]
    child = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, start_new_session=True)
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        while child.poll() is None and not _answers(port):
            time.sleep(0.1)
        if child.poll() is None:
            print(f"{_places(uri, f'http://{HOST}:{port}')}\nCtrl-C ends it", flush=True)
        if child.wait():
            raise UserError(f"the MLflow server ended with exit code {child.returncode}; its reason is printed above")
    except KeyboardInterrupt:
        pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def _places(uri: str, base: str) -> str:
    """What there is to see, and where."""
    with calm():
        ours = our_experiments(open_client(uri))
    first, *there = addresses(without_password(base), {one.name: (one.experiment_id, one.tags) for one in ours})
    return "\n".join([f"MLflow UI: {first[1]}", *(f"  {what}: {place}" for what, place in there)])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
