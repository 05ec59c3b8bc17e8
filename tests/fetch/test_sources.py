"""Data sets that are declared: what is shown of them, and that their files are pinned."""

from __future__ import annotations

import json

import pytest
from doabench.benchmark.cache import data_folder
from doabench.benchmark.fetch.sources import SOURCES
from support.fetching import Server, run, succeeds


@pytest.mark.usefixtures("source")
def test_list_says_what_is_there() -> None:
    before = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert {"librispeech-dev", "librispeech-dev-other", "mir", "r3vival", "dtu", "locata", "realman", "test-speech"} <= set(
        before
    )
    assert not before["test-speech"]["there"]
    succeeds()
    after = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert after["test-speech"]["there"]
    assert "85 GB unpacked" in before["locata"]["title"]
    assert before["locata"]["download_bytes"] > 19e9
    assert "39300 MB, by hand; put it into" in run("list").stdout
    for name, row in before.items():
        assert name in run("list").stdout
        assert row["licence"]
        assert row["citation"]


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("name", "at"), [("dtu", "10.21227/c5cn-jv76"), ("realman", "test.rar (39 GB) from aishelltech.com/RealMAN")]
)
def test_what_people_must_get_says_where_to_get_it_and_where_to_put_it(server: Server, name: str, at: str) -> None:
    result = run("fetch", name)
    assert result.exit_code == 2
    assert at in result.stderr.splitlines()[-1]
    assert str(data_folder() / name) in result.stderr
    assert not server.asked


def test_every_declared_file_is_pinned_to_a_version_or_on_first_use() -> None:
    assert len(SOURCES.names()) >= 5
    for plugin in SOURCES.plugins().values():
        assert not plugin.error
        files = plugin.found.files
        assert bool(files) != bool(plugin.found.login)
        assert len({file.url for file in files}) == len(files)
        assert all(file.url.startswith("https://") for file in files)
    assert len(SOURCES.get("r3vival").found.files) == 240
