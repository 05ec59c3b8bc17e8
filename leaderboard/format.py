"""Numbers and names as tables show them."""

from __future__ import annotations

from collections.abc import Callable

from ..benchmark.results.records import CellAxes

RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def method_name(method: str, variant: str) -> str:
    """``cnn``, ``cnn (as released)``, ``vae_ssl (likelihood=normal)``."""
    return f"{method} ({variant.replace('as-released', 'as released')})" if variant else method


def mae_text(value: float | None) -> str:
    """Degrees with three digits, as in the paper."""
    return "" if value is None else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def pct_text(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def rt60_text(axes: CellAxes, decimals: int | None = None) -> str:
    """``RT60 0.5 s``, or that nobody knows."""
    shown = f"{axes.rt60_s:g}" if decimals is None else f"{axes.rt60_s:.{decimals}f}"
    return f"RT60 {shown} s" if axes.rt60_known else "RT60 unknown"


def pair_text(mae_deg: float | None, accuracy_pct: float | None) -> str:
    return " / ".join(filter(None, (mae_text(mae_deg), pct_text(accuracy_pct))))


def interval_text(low: float | None, high: float | None, show: Callable[[float | None], str]) -> str:
    """``3.1 - 4.4``; empty where there is no interval."""
    return "" if low is None or high is None or low != low or high != high else f"{show(low)}\u2013{show(high)}"
