"""One colour and one marker for each method, the same in every figure and on the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# After Okabe and Ito's palette, which colour-blind readers tell apart, darkened or lightened until each stands out by 3:1
# from the page that it is drawn on.
_COLOURS = (
    ("#0072b2", "#4aa3df"),
    ("#c94f00", "#f0803c"),
    ("#007d5b", "#2fbf93"),
    ("#a8487f", "#dd8fbb"),
    ("#8f6400", "#e0aa2e"),
    ("#2a7fb0", "#8fcdf2"),
    ("#6b4226", "#c49a7a"),
    ("#5c6268", "#a8adb3"),
)
# matplotlib's name and plotly's
_SHAPES = (
    ("o", "circle"),
    ("s", "square"),
    ("^", "triangle-up"),
    ("D", "diamond"),
    ("v", "triangle-down"),
    ("P", "cross"),
    ("X", "x"),
    ("*", "star"),
)


@dataclass(frozen=True)
class Mark:
    """How a method is drawn: ``colour`` on light ground, else ``on_dark``; ``marker`` in matplotlib, ``symbol`` in plotly."""

    colour: str
    on_dark: str
    marker: str
    symbol: str


def marks(methods: Iterable[str]) -> dict[str, Mark]:
    """A mark for each name. Up to 64 names no two share both colour and marker; neighbours in the alphabet share neither."""
    found = {}
    for number, name in enumerate(sorted(set(methods))):
        turn, place = divmod(number, len(_COLOURS))
        found[name] = Mark(*_COLOURS[place], *_SHAPES[(place + turn) % len(_SHAPES)])
    return found
