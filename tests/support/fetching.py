"""A server on this machine that misbehaves in every way that servers do, and a data set to be fetched from it."""

from __future__ import annotations

import hashlib
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from click.testing import CliRunner
from doabench.benchmark.cache import data_folder
from doabench.benchmark.cli.main import main
from doabench.benchmark.fetch.sources import SOURCES
from doabench.benchmark.plugins.registry import Plugin
from doabench.benchmark.source import Source
from support.archives import tar

URL = "https://data.example/speech/dev.tar.gz"


class Server(ThreadingHTTPServer):
    """Serves ``body`` under every path, in the manner of ``ways``: one per request, the last one for ever."""

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.ways, self.asked, self.etag = body, ["well"], [], '"1"'
        self.stopped, self.began, self.go_on = threading.Event(), threading.Event(), threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed here."""

    asked: list[tuple[str, str]]
    ways: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append((self.path, asked))
        way = self.server.ways.pop(0) if len(self.server.ways) > 1 else self.server.ways[0]
        body, start = self.server.body, 0
        if way == "held":
            self.server.began.set()
            self.server.go_on.wait(60)
        if way == "404":
            self.send_error(404)
            return
        if way == "page":
            body = b"<!doctype html><title>Sign in</title>"
        fresh = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if asked and fresh and way not in ("no-range", "page"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", "text/html" if way == "page" else "application/octet-stream")
        self.send_header("Content-Length", str(len(body) - start))
        if way != "no-tag":
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        if way in ("cut", "slow", "no-tag"):
            self.wfile.write(body[start : start + (len(body) - start) // 2])
            self.wfile.flush()
            if way == "slow":
                self.server.stopped.wait(10)
            self.close_connection = True
            return
        self.wfile.write(body[start:])


def corpus() -> bytes:
    noise = io.BytesIO()
    soundfile.write(noise, 0.1 * np.random.default_rng(0).standard_normal(8000), 16_000, format="FLAC")
    large = np.random.default_rng(1).bytes(500_000)  # several chunks, which do not shrink
    return tar(
        {
            "large": large,
            "LibriSpeech/dev/84/1/84-1-0000.flac": noise.getvalue(),
            "LibriSpeech/SPEAKERS.TXT": b"84 | F | dev | 1 | A\n",
        }
    )


def declare(source: Source) -> None:
    SOURCES.add(Plugin("test-speech", Path(__file__), source))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["data", *arguments])


def program(folder: Path, server: Server) -> Path:
    """A file that fetches `test-speech` in a process of its own."""
    sha256 = hashlib.sha256(server.body).hexdigest()
    path = folder / "program.py"
    path.write_text(
        "from pathlib import Path\n"
        "from doabench.benchmark.cli.main import main\n"
        "from doabench.benchmark.fetch.sources import SOURCES\n"
        "from doabench.benchmark.plugins.registry import Plugin\n"
        "from doabench.benchmark.source import RemoteFile, Source\n"
        f"files = (RemoteFile({URL!r}, {sha256!r}),)\n"
        "made = Source('T', 'speech', 'librispeech', 'CC0', 'N', 1, files, 'LibriSpeech/dev')\n"
        "SOURCES.add(Plugin('test-speech', Path(__file__), made))\n"
        "main(['data', 'fetch', 'test-speech'])\n"
    )
    return path


def installed() -> list[str]:
    """What stands in the data folder for all to see, or half-done beside it."""
    return sorted(path.name for path in data_folder().glob("*") if path.name not in (".downloads", "pinned.json"))


def refused(*says: str) -> None:
    """The fetch fails with one clear line and exit code 2, and leaves nothing half-installed."""
    result = run("fetch", "test-speech")
    last = result.stderr.strip().splitlines()[-1]
    assert result.exit_code == 2, result.output
    assert result.stderr.count("doabench: ") == 1
    assert "Traceback" not in result.output
    for words in says:
        assert words in last
    assert installed() == []


def succeeds() -> None:
    result = run("fetch", "test-speech")
    assert result.exit_code == 0, result.output
    assert installed() == ["test-speech"]
    assert not (data_folder() / ".downloads" / "test-speech").exists()
