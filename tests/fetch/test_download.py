"""`doabench data fetch` against a server on this machine that misbehaves in every way that servers do."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from doabench.benchmark.cache import data_folder
from doabench.benchmark.data.open import open_speech
from doabench.benchmark.errors import UserError
from doabench.benchmark.fetch import download as fetching
from doabench.benchmark.fetch.sources import fetched
from doabench.benchmark.source import RemoteFile, Source
from support.archives import tar
from support.fetching import URL, Server, corpus, declare, installed, program, refused, run, succeeds


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


def test_where_md5_alone_is_published_that_is_checked(source: Source, server: Server) -> None:
    declare(replace(source, files=(RemoteFile(f"{URL}/content", "md5:" + hashlib.md5(server.body).hexdigest(), "dev.tar.gz"),)))
    good, server.body = server.body, tar({"LibriSpeech/dev/evil.txt": b"x"})
    refused("its MD5 sum is not the published one")
    server.body = good
    succeeds()
    assert server.asked[-1][0] == "/data.example/speech/dev.tar.gz/content"


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
