"""Numbers and names as tables show them."""

from __future__ import annotations

from ..benchmark.results.catalogue import ACCURACY, MAE, Declared
from ..benchmark.results.records import CellAxes
from ..benchmark.results.statistics import Estimate, Value, point

RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def raised(number: int) -> str:
    return str(number).translate(RAISED)


def value_text(declared: Declared, value: Value) -> str:
    """A number as tables show it, without its interval; empty where there is none."""
    shown = point(value)
    return "" if shown is None else declared.format(shown)


def interval_text(declared: Declared, value: Value) -> str:
    """``3.1 - 4.4``; empty where there is no interval."""
    if not isinstance(value, Estimate) or not value.has_interval:
        return ""
    return f"{declared.format(value.low)}\u2013{declared.format(value.high)}"


def mae_text(value: Value) -> str:
    """Degrees with three digits, as in the paper."""
    return value_text(MAE, value)


def pct_text(value: Value) -> str:
    return value_text(ACCURACY, value)


def rt60_text(axes: CellAxes, decimals: int | None = None) -> str:
    """``RT60 0.5 s``, that there are several, or that nobody knows."""
    if axes.split == "unseen":
        return "RT60 of each place"
    shown = f"{axes.rt60_s:g}" if decimals is None else f"{axes.rt60_s:.{decimals}f}"
    return f"RT60 {shown} s" if axes.rt60_known else "RT60 unknown"


def pair_text(mae_deg: float | None, accuracy_pct: float | None) -> str:
    return " / ".join(filter(None, (mae_text(mae_deg), pct_text(accuracy_pct))))
