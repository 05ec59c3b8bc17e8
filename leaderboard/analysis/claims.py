"""Published claims, held against the results: which of two methods has the smaller mean error."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np

from ...benchmark.results.statistics import Estimate, paired_difference
from .comparison import Totals, differences_deg

FILE = Path(__file__).parent / "paper_claims.csv"
OUTCOMES = ("holds", "does not hold", "cannot be told")
Outcome = Literal["holds", "does not hold", "cannot be told"]


@dataclass(frozen=True)
class Claim:
    """``better`` has a smaller MAE than ``worse`` with as many labels, or with none where it uses none, from a nominal
    number of labels ``from_n`` on; says ``source``."""

    better: str
    worse: str
    from_n: int
    source: str


@dataclass(frozen=True)
class Verdict:
    """What the clips of one scored set say of a claim at one number of labels: the MAE of ``better`` less that of ``worse``."""

    claim: Claim
    labels: int
    difference: Estimate

    @property
    def outcome(self) -> Outcome:
        if self.difference.high < 0:
            return "holds"
        return "does not hold" if self.difference.low > 0 else "cannot be told"

    def __str__(self) -> str:
        low, high = self.difference.low, self.difference.high
        interval = "" if low != low else f" [{low:.2f}, {high:.2f}]"
        at = f"J = {self.labels} " if self.labels else ""
        return f"{at}({self.difference.mean:.2f} deg{interval})"


@dataclass(frozen=True)
class Contender:
    """A row, as far as claims need it. Claims are about methods as they are by default."""

    place: Hashable
    method: str
    is_default: bool
    labels: int
    nominal_labels: int


@cache
def paper_claims() -> tuple[Claim, ...]:
    """The claims of ``paper_claims.csv``."""
    with FILE.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return tuple(Claim(row["better"], row["worse"], int(row["from_n"]), row["source"]) for row in rows)


def judge(
    claims: Sequence[Claim], contenders: Sequence[Contender], totals: Sequence[Totals | None]
) -> list[tuple[Verdict, ...]]:
    """The verdicts that each row, as the better one, gives rise to; none where one of two rows has no predictions (None)."""
    found: list[list[Verdict]] = [[] for _ in contenders]
    for claim, (this, other) in product(claims, _pairs(contenders)):
        mine, theirs = contenders[this], contenders[other]
        one, two = totals[this], totals[other]
        claimed = max(mine.nominal_labels, theirs.nominal_labels) >= claim.from_n
        if claimed and (mine.method, theirs.method) == (claim.better, claim.worse) and one is not None and two is not None:
            clips = differences_deg([one, two])[0, 1]
            if not np.isnan(clips).all():
                found[this].append(Verdict(claim, max(mine.labels, theirs.labels), paired_difference(clips)))
    return [tuple(sorted(verdicts, key=lambda verdict: verdict.labels)) for verdicts in found]


def _pairs(contenders: Sequence[Contender]) -> Iterator[tuple[int, int]]:
    """Rows of one scored set with as many labels, or where one of them uses none."""
    for (this, mine), (other, theirs) in product(enumerate(contenders), repeat=2):
        same = mine.place == theirs.place and mine.is_default and theirs.is_default
        if same and (mine.labels == theirs.labels or not mine.labels or not theirs.labels):
            yield this, other
