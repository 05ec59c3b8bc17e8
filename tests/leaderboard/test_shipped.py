"""Rows that come with the suite: shown beside a person's own, marked, and greyed where today's code gives other numbers."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.cli.shipped import NOT_KNOWN, VERDICTS, known, stale
from doabench.leaderboard.analysis.shipped import Shipped
from doabench.leaderboard.build import build
from support.leaderboard_files import add, cell, own_html, plan, text_of

SHIPPED = cell("p", "vae_ssl", "as-published,thin=16", labels=988, environment={"commit": "c0ffee", "cpu": "Some CPU"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shipped row that is better than all others."""
    add(tmp_path / "shipped", SHIPPED)
    return tmp_path / "shipped"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    add(tmp_path / "out", cell("c", "cnn", "as-released", labels=988), [10.0, 20.0, 30.0, 40.0])
    add(tmp_path / "out", cell("s", "srp_phat", "as-released"), [20.0, 20.0, 30.0, 40.0])
    return tmp_path / "out"


def rows_of(out: Path, shipped: Shipped) -> pd.DataFrame:
    build(out, installed(), shipped)
    return pd.read_csv(out / "leaderboard" / "leaderboard.csv", keep_default_na=False, dtype=str).set_index("method")


def test_a_shipped_row_is_compared_and_marked_and_says_how_to_make_it_again(out: Path, folder: Path) -> None:
    rows = rows_of(out, Shipped(folder))
    assert rows["origin"].to_dict() == {"cnn": "own", "srp_phat": "own", "vae_ssl": "shipped"}
    assert rows["rank"].to_dict() == {"vae_ssl": "1", "cnn": "2", "srp_phat": "3"}
    assert rows.loc["vae_ssl", ["mae_deg", "reference_mae_deg"]].tolist() == ["0.0000", "2.99"]
    command = (
        "doabench run --protocol label-sweep --method 'vae_ssl[variant=as-published,thin=16]' --labels 1000 --rooms dtu-twin "
        "--speech talkers --scale quick"
    )
    for suffix in ("md", "tex", "html"):
        text = html.unescape(own_html(text_of(out, suffix)).replace("\\", ""))
        assert "comes with the suite (commit c0ffee, Some CPU" in text, suffix
        assert command in text, suffix
        assert "(as published, unlabelled part thinned 16 x, top-1 estimate) below cnn (as released)" in text
        assert "utdated" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL), suffix
    assert "top-1 estimate) \\[shipped\\]" in text_of(out, "md")
    assert '<span class="origin">shipped</span>' in text_of(out, "html")


def test_one_that_today_s_code_would_not_give_is_greyed_and_compared_with_nothing(out: Path, folder: Path) -> None:
    rows = rows_of(out, Shipped(folder, {SHIPPED.fit_key: "cost at step 58 is 2, it was 3"}))
    assert rows.loc["vae_ssl", ["origin", "mae_deg", "rank", "tied_with_best"]].tolist() == [
        "shipped, outdated",
        "0.0000",
        "",
        "",
    ]
    assert rows["rank"].to_dict() == {"vae_ssl": "", "cnn": "1", "srp_phat": "2"}
    md = text_of(out, "md").replace("\\", "")
    assert "Today's code gives other numbers: cost at step 58 is 2, it was 3." in md
    assert "as published below cnn (the paper's claim, Tables 2 and 3): not run at" in md
    assert "| **10.0**" in md  # the best is one of those that hold
    page = own_html(text_of(out, "html"))
    assert '<tr class="outdated">' in page
    assert '<span class="origin">shipped, outdated</span>' in page


def test_ones_own_row_stands_for_the_shipped_one_once_it_was_run(out: Path, folder: Path) -> None:
    mine = cell("mine", "vae_ssl", "as-published,thin=16", labels=988)
    plan(out, mine)
    assert rows_of(out, Shipped(folder)).loc["vae_ssl", ["origin", "status"]].tolist() == ["shipped", "ok"]
    add(out, mine, [10.0, 20.0, 30.0, 40.0])
    assert rows_of(out, Shipped(folder)).loc["vae_ssl", ["origin", "mae_deg"]].tolist() == ["own", "10.0000"]


def test_shipped_rows_are_shown_where_nothing_of_ones_own_is_beside_them(tmp_path: Path, folder: Path) -> None:
    add(tmp_path / "out", cell("c", "cnn", labels=988, speech="elsewhere"))
    rows = rows_of(tmp_path / "out", Shipped(folder))
    assert rows[["speech", "origin"]].to_numpy().tolist() == [["elsewhere", "own"], ["talkers", "shipped"]]


def test_the_verdicts_that_come_with_the_suite_are_of_today_s_code() -> None:
    """Nobody who installs the suite waits for replays."""
    today = installed()
    not_known = [cells[0].fit.name for cells in stale(today).values() if known(cells, today, VERDICTS) == NOT_KNOWN]
    assert not not_known, "python -m doabench.benchmark.cli.shipped"
