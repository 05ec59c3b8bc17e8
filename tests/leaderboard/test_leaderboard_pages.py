"""Tables, LaTeX and the page of the leaderboard: what a reader sees, and that the files stand on their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from doabench.benchmark.results.records import Leaks, LeakShares
from doabench.leaderboard.pages.csv_files import columns
from doabench.leaderboard.pages.text import LATEX, MARKDOWN
from support.leaderboard_files import add, build, cell, own_html, table_of, text_of


@pytest.mark.parametrize("variant", ["", "as-released"])
def test_the_papers_values_stand_beside_both_forms(tmp_path: Path, variant: str) -> None:
    add(tmp_path, cell("a", "srp_phat", variant))
    add(tmp_path, cell("b", "vae_ssl", variant, labels=988))
    add(tmp_path, cell("c", "vae_ssl", variant, labels=100))
    rows = table_of(tmp_path)
    found = [tuple(row) for row in rows[["method", "reference_mae_deg", "reference_accuracy_pct"]].to_numpy()]
    assert found == [("srp_phat", "5.99", "60.9"), ("vae_ssl", "", ""), ("vae_ssl", "2.99", "79.5")]


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
    assert text_of(tmp_path, "csv").splitlines() == [",".join(columns())]


@pytest.mark.parametrize(("share", "says"), [(0.0, "Leak-free"), (55.4, "up to 55 % of these sequences share a frame")])
def test_tables_say_how_much_was_seen_before(share: float, says: str, tmp_path: Path) -> None:
    shares = LeakShares(frame_pct=share, clip_pct=share, speaker_pct=share)
    leaks = Leaks(labelled=shares, unlabelled=shares)
    add(tmp_path, cell("a", "cnn", labels=988).model_copy(update={"leaks": leaks}))
    build(tmp_path)
    assert says in text_of(tmp_path, "md")
    assert says in text_of(tmp_path, "html")
