"""Home and away side by side: each number where it belongs, kinds of place averaged, shares of what was heard below."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.results.catalogue import flat
from doabench.benchmark.results.records import CellRecord, Leaks, LeakShares
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.statistics import mean_offsets, units
from doabench.benchmark.results.store import Store
from support.leaderboard_files import HITS, add, build, cell, own_html, predictions, table_of, text_of

PLACES = ["range: 1 m", "range: 3 m", "room: a barn", "room: a barn"]


def shares(response_pct: float) -> Leaks:
    same = LeakShares(frame_pct=0, clip_pct=100, speaker_pct=100, response_pct=response_pct)
    return Leaks(labelled=same, unlabelled=same)


def add_unseen(out: Path, record: CellRecord, estimated_deg: Sequence[float]) -> None:
    table = predictions(estimated_deg)
    table["place"] = pd.Categorical(PLACES)
    metrics = score(table, record.fit.candidates_deg, counts_hits=True)
    Store(out).add_cell(record.model_copy(update={"metrics": metrics, "leaks": shares(0)}), table)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A method that is perfect at home and 5, 15, 20, 30 off elsewhere, and one that is 10 off everywhere."""
    ten_off = [10.0, 20.0, 30.0, 40.0]
    home = cell("a", "cnn", labels=247).model_copy(update={"leaks": shares(100)})
    add(tmp_path, home)
    add(tmp_path, cell("b", "srp_phat"), ten_off)
    add(tmp_path, cell("c", "cnn", labels=247, protocol="off-grid", split="off_grid"), ten_off)
    away = {"protocol": "unseen-place", "split": "unseen", "rt60_s": 0.0, "measured_rt60_s": None}
    add_unseen(tmp_path, cell("d", "cnn", labels=247, **away), [5.0, 25.0, 40.0, 60.0])
    add_unseen(tmp_path, cell("e", "srp_phat", **away), ten_off)
    build(tmp_path)
    return tmp_path


def test_home_and_away_stand_side_by_side(out: Path) -> None:
    lines = [line for line in text_of(out, "md").splitlines() if line.startswith("|")]
    first = next(index for index, line in enumerate(lines) if "Unseen places" in line)
    found = [[text.strip() for text in line.strip("|").split("|")] for line in (lines[first], *lines[first + 2 : first + 4])]
    assert found[0][:7] == ["Method", "J", "Home", "Unseen places", "Range", "Room", "Off-grid"]
    by_name = {row[0].replace("\\", ""): row[1:7] for row in found[1:]}
    assert by_name == {
        "cnn": ["247", "**0.00**", "17.5", "**10.0**", "25.0", "**10.0**"],
        "srp_phat": ["0", "**10.0**", "**10.0**", "**10.0**", "**10.0**", ""],
    }


def test_simulated_labels_stand_beside_with_none_from_the_room_too(tmp_path: Path) -> None:
    away = {"protocol": "unseen-place-strict", "split": "unseen", "rt60_s": 0.0, "measured_rt60_s": None}
    add_unseen(tmp_path, cell("a", "cnn", labels=247, **away), [10.0, 20.0, 30.0, 40.0])
    for key, labels, error in (("b", 247, 4.0), ("c", 0, 6.0)):
        simulated = cell(key, "cnn", labels=labels, protocol="sim-to-real")
        scored = simulated.axes.model_copy(
            update={"scored_in": simulated.fit.dataset, "scored_in_code": simulated.fit.code.room}
        )
        trained = simulated.fit.model_copy(update={"dataset": "elsewhere"})
        add(tmp_path, simulated.model_copy(update={"axes": scored, "fit": trained}), [error + at for at in (0, 10, 20, 30)])
    build(tmp_path)
    lines = [line.split("|") for line in text_of(tmp_path, "md").splitlines() if line.startswith("|")]
    (head,) = [index for index, line in enumerate(lines) if "Unseen places" in "".join(line)]
    column = next(index for index, text in enumerate(lines[head]) if "simulated labels too" in text)
    found = {line[2].strip(): (line[4].strip(), line[column].strip()) for line in lines[head + 2 : head + 4]}
    assert found == {"0": ("", "**6.00**"), "247": ("**10.0**", "**4.00**")}


def test_what_was_heard_before_is_said_of_every_column(out: Path) -> None:
    for suffix in ("md", "html"):
        assert "Home: 0 / 100 / 100 / 100; Unseen places: 0 / 100 / 100 / 0" in text_of(out, suffix).replace("\\", "")
    assert own_html(text_of(out, "html")).count('<section id="away">') == 1


def test_every_place_stands_in_the_csv_by_itself(out: Path) -> None:
    with (out / "leaderboard" / "away.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "cnn"]
    found = {row["place"]: (float(row["mae_deg"]), row["leak_response_pct"]) for row in rows}
    assert found == {
        "Home": (0, "100.00"),
        "Unseen places": (17.5, "0.00"),
        "Range": (10, ""),
        "Room": (25, ""),
        "Off-grid": (10, ""),
        "range: 1 m": (5, ""),
        "range: 3 m": (15, ""),
        "room: a barn": (25, ""),
    }


def test_intervals_are_over_places_too_on_the_page_in_every_record_and_for_differences(tmp_path: Path) -> None:
    """Eight clips that are 1 degree apart at five places that are 10 apart, and a method that is 1 off everywhere."""
    clip, place = np.divmod(np.arange(40), 5)
    away = {"protocol": "unseen-place", "split": "unseen", "rt60_s": 0.0, "measured_rt60_s": None}
    errors = 1.0 + clip + 10.0 * place
    for key, method, own in (("a", "srp_phat", errors), ("b", "music", np.ones(40))):
        table = predictions(own.tolist(), [0.0] * 40).assign(clip=clip, place=pd.Categorical(np.array(list("abcde"))[place]))
        record = cell(key, method, **away)
        metrics = score(table, record.fit.candidates_deg, counts_hits=True)
        Store(tmp_path).add_cell(record.model_copy(update={"metrics": metrics}), table)
    low, high = mean_offsets(errors, units(clip, place=place))
    assert high > 2 * mean_offsets(errors, units(clip))[1]
    record = Store(tmp_path).cell("a")
    assert record is not None
    assert record.metrics is not None
    stored = flat(record.metrics.values)
    assert [stored["mae_lo"], stored["mae_hi"]] == [pytest.approx(max(0, 24.5 + low)), pytest.approx(24.5 + high)]
    row = table_of(tmp_path).set_index("method").loc["srp_phat"]
    assert [row["mae_lo"], row["mae_hi"]] == pytest.approx([stored["mae_lo"], stored["mae_hi"]], abs=1e-4)
    ends = [float(row["behind_best_lo"]), float(row["behind_best_hi"])]
    assert ends == pytest.approx([23.5 + low, 23.5 + high], abs=1e-4)


def test_without_unseen_places_there_is_no_such_section(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=247), HITS)
    build(tmp_path)
    assert "home and away" not in own_html(text_of(tmp_path, "html"))
    assert "home and away" not in text_of(tmp_path, "md")
