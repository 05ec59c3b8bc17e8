"""Marks of methods: told apart by colour or by shape, on light and on dark ground."""

from __future__ import annotations

from itertools import combinations, pairwise

from doabench.leaderboard.analysis.marks import marks


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, after WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(first: str, second: str) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_forty_methods_have_marks_of_their_own_and_neighbours_share_nothing() -> None:
    found = list(marks(f"m{number:02d}" for number in range(40)).values())
    assert all((a.colour, a.marker) != (b.colour, b.marker) for a, b in combinations(found, 2))
    assert all((a.on_dark, a.symbol) != (b.on_dark, b.symbol) for a, b in combinations(found, 2))
    assert all(a.colour != b.colour and a.marker != b.marker for a, b in pairwise(found))


def test_marks_stand_out_from_the_page_in_light_and_in_dark() -> None:
    for mark in marks(f"m{number}" for number in range(8)).values():
        assert _contrast(mark.colour, "#fcfbf8") >= 3, mark
        assert _contrast(mark.on_dark, "#14171a") >= 3, mark


def test_the_order_of_names_does_not_matter() -> None:
    assert marks(["b", "a", "c", "a"]) == marks(["a", "b", "c"])
