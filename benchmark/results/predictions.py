"""What a cell keeps of its method's answers has to be what a method can have answered, whoever wrote it: all that is shown is
computed from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError

from ..sequences import FRAMES_PER_SEQUENCE, PHASE_BINS
from .generation import Generated
from .metrics import NORMALISED_WITHIN
from .records import CellRecord

WHOLE, ANGLES = ("start", "clip", "position"), ("true_deg", "estimated_deg")
LOG_PROBABILITIES = ("true_log_probability", "estimated_log_probability")
LARGEST = {"start": 2**40, "clip": 2**20, "position": 2**20, "true_deg": 90.0, "estimated_deg": 1e12}
"""No stream, corpus or room has more; a method may answer in another reading of angles, such as from 0 to 360."""


def read_predictions(file: Path, record: CellRecord | None) -> pd.DataFrame:
    """The table in ``file``. What the file says of pandas, which may name any type, is not followed. Raises OSError, and
    ValueError that says what is there and what no run of the suite writes."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file) as opened:
            table = opened.read().to_pandas(ignore_metadata=True)
    except pyarrow.ArrowException as error:
        raise ValueError(f"cannot be read as Parquet: {error}") from error
    _check(table, record)
    return table


def _check(table: pd.DataFrame, record: CellRecord | None) -> None:
    for name in (*WHOLE, *ANGLES):
        if name not in table:
            raise ValueError(f"column {name} is missing")
    if table.empty:
        raise ValueError("it holds no predictions")
    for name in (name for name in (*WHOLE, *ANGLES, *LOG_PROBABILITIES) if name in table):
        kinds, column = "iu" if name in WHOLE else "iuf", table[name]
        values = column.to_numpy(np.float64) if column.dtype.kind in kinds else np.array([np.nan])
        if not np.isfinite(values).all():
            raise ValueError(f"column {name} does not hold finite numbers{' that are whole' * (name in WHOLE)}")
        low = -np.inf if name in LOG_PROBABILITIES else 0 if name in WHOLE else -LARGEST[name]
        if values.min() < low or values.max() > LARGEST.get(name, NORMALISED_WITHIN):
            raise ValueError(f"column {name} goes from {values.min():g} to {values.max():g}, which cannot be")
    if "place" in table and not all(isinstance(place, str) for place in table["place"].unique()):
        raise ValueError("column place does not hold names")
    if record is not None and record.plan is not None:
        known = len(record.plan.talkers)
        if (table["position"].to_numpy() >= known).any():
            raise ValueError("column position names talkers that its record does not know")


def read_generated(folder: Path) -> Generated:
    """Sequences that a generative method made. Raises OSError, and ValueError where they are none."""
    try:
        found = Generated.load(folder)
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"it does not hold what a generative method makes ({error})") from error
    for doa_deg, names in (
        (found.doa_deg, ("input", "mean", "draw")),
        (found.sampled_doa_deg, ("sampled_mean", "sampled_draw")),
    ):
        for phase in (getattr(found, f"{name}_rad") for name in names):
            if phase.shape != (doa_deg.size, FRAMES_PER_SEQUENCE, PHASE_BINS) or not doa_deg.size:
                raise ValueError(f"its phases have the shape {phase.shape} for {doa_deg.size} directions")
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in vars(found).values()):
        raise ValueError("it holds what is no finite number")
    if (
        found.histogram_doa_deg.ndim
        or [one.ndim for one in (found.doa_deg, found.sampled_doa_deg)] != [1, 1]
        or found.histogram_doa_deg not in found.doa_deg
    ):
        raise ValueError("its directions are no lists, or lack that of its histograms")
    return found
