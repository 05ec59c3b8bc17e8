"""Leaderboard rows as CSV, for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from ...benchmark.results import catalogue, scoring
from ...benchmark.results.catalogue import Declared, Metric, ends, flat
from ...benchmark.results.metrics import signature
from ...benchmark.results.statistics import Value
from ..analysis.rows import Row
from ..format import csv_cell

AXES = ("protocol", "protocol_version", "scale", "dataset", "speech", "rt60_s", "split", "method", "variant", "labels")

PUBLISHED = (
    *AXES,
    *("selection_labels", "seeds", "mae_deg", "mae_lo", "mae_hi", "accuracy_pct", "accuracy_lo", "accuracy_hi", "sequences"),
    *("clips", "reference_mae_deg", "reference_accuracy_pct", "fit_s", "predict_us_per_sequence", "status"),
    *("rank", "rank_lo", "rank_hi", "behind_best_deg", "behind_best_lo", "behind_best_hi", "p_holm", "tied_with_best"),
    *("median_deg", "within_10_pct", "gross_pct", "endfire_mae_deg", "nll_nats", "ece_pct", "parameters", "fit_added_rss_mb"),
    *("leak_frame_pct", "leak_clip_pct", "leak_speaker_pct", "signature"),
    *("accuracy_5_pct", "accuracy_10_pct", "accuracy_15_pct"),
    *("candidate_accuracy_pct", "candidate_accuracy_lo", "candidate_accuracy_hi", "form", "origin", "leak_response_pct"),
    *("trained_in", "p_best"),
)
"""Columns that programs know by their place. They never change; further metrics come behind them."""

SAME = {"selection_labels": "labels", "within_10_pct": "accuracy_10_pct"}
"""Columns that are kept for programs that know them, and the ones that they are equal to."""

DOA_COLUMNS: tuple[str, ...] = (*AXES, "seeds", "true_deg", "sequences", "mae_deg", "signature")

DOA_SIGNATURE = signature("errors-by-direction", unit="sequence", seeds="pooled")


def columns() -> tuple[str, ...]:
    """Of ``leaderboard.csv``."""
    declared = (name for one in (*catalogue.METRICS, *catalogue.COSTS) for name in _names(one))
    return tuple(dict.fromkeys((*PUBLISHED, *declared)))


def _names(declared: Declared) -> tuple[str, ...]:
    with_interval = isinstance(declared, Metric) and declared.interval
    return (declared.name, *ends(declared.name)) if with_interval else (declared.name,)


def to_csv(rows: Iterable[Row]) -> str:
    """One line per row; scores with 4 decimals, times with 2. Empty: does not apply or is not there. Text that begins like a
    formula has an apostrophe before it."""
    file = io.StringIO()
    writer = csv.DictWriter(file, columns(), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in _csv_row(row).items()} for row in rows)
    return file.getvalue()


def to_doa_csv(rows: Iterable[Row]) -> str:
    """One line per row and true direction, over the sequences of all seeds."""
    file = io.StringIO()
    writer = csv.DictWriter(file, DOA_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if row.score is not None:
            found, same = row.score.by_doa, {name: csv_cell(value) for name, value in _axes(row).items()}
            same |= {"seeds": row.seeds, "signature": DOA_SIGNATURE}
            for true, mae, count in zip(found.true_deg, found.mae_deg, found.sequences, strict=True):
                writer.writerow(same | {"true_deg": f"{true:g}", "sequences": count, "mae_deg": f"{mae:.4f}"})
    return file.getvalue()


def _csv_row(row: Row) -> dict[str, object]:
    score = row.score
    values = _axes(row) | {"seeds": row.seeds, "status": row.status, "form": row.first.fit.form}
    values |= {"origin": row.origin.text, "trained_in": row.first.trained_in}
    if score is not None:
        for declared in (*catalogue.METRICS, *catalogue.COSTS):
            values |= _numbers(declared.name, score.values[declared.name], declared.decimals)
        values |= {"sequences": score.sequences, "clips": score.clips, "signature": scoring.signature()}
    if row.standing is not None:
        standing = row.standing
        values |= {"rank": standing.rank, "rank_lo": standing.rank_lo, "rank_hi": standing.rank_hi}
        values |= _numbers("behind_best_deg", standing.difference_deg, 4)
        values |= _numbers("p_holm", standing.p_holm, 4) | _numbers("p_best", standing.p_best, 4)
        values["tied_with_best"] = "yes" if standing.tied else "no"
    if row.leaks is not None:
        shares = row.leaks.labelled.model_dump(exclude_none=True)
        values |= {f"leak_{name}": f"{value:.2f}" for name, value in shares.items()}
    if row.reference is not None:
        values["reference_mae_deg"] = f"{row.reference.mae_deg:g}"
        accuracy = row.reference.accuracy_pct
        values["reference_accuracy_pct"] = "" if accuracy is None else f"{accuracy:g}"
    return values | {name: values.get(other, "") for name, other in SAME.items()}


def _numbers(name: str, value: Value, decimals: int) -> dict[str, str]:
    return {own: f"{number:.{decimals}f}" for own, number in flat({name: value}).items()}


def _axes(row: Row) -> dict[str, object]:
    fit, axes = row.first.fit, row.first.axes
    return {
        "protocol": axes.protocol,
        "protocol_version": axes.protocol_version,
        "scale": axes.scale,
        "dataset": row.first.room,
        "speech": fit.speech,
        "rt60_s": f"{axes.rt60_s:g}" if axes.rt60_known else "",
        "split": axes.split,
        "method": fit.method,
        "variant": fit.variant,
        "labels": fit.labels or "",
    }
