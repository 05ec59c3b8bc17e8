"""Cells of tables: what is best, tied, of fewer seeds, and where the paper's values stand."""

from __future__ import annotations

from pathlib import Path

from doabench.benchmark.results.store import Store
from doabench.leaderboard.analysis.sets import scored_sets
from doabench.leaderboard.analysis.tables import Table, make_tables
from support.leaderboard_files import HITS, add, cell

TEN_OFF = [10.0, 20.0, 30.0, 40.0]


def tables_of(out: Path) -> list[Table]:
    store = Store(out)
    return make_tables(scored_sets(store.all_cells(), store.predictions))


def test_the_better_direction_of_a_metric_says_which_value_is_best(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "music"), [0.0, 10.0, 20.0, 90.0])  # an error of 15, three hits
    add(tmp_path, cell("b", "srp_phat"), TEN_OFF)
    (table,) = tables_of(tmp_path)
    assert not table.sweep
    music, srp = (line.cell for line in table.lines)
    assert music.mae
    assert music.accuracy
    assert srp.mae
    assert srp.accuracy
    assert (music.mae.text, music.mae.best, srp.mae.text, srp.mae.best) == ("15.0", False, "10.0", True)
    assert (music.accuracy.text, music.accuracy.best, srp.accuracy.best) == ("75.0", True, False)
    assert (music.tied, srp.tied) == (True, False), "the best shown carries no mark"
    assert srp.mae.interval == "10.0\u201310.0"


def test_in_a_sweep_the_best_is_that_of_its_column(tmp_path: Path) -> None:
    for labels, estimated in ((114, TEN_OFF), (988, HITS)):
        add(tmp_path, cell(f"c{labels}", "cnn", labels=labels), estimated)
    add(tmp_path, cell("r", "rtf_1nn", labels=988), TEN_OFF)
    (table,) = tables_of(tmp_path)
    assert table.columns == (114, 988)
    cnn, rtf = table.lines
    assert [one and one.mae and one.mae.best for one in cnn.cells] == [True, True]
    assert [one and one.mae and one.mae.best for one in rtf.cells] == [None, False]
    assert [value and value.mae_deg for value in table.paper_cells("cnn")] == [33.1, 20.3]


def test_fewer_seeds_are_no_candidates_for_the_best(tmp_path: Path) -> None:
    for seed in (0, 1):
        add(tmp_path, cell(f"s{seed}", "srp_phat", seed=seed), TEN_OFF)
    add(tmp_path, cell("m", "music"), HITS)
    (table,) = tables_of(tmp_path)
    music, srp = (line.cell for line in table.lines)
    assert music.mae
    assert srp.mae
    assert (music.mae.best, music.fewer_seeds, srp.mae.best, srp.fewer_seeds) == (False, 1, True, 0)


def test_without_a_score_there_are_no_numbers_and_off_the_grid_no_accuracy(tmp_path: Path) -> None:
    Store(tmp_path).add_cell(cell("a", "music", counts_hits=False, state="failed", reason="broke"))
    add(tmp_path, cell("b", counts_hits=False), TEN_OFF)
    (table,) = tables_of(tmp_path)
    music, srp = (line.cell for line in table.lines)
    assert (music.mae, music.accuracy, music.tied, music.fewer_seeds) == (None, None, False, 0)
    assert srp.mae is not None
    assert srp.accuracy is None


def test_marks_of_lines(tmp_path: Path) -> None:
    add(tmp_path, cell("a", "vae_ssl", labels=114, split="train"))
    add(tmp_path, cell("b", "vae_ssl", labels=114))
    assert [line.transductive for table in tables_of(tmp_path) for line in table.lines] == [True, False]
