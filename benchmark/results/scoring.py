"""The metrics of a cell, from its stored predictions alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import metrics
from .records import Metrics

SIGNATURE = metrics.signature(
    "errors",
    unit="sequence",
    interval="95-hall-t-over-clips",
    seeds="mean",
    hit_within_deg=metrics.HIT_TOLERANCE_DEG,
    within_deg=10,
    gross_above_deg=20,
    endfire_from_deg=70,
    nll="nats",
    ece_bins=metrics.CALIBRATION_BINS,
    parameters="stored",
    memory="rss-added-at-peak",
)
"""How the numbers of a cell, and of a leaderboard line, were computed."""


def score(predictions: pd.DataFrame, candidates_deg: Sequence[float], counts_hits: bool) -> Metrics:
    """All metrics of a cell; ``counts_hits`` where its true angles are candidates."""
    estimated, true = predictions["estimated_deg"].to_numpy(float), predictions["true_deg"].to_numpy(float)
    clip, errors = predictions["clip"].to_numpy(), metrics.absolute_error_deg(estimated, true)
    error = metrics.with_interval(errors, clip)
    hits = metrics.with_interval(metrics.hits_pct(estimated, true), clip) if counts_hits else None
    nll_nats, ece_pct = calibration(predictions)
    return Metrics(
        mae_deg=error.mean,
        mae_lo=_number(error.low),
        mae_hi=_number(error.high),
        accuracy_pct=hits and hits.mean,
        accuracy_lo=hits and _number(hits.low),
        accuracy_hi=hits and _number(min(100.0, hits.high)),
        median_deg=metrics.median_deg(errors),
        within_10_pct=metrics.within_pct(errors),
        gross_pct=metrics.gross_pct(errors),
        endfire_mae_deg=metrics.endfire_mae_deg(errors, true),
        nll_nats=nll_nats,
        ece_pct=ece_pct,
        sequences=len(predictions),
        clips=len(np.unique(clip)),
        floor_deg=metrics.classifier_floor_deg(true, candidates_deg),
    )


def calibration(predictions: pd.DataFrame) -> tuple[float | None, float | None]:
    """Negative log-likelihood in nats and calibration error in percent; None where no probabilities are stored: the method
    gives none, the true angles are no candidates, or an older version of the suite made the predictions."""
    if "true_log_probability" not in predictions or not len(predictions):
        return None, None
    hits = metrics.hits_pct(predictions["estimated_deg"], predictions["true_deg"])
    error = metrics.ece_pct(predictions["estimated_log_probability"], hits)
    return metrics.nll_nats(predictions["true_log_probability"]), error


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
