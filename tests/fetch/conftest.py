"""What tests of fetching share: a server, and a data set that it has."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from doabench.benchmark.fetch.sources import SOURCES
from doabench.benchmark.source import RemoteFile, Source
from support.fetching import URL, Server, corpus, declare


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(corpus())
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.stopped.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A data set called `test-speech`, on a mirror on this machine, to be installed in a folder of its own."""
    monkeypatch.setenv("DOABENCH_MIRROR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("DOABENCH_DATA", str(tmp_path / "data"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    checked = RemoteFile(URL, hashlib.sha256(server.body).hexdigest())
    made = Source("Test", "speech", "librispeech", "CC0", "Nobody 2020", len(server.body), (checked,), "LibriSpeech/dev")
    with SOURCES.scope():
        declare(made)
        yield made
