"""The same request gives the same numbers: again, with more jobs, in another order, in another folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.command import predictions, run

CHEAP = ("--method", "srp_phat", "--method", "rtf_1nn", "--method", "norm_music")
LEARNING = ("--method", "rtf_1nn", "--method", "mean_teacher[steps=12]")
PROTOCOLS = ("--protocol", "label-sweep", "--protocol", "off-grid")
ONE_THREAD = ("--threads", "1")
MEASURED = ["fit_s", "fit_added_rss_mb", "predict_us_per_sequence"]

Ran = tuple[Path, list[dict[str, Any]]]


def ran(out: Path, *options: str, publish: bool = False) -> Ran:
    return out, run(out, *options, *ONE_THREAD, publish=publish)[0]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(tmp_path_factory.mktemp("reference"), *LEARNING, *PROTOCOLS, "--jobs", "1")


def assert_same_predictions(found: Ran, expected: Ran) -> None:
    left, right = predictions(*found), predictions(*expected)
    assert left.keys() == right.keys()
    assert len(left) == 6
    for key, table in right.items():
        pd.testing.assert_frame_equal(left[key], table, check_exact=True)


def test_the_same_fit_again_predicts_the_same(reference: Ran, tmp_path: Path) -> None:
    assert_same_predictions(ran(tmp_path, *LEARNING, *PROTOCOLS, "--jobs", "1"), reference)


def test_two_jobs_and_another_order_predict_the_same_as_one(reference: Ran, tmp_path: Path) -> None:
    methods = (*LEARNING[2:], *LEARNING[:2])
    protocols = (*PROTOCOLS[2:], *PROTOCOLS[:2])
    assert_same_predictions(ran(tmp_path, *methods, *protocols, "--jobs", "2"), reference)


def test_two_reproductions_in_two_folders_give_one_leaderboard(tmp_path: Path) -> None:
    tables = []
    for name in ("one", "two"):
        ran(tmp_path / name, *CHEAP, *PROTOCOLS, publish=True)
        tables.append(pd.read_csv(tmp_path / name / "leaderboard" / "leaderboard.csv"))
    assert len(tables[0]) > 10
    assert tables[0]["mae_deg"].notna().all()
    assert set(MEASURED) < set(tables[0])
    pd.testing.assert_frame_equal(tables[0].drop(columns=MEASURED), tables[1].drop(columns=MEASURED), check_exact=True)
