"""Names that strangers chose, in everything that the leaderboard writes: they are shown, and mean nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from doabench.benchmark.cli.installed import installed
from doabench.leaderboard.build import read
from doabench.leaderboard.format import FORMULA, csv_cell, drawn_text, file_stem, one_line
from support.leaderboard_files import GRID, add, build, cell, own_html, text_of

NAMES = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "end of data": "</script><!--<script>]]>",
    "quotes": '"\'`" onmouseover="alert(1)',
    "pipe": "a | b || c",
    "ampersand": "a & b &lt;b&gt; &amp;",
    "200 letters": "x" * 200,
    "200 letters of two bytes": "\u05d0" * 200,
    "right to left": "\u202e\u05d0\u05d1 (c) \u202c",
    "lines": "a\nb\r\nc\n\n# d",
    "lines of other scripts": "a\u2028b\u2029c\x85d",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula of a sign": "+1+cmd|' /C calc'!A0",
    "formula below": "-2+3",
    "function": "@SUM(1,2)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "latex": r"\input{/etc/passwd} %$#_{}~^\end{table}",
    "rows of latex": "[1pt] * & b \\\\",
    "mathematics": r"$\frac$ and $",
    "templates": "{{ 7 * 7 }} {% raw %}",
    "markdown": "[x](javascript:alert(1)) **b** `c` <b>",
    "above": "../../../etc/passwd",
    "a device": "CON",
    "zero": "a\0b",
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every name as a form of a method in one table, and as a room, a corpus, a machine and a reason in one of its own."""
    folder = tmp_path_factory.mktemp("results")
    for number, name in enumerate(NAMES.values()):
        add(folder, cell(f"form{number}", "srp_phat", name, form=name, method_title=name))
        about = {"dataset": name, "speech": name, "environment": {"cpu": name, "commit": name, "packages": {"torch": name}}}
        add(folder, cell(f"room{number}", "music", **about))
        add(folder, cell(f"lost{number}", "cnn", labels=114, state="failed", reason=name, **about))
    return folder


@pytest.fixture(scope="module")
def written(out: Path) -> list[Path]:
    return build(out, figures=False)


def shown(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


def test_files_are_where_they_should_be_and_none_takes_the_place_of_another(out: Path, written: list[Path]) -> None:
    assert {path.parent for path in written} == {out / "leaderboard"}
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["cells", "claims", "fits", "leaderboard", "scratch"]
    slugs = [table.slug for table in read(out, installed()).tables]
    assert len(set(slugs)) == len(slugs) == 1 + len(NAMES)
    assert all(file_stem(slug) == slug for slug in slugs)


def test_figures_are_drawn_whatever_they_are_of(tmp_path: Path) -> None:
    for number, name in enumerate(("mathematics", "200 letters of two bytes", "above", "lines", "zero")):
        add(tmp_path, cell(f"form{number}", "srp_phat", NAMES[name], form=NAMES[name]))
    add(tmp_path, cell("room", "music", dataset=NAMES["mathematics"] + NAMES["above"] + NAMES["200 letters"]))
    drawn = [path for path in build(tmp_path) if path.suffix == ".png"]
    assert len(drawn) == 6
    assert {path.parent for path in drawn} == {tmp_path / "leaderboard"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.handlers: list[str | None] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.handlers += [
            value for name, value in attrs if name in ("href", "src") and re.match(r"\s*(javascript|http)", value or "")
        ]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.usefixtures("written")
def test_the_page_shows_them_and_runs_none(out: Path, tmp_path: Path) -> None:
    add(tmp_path, cell("harmless"))
    build(tmp_path, figures=False)
    page, harmless = Page(), Page()
    page.feed(own_html(text_of(out, "html")))
    harmless.feed(own_html(text_of(tmp_path, "html")))
    assert page.elements.count("script") == harmless.elements.count("script")
    assert set(page.elements) - set(harmless.elements) <= {"dl", "dt", "dd", "details", "summary", "select", "option", "sup"}
    assert page.handlers == []
    said = shown("\n".join(page.said))
    for name in NAMES.values():
        assert shown(name) in said, name
    data = re.search(r'id="data">(.*?)</script>', own_html(text_of(out, "html")), re.S)
    assert data is not None
    assert {row["room"] for row in json.loads(data[1])["numbers"]["rows"]} >= set(NAMES.values())


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("file", ["leaderboard.csv", "per_doa.csv", "away.csv"])
def test_a_spreadsheet_computes_nothing_and_numbers_are_numbers(file: str, out: Path) -> None:
    text = (out / "leaderboard" / file).read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert all(len(row) == len(header) for row in rows)
    for value in (value for row in rows for value in row if value.lstrip().startswith(FORMULA)):
        float(value)
    if file == "leaderboard.csv":
        table = [dict(zip(header, row, strict=True)) for row in rows]
        assert len(table) == 3 * len(NAMES)
        assert {row["variant"].removeprefix("'") for row in table if row["method"] == "srp_phat"} == {
            one_line(name) for name in NAMES.values()
        }
        assert all(float(row["mae_deg"]) == 0 for row in table if row["status"] == "ok")
    if file == "per_doa.csv":
        assert {float(row[header.index("true_deg")]) for row in rows} <= set(GRID)


def test_numbers_below_zero_stay_numbers() -> None:
    assert [csv_cell(value) for value in (-3.5, "-3.5", "+2", "-1e-3", "-inf")] == [-3.5, "-3.5", "+2", "-1e-3", "-inf"]
    assert [csv_cell(value) for value in ("-a", "=1", "@x", "\t=1", "", None)] == ["'-a", "'=1", "'@x", "'\t=1", "", None]


@pytest.mark.usefixtures("written")
def test_markdown_keeps_its_tables_and_holds_no_html(out: Path) -> None:
    lines = text_of(out, "md").split("\n")
    bare = [re.sub(r"\\.", "", line) for line in lines]
    assert not [line for line in bare if re.search(r"[<>]|\]\(|&#?\w+;", line)]
    assert not [line for line in bare if re.search(r"[\x00\r\u2028\u2029\x85]", line)]
    widths = [line.count("|") for line in bare if line.startswith("|")]
    heads = [number for number, line in enumerate(bare) if line.startswith("| :--")]
    assert len(heads) == 1 + len(NAMES)
    assert len(widths) > 2 * len(heads)
    for head in heads:
        body = bare[head - 1 : next(number for number in range(head, len(bare)) if not bare[number].startswith("|"))]
        assert len({line.count("|") for line in body}) == 1, lines[head - 1]
    assert not any(line.startswith("# ") for line in lines[1:])


@pytest.mark.usefixtures("written")
def test_latex_keeps_its_tables_and_takes_no_command(out: Path) -> None:
    text = text_of(out, "tex")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1 + len(NAMES)
    assert r"\input" not in text
    bare = re.sub(
        r"\\[\\&%$#_{}]", " ", re.sub(r"\\(text\w+|caption|label|begin|end|toprule|midrule|bottomrule|centering)", "", text)
    )
    assert bare.count("{") == bare.count("}")
    for table in re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.S):
        rows = [row for row in table.replace("\\midrule\n", "").split(" \\\\\n") if row]
        assert len({re.sub(r"\\.", "", row).count("&") for row in rows}) == 1, rows
        assert not any(row.startswith(("[", "*")) for row in rows)
    assert not re.search(r"\n\s*\n(?!\\begin\{table\})", text.partition(r"\begin{table}")[2])


def test_names_of_files_and_texts_of_figures() -> None:
    assert file_stem("a/b\\c:d*e\0f") == "a-b-c-d-e-f"
    assert len(file_stem("\u05d0" * 500).encode()) <= 120
    assert drawn_text("$a$\n\\b") == "\\$a\\$ \\b"
