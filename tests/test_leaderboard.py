"""The leaderboard: numbers by hand, what counts as current, the paper's values, and files that stand on their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doabench.benchmark.plan import method_digest
from doabench.benchmark.records import CellAxes, CellRecord, FitAxes, Leaks, LeakShares
from doabench.benchmark.registry import METHODS, PROTOCOLS
from doabench.benchmark.scoring import score
from doabench.benchmark.statistics import mean_offsets
from doabench.benchmark.store import Store
from doabench.leaderboard.build import build
from doabench.leaderboard.reference import published, reference
from doabench.leaderboard.text import COLUMNS, LATEX, MARKDOWN

GRID = tuple(float(angle) for angle in range(-90, 91, 10))
HITS = [0.0, 10.0, 20.0, 30.0]
"""True angles of `predictions`, two sequences of clip 0, then two of clip 1."""


def predictions(estimated_deg: Sequence[float], true_deg: Sequence[float] = HITS) -> pd.DataFrame:
    count = len(estimated_deg)
    return pd.DataFrame(
        {
            "start": range(count),
            "clip": [index * 2 // count for index in range(count)],
            "position": range(count),
            "true_deg": true_deg,
            "estimated_deg": estimated_deg,
        }
    )


def cell(key: str, method: str = "srp_phat", variant: str = "", labels: int = 0, **changed: Any) -> CellRecord:
    """A record of label-sweep, validation, whose protocol and method are those that are installed."""
    protocol = changed.get("protocol", "label-sweep")
    fit: dict[str, Any] = {
        "method": method,
        "variant": variant,
        "method_title": method,
        "method_digest": method_digest(method) if method in METHODS.plugins() else "elsewhere",
        "dataset": "dtu-twin",
        "measured": False,
        "speech": "talkers",
        "data_digest": "data",
        "seed": 0,
        "nominal_labels": {114: 120, 247: 250, 988: 1000}.get(labels, labels),
        "labels": labels,
        "selection_labels": labels,
        "transductive": method == "vae_ssl",
        "candidates_deg": GRID,
        "spacing_m": 0.085,
    }
    axes: dict[str, Any] = {
        "protocol": protocol,
        "protocol_version": 1,
        "protocol_fingerprint": PROTOCOLS.get(protocol).found.fingerprint,
        "scale": "quick",
        "split": "validation",
        "rt60_s": 0.5,
        "measured_rt60_s": 0.51,
        "scored_digest": "scored",
        "counts_hits": True,
    }
    fit |= {name: value for name, value in changed.items() if name in fit}
    axes |= {name: value for name, value in changed.items() if name in axes}
    rest = {name: value for name, value in changed.items() if name not in {**fit, **axes}}
    record = {"key": key, "fit_key": f"fit-{key}", "state": "ok", "fit": fit, "axes": axes, **rest}
    return CellRecord.model_validate(record)


def add(out: Path, record: CellRecord, estimated_deg: Sequence[float] = HITS, true_deg: Sequence[float] = HITS) -> CellRecord:
    """Store a record with its predictions and the metrics that the suite computes from them."""
    table = predictions(estimated_deg, true_deg)
    metrics = score(table, record.fit.candidates_deg, record.axes.counts_hits)
    full = record.model_copy(update={"metrics": metrics, "predict_us_per_sequence": 12.345})
    Store(out).add_cell(full, table)
    return full


def plan(out: Path, *records: CellRecord) -> None:
    cells = [{"key": r.key, "fit_key": r.fit_key, "fit": r.fit.model_dump(), "axes": r.axes.model_dump()} for r in records]
    (out / "plan.json").write_text(json.dumps(cells))


def table_of(out: Path) -> pd.DataFrame:
    build(out)
    return pd.read_csv(out / "leaderboard" / "leaderboard.csv", keep_default_na=False)


def text_of(out: Path, suffix: str) -> str:
    """What the last `build` wrote."""
    name = "index.html" if suffix == "html" else f"leaderboard.{suffix}"
    return (out / "leaderboard" / name).read_text()


def own_html(page: str) -> str:
    """The page without plotly's source, which names addresses that it never loads here."""
    return re.sub(r'<script id="plotly">.*?</script>', "", page, flags=re.S)


def test_columns_and_numbers_by_hand(tmp_path: Path) -> None:
    # errors 10, 0 | 0, 20: clips' means 5 and 10, so 7.5 +- 12.7062 * 3.5355 / sqrt(2); hits 0, 1 | 1, 0: both clips 50 %
    add(tmp_path, cell("a", fit_s=1.5, method="rtf_1nn", labels=988), [10.0, 10.0, 20.0, 50.0])
    build(tmp_path)
    lines = text_of(tmp_path, "csv").splitlines()
    assert tuple(lines[0].split(",")) == COLUMNS
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
    for name in ("mae_deg", "mae_lo", "mae_hi", "accuracy_pct", "accuracy_lo", "accuracy_hi"):
        assert row[name] == pytest.approx(getattr(record.metrics, name), abs=5e-5)


def test_seeds_are_averaged_and_their_clips_pooled(tmp_path: Path) -> None:
    # clips' means 10 and 20 in seed 0, 20 and 30 in seed 1, which has twice the sequences: MAE is the mean of 15 and 25, its
    # interval stands around the mean of all sequences, 260 / 12, four clips with deviation 8.16497 and t(3) = 3.18245
    add(tmp_path, cell("a", seed=0), [10.0, 20.0, 40.0, 50.0])
    add(tmp_path, cell("b", seed=1, scored_digest="other"), [20.0] * 4 + [30.0] * 4, [0.0] * 8)
    (row,) = table_of(tmp_path).to_dict("records")
    assert (row["seeds"], row["sequences"], row["clips"]) == (2, 12, 4)
    assert row["mae_deg"] == 20.0
    assert row["mae_lo"] == pytest.approx(260 / 12 - 3.18245 * 8.16497 / 2, abs=1e-3)
    assert row["mae_hi"] == pytest.approx(260 / 12 + 3.18245 * 8.16497 / 2, abs=1e-3)
    assert row["accuracy_pct"] == 0.0


def test_every_error_of_a_row_is_the_mean_of_its_seeds(tmp_path: Path) -> None:
    """Errors 0, 0, 30, 30 in seed 0 and, in twice the sequences, 10 in seed 1; half of either come from 80 degrees."""
    add(tmp_path, cell("a", seed=0), [0.0, 80.0, 30.0, 50.0], [0.0, 80.0, 0.0, 80.0])
    add(tmp_path, cell("b", seed=1, scored_digest="other"), [10.0, 70.0] * 4, [0.0, 80.0] * 4)
    (row,) = table_of(tmp_path).to_dict("records")
    names = ("mae_deg", "median_deg", "within_10_pct", "gross_pct", "endfire_mae_deg")
    assert [row[name] for name in names] == [12.5, 12.5, 75.0, 25.0, 12.5]


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
    """Clips of seed 0: ann 10, ben 20; of seed 1: cat 30, ann 20. Ann's two make one clip of 15."""
    for seed, speakers, errors in ((0, ("ann", "ben"), (10.0, 20.0)), (1, ("cat", "ann"), (30.0, 20.0))):
        record = cell(f"a{seed}", seed=seed, scored_digest=f"draw {seed}", speakers=speakers)
        add(tmp_path, record, [errors[0]] * 2 + [errors[1]] * 2, [0.0] * 4)
    (row,) = table_of(tmp_path).to_dict("records")
    assert (row["seeds"], row["clips"], row["mae_deg"]) == (2, 3, 20.0)
    clips = [15.0, 20.0, 30.0]
    low, high = mean_offsets(clips)
    assert (row["mae_lo"], row["mae_hi"]) == (pytest.approx(20.0 + low, abs=1e-3), pytest.approx(20.0 + high, abs=1e-3))


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
    add(tmp_path, cell("c", "norm_music", method_digest="older"))
    add(tmp_path, cell("d", "not_installed_here", method_digest="unknown"))
    assert list(table_of(tmp_path)["method"]) == ["not_installed_here", "srp_phat"]
    line = "2 records of older code or protocols not shown."
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
    here, absent = cell("a"), cell("b", "cnn", labels=988)
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


@pytest.mark.parametrize("variant", ["", "as-released"])
def test_the_papers_values_stand_beside_both_forms(tmp_path: Path, variant: str) -> None:
    add(tmp_path, cell("a", "srp_phat", variant))
    add(tmp_path, cell("b", "vae_ssl", variant, labels=988))
    add(tmp_path, cell("c", "vae_ssl", variant, labels=100))
    rows = table_of(tmp_path)
    found = [tuple(row) for row in rows[["method", "reference_mae_deg", "reference_accuracy_pct"]].to_numpy()]
    assert found == [("srp_phat", "5.99", "60.9"), ("vae_ssl", "", ""), ("vae_ssl", "2.99", "79.5")]


def test_the_papers_values_belong_to_its_own_grid_and_methods() -> None:
    mir = tuple(float(angle) for angle in range(-90, 91, 15))
    assert reference("rt60-transfer", "validation", mir, "cnn", "", 988).mae_deg == 6.36  # pyright: ignore
    assert reference("label-sweep", "validation", mir, "srp_phat", "", 0) is None
    assert reference("label-sweep", "validation", GRID, "vae_ssl", "likelihood=normal", 988) is None
    assert reference("label-sweep-strict", "validation", GRID, "srp_phat", "", 0) is None
    assert reference("off-grid", "off_grid", GRID, "rtf_1nn", "", 988).accuracy_pct is None  # pyright: ignore
    assert [value.labels for value in published("label-sweep", "train", GRID)["cnn"]] == [114, 247, 494, 988, 1995, 3990, 7999]


def test_an_unknown_reverberation_time_is_not_called_zero(tmp_path: Path) -> None:
    add(tmp_path, cell("a", dataset="mine", measured=True, rt60_s=0.0, measured_rt60_s=None))
    add(tmp_path, cell("b", dataset="free-field", rt60_s=0.0, measured_rt60_s=0.01))
    assert table_of(tmp_path).set_index("dataset")["rt60_s"].to_dict() == {"mine": "", "free-field": "0"}
    for suffix in ("md", "html", "tex"):
        text = text_of(tmp_path, suffix)
        assert "measured room, RT60 unknown" in text
        assert "simulated room, RT60 0" in text
        assert "measured room, RT60 0" not in text


def test_sweeps_run_across_with_the_paper_below_and_the_best_in_bold(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "cnn", labels=114), [10.0, 20.0, 30.0, 40.0])
    add(tmp_path, cell("b", "cnn", "as-released", labels=114), [20.0, 30.0, 40.0, 50.0])
    add(tmp_path, cell("c", "cnn", labels=988), [0.0, 10.0, 20.0, 40.0])
    build(tmp_path)
    text = text_of(tmp_path, "md")
    assert "| method, J = | 114 | 988 |" in text
    assert "| cnn | **10.0** / **0.0** | **2.50** / **75.0** |" in text
    assert "| cnn (as released) | 20.0 / **0.0** |  |" in text
    assert "| *cnn, paper* | *33.1 / 37.8* | *20.3 / 59.1* |" in text
    assert r"| *vae\_ssl, paper* | *7.81 / 52.0* | *2.99 / 79.5* |" in text
    assert "simulated room" in text


def test_off_grid_tables_show_the_floor_and_no_accuracy(tmp_path: Path) -> None:
    true = [25.0, 28.0, 45.0] * 2
    record = cell("a", protocol="off-grid", split="off_grid", counts_hits=False)
    add(tmp_path, record, [20.0, 30.0, 40.0] * 2, true)
    assert table_of(tmp_path).loc[0, ["mae_deg", "accuracy_pct", "reference_mae_deg"]].tolist() == [4.0, "", 6.29]
    for suffix in ("md", "html", "tex"):
        assert "Classifier floor: 4.0 deg" in text_of(tmp_path, suffix)
    assert "accuracy" not in text_of(tmp_path, "md").partition("## Notes")[0].partition("| method")[2]


def test_transductive_rows_are_marked_on_the_training_set_only(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "vae_ssl", labels=114, split="train"))
    add(tmp_path, cell("b", "vae_ssl", labels=114))
    build(tmp_path)
    train, validation = text_of(tmp_path, "md").partition("## Notes")[0].split("## label-sweep, validation")
    assert r"| vae\_ssl † |" in train
    assert "† Transductive" in train
    assert "†" not in validation


def test_latex_is_escaped(tmp_path: Path) -> None:
    assert LATEX.escape(r"50 % of a_b & {c} \d ~#$^") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{}d \textasciitilde{}\#\$\textasciicircum{}"
    )
    assert MARKDOWN.escape("a_b|<c>") == r"a\_b\|\<c\>"
    add(tmp_path, cell("a", speech="my_folder & more"))
    build(tmp_path)
    text = text_of(tmp_path, "tex")
    assert r"srp\_phat" in text
    assert r"my\_folder \& more" in text
    assert not re.search(r"(?<!\\)_", re.sub(r"\\label\{.*\}", "", text))
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{table}") == 1


def test_the_page_needs_no_network_and_holds_plotly_once(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    add(tmp_path, cell("a", "vae_ssl", labels=988, variant=hostile))
    build(tmp_path)
    page = text_of(tmp_path, "html")
    own = own_html(page)
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", own)
    assert "default-src 'none'" in own
    assert page.count('<script id="plotly">') == 1
    assert len(page) - len(own) > 1_000_000
    assert hostile not in own
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', own, re.S)[1])  # pyright: ignore
    (plots,) = data["plots"].values()
    assert plots["confusion"][0]["counts"][0][9] == 1
    assert any(series["source"] == "paper" for series in plots["labels"])


def test_figures_follow_the_results(tmp_path: Path) -> None:
    add(tmp_path, cell("a"))
    paths = build(tmp_path)
    names = sorted(path.name for path in paths if path.suffix == ".png")
    assert names == [f"{kind}_label-sweep_dtu-twin_validation.png" for kind in ("confusion", "mae_vs_labels", "per_doa_error")]
    (tmp_path / "leaderboard" / "confusion_of_old.png").touch()
    assert sorted(build(tmp_path)) == sorted(path for path in (tmp_path / "leaderboard").iterdir())


def test_scales_and_corpora_never_share_a_table(tmp_path: Path) -> None:
    for key, changed in {"a": {}, "b": {"scale": "smoke"}, "c": {"speech": "others"}}.items():
        add(tmp_path, cell(key, **changed))
    build(tmp_path)
    text = text_of(tmp_path, "md")
    assert text.count("## label-sweep") == 3
    assert "numbers say nothing" in text
    assert len(list((tmp_path / "leaderboard").glob("mae_vs_labels_*"))) == 3


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    add(tmp_path, cell("a"))
    add(tmp_path, cell("b", "cnn", labels=114))
    first = {path: path.read_bytes() for path in build(tmp_path)}
    assert {path: path.read_bytes() for path in build(tmp_path)} == first
    assert not list((tmp_path / "leaderboard").glob(".*"))


def test_an_empty_store_gives_an_empty_page(tmp_path: Path) -> None:
    build(tmp_path)
    assert "No results yet" in text_of(tmp_path, "html")
    assert text_of(tmp_path, "csv").splitlines() == [",".join(COLUMNS)]


def test_records_know_all_axes() -> None:
    """`cell` above spells every field out; a new one has to be thought about in `row_axes`."""
    assert {*FitAxes.model_fields, *CellAxes.model_fields} == {
        *("method", "variant", "method_title", "method_digest", "dataset", "measured", "speech", "data_digest", "seed"),
        *("nominal_labels", "labels", "selection_labels", "transductive", "candidates_deg", "spacing_m", "protocol"),
        *("protocol_version", "protocol_fingerprint", "scale", "split", "rt60_s", "measured_rt60_s", "scored_digest"),
        "counts_hits",
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
    assert re.search(r"cnn +114 +2\.50 +87\.5 +0\.0 +\S+ +\S+ +\S+ +1,234 +\S+ +600 ", page)
    found = pd.read_csv(tmp_path / "leaderboard" / "per_doa.csv", keep_default_na=False)
    assert found["method"].tolist() == ["music"] * 4 + ["cnn"] * 4
    cnn = found[found["method"] == "cnn"]
    assert cnn["true_deg"].tolist() == HITS
    assert cnn["mae_deg"].tolist() == [5.0, 0.0, 0.0, 10.0]
    assert cnn["sequences"].tolist() == [2] * 4
    assert set(found["signature"]) == {"errors-by-direction:1|unit=sequence|seeds=pooled"}


@pytest.mark.parametrize(("share", "says"), [(0.0, "Leak-free"), (55.4, "up to 55 % of these sequences share a frame")])
def test_tables_say_how_much_was_seen_before(share: float, says: str, tmp_path: Path) -> None:
    shares = LeakShares(frame_pct=share, clip_pct=share, speaker_pct=share)
    leaks = Leaks(labelled=shares, unlabelled=shares)
    add(tmp_path, cell("a", "cnn", labels=988).model_copy(update={"leaks": leaks}))
    build(tmp_path)
    assert says in text_of(tmp_path, "md")
    assert says in text_of(tmp_path, "html")
