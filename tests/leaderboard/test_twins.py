"""Simulated against measured rooms: rank correlation against scipy and by hand, its interval, and where it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from doabench.leaderboard.analysis.twins import tau_b, tau_interval
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from support.leaderboard_files import add, build, cell, own_html, text_of

METHODS = ("srp_phat", "music", "norm_music", "not_installed_here")
SIX_GRID = tuple(float(angle) for angle in range(-90, 91, 30))


def room(clip_errors_deg: ArrayLike, first_clip: int = 0) -> pd.DataFrame:
    """Clips of M methods by their mean errors ``[C, M]``."""
    errors = np.asarray(clip_errors_deg, np.float64)
    names = range(first_clip, first_clip + len(errors))
    return pd.concat([pd.DataFrame({"total_deg": 50 * one, "sequences": 50}, index=names) for one in errors.T], axis=1)


def sampled(rng: np.random.Generator, mae_deg: ArrayLike, clips: int = 20) -> NDArray[np.float64]:
    """Errors of clips, which are hard or easy for all methods alike and, beside that, for each."""
    shared, own = rng.normal(-0.08, 0.4, (clips, 1)), rng.normal(-0.045, 0.3, (clips, np.size(mae_deg)))
    return np.asarray(mae_deg) * np.exp(shared + own)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_tau_is_that_of_scipy_ties_included(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    expected = scipy.stats.kendalltau(first, second)[0]
    assert float(tau_b(first, second)) == pytest.approx(expected, nan_ok=True)


def test_known_orders_have_known_correlations() -> None:
    assert tau_b([1, 2, 3, 4], [10, 20, 30, 40]) == 1
    assert tau_b([1, 2, 3, 4], [40, 30, 20, 10]) == -1
    assert tau_b([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(4 / 6)
    np.testing.assert_array_equal(tau_b([[1, 2, 3], [3, 2, 1]], [4, 5, 6]), [1, -1])


def test_where_no_clip_disagrees_there_is_no_doubt() -> None:
    order = np.ones((20, 1)) * [1.0, 2.0, 3.0, 4.0]
    assert tau_interval(room(order), room(2 * order)) == (1.0, 1.0)
    assert tau_interval(room(order), room(order[:, ::-1])) == (-1.0, -1.0)
    assert all(np.isnan(tau_interval(room(order[:1]), room(order))))


def test_clips_that_nothing_can_take_the_place_of_give_no_interval() -> None:
    """One clip that both rooms have and one more of each: no draw differs from another."""
    order = np.ones((4, 1)) * [1.0, 2.0, 3.0, 4.0]
    assert all(np.isnan(tau_interval(room(order[:2]), room(order[:2], first_clip=1))))
    assert all(np.isnan(tau_interval(room(order[:2]), room(order[:3], first_clip=1))))
    assert tau_interval(room(order[:3]), room(order[:3], first_clip=1)) == (1.0, 1.0)


@pytest.mark.parametrize(
    "measured", [[3.0, 5.0, 7.0, 10.0, 14.0, 20.0], [3.2, 3.0, 3.6, 5.2, 4.8, 6.0]], ids=["agreeing", "close and crossing"]
)
def test_the_interval_contains_the_truth(measured: list[float]) -> None:
    simulated = np.array([3.0, 3.4, 3.8, 4.4, 5.2, 7.0])
    truth, hits = float(tau_b(simulated, measured)), 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        low, high = tau_interval(room(sampled(rng, simulated)), room(sampled(rng, measured), first_clip=20))
        hits += low - 1e-9 <= truth <= high + 1e-9
    assert hits >= 90


def test_the_same_speech_is_drawn_for_both_rooms() -> None:
    """Two methods trade places with the clip, in both rooms alike: drawn together they always agree, apart they do not."""
    easy, hard = [1.0, 2.0], [3.1, 2.0]
    clips = np.array([easy, hard] * 8)
    assert tau_interval(room(clips), room(clips)) == (1.0, 1.0)
    assert tau_interval(room(clips[:-1]), room(clips[:-1], first_clip=20)) == (-1.0, 1.0)


def fill(out: Path, measured_order: tuple[str, ...] = METHODS) -> None:
    """Errors of 10, 20, ... degrees in a simulated room by the order of `METHODS`, in a measured one by another."""
    for dataset, measured, order, grid in (("twin", False, METHODS, None), ("hall", True, measured_order, SIX_GRID)):
        for number, method in enumerate(order):
            record = cell(f"{dataset}-{number}", method, dataset=dataset, measured=measured)
            if grid is not None:
                record = record.model_copy(update={"fit": record.fit.model_copy(update={"candidates_deg": grid})})
            add(out, record, [10.0 * (number + 1)] * 8, [0.0] * 8)


@pytest.mark.parametrize(("order", "tau"), [(METHODS, "1.00"), (METHODS[::-1], "-1.00")])
def test_records_of_both_kinds_of_room_end_in_a_section(order: tuple[str, ...], tau: str, tmp_path: Path) -> None:
    fill(tmp_path, order)
    build(tmp_path)
    (row,) = pd.read_csv(tmp_path / "leaderboard" / "twins.csv").to_dict("records")
    assert (row["simulated"], row["measured"], row["split"], row["n"]) == ("twin", "hall", "validation", 0)
    assert (row["methods"], row["entries"], row["simulated_clips"], row["measured_clips"]) == (4, 4, 2, 2)
    assert row["tau_b"] == row["tau_b_lo"] == row["tau_b_hi"] == float(tau)
    assert f"| label-sweep | validation | twin | hall | 0 | 4 | 4 | {tau} | {tau} to {tau} |" in text_of(tmp_path, "md")
    assert f"& {tau} to {tau}" in text_of(tmp_path, "tex")
    assert "Do the simulated rooms predict the measured ones?" in own_html(text_of(tmp_path, "html"))
    for suffix in ("md", "html", "tex"):
        assert "does not cover the choice of" in " ".join(text_of(tmp_path, suffix).split())


def test_labels_are_matched_by_what_was_asked_for(tmp_path: Path) -> None:
    """J differs between grids: n = 120 is 114 labels on one, 119 on the other. The two n turn about in the measured room."""
    fill(tmp_path)
    for dataset, labels, error in (("twin", (114, 988), (15, 5)), ("hall", (119, 994), (5, 15))):
        for n, count, deg in zip((120, 1000), labels, error, strict=True):
            record = cell(f"{dataset}-{n}", "cnn", labels=count, dataset=dataset, measured=dataset == "hall", nominal_labels=n)
            add(tmp_path, record, [float(deg)] * 8, [0.0] * 8)
    build(tmp_path)
    rows = pd.read_csv(tmp_path / "leaderboard" / "twins.csv").set_index("n")
    assert list(rows.index) == ["all", "120", "1000"]
    assert rows["entries"].to_dict() == {"all": 6, "120": 5, "1000": 5}
    assert rows["methods"].to_dict() == {"all": 5, "120": 5, "1000": 5}
    # of 15 pairs, cnn's with itself is turned about, and each of its two with srp_phat's 10
    assert rows["tau_b"].to_dict() == {
        "all": pytest.approx(9 / 15),
        "120": pytest.approx(8 / 10),
        "1000": pytest.approx(8 / 10),
    }
    assert rows.loc["120", "compared"].endswith("cnn n=120")


def test_methods_are_ordered_by_the_seeds_that_all_of_them_have(tmp_path: Path) -> None:
    """Recordings that every seed scores; the last method was run once only, and the first fails in the other seed."""
    fill(tmp_path)
    for dataset in ("twin", "hall"):
        for number, method in enumerate(METHODS[:3]):
            record = cell(f"{dataset}-more-{number}", method, dataset=dataset, measured=dataset == "hall", seed=1)
            if dataset == "hall":
                record = record.model_copy(update={"fit": record.fit.model_copy(update={"candidates_deg": SIX_GRID})})
            add(tmp_path, record, [10.0 * (number + 1) + 75 * (number == 0 and dataset == "hall")] * 8, [0.0] * 8)
    build(tmp_path)
    (row,) = pd.read_csv(tmp_path / "leaderboard" / "twins.csv").to_dict("records")
    assert (row["tau_b"], row["simulated_clips"], row["measured_clips"]) == (1.0, 2, 2)
    assert row["signature"].startswith("tau-b:1|unit=pair-of-entries|")


@pytest.mark.parametrize("changed", [{"speech": "others"}, {"scale": "smoke"}, {"split": "train"}, {"measured": False}])
def test_what_does_not_belong_together_is_not_compared(changed: dict[str, Any], tmp_path: Path) -> None:
    for number, method in enumerate(METHODS):
        one: dict[str, Any] = {"split": changed["split"]} if "split" in changed else {}
        add(tmp_path, cell(f"a{number}", method, dataset="twin", **one))
        add(tmp_path, cell(f"b{number}", method, **({"dataset": "hall", "measured": True} | changed)))
    build(tmp_path)
    assert len(pd.read_csv(tmp_path / "leaderboard" / "twins.csv")) == 0
    assert "predict the measured" not in text_of(tmp_path, "md") + own_html(text_of(tmp_path, "html")) + text_of(
        tmp_path, "tex"
    )


def test_three_methods_are_too_few(tmp_path: Path) -> None:
    fill(tmp_path)
    build(tmp_path)
    assert len(pd.read_csv(tmp_path / "leaderboard" / "twins.csv")) == 1
    (tmp_path / "cells" / "hall-3" / "predictions.parquet").write_bytes(b"not parquet")
    build(tmp_path)
    assert len(pd.read_csv(tmp_path / "leaderboard" / "twins.csv")) == 0


def test_a_room_with_its_own_talkers_stands_beside_any_speech(tmp_path: Path) -> None:
    for number, method in enumerate(METHODS):
        deg = [10.0 * (number + 1)] * 8
        add(tmp_path, cell(f"a{number}", method, dataset="twin"), deg, [0.0] * 8)
        add(tmp_path, cell(f"b{number}", method, dataset="hall", measured=True, speech="own"), deg, [0.0] * 8)
    build(tmp_path)
    assert pd.read_csv(tmp_path / "leaderboard" / "twins.csv")["tau_b"].tolist() == [1.0]
