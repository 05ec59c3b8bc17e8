"""Published claims, which of two methods has the smaller mean error, and what results say of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from ...benchmark.results.statistics import ALPHA, Estimate

FILE = Path(__file__).parent / "paper_claims.csv"
OUTCOMES = ("holds", "does not hold", "cannot be told")
Outcome = Literal["holds", "does not hold", "cannot be told"]


@dataclass(frozen=True)
class Claim:
    """``better`` has a smaller MAE than ``worse`` with as many labels, or with none where it uses none, from a nominal
    number of labels ``from_n`` on; says ``source``. With ``worse_n`` it has it with ``from_n`` labels, where ``worse`` has
    that many. It is about ``protocols``, or about all where none is named."""

    better: str
    worse: str
    from_n: int
    source: str
    worse_n: int = 0
    protocols: tuple[str, ...] = ()

    def is_about(self, protocol: str, n: int, worse_n: int) -> bool:
        """Whether it is about two rows with these nominal numbers of labels, of which 0 is that of a method without."""
        if self.protocols and protocol not in self.protocols:
            return False
        if self.worse_n:
            return (n, worse_n) == (self.from_n, self.worse_n)
        return (n == worse_n or not n or not worse_n) and max(n, worse_n) >= self.from_n


@dataclass(frozen=True)
class Verdict:
    """What one scored set says of a claim at one number of labels: the MAE of ``better`` less that of ``worse``, which are the
    two methods in their form, by name. ``p_holm`` is corrected for all numbers of labels at which the two are held against
    each other; NaN where there is but one clip."""

    claim: Claim
    better: str
    worse: str
    labels: int
    difference: Estimate
    p_holm: float

    @property
    def outcome(self) -> Outcome:
        if not self.p_holm < ALPHA:
            return "cannot be told"
        return "holds" if self.difference.mean < 0 else "does not hold"

    def __str__(self) -> str:
        low, high = self.difference.low, self.difference.high
        interval = "" if low != low else f" [{low:.2f}, {high:.2f}]"
        at = f"J = {self.labels} " if self.labels else ""
        return f"{at}({self.difference.mean:.2f} deg{interval})"


@cache
def paper_claims() -> tuple[Claim, ...]:
    """The claims of ``paper_claims.csv``."""
    with FILE.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return tuple(
            Claim(
                row["better"],
                row["worse"],
                int(row["from_n"]),
                row["source"],
                int(row["worse_n"] or 0),
                tuple(row["protocols"].split()),
            )
            for row in rows
        )
