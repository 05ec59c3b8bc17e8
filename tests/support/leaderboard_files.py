"""Records, predictions and leaderboards for tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.data.scene import data_code
from doabench.benchmark.data.splits import fingerprint, split_code
from doabench.benchmark.digest import source_digest
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import Form
from doabench.benchmark.plugins.registry import METHODS, PROTOCOLS, ROOMS, SPEECH
from doabench.benchmark.plugins.spec import method_digest, read_method
from doabench.benchmark.results.records import CellRecord, FitCode
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.identity import cell_code
from doabench.leaderboard import build as _build

GRID = tuple(float(angle) for angle in range(-90, 91, 10))


HITS = [0.0, 10.0, 20.0, 30.0]
"""True angles of `predictions`, two sequences of clip 0, then two of clip 1."""


def predictions(estimated_deg: Sequence[float], true_deg: Sequence[float] = HITS) -> pd.DataFrame:
    count = len(estimated_deg)
    return pd.DataFrame(
        {
            "start": range(count),
            "clip": [index * 2 // count for index in range(count)],
            "position": range(count),
            "true_deg": true_deg,
            "estimated_deg": estimated_deg,
        }
    )


CODE = ("method_code", "room", "speech_code", "data", "split_rules")


def fit_code(method: str, **changed: str) -> dict[str, str]:
    """Today's code of a fit in `dtu-twin` with `talkers`, but for what is ``changed``."""
    today = {
        "method_code": method_digest(method) if method in METHODS.plugins() else "elsewhere",
        "room": source_digest(ROOMS.get("dtu-twin").found),
        "speech_code": source_digest(SPEECH.get("talkers").found),
        "data": data_code(),
        "split_rules": split_code(),
    }
    values = today | changed
    return {field: values[name] for field, name in zip(FitCode.model_fields, CODE, strict=True)}


def form_of(method: str, variant: str) -> dict[str, Any]:
    """What `plan` says of a method with the parameters of ``variant``; that itself where there is no such method."""
    items = [item if "=" in item else f"variant={item}" for item in filter(None, variant.split(","))]
    try:
        form = read_method(f"{method}[{','.join(items)}]").form
    except UserError:
        form = Form(variant, as_published=False)
    return {"form": form.text, "as_published": form.as_published}


def build(out: Path, figures: bool = True) -> list[Path]:
    """The leaderboard of ``out`` with the methods and protocols that are installed."""
    return _build.build(out, installed(), figures=figures)


def cell(key: str, method: str = "srp_phat", variant: str = "", labels: int = 0, **changed: Any) -> CellRecord:
    """A record of label-sweep, validation, whose protocol and method are those that are installed."""
    protocol = changed.get("protocol", "label-sweep")
    fit: dict[str, Any] = {
        "method": method,
        "variant": variant,
        **form_of(method, variant),
        "method_title": method,
        "code": fit_code(method, **{name: changed.pop(name) for name in CODE if name in changed}),
        "dataset": "dtu-twin",
        "measured": False,
        "speech": "talkers",
        "data_digest": "data",
        "seed": 0,
        "nominal_labels": {114: 120, 247: 250, 988: 1000}.get(labels, labels),
        "labels": labels,
        "transductive": method == "vae_ssl",
        "candidates_deg": GRID,
        "spacing_m": 0.085,
    }
    axes: dict[str, Any] = {
        "protocol": protocol,
        "protocol_version": 1,
        "protocol_fingerprint": fingerprint(PROTOCOLS.get(protocol).found),
        "scale": "quick",
        "split": "validation",
        "rt60_s": 0.5,
        "measured_rt60_s": 0.51,
        "scored_digest": "scored",
        "code": cell_code(PROTOCOLS.get(protocol).found).model_dump() | changed.pop("cell_code", {}),
        "counts_hits": True,
    }
    fit |= {name: value for name, value in changed.items() if name in fit}
    axes |= {name: value for name, value in changed.items() if name in axes}
    rest = {name: value for name, value in changed.items() if name not in {**fit, **axes}}
    record = {"key": key, "fit_key": f"fit-{key}", "state": "ok", "fit": fit, "axes": axes, **rest}
    return CellRecord.model_validate(record)


def add(out: Path, record: CellRecord, estimated_deg: Sequence[float] = HITS, true_deg: Sequence[float] = HITS) -> CellRecord:
    """Store a record with its predictions and the metrics that the suite computes from them."""
    table = predictions(estimated_deg, true_deg)
    metrics = score(table, record.fit.candidates_deg, record.axes.counts_hits)
    full = record.model_copy(update={"metrics": metrics, "predict_us_per_sequence": 12.345})
    Store(out).add_cell(full, table)
    return full


def plan(out: Path, *records: CellRecord) -> None:
    """What the latest request asks for."""
    asked = [CellRecord(key=r.key, fit_key=r.fit_key, state="missing", fit=r.fit, axes=r.axes) for r in records]
    Store(out).write_plan(asked)


def table_of(out: Path) -> pd.DataFrame:
    build(out)
    return pd.read_csv(out / "leaderboard" / "leaderboard.csv", keep_default_na=False)


def text_of(out: Path, suffix: str) -> str:
    """What the last `build` wrote."""
    name = "index.html" if suffix == "html" else f"leaderboard.{suffix}"
    return (out / "leaderboard" / name).read_text()


def own_html(page: str) -> str:
    """The page without plotly's source, which names addresses that it never loads here."""
    return re.sub(r'<script id="plotly">.*?</script>', "", page, flags=re.S)
