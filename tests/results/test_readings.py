"""Answers in another reading are told from right, weak and arbitrary ones."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.benchmark.results.readings import misread
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

CANDIDATES = np.arange(-90.0, 91, 10)
TRUE_DEG = np.repeat(CANDIDATES, 20)
RANDOM = np.random.default_rng(0)


def off_by(spread_deg: float) -> NDArray[np.float64]:
    """Candidates that are off by so much."""
    noisy = TRUE_DEG + RANDOM.normal(0, spread_deg, len(TRUE_DEG))
    return CANDIDATES[np.abs(noisy[:, None] - CANDIDATES).argmin(1)]


@pytest.mark.parametrize("spread_deg", [0.0, 15.0, 40.0])
@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (lambda right: right, ""),
        (np.radians, "they seem to be radians;"),
        (lambda right: -np.radians(right), "they seem to be radians, and mirrored;"),
        (lambda right: (right + 90) / 10, "they seem to be classes;"),
        (lambda right: right + 90, "angles from the axis?"),
        (lambda right: 90 - right, "angles from the axis, and mirrored?"),
        (lambda right: -right, "the answers are mirrored;"),
    ],
)
def test_a_reading_is_told_however_good_the_answers_are(answers, says: str, spread_deg: float) -> None:
    found = misread(answers(off_by(spread_deg)), TRUE_DEG, CANDIDATES)
    assert says in found
    assert bool(says) == bool(found)


@given(angle_deg=st.floats(-180, 360))
def test_one_answer_for_all_is_no_reading(angle_deg: float) -> None:
    assert misread(np.full(len(TRUE_DEG), angle_deg), TRUE_DEG, CANDIDATES) == ""


def test_nothing_is_said_of_guesses_of_one_side_and_of_nothing() -> None:
    guesses = np.random.default_rng(1).uniform(0, 1, len(TRUE_DEG))
    assert misread(guesses, TRUE_DEG, CANDIDATES) == ""
    right = TRUE_DEG > 0
    assert misread(np.radians(TRUE_DEG[right]), TRUE_DEG[right], CANDIDATES) == ""
    assert misread([], [], CANDIDATES) == ""


def test_angles_without_their_side_are_told() -> None:
    found = misread(np.where(TRUE_DEG < 0, 0.0, TRUE_DEG), TRUE_DEG, CANDIDATES)
    assert "angles without their side?" in found
