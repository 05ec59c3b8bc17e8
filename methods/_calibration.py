"""Scores made into probabilities that are as sure as they are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LARGEST_LOG_POWER = 6.0


def sharpness_of(scores: NDArray[np.floating], doa_class: NDArray[np.int64]) -> tuple[float, float]:
    """The factor of ``scores [N, T]`` that makes the true classes ``[N]`` likeliest under their softmax, and the mean negative
    log-likelihood that is left, in nats (temperature scaling: Guo et al., ICML 2017). For selection sequences."""
    table, row = scores.astype(np.float64), np.arange(len(scores))

    def loss(log_power: float) -> float:
        return -float(log_softmax(np.exp(log_power) * table, axis=1)[row, doa_class].mean())

    found = minimize_scalar(loss, bounds=(-LARGEST_LOG_POWER, LARGEST_LOG_POWER), method="bounded")
    return float(np.exp(found.x)), float(found.fun)


def log_probabilities(scores: NDArray[np.floating], sharpness: float) -> NDArray[np.float32]:
    """Log-softmax of ``scores [N, T]`` times ``sharpness``."""
    return log_softmax(np.float32(sharpness) * scores.astype(np.float32, copy=False), axis=1)
