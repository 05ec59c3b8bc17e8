"""A real MLflow server in a process of its own, and a proxy before it that fails when it is told to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from .free_port import free_port

Fault = Literal["", "500", "500 done", "cut", "cut done", "hang", "slow", "die"]
"""What happens to a request: it is answered (""), refused, or carried out ("done") and answered as if it were not."""
SLOW_S, START_S, HANG_S = 2.0, 90.0, 30.0
LEAN = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}


class Server:
    """``mlflow server`` on a database in ``folder``, which can die and come back at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **LEAN}, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no MLflow server: {(self._folder / 'server.log').read_text()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As a machine that loses its power."""
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5):
                return True
        except OSError:
            return False


class Proxy:
    """Hands requests on to ``server``; ``fault``, which is given the number of a request and its path, says which fail."""

    def __init__(self, server: Server) -> None:
        self.fault: Callable[[int, str], Fault] = lambda *_: ""
        self.seen: list[str] = []
        self._ended, self._lock = threading.Event(), threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.answer(self, server)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 the names that the library looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the names of the library
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.address = f"http://{self.host}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def heal(self) -> None:
        self.fault, self.seen = lambda *_: "", []

    def close(self) -> None:
        self._ended.set()
        self._http.shutdown()

    def answer(self, request: BaseHTTPRequestHandler, server: Server) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            self.seen.append(request.path)
            fault = self.fault(len(self.seen), request.path)
        if fault == "die":
            server.kill()
        if fault in {"slow", "hang"}:
            self._ended.wait(SLOW_S if fault == "slow" else HANG_S)
        if fault in {"cut", "hang", "die"}:
            request.close_connection = True
            return
        code, kind, content = (500, "text/plain", b"broken") if fault == "500" else _asked(request, body, server)
        if fault == "cut done":
            request.close_connection = True
            return
        if fault == "500 done":
            code, kind, content = 500, "text/plain", b"broken"
        request.send_response(code)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def _asked(request: BaseHTTPRequestHandler, body: bytes, server: Server) -> tuple[int, str, bytes]:
    headers = {name: value for name, value in request.headers.items() if name.lower() in {"content-type", "accept"}}
    asked = urllib.request.Request(server.address + request.path, body or None, headers, method=request.command)
    try:
        with urllib.request.urlopen(asked, timeout=60) as reply:
            return reply.status, reply.headers.get("Content-Type", ""), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read()
    except OSError:
        return 502, "text/plain", b"no server"
