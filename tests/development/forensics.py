"""What could explain two oddities of the paper's Tables 2 and 3 (docs/forensics.md): stored answers, read as another program
might have read them.

``python -m development.forensics OUT`` in `tests/`, where OUT has the results of the commands on that page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.results.store import Stored
from doabench.leaderboard.analysis.reference import published
from numpy.typing import NDArray

SETS = (("label-sweep", "train"), ("label-sweep", "validation"), ("rt60-transfer", "train"), ("rt60-transfer", "validation"))
STEP_DEG = {"label-sweep": 10, "rt60-transfer": 15}
OTHER_TABLE = 256
"""A set of Python keeps whole numbers by their remainder of its size, a power of two that does not shrink: one that has held
more entries before is larger, and lists the same angles in another order."""


def grid(protocol: str) -> tuple[float, ...]:
    """The paper's directions."""
    return tuple(float(angle) for angle in range(-90, 91, STEP_DEG[protocol]))


def listed(angles: Sequence[float], size: int = 0) -> list[float]:
    """The order in which ``list(set(angles))`` gives whole degrees, or would from a set of another ``size``."""
    return sorted(angles, key=lambda angle: angle % size) if size else list(set(angles))


def misread(table: pd.DataFrame, fitted: Sequence[float], read: Sequence[float]) -> NDArray[np.float64]:
    """Absolute errors of answers whose class numbers are of the order ``fitted`` and are taken for those of ``read``."""
    number = {angle: k for k, angle in enumerate(fitted)}
    true, answered = (np.array([read[number[angle]] for angle in table[name]]) for name in ("true_deg", "estimated_deg"))
    return np.abs(true - answered)


def when_wrong(error_deg: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    return float(error_deg[~right].mean())


def of_the_paper() -> Iterator[tuple[str, str, str, int, float, float, float]]:
    """Protocol, split, method, J, MAE, accuracy, and what the first is over the share of wrong answers."""
    for protocol, split in SETS:
        for method, values in published(protocol, split, grid(protocol)).items():
            for value in values:
                assert value.accuracy_pct is not None
                wrong = value.mae_deg / (1 - value.accuracy_pct / 100)
                yield protocol, split, method, value.labels, value.mae_deg, value.accuracy_pct, wrong


def of_ours(stored: Stored, records: Sequence[CellRecord]) -> Iterator[dict[str, object]]:
    """The same of each stored cell, as it is and as a program would give it that reads classes in the order of another set."""
    for record in records:
        protocol, split = record.axes.protocol, record.axes.split
        if record.metrics is None or (protocol, split) not in SETS:
            continue
        table = stored.predictions(record.key)
        angles = grid(protocol)
        right = table["true_deg"].to_numpy() == table["estimated_deg"].to_numpy()
        fitted, other = listed(angles), listed(angles, OTHER_TABLE)
        as_it_is = np.abs(table["estimated_deg"].to_numpy() - table["true_deg"].to_numpy())
        orders = {"sorted": angles, "other set": other}
        yield {
            "protocol": protocol,
            "split": split,
            "method": record.fit.name,
            "J": record.fit.labels,
            "acc": 100 * float(right.mean()),
            "mae": float(as_it_is.mean()),
            "wrong": when_wrong(as_it_is, right),
            **{f"wrong, read as {name}": when_wrong(misread(table, fitted, read), right) for name, read in orders.items()},
        }


def mirrored(stored: Stored, records: Sequence[CellRecord]) -> Iterator[dict[str, object]]:
    """Off-range errors, and what they are if answers at negative angles, or all answers, lie on the other side."""
    for record in records:
        if record.metrics is None or record.axes.protocol != "off-range":
            continue
        table = stored.predictions(record.key)
        true, answered = table["true_deg"].to_numpy(), table["estimated_deg"].to_numpy()
        paper = {
            value.labels: value.mae_deg
            for value in published("off-range", "off_range", grid("label-sweep")).get(record.fit.method, ())
        }
        yield {
            "method": record.fit.name,
            "J": record.fit.labels,
            "paper": paper.get(record.fit.labels, np.nan),
            "mae": float(np.abs(answered - true).mean()),
            "negative ones mirrored": float(np.abs(np.where(true < 0, -answered, answered) - true).mean()),
            "all mirrored": float(np.abs(-answered - true).mean()),
        }


def main(out: Path) -> None:
    columns = ["protocol", "split", "method", "J", "mae", "acc", "wrong"]
    print("The paper", pd.DataFrame(of_the_paper(), columns=columns).round(1).to_string(index=False), sep="\n")
    stored = Stored(out)
    records = sorted(stored.all_cells(), key=lambda one: (one.axes.protocol, one.axes.split, one.fit.name, one.fit.labels))
    print("Here", pd.DataFrame(of_ours(stored, records)).round(1).to_string(index=False), sep="\n")
    print("Off-range", pd.DataFrame(mirrored(stored, records)).round(1).to_string(index=False), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
