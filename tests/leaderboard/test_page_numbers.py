"""What the page is given to draw from: rows with all that stands behind their numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from doabench.benchmark.results.store import Store
from support.leaderboard_files import add, build, cell, own_html, text_of

ELSEWHERE = [10.0, 20.0, 30.0, 40.0]
ENVIRONMENT = {"commit": "c0ffee", "dirty": True, "cpu": "a processor", "threads": 1, "packages": {"torch": "2"}}


def numbers_of(out: Path) -> dict[str, Any]:
    build(out)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', own_html(text_of(out, "html")), re.S)
    assert found
    return json.loads(found[1])["numbers"]


def test_a_row_knows_the_records_of_all_its_seeds(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=114, seed=0, environment=ENVIRONMENT))
    add(tmp_path, cell("b", "cnn", labels=114, seed=1, environment=ENVIRONMENT))
    numbers = numbers_of(tmp_path)
    (row,) = numbers["rows"]
    assert [(one["key"], one["fit"], one["seed"], one["state"]) for one in row["records"]] == [
        ("a", "fit-a", 0, "ok"),
        ("b", "fit-b", 1, "ok"),
    ]
    assert numbers["machines"] == [ENVIRONMENT]
    assert {one["machine"] for one in row["records"]} == {0}
    assert row["records"][0]["digests"]["scored set"] == "scored"
    assert "predictions.parquet" in row["records"][0]["digests"]


def test_what_did_not_run_says_why_and_has_no_numbers(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=114))
    failed = cell("b", "music", state="failed", reason="the loss is nan at step 40")
    Store(tmp_path).add_cell(failed, None)
    row = next(row for row in numbers_of(tmp_path)["rows"] if row["method"] == "music")
    assert (row["status"], row["values"], row["records"][0]["reason"]) == ("failed", {}, "the loss is nan at step 40")


def test_rows_without_labels_are_held_against_those_with_some(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=114))
    add(tmp_path, cell("b", "cnn", labels=988))
    add(tmp_path, cell("c", "srp_phat"), ELSEWHERE)
    row = next(row for row in numbers_of(tmp_path)["rows"] if row["method"] == "srp_phat")
    assert set(row["standings"]) == {"0", "114", "988"}
    assert row["standings"]["0"]["difference_deg"][0] == 0
    assert row["standings"]["114"]["difference_deg"][0] == 10


def test_places_of_strict_and_published_protocols_have_one_name(tmp_path: Path) -> None:
    for key, protocol in {"a": "label-sweep", "b": "label-sweep-strict"}.items():
        add(tmp_path, cell(key, protocol=protocol))
    found = {(row["protocol"], row["place"], row["kind"]) for row in numbers_of(tmp_path)["rows"]}
    assert found == {("label-sweep", "Home", "published"), ("label-sweep-strict", "Home", "strict")}


def test_the_papers_values_come_with_the_number_of_labels(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "vae_ssl", "as-published", labels=988))
    numbers = numbers_of(tmp_path)
    (row,) = numbers["rows"]
    assert row["paper"] == [2.99, 79.5]
    assert any((one["method"], one["labels"], one["mae_deg"]) == ("vae_ssl", 988, 2.99) for one in numbers["paper"])
