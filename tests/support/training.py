"""Less training where less shows as much."""

from __future__ import annotations

from dataclasses import replace

import pytest
from doabench.methods import cnn


def train_cnn_for_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CNN's recipe as a whole, start and second start, in a quarter of the steps: enough without reverberation."""
    recipe = cnn.RECIPES["corrected"]
    assert recipe.second_start is not None
    monkeypatch.setitem(
        cnn.RECIPES, "corrected", replace(recipe, steps=recipe.steps / 4, second_start=recipe.second_start // 4)
    )
