"""How far probabilities can be trusted: right as often as said, and better where sure."""

from __future__ import annotations

import numpy as np
import pytest
from doabench.benchmark.results.metrics import ece_pct
from doabench.leaderboard.analysis.trust import SHARES_PCT, trust
from hypothesis import given, settings
from hypothesis import strategies as st


def test_by_hand() -> None:
    found = trust([0.1, 0.1, 0.9, 0.9], [0.0, 100.0, 100.0, 100.0], [20.0, 0.0, 1.0, 3.0], bins=2)
    assert found.confidence_pct == (10.0, 90.0)
    assert found.accuracy_pct == (50.0, 100.0)
    assert found.sequences == (2, 2)
    kept = dict(zip(SHARES_PCT, found.kept_mae_deg, strict=True))
    assert (kept[25], kept[50], kept[100]) == (1.0, 2.0, 6.0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
@settings(max_examples=50, deadline=None)
def test_the_curve_has_the_calibration_error_of_the_table(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    sure, hits, error = rng.random(count) * 0.999 + 0.001, 100.0 * rng.integers(0, 2, count), rng.random(count) * 90
    found = trust(sure, hits, error)
    gaps = np.abs(np.subtract(found.confidence_pct, found.accuracy_pct)) * found.sequences
    assert gaps.sum() / count == pytest.approx(ece_pct(np.log(sure), hits), abs=1e-6)
    assert sum(found.sequences) == count
    assert found.kept_mae_deg[-1] == pytest.approx(error.mean())
