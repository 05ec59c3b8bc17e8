"""The leaderboard's numbers by hand, and which records count."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.results.catalogue import flat
from doabench.benchmark.results.records import CellAxes, CellCode, FitAxes
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.statistics import mean_offsets, units
from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.reference import published, reference
from doabench.leaderboard.pages.csv_files import columns
from support.leaderboard_files import CODE, GRID, HITS, add, build, cell, own_html, plan, predictions, table_of, text_of


def test_columns_and_numbers_by_hand(tmp_path: Path) -> None:
    # errors 10, 0 | 0, 20: clips' means 5 and 10, so 7.5 +- 12.7062 * 3.5355 / sqrt(2); hits 0, 1 | 1, 0: both clips 50 %
    add(tmp_path, cell("a", fit_s=1.5, method="rtf_1nn", labels=988), [10.0, 10.0, 20.0, 50.0])
    build(tmp_path)
    lines = text_of(tmp_path, "csv").splitlines()
    assert tuple(lines[0].split(",")) == columns()
    assert lines[0].startswith(
        "protocol,protocol_version,scale,dataset,speech,rt60_s,split,method,variant,labels,selection_labels,seeds,mae_deg,mae_lo,"
        "mae_hi,accuracy_pct,accuracy_lo,accuracy_hi,sequences,clips,reference_mae_deg,reference_accuracy_pct,fit_s,"
        "predict_us_per_sequence,status,rank,"
    )
    (line,) = lines[1:]
    assert line.startswith(
        "label-sweep,1,quick,dtu-twin,talkers,0.5,validation,rtf_1nn,,988,988,1,7.5000,0.0000,39.2655,50.0000,50.0000,50.0000,"
        "4,2,,,1.50,12.35,ok,1,1,1,0.0000,0.0000,0.0000,1.0000,yes,5.0000,75.0000,0.0000,,,,,,,,,errors:1|"
    )


def test_one_seed_has_the_interval_of_its_record(tmp_path: Path) -> None:
    record = add(tmp_path, cell("a"), [10.0, 10.0, 30.0, 40.0])
    row = table_of(tmp_path).iloc[0]
    assert record.metrics is not None
    stored = flat(record.metrics.values)
    assert {"mae_deg", "mae_lo", "mae_hi", "accuracy_pct", "accuracy_lo", "accuracy_hi"} <= set(stored)
    for name, value in stored.items():
        assert float(row[name]) == pytest.approx(value, abs=5e-5)


def test_seeds_are_averaged_and_their_clips_pooled(tmp_path: Path) -> None:
    """Clips' means are 10 and 20 in seed 0, 12 and 22 in seed 1, which has twice the sequences: MAE is the mean of 15 and 17,
    and its interval stands around the mean of all sequences, 196 / 12. Of that, clips say 196 / 12 plus 2/3 or 4/3 of what they
    are off: 12.1111, 18.7778, 10.5556, 23.8889, with deviation 6.17175; t(3) = 3.18245. Seeds differ by less than clips do."""
    add(tmp_path, cell("a", seed=0), [10.0, 20.0, 40.0, 50.0])
    add(tmp_path, cell("b", seed=1, scored_digest="other"), [12.0] * 4 + [22.0] * 4, [0.0] * 8)
    (row,) = table_of(tmp_path).to_dict("records")
    assert (row["seeds"], row["sequences"], row["clips"]) == (2, 12, 4)
    assert row["mae_deg"] == 16.0
    assert row["mae_lo"] == pytest.approx(196 / 12 - 3.18245 * 6.17175 / 2, abs=1e-3)
    assert row["mae_hi"] == pytest.approx(196 / 12 + 3.18245 * 6.17175 / 2, abs=1e-3)
    assert row["accuracy_pct"] == 0.0


def test_seeds_that_differ_by_more_than_their_clips_widen_intervals(tmp_path: Path) -> None:
    """Of a method, and of how it differs from another one."""
    errors, fit, clip = (
        [3.0, 3.0, 4.0, 4.0, 7.0, 7.0, 8.0, 8.0, 14.0, 14.0, 16.0, 16.0],
        np.repeat(range(3), 4),
        np.arange(12) // 2,
    )
    for seed in range(3):
        own = errors[4 * seed : 4 * seed + 4]
        add(tmp_path, cell(f"a{seed}", seed=seed, scored_digest=f"draw {seed}"), own, [0.0] * 4)
        add(tmp_path, cell(f"b{seed}", "music", seed=seed, scored_digest=f"draw {seed}"), [0.0, 0.1] * 2, [0.0] * 4)
    rows = table_of(tmp_path).set_index("method")
    low, high = mean_offsets(errors, units(clip, fit=fit))
    assert high > 2 * mean_offsets(errors, units(clip))[1]
    assert rows.loc["srp_phat", ["mae_lo", "mae_hi"]].tolist() == [0, pytest.approx(26 / 3 + high, abs=1e-3)]
    ends = rows.loc["srp_phat", ["behind_best_lo", "behind_best_hi"]].astype(float).tolist()
    assert ends == pytest.approx([26 / 3 - 0.05 + low, 26 / 3 - 0.05 + high], abs=1e-3)


def test_every_error_of_a_row_is_the_mean_of_its_seeds(tmp_path: Path) -> None:
    """Errors 0, 0, 30, 30 in seed 0 and, in twice the sequences, 10 in seed 1; half of either come from 80 degrees."""
    add(tmp_path, cell("a", seed=0), [0.0, 80.0, 30.0, 50.0], [0.0, 80.0, 0.0, 80.0])
    add(tmp_path, cell("b", seed=1, scored_digest="other"), [10.0, 70.0] * 4, [0.0, 80.0] * 4)
    (row,) = table_of(tmp_path).to_dict("records")
    names = ("mae_deg", "median_deg", "accuracy_10_pct", "within_10_pct", "gross_pct", "endfire_mae_deg")
    assert [row[name] for name in names] == [12.5, 12.5, 75.0, 75.0, 25.0, 12.5]


def test_recordings_that_every_seed_scores_count_once(tmp_path: Path) -> None:
    """A room with talkers of its own: a seed changes labels only, so two seeds bring no more clips than one."""
    estimated = [10.0, 20.0, 40.0, 50.0]
    for seed in (0, 1):
        add(tmp_path, cell(f"a{seed}", seed=seed, speech="own"), estimated)
        add(tmp_path, cell(f"b{seed}", "music", seed=seed, speech="own"), HITS)
    add(tmp_path, cell("c", speech="own", dataset="once"), estimated)
    add(tmp_path, cell("d", "music", speech="own", dataset="once"), HITS)
    rows = table_of(tmp_path).set_index(["dataset", "method"])
    numbers = [
        "clips",
        "mae_deg",
        "mae_lo",
        "mae_hi",
        "accuracy_lo",
        "accuracy_hi",
        "behind_best_lo",
        "behind_best_hi",
        "p_holm",
    ]
    for method in ("srp_phat", "music"):
        assert rows.loc[("dtu-twin", method), numbers].to_list() == rows.loc[("once", method), numbers].to_list()
        assert rows.loc[("dtu-twin", method), ["seeds", "clips"]].to_list() == [2, 2]


def test_a_speaker_whom_two_seeds_draw_counts_once(tmp_path: Path) -> None:
    """Clips of seed 0: ann 10, ben 20; of seed 1: cat 20, ann 10. Ann's two make one clip of 10, with twice the sequences: of
    the mean, 15, the three say 15 - 3/2 5 = 7.5, and twice 15 + 3/4 5 = 18.75."""
    for seed, speakers, errors in ((0, ("ann", "ben"), (10.0, 20.0)), (1, ("cat", "ann"), (20.0, 10.0))):
        record = cell(f"a{seed}", seed=seed, scored_digest=f"draw {seed}", speakers=speakers)
        add(tmp_path, record, [errors[0]] * 2 + [errors[1]] * 2, [0.0] * 4)
    (row,) = table_of(tmp_path).to_dict("records")
    assert (row["seeds"], row["clips"], row["mae_deg"]) == (2, 3, 15.0)
    clips = [7.5, 18.75, 18.75]
    low, high = mean_offsets(clips)
    assert (row["mae_lo"], row["mae_hi"]) == (max(0, 15.0 + low), pytest.approx(15.0 + high, abs=1e-3))


def test_several_clips_of_one_speaker_stay_apart(tmp_path: Path) -> None:
    add(tmp_path, cell("a", speakers=("ann", "ann")), [10.0, 20.0, 40.0, 50.0])
    assert table_of(tmp_path)["clips"].tolist() == [2]


def test_rows_come_in_their_fixed_order(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=988))
    add(tmp_path, cell("b", "cnn", "as-released", labels=114))
    add(tmp_path, cell("c", "cnn", labels=114))
    add(tmp_path, cell("d", "srp_phat", "as-released"))
    add(tmp_path, cell("e", "srp_phat", split="train"))
    add(tmp_path, cell("f", "music"))
    add(tmp_path, cell("g", "srp_phat", protocol="off-range", split="off_range"))
    rows = table_of(tmp_path)[["split", "labels", "method", "variant"]].astype(str).agg(" ".join, axis=1)
    assert list(rows) == [
        "train  srp_phat ",
        "validation  music ",
        "validation  srp_phat as-released",
        "validation 114 cnn ",
        "validation 114 cnn as-released",
        "validation 988 cnn ",
        "off_range  srp_phat ",
    ]


def test_older_code_and_protocols_are_left_out_and_counted(tmp_path: Path) -> None:
    add(tmp_path, cell("a"))
    add(tmp_path, cell("b", "music", protocol_fingerprint="older"))
    for name in CODE:
        add(tmp_path, cell(f"older-{name}", "norm_music", "", 0, **{name: "older"}))
    for name in CellCode.model_fields:
        add(tmp_path, cell(f"older-{name}", "norm_music", cell_code={name: "older"}))
    add(tmp_path, cell("d", "not_installed_here", method_code="unknown"))
    assert list(table_of(tmp_path)["method"]) == ["not_installed_here", "srp_phat"]
    line = f"{1 + len(CODE) + 2} records of older code or protocols not shown."
    assert line in text_of(tmp_path, "md")
    assert line in text_of(tmp_path, "html")


def test_of_two_records_with_the_same_axes_the_planned_one_counts(tmp_path: Path) -> None:
    old, new = cell("a"), cell("b")
    add(tmp_path, old)
    add(tmp_path, new, [10.0, 20.0, 30.0, 40.0])
    times = {"a": 2_000_000_000, "b": 1_000_000_000}
    for key, time in times.items():
        os.utime(tmp_path / "cells" / key / "record.json", (time, time))
    assert table_of(tmp_path)["mae_deg"].tolist() == [0.0], "no plan: the newest file"
    plan(tmp_path, new)
    assert table_of(tmp_path)["mae_deg"].tolist() == [10.0]
    assert "1 record of older code" in text_of(tmp_path, "md")


def test_what_did_not_run_says_why(tmp_path: Path) -> None:
    here, absent = cell("a"), cell("b", "cnn", "as-released", labels=988)
    add(tmp_path, here)
    plan(tmp_path, here, absent)
    Store(tmp_path).add_cell(cell("c", "music", state="failed", reason="music broke <here>"))
    Store(tmp_path).add_cell(cell("d", "norm_music", state="skipped", reason="not in this room"))
    Store(tmp_path).add_cell(cell("e", "rtf_1nn", labels=988, state="not-installed", reason="install ears"))
    rows = table_of(tmp_path).set_index("method")
    assert rows["status"].to_dict() == {
        "srp_phat": "ok",
        "cnn": "missing",
        "music": "failed",
        "norm_music": "skipped",
        "rtf_1nn": "not-installed",
    }
    assert rows.loc["music", "mae_deg"] == ""
    assert (rows.loc["cnn", "seeds"], rows.loc["cnn", "reference_mae_deg"]) == (0, "20.3")
    page = own_html(text_of(tmp_path, "html"))
    assert "music broke &lt;here&gt;" in page
    for reason in ("not in this room", "install ears", "not run yet"):
        assert reason in page
        assert reason in text_of(tmp_path, "md")


def test_a_row_shows_the_worst_of_its_seeds(tmp_path: Path) -> None:
    add(tmp_path, cell("a", seed=0), [10.0, 20.0, 30.0, 40.0])
    Store(tmp_path).add_cell(cell("b", seed=1, state="failed", reason="broke"))
    (row,) = table_of(tmp_path).to_dict("records")
    assert (row["status"], row["seeds"], row["mae_deg"]) == ("failed", 1, 10.0)


def test_predictions_that_cannot_be_read_cost_their_own_row(tmp_path: Path) -> None:
    add(tmp_path, cell("a"))
    add(tmp_path, cell("b", "music"))
    (tmp_path / "cells" / "b" / "predictions.parquet").write_bytes(b"not parquet")
    assert table_of(tmp_path).set_index("method")["status"].to_dict() == {"srp_phat": "ok", "music": "failed"}


def test_the_papers_values_belong_to_its_own_grid_and_methods() -> None:
    mir = tuple(float(angle) for angle in range(-90, 91, 15))
    assert reference("rt60-transfer", "validation", mir, "cnn", 988).mae_deg == 6.36  # pyright: ignore
    assert reference("label-sweep", "validation", mir, "srp_phat", 0) is None
    assert reference("label-sweep-strict", "validation", GRID, "srp_phat", 0) is None
    assert reference("off-grid", "off_grid", GRID, "rtf_1nn", 988).accuracy_pct is None  # pyright: ignore
    assert [value.labels for value in published("label-sweep", "train", GRID)["cnn"]] == [114, 247, 494, 988, 1995, 3990, 7999]


def test_records_know_all_axes() -> None:
    """`cell` above spells every field out; a new one has to be thought about in `set_axes`."""
    assert {*FitAxes.model_fields, *CellAxes.model_fields} == {
        *(
            "method",
            "variant",
            "form",
            "as_published",
            "method_title",
            "code",
            "dataset",
            "measured",
            "speech",
            "data_digest",
            "seed",
        ),
        *("nominal_labels", "labels", "transductive", "candidates_deg", "spacing_m", "protocol"),
        *("protocol_version", "protocol_fingerprint", "scale", "split", "rt60_s", "measured_rt60_s", "scored_digest"),
        *("counts_hits", "scored_in", "scored_in_measured", "scored_in_code"),
    }


def test_likelihood_and_calibration_are_means_of_seeds_and_blank_where_predictions_have_none(tmp_path: Path) -> None:
    probable = {"true_log_probability": [-0.5, -1.0, -1.5, -3.0], "estimated_log_probability": [-0.5, -1.0, -1.5, -1.0]}
    tables = {"a": predictions(HITS).assign(**probable), "b": predictions(HITS).assign(**probable), "old": predictions(HITS)}
    tables["b"]["true_log_probability"] = -1.0
    for key, seed, method in (("a", 0, "cnn"), ("b", 1, "cnn"), ("old", 0, "music")):
        record = cell(key, method, labels=114 if method == "cnn" else 0, seed=seed)
        record = record.model_copy(update={"metrics": score(tables[key], GRID, True)})
        Store(tmp_path).add_cell(record, tables[key])
    rows = table_of(tmp_path).set_index("method")
    assert rows.loc["music", ["nll_nats", "ece_pct"]].tolist() == ["", ""]
    assert float(rows.loc["cnn", "nll_nats"]) == pytest.approx((1.5 + 1.0) / 2)  # pyright: ignore
    # all hits, and all in bins of their own but two at exp(-1)
    expected = 100 - 25 * (np.exp(-0.5) + 2 * np.exp(-1) + np.exp(-1.5))
    assert float(rows.loc["cnn", "ece_pct"]) == pytest.approx(expected, abs=1e-4)  # pyright: ignore
    shutil.rmtree(tmp_path / "cells" / "b")  # an ok cell is never changed
    Store(tmp_path).add_cell(cell("b", "cnn", labels=114, seed=1), predictions(HITS))
    assert table_of(tmp_path).set_index("method").loc["cnn", "nll_nats"] == ""


def test_costs_and_errors_by_direction_are_in_the_files(tmp_path: Path) -> None:
    for seed, peak, estimated in ((0, 500.0, [10.0, 10.0, 20.0, 50.0]), (1, 700.0, HITS)):
        add(tmp_path, cell(f"s{seed}", "cnn", labels=114, seed=seed, parameters=1234, fit_added_rss_mb=peak), estimated)
    add(tmp_path, cell("b", "music"))
    rows = table_of(tmp_path).set_index("method")
    assert rows.loc["cnn", ["parameters", "fit_added_rss_mb"]].tolist() == ["1234", "600.0"]
    assert rows.loc["music", ["parameters", "fit_added_rss_mb"]].tolist() == ["", ""]
    page = re.sub(r"\s*<[^>]*>\s*", " ", own_html(text_of(tmp_path, "html")))
    assert re.search(r"cnn +114 +2\.50 +75\.0 +87\.5 +87\.5 +0\.0 +\S+ +75\.0 +\S+ +\S+ +1,234 +\S+ +600 ", page)
    found = pd.read_csv(tmp_path / "leaderboard" / "per_doa.csv", keep_default_na=False)
    assert found["method"].tolist() == ["music"] * 4 + ["cnn"] * 4
    cnn = found[found["method"] == "cnn"]
    assert cnn["true_deg"].tolist() == HITS
    assert cnn["mae_deg"].tolist() == [5.0, 0.0, 0.0, 10.0]
    assert cnn["sequences"].tolist() == [2] * 4
    assert set(found["signature"]) == {"errors-by-direction:1|unit=sequence|seeds=pooled"}
