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
from .database import SETTINGS, database_file, follow_move, store_uri, without_password

HOST = "127.0.0.1"


def serve(out: Path, port: int) -> None:
    """Show the MLflow UI of ``out`` on this machine only, until Ctrl-C. Raises UserError where it cannot."""
    uri, database = store_uri(out), database_file(store_uri(out))
    if uri.startswith(("http:", "https:")):
        raise UserError(f"MLFLOW_TRACKING_URI is a server, which has a UI of its own: open {without_password(uri)}")
    if database is not None and not database.exists():
        raise UserError(f"no MLflow store at {database}: make one with doabench run --out {out}")
    if _answers(port):
        raise UserError(f"--port {port}: another program answers there; choose another port")
    follow_move(database)
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    lean = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    settings = SETTINGS | lean | os.environ | {"MLFLOW_BACKEND_STORE_URI": uri}
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends the server in good order.
    command += ["--uvicorn-opts", "--log-level warning"]
    child = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, start_new_session=True)
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        while child.poll() is None and not _answers(port):
            time.sleep(0.1)
        if child.poll() is None:
            # Without the mode in the address the UI opens in its chat-model views.
            print(f"MLflow UI: http://{HOST}:{port}/#/experiments?workflowType=machine_learning (Ctrl-C ends it)", flush=True)
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


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
