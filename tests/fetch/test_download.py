"""`doabench data fetch` against a server on this machine that misbehaves in every way that servers do."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from doabench.benchmark.cache import data_folder
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_speech
from doabench.benchmark.errors import UserError
from doabench.benchmark.fetch import download as fetching
from doabench.benchmark.fetch.sources import SOURCES, fetched
from doabench.benchmark.plugins.registry import Plugin
from doabench.benchmark.source import RemoteFile, Source
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


def test_a_fetched_corpus_is_found_by_its_name(source: Source, server: Server) -> None:
    with pytest.raises(UserError, match="doabench data fetch test-speech"):
        open_speech("test-speech")
    result = run("fetch", "test-speech")
    assert result.exit_code == 0
    for words in (source.licence, source.citation):
        assert words in result.stderr
    name, speech = open_speech("test-speech")
    assert (name, [speaker.sex for speaker in speech.speakers()]) == ("librispeech:dev", ["F"])
    assert fetched("test_speech") == data_folder() / "test-speech" / "LibriSpeech" / "dev"
    assert server.asked == [("/data.example/speech/dev.tar.gz", "")]
    succeeds()
    assert len(server.asked) == 1


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("way", "says"), [("404", "404"), ("page", "web page"), ("cut", "cut"), ("slow", "no answer"), ("no-tag", "cut")]
)
def test_a_server_that_fails_is_one_line_and_the_next_try_succeeds(
    server: Server, monkeypatch: pytest.MonkeyPatch, way: str, says: str
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.3)
    server.ways = [way, "well"]
    refused(says, "127.0.0.1")
    succeeds()


@pytest.mark.usefixtures("source")
def test_a_cut_download_goes_on_where_it_stopped(server: Server) -> None:
    server.ways = ["cut", "cut", "well"]
    refused("cut")
    refused("cut")
    succeeds()
    starts = [int(asked.removeprefix("bytes=").removesuffix("-") or 0) for _, asked in server.asked]
    assert 0 == starts[0] < starts[1] < starts[2]
    assert starts[1] == len(server.body) // 2 // fetching.CHUNK * fetching.CHUNK


@pytest.mark.usefixtures("source")
def test_a_server_without_ranges_is_read_from_the_start(server: Server) -> None:
    server.ways = ["cut", "no-range"]
    refused("cut")
    succeeds()


def test_a_file_that_changed_meanwhile_is_not_joined_to_the_old_half(source: Source, server: Server) -> None:
    server.ways = ["cut", "well"]
    declare(replace(source, files=(RemoteFile(URL),)))
    refused("cut")
    server.body, server.etag = corpus() + b"\0" * 64, '"2"'
    succeeds()


@pytest.mark.usefixtures("source")
def test_a_wrong_checksum_is_refused(server: Server) -> None:
    good = server.body
    server.body = tar({"LibriSpeech/dev/evil.txt": b"x"})
    refused("SHA-256", "published")
    server.body = good
    succeeds()


def test_a_file_without_checksum_is_pinned_on_first_use(source: Source, server: Server) -> None:
    declare(replace(source, files=(RemoteFile(URL),)))
    succeeds()
    assert json.loads((data_folder() / "pinned.json").read_text()) == {URL: hashlib.sha256(server.body).hexdigest()}
    (data_folder() / "test-speech").rename(data_folder().parent / "moved")
    server.body = tar({"LibriSpeech/dev/other.txt": b"x"})
    refused("SHA-256", "first download", "pinned.json")


def test_a_page_that_calls_itself_an_archive_is_not_pinned(source: Source, server: Server) -> None:
    declare(replace(source, files=(RemoteFile(URL),)))
    good, server.body = server.body, b"<html>Sign in</html>"
    refused("no archive")
    server.body = good
    succeeds()


def test_plain_files_keep_their_folders_and_are_not_loaded_twice(source: Source, server: Server) -> None:
    server.body = b"RIFF"
    sha256 = hashlib.sha256(server.body).hexdigest()
    files = tuple(RemoteFile(f"https://data.example/{name}", sha256, f"RIRs/{name}") for name in ("a.wav", "b.wav"))
    declare(replace(source, files=files, inner="RIRs"))
    server.ways = ["well", "404", "well"]
    refused("404")
    succeeds()
    assert [path for path, _ in server.asked] == ["/data.example/a.wav", "/data.example/b.wav", "/data.example/b.wav"]
    assert sorted(path.name for path in (data_folder() / "test-speech" / "RIRs").iterdir()) == ["a.wav", "b.wav"]


@pytest.mark.usefixtures("source")
@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_a_full_disk_is_one_line_and_the_next_try_goes_on(server: Server, tmp_path: Path) -> None:
    """A process that may not write files larger than half of the archive: the system itself refuses, as on a full disk."""
    server.body = tar({"LibriSpeech/dev/84/1/84-1-0000.flac": os.urandom(300_000)})
    plugin = program(tmp_path, server)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))  # noqa: E731
    full = subprocess.run([sys.executable, plugin], preexec_fn=limit, capture_output=True, text=True, check=False)
    assert full.returncode == 2, full.stderr
    assert "make room" in full.stderr.splitlines()[-1]
    assert installed() == []
    again = subprocess.run([sys.executable, plugin], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert installed() == ["test-speech"]
    assert server.asked[1][1].startswith("bytes=")


def start(program: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def say(process: subprocess.Popen[str], words: str) -> str:
    """What a process says on stderr up to the line with ``words``."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"ended without {words!r}: {said}")


@pytest.mark.usefixtures("source")
def test_two_fetches_at_once_load_it_once(server: Server, tmp_path: Path) -> None:
    server.ways = ["held"]
    path = program(tmp_path, server)
    first = start(path)
    assert server.began.wait(60)
    second = start(path)
    said = say(second, "another process is fetching test-speech; waiting for it")
    assert installed() == []
    server.go_on.set()
    for process in (first, second):
        assert process.wait(60) == 0, said
    assert [range_ for _, range_ in server.asked] == [""]
    assert installed() == ["test-speech"]


@pytest.mark.usefixtures("source")
def test_a_killed_fetch_holds_up_nobody(server: Server, tmp_path: Path) -> None:
    server.ways = ["held", "well"]
    first = start(program(tmp_path, server))
    assert server.began.wait(60)
    second = start(program(tmp_path, server))
    say(second, "waiting for it")
    first.kill()
    assert second.wait(60) == 0
    server.go_on.set()
    first.wait(60)
    assert installed() == ["test-speech"]


def test_a_harmful_archive_leaves_nothing_installed(source: Source, server: Server) -> None:
    server.body = tar({"ok": b"x", "../evil": b"x"})
    declare(replace(source, files=(RemoteFile(URL, hashlib.sha256(server.body).hexdigest()),)))
    refused("points out of its folder")


@pytest.mark.usefixtures("source")
def test_list_says_what_is_there() -> None:
    before = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert {"librispeech-dev", "librispeech-dev-other", "mir", "r3vival", "dtu", "test-speech"} <= set(before)
    assert not before["test-speech"]["there"]
    succeeds()
    after = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert after["test-speech"]["there"]
    for name, row in before.items():
        assert name in run("list").stdout
        assert row["licence"]
        assert row["citation"]


@pytest.mark.usefixtures("source")
def test_what_needs_a_login_says_where_to_get_it_and_where_to_put_it(server: Server) -> None:
    result = run("fetch", "dtu")
    assert result.exit_code == 2
    assert "10.21227/c5cn-jv76" in result.stderr.splitlines()[-1]
    assert str(data_folder() / "dtu") in result.stderr
    assert not server.asked


def test_every_declared_file_is_pinned_to_a_version_or_on_first_use() -> None:
    for plugin in SOURCES.plugins().values():
        assert not plugin.error
        files = plugin.found.files
        assert bool(files) != bool(plugin.found.login)
        assert len({file.url for file in files}) == len(files)
        assert all(file.url.startswith("https://") for file in files)
    assert len(SOURCES.get("r3vival").found.files) == 240
