"""The metrics of a cell, from its stored predictions alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import catalogue, metrics
from .records import Metrics
from .statistics import Units, Value, units


@dataclass(frozen=True)
class Scored:
    """What metrics take from a cell (`Metric.takes`): N predictions and candidates in degrees; ``counts_hits`` where its true
    angles are candidates. What the cell does not have is None."""

    predictions: pd.DataFrame
    candidates_deg: Sequence[float]
    counts_hits: bool

    @cached_property
    def estimated_deg(self) -> NDArray[np.float64]:
        return self.predictions["estimated_deg"].to_numpy(np.float64)

    @cached_property
    def true_deg(self) -> NDArray[np.float64]:
        return self.predictions["true_deg"].to_numpy(np.float64)

    @cached_property
    def error_deg(self) -> NDArray[np.float64]:
        """Absolute errors."""
        return metrics.absolute_error_deg(self.estimated_deg, self.true_deg)

    @property
    def true_candidate_deg(self) -> NDArray[np.float64] | None:
        return self.true_deg if self.counts_hits else None

    @cached_property
    def hits_pct(self) -> NDArray[np.float64]:
        return metrics.hits_pct(self.estimated_deg, self.true_deg)

    @property
    def true_log_probability(self) -> NDArray[np.float64] | None:
        return self._stored("true_log_probability")

    @property
    def estimated_log_probability(self) -> NDArray[np.float64] | None:
        return self._stored("estimated_log_probability")

    def _stored(self, name: str) -> NDArray[np.float64] | None:
        """None where no probabilities are stored: the method gives none, the true angles are no candidates, or an older version
        of the suite made the predictions."""
        return self.predictions[name].to_numpy(np.float64) if name in self.predictions and len(self.predictions) else None


def score(predictions: pd.DataFrame, candidates_deg: Sequence[float], counts_hits: bool) -> Metrics:
    """All metrics of a cell; ``counts_hits`` where its true angles are candidates."""
    cell, clip = Scored(predictions, candidates_deg, counts_hits), predictions["clip"].to_numpy()
    return Metrics(
        values=values_of([cell], units(clip, **places_of(predictions))),
        sequences=len(predictions),
        clips=len(np.unique(clip)),
        floor_deg=metrics.classifier_floor_deg(cell.true_deg, candidates_deg),
    )


def places_of(predictions: pd.DataFrame) -> dict[str, NDArray[np.str_]]:
    """The place of every sequence, by the name of such units, where positions have one."""
    return {"place": predictions["place"].to_numpy(str)} if "place" in predictions else {}


def values_of(seeds: Sequence[Scored], of: Units) -> dict[str, Value]:
    """Every metric of a scored set over its ``seeds``, by name; ``of`` as for `Metric.value`."""
    return {metric.name: metric.value(seeds, of) for metric in catalogue.METRICS}


def signature() -> str:
    """How the numbers of a cell, and of a leaderboard line, were computed."""
    says = [declared.says for declared in (*catalogue.METRICS, *catalogue.COSTS) if declared.says]
    return metrics.signature("errors", *says, unit="sequence", interval="95-bootstrap-t-over-clips-places-fits", seeds="mean")


def scoring_code() -> str:
    """A hash of all that the numbers of a cell depend on beside its predictions."""
    return catalogue.code_of(catalogue.METRICS, Scored, metrics.classifier_floor_deg)
