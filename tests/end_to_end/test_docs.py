"""README and docs: links lead somewhere, commands can be given as they stand, and the method of the README works."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from doabench.benchmark.cli.main import main
from doabench.benchmark.plugins.registry import ROOT
from support.command import doabench, plugin, run

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SPELT_OUT_BELOW = {"METHODS", "OTHERS"}


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command in the blocks of a page."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split(" && "):
                if words := [word for word in shlex.split(part, comments=True) if word not in SPELT_OUT_BELOW]:
                    yield words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name}: {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert heading[1:] in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, heading


@pytest.mark.parametrize("page", PAGES[2:], ids=lambda page: page.name)
def test_the_first_line_of_a_page_says_what_it_is_for(page: Path) -> None:
    says, title, _ = page.read_text(encoding="utf-8").split("\n\n", 2)
    assert re.fullmatch(r"[A-Z][^#]+[.]", says, re.DOTALL)
    assert title.startswith("# ")


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        reached.add(page)
        for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
            file = (page.parent / target).resolve()
            if target.endswith(".md") and file not in reached:
                left.append(file)
    assert {*PAGES} <= reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_can_be_given_as_they_stand(page: Path) -> None:
    environments = configparser.ConfigParser()
    environments.read(ROOT / "tox.ini")
    for words in commands(page):
        if words[:3] == ["python3", "-m", "tox"]:
            words = words[2:]
        if words[0] == "tox":
            name = words[words.index("-e") + 1]
            assert name == "py" or environments.has_section(f"testenv:{name}"), words
            words = ["doabench", "run", *words[words.index("--") + 1 :]] if "--" in words and name == "reproduce" else []
        if words[:1] == ["doabench"]:
            takes(main, words[1:])


def takes(command: click.Command, words: list[str]) -> None:
    """Whether a command has these options and takes these values, without being run."""
    context = command.make_context(command.name, list(words), resilient_parsing=False)
    if isinstance(command, click.Group):
        name, sub, rest = command.resolve_command(context, [*context.protected_args, *context.args])
        assert name is not None
        assert sub is not None
        takes(sub, rest)


def test_the_method_of_the_readme_works(tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
    path = plugin(tmp_path, "my_method", text)
    checks = json.loads(doabench("check", path, "--json").stdout)["checks"]
    assert {one["state"] for one in checks} == {"passed", "skipped"}
    records, _ = run(tmp_path / "out", "--plugin", path, "--method", "my_method", "--protocol", "off-range")
    assert [record["state"] for record in records] == ["ok"]
