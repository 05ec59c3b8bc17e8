"""How far a method's own probabilities can be trusted: is it right as often as it says, and is it better where it is sure?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...benchmark.results.metrics import CALIBRATION_BINS
from ...benchmark.results.scoring import Scored

SHARES_PCT = tuple(range(5, 101, 5))


@dataclass(frozen=True)
class Trust:
    """Of the sequences whose estimates have about the same probability, ``confidence_pct`` on average, ``accuracy_pct`` is the
    share that is right, one value for each bin that has ``sequences``. ``kept_mae_deg`` is the error of the most probable
    estimates, for each share of `SHARES_PCT`."""

    confidence_pct: tuple[float, ...]
    accuracy_pct: tuple[float, ...]
    sequences: tuple[int, ...]
    kept_mae_deg: tuple[float, ...]


def trust_of(seeds: Sequence[Scored]) -> Trust | None:
    """Of all seeds together; None where there are no probabilities."""
    found = [seed.estimated_log_probability for seed in seeds]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    error, hits = (np.concatenate([getattr(seed, name) for seed in seeds]) for name in ("error_deg", "hits_pct"))
    return trust(np.exp(np.concatenate(known)), hits, error)


def trust(confidence: ArrayLike, hits_pct: ArrayLike, error_deg: ArrayLike, bins: int = CALIBRATION_BINS) -> Trust:
    """Bins of equal width, each closed above, as in `metrics.ece_pct` (Guo et al., ICML 2017); error against the share kept as
    in risk-coverage curves (Geifman and El-Yaniv, NeurIPS 2017). All are ``[N]``."""
    sure, hits, error = (np.asarray(values, np.float64) for values in (confidence, hits_pct, error_deg))
    index = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = count > 0
    says, right = (np.bincount(index, weights=values, minlength=bins)[filled] / count[filled] for values in (100 * sure, hits))
    best_first = error[np.argsort(-sure, kind="stable")].cumsum()
    kept = [max(1, round(len(error) * share / 100)) for share in SHARES_PCT]
    return Trust(
        tuple(says.tolist()),
        tuple(right.tolist()),
        tuple(count[filled].tolist()),
        tuple(float(best_first[number - 1] / number) for number in kept),
    )
