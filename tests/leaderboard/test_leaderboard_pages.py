"""Tables, LaTeX and the page of the leaderboard: what a reader sees, and that the files stand on their own."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.results.records import Leaks, LeakShares
from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.series import confusions, doa_series, label_series
from doabench.leaderboard.analysis.sets import scored_sets
from doabench.leaderboard.analysis.tables import Table, make_tables
from doabench.leaderboard.mlflow.sync import sync
from doabench.leaderboard.pages.csv_files import columns
from doabench.leaderboard.pages.text import LATEX, MARKDOWN
from mlflow import MlflowClient
from support.leaderboard_files import add, build, cell, own_html, table_of, text_of


def test_the_papers_values_stand_beside_published_forms_alone(tmp_path: Path) -> None:
    forms = [("music", "", 0), ("srp_phat", "", 0), ("srp_phat", "as-released", 0), ("vae_ssl", "as-published", 100)]
    forms += [("vae_ssl", variant, 988) for variant in ("", "as-published", "as-published,likelihood=normal")]
    for number, (method, variant, labels) in enumerate(forms):
        add(tmp_path, cell(str(number), method, variant, labels=labels))
    rows = table_of(tmp_path)
    numbers = rows.set_index(["method", "variant", "labels"])[["reference_mae_deg", "reference_accuracy_pct"]]
    found = {key: tuple(values) for key, values in zip(numbers.index, numbers.to_numpy(), strict=True)}
    expected = {("music", "", ""): ("22.2", "24.9"), ("srp_phat", "as-released", ""): ("5.99", "60.9")}
    expected[("vae_ssl", "as-published", "988")] = ("2.99", "79.5")
    assert {key: value for key, value in found.items() if value != ("", "")} == expected


def test_the_suites_recipe_is_called_so_everywhere_and_stands_beside_no_value_or_claim_of_the_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both rows at two numbers of labels: beside the opponents of the paper's claims."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for labels in (247, 988):
        add(tmp_path, cell(f"s{labels}", "vae_ssl", labels=labels))
        add(tmp_path, cell(f"c{labels}", "cnn", "as-released", labels=labels), [10.0, 20.0, 30.0, 40.0])
        add(tmp_path, cell(f"g{labels}", "cnn", labels=labels), [10.0, 20.0, 30.0, 40.0])
    add(tmp_path, cell("p", "vae_ssl", "as-published,thin=16", labels=988), [0.0, 10.0, 20.0, 40.0])
    add(tmp_path, cell("r", "srp_phat", "as-released"), [20.0, 20.0, 30.0, 40.0])
    ours, theirs = "vae_ssl (suite's recipe)", "vae_ssl (as published, unlabelled part thinned 16 x, top-1 estimate)"
    rows = table_of(tmp_path).query("method == 'vae_ssl'").set_index(["variant", "labels"])
    assert rows["form"].to_dict() == {
        ("", "247"): "suite's recipe",
        ("", "988"): "suite's recipe",
        ("as-published,thin=16", "988"): "as published, unlabelled part thinned 16 x, top-1 estimate",
    }
    assert set(rows.loc["", "reference_mae_deg"]) == set(rows.loc["", "reference_accuracy_pct"]) == {""}
    assert rows.loc[("as-published,thin=16", "988"), "reference_mae_deg"] == "2.99"

    for suffix in ("md", "tex", "html"):
        text = html.unescape(own_html(text_of(tmp_path, suffix)).replace("\\", ""))
        assert "suite's recipe" in text, suffix
        assert "as published, unlabelled part thinned 16 x" in text, suffix
        claims = re.findall(r"(vae_ssl[^:\n]*?) below (\w+ \(as released\)) \(the paper's claim", text)
        assert claims == [(theirs, "cnn (as released)"), (theirs, "srp_phat (as released)")], suffix
    md = text_of(tmp_path, "md").replace("\\", "").splitlines()
    lines = [next(number for number, line in enumerate(md) if line.startswith(f"| {name}")) for name in (ours, theirs)]
    assert md[lines[1] + 1].startswith("| *vae_ssl, paper*")  # below the published form, not below the suite's recipe
    assert lines[1] == lines[0] + 1

    page = own_html(text_of(tmp_path, "html"))
    body = re.findall(r"<tr class=\"(\w*)\">\s*<th scope=\"row\" data-value=\"(vae_ssl.*?)\">.*?</tr>", page, re.S)
    assert [(mark, html.unescape(name)) for mark, name in body] == [("", ours), ("published", theirs)]
    suites_own = re.search(r"<tr class=\"\">\s*<th scope=\"row\" data-value=\"vae_ssl \(suite.*?</tr>", page, re.S)
    assert suites_own is not None
    assert "paper" not in suites_own[0]
    (table,) = tables_of(tmp_path)
    sources = {one.name: one.source for one in label_series(table) if one.method == "vae_ssl"}
    assert sources == {ours: "ours", theirs: "published", "vae_ssl, paper": "paper"}
    assert {one.name for one in doa_series(table)} >= {f"{ours}, J = 988", f"{theirs}, J = 988"}
    assert {one.name for one in confusions(table)} >= {f"{ours}, J = 988", f"{theirs}, J = 988"}

    assert sync(tmp_path, tables_of(tmp_path), installed()) == 8
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    names = [str(run.info.run_name) for run in runs]
    named = {
        (run.data.params["form"], name.split()[0], name.partition("vae_ssl")[2])
        for run, name in zip(runs, names, strict=True)
        if run.data.params["method"] == "vae_ssl"
    }
    suites, paper = (f"{name.removeprefix('vae_ssl')} in dtu-twin 0.5 s" for name in (ours, theirs))
    assert named == {
        ("suite's recipe", "J=247", suites),
        ("suite's recipe", "J=988", suites),
        (theirs[9:-1], "J=988", paper),
    }
    assert {run.data.params["method.thin"] for run in runs if run.data.params["form"] == theirs[9:-1]} == {"16"}
    letters = [name[:25] for name in names]
    assert len(letters) == len(set(letters))


def test_claims_that_nothing_was_run_for_are_not_counted(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "vae_ssl", labels=247))
    add(tmp_path, cell("b", "cnn", labels=247))
    build(tmp_path)
    text = text_of(tmp_path, "md").replace("\\", "")
    assert "vae_ssl as published below cnn (the paper's claim, Tables 2 and 3): not run at J = 114, 247, 494" in text
    assert "vae_ssl as published below srp_phat (the paper's claim, Tables 2 and 3): not run at J = 247, 494" in text
    assert "holds at" not in text
    assert "does not hold at" not in text


def tables_of(out: Path) -> list[Table]:
    store = Store(out)
    return make_tables(scored_sets(store.all_cells(), store.predictions))


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
    record = cell("a", "srp_phat", "as-released", protocol="off-grid", split="off_grid", counts_hits=False)
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
    assert r"| vae\_ssl (suite's recipe) † |" in train
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
    build(tmp_path, figures=False)  # while fits run: those of an earlier time are no longer right
    assert not list((tmp_path / "leaderboard").glob("*.png"))


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
    shares = LeakShares(frame_pct=share, clip_pct=share, speaker_pct=share, response_pct=share)
    leaks = Leaks(labelled=shares, unlabelled=shares)
    add(tmp_path, cell("a", "cnn", labels=988).model_copy(update={"leaks": leaks}))
    build(tmp_path)
    assert says in text_of(tmp_path, "md")
    assert says in text_of(tmp_path, "html")
