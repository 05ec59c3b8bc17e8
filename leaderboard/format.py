"""Numbers and names as tables show them."""

from __future__ import annotations

import re

from ..benchmark.results.catalogue import ACCURACY, MAE, Declared
from ..benchmark.results.records import CellAxes
from ..benchmark.results.statistics import Estimate, Value, point

RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of something to compute."""
LONGEST_NAME = 120
"""Bytes of a name from which files are called: they get more before and behind it, and file systems allow 255."""


def csv_cell(value: object) -> object:
    """A value of a CSV file: a spreadsheet shows text in one line, behind an apostrophe where it would compute it, and numbers
    are numbers."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    if not text.lstrip().startswith(FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def one_line(text: str) -> str:
    """Without line breaks, of which Unicode has several, and zero bytes."""
    return re.sub(r"[\0\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text)


def file_stem(text: str) -> str:
    """A name that a file can have everywhere: letters, digits and ``-_.`` of ``text``, the others as hyphens."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text)
    return plain.encode()[:LONGEST_NAME].decode(errors="ignore")


def drawn_text(text: str) -> str:
    """As matplotlib is to write it: dollars are dollars."""
    return one_line(text).replace("$", r"\$")


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
