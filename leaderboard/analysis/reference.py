"""The paper's values: Bianco et al. 2021, Tables 2 and 3, by protocol, split, method and number of labels."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
CITATION = (
    "M. J. Bianco, S. Gannot, E. Fernandez-Grande, P. Gerstoft, Semi-supervised source localization in reverberant "
    "environments with deep generative modeling, IEEE Access 9, 2021, doi 10.1109/ACCESS.2021.3087697"
)

_TABLES = {
    ("label-sweep", "train"): "2a",
    ("label-sweep", "validation"): "2b",
    ("rt60-transfer", "train"): "2c",
    ("rt60-transfer", "validation"): "2d",
    ("off-grid", "off_grid"): "off_grid",
    ("off-range", "off_range"): "off_range",
}
_STEP_DEG = {"dtu": 10, "mir": 15}


@dataclass(frozen=True)
class Reference:
    """What the paper gives for one method at one number of labels (0: uses none). Table 3 has no accuracy."""

    labels: int
    mae_deg: float
    accuracy_pct: float | None


@cache
def published(protocol: str, split: str, candidates_deg: tuple[float, ...]) -> Mapping[str, tuple[Reference, ...]]:
    """The paper's values for a scored set, by method, in ascending order of labels.

    Empty where the paper has none, and where the candidates are not its own: an error in degrees on another grid is another
    quantity, even if the number of labels happens to agree.
    """
    rows = _tables().get(_TABLES.get((protocol, split), ""), [])
    found: dict[str, list[Reference]] = {}
    for dataset, method, value in rows:
        step = _STEP_DEG[dataset]
        if candidates_deg == tuple(float(angle) for angle in range(-90, 91, step)):
            found.setdefault(method, []).append(value)
    return {method: tuple(sorted(values, key=lambda value: value.labels)) for method, values in sorted(found.items())}


def reference(protocol: str, split: str, candidates_deg: tuple[float, ...], method: str, labels: int) -> Reference | None:
    """The paper's value that belongs beside a row of a method as it was published; None where there is none."""
    values = published(protocol, split, candidates_deg).get(method, ())
    return next((value for value in values if value.labels == labels), None)


@cache
def _tables() -> dict[str, list[tuple[str, str, Reference]]]:
    """Rows of ``paper_table2.csv`` by table letter and of ``paper_table3.csv`` by scored set."""
    found: dict[str, list[tuple[str, str, Reference]]] = {}
    for name, key in (("paper_table2.csv", "table"), ("paper_table3.csv", "protocol")):
        with (HERE / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                accuracy = row.get("accuracy_pct")
                value = Reference(int(row["labels"] or 0), float(row["mae_deg"]), float(accuracy) if accuracy else None)
                found.setdefault(row[key], []).append((row["dataset"], row["method"], value))
    return found
