"""What an MLflow run holds: there is one for every stored cell, and one for every row of the leaderboard, the mean over its
seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...benchmark.digest import digest
from ...benchmark.results import generation, scoring
from ...benchmark.results.catalogue import ACCURACY, COSTS, MAE, ends, flat
from ...benchmark.results.records import CellRecord
from ..analysis.current import Installed
from ..analysis.rows import Row
from ..format import interval_text, mae_text

if TYPE_CHECKING:  # MLflow takes a second to import
    from mlflow.entities import DatasetInput

KEY, KIND, CONTENT, CELLS = "doabench.key", "doabench.kind", "doabench.content", "doabench.cells"
BESIDE = "doabench.beside"
"""Tag with the numbers of labels, a blank round each, of the rows that a row is compared with."""
CELL, ROW = "cell", "row"
NOTE, PARENT = "mlflow.note.content", "mlflow.parentRunId"
FIT_PARAMS = ("method", "variant", "form", "labels", "nominal_labels", "dataset", "measured", "speech", "seed")
PARAMS = (*FIT_PARAMS, "rt60_s", "split", "scale", "protocol_version")
HEADLINE = {name for metric in (MAE, ACCURACY) for name in (metric.name, *ends(metric.name))}
SHORT = {"validation": "", "off_grid": "grid ", "off_range": "range "}


@dataclass(frozen=True)
class Content:
    """All of a run but its curves, times and files. The ``metrics`` that are looked at first have no prefix, and the prefixes
    of all others sort after them: MLflow shows metrics by name."""

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def of_cell(record: CellRecord, installed: Installed | None) -> Content:
    """One fit on one scored set."""
    fit = record.fit
    own = {KEY: record.key, KIND: CELL, "doabench.fit_key": record.fit_key, NOTE: _note(record, f"Seed {fit.seed}.")}
    return Content(_name(record, f"s{fit.seed} "), _params(record, installed), _rounded(_metrics(record)), _tags(record) | own)


def of_row(row: Row, installed: Installed | None) -> Content:
    """The mean over seeds, with its interval, and how it stands among those beside it."""
    assert row.score is not None
    counts = {"seeds": row.seeds, "sequences": row.score.sequences, "clips": row.score.clips}
    metrics = _prefixed(flat(row.score.values) | {name: float(value) for name, value in counts.items()})
    says = [f"Mean over {row.seeds} seed{'s' * (row.seeds > 1)}."]
    if found := row.standing:
        metrics |= {"rank/rank": float(found.rank), "rank/rank_hi": float(found.rank_hi), "rank/tied": float(found.tied)}
        metrics |= {f"rank/{name}": value for name, value in flat({"behind_best_deg": found.difference_deg}).items()}
        says.append(f"Rank {found.rank} ({found.rank_lo} to {found.rank_hi}) of those with as many labels or none.")
        if found.tied:
            says.append("It cannot be told apart from the best of them, or is the best.")
    if row.reference:
        metrics["paper/mae_deg"] = row.reference.mae_deg
        if row.reference.accuracy_pct is not None:
            metrics["paper/accuracy_pct"] = row.reference.accuracy_pct
        says.append(f"The paper has {mae_text(row.reference.mae_deg)} deg.")
    mae_deg = row.score.mae_deg
    says.append(f"MAE {mae_text(mae_deg)} deg, 95 % {interval_text(MAE, mae_deg) or 'not known'}.")
    cells = sorted(record.key for record in row.records if record.state == "ok")
    params = {name: value for name, value in _params(row.first, installed).items() if name != "seed"}
    own = {KEY: row_key(row), KIND: ROW, CELLS: digest(cells), NOTE: _note(row.first, " ".join(says))}
    own[BESIDE] = f" {' '.join(map(str, sorted({row.labels, *row.standings})))} "
    tags = _tags(row.first) | own
    shown = _rounded(metrics)
    return Content(_name(row.first), params, shown, tags | {CONTENT: digest([params, shown, tags])})


def row_key(row: Row) -> str:
    """The same whatever seeds there are, and whenever they were run."""
    fit, axes = row.first.fit, row.first.axes
    where = [axes.protocol, axes.protocol_version, axes.split, axes.scale, axes.rt60_s, row.first.room, row.first.trained_in]
    return digest([ROW, fit.method, fit.variant, fit.labels, fit.speech, *where])


def _name(record: CellRecord, seed: str = "") -> str:
    """``J=988 3fa s0 cnn (as released) in dtu-twin 0.5 s``, and behind J the split where it is not the validation set: lists
    cut names off after some 25 letters, and all that tells runs apart stands there; the three letters are a hash of the
    rest."""
    fit, axes = record.fit, record.axes
    rest = digest([fit.variant, fit.speech, axes.scale, axes.rt60_s, axes.protocol_version, record.room, record.trained_in])
    rt60 = f" {axes.rt60_s:g} s" if axes.rt60_known else ""
    return f"J={fit.labels} {SHORT.get(axes.split, f'{axes.split} ')}{rest[:3]} {seed}{fit.name} in {record.room}{rt60}"


def _params(record: CellRecord, installed: Installed | None) -> dict[str, str]:
    """What tells the run from others, and all parameters of its method where that is the one that is installed."""
    whole = record.model_dump()
    where = {"dataset": record.room, "trained_in": record.trained_in}
    params = {name: str(value) for name, value in (whole["fit"] | whole["axes"] | where).items() if name in PARAMS}
    if installed is None or installed.methods.get(record.fit.method) != record.fit.code.method:
        return params
    text = record.fit.spec.removeprefix(record.fit.method)[1:-1]
    given = (item.partition("=") for item in text.split(",") if item)
    values = {**installed.parameters.get(record.fit.method, {}), **{name: value for name, _, value in given}}
    return params | {f"method.{name}": value for name, value in values.items()}


def _metrics(record: CellRecord) -> dict[str, float]:
    """All numbers of a cell that are there."""
    costs = flat({cost.name: getattr(record, cost.name) for cost in COSTS})
    if record.metrics is not None:
        found = record.metrics
        counts = {"sequences": float(found.sequences), "clips": float(found.clips), "floor_deg": found.floor_deg}
        return _prefixed(flat(found.values) | counts | costs)
    assert record.generation is not None
    return record.generation.values | _prefixed({"sequences": float(record.generation.sequences)} | costs)


def _prefixed(values: Mapping[str, float]) -> dict[str, float]:
    costs = {cost.name for cost in COSTS}
    return {
        name if name in HEADLINE else f"{'spent' if name in costs else 'more'}/{name}": value for name, value in values.items()
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    """To four decimals: MLflow shows all that there are."""
    return {name: round(value, 4) for name, value in values.items()}


def _note(record: CellRecord, says: str) -> str:
    """Markdown of what a run is: it stands on top of its page."""
    fit, axes = record.fit, record.axes
    learned = f"J = {fit.labels} labelled sequences" if fit.labels else "no labels"
    there = f", trained in {record.trained_in}" if record.trained_in else ""
    lines = [
        f"**{fit.name}** ({fit.method_title}) with {learned}, scored by `{axes.protocol}` on `{axes.split}` in "
        f"`{record.room}`{there}, speech `{fit.speech}`, scale {axes.scale}. {says}"
    ]
    if record.hint:
        lines.append(f"Look at: {record.hint}")
    if record.made_elsewhere:
        lines.append(f"Answers that were made elsewhere: {record.made_elsewhere}")
    lines += [f"Finding: {finding}" for finding in record.findings]
    return "\n\n".join(lines)


def _tags(record: CellRecord) -> dict[str, str]:
    where = {name: str(record.environment.get(name, "")) for name in ("commit", "dirty", "cpu", "device", "threads")}
    own = {"fingerprint": record.axes.protocol_fingerprint, "doabench.method_code": record.fit.code.method}
    own["signature"] = generation.signature() if record.generation is not None else scoring.signature()
    return own | where | {"mlflow.source.name": "doabench", "mlflow.source.git.commit": where["commit"]}


def datasets_of(record: CellRecord) -> list[DatasetInput]:
    """What the fit was trained on, if it was, and what this cell scores."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    fit = record.fit
    uses = {"training": (fit.dataset, fit.data_digest)} if record.learned else {}
    uses["evaluation"] = (record.room, record.axes.scored_digest)
    found = []
    for use, (room, digest_of) in uses.items():
        source = json.dumps({"room": room, "speech": fit.speech, "seed": fit.seed})
        dataset = Dataset(f"{room} + {fit.speech}", digest_of, "doabench", source)
        found.append(DatasetInput(dataset, [InputTag("mlflow.data.context", use)]))
    return found
