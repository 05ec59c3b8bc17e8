"""Malformed results: what a stranger, a full disk or another version may leave in a folder of them.

Digests are made to fit, as by somebody who means it: what they would find is what the other tests of the store look at.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.cli.shipped import known
from doabench.benchmark.fetch import download
from doabench.benchmark.results.claims import Claims
from doabench.benchmark.results.folders import RECORD, digests_of
from doabench.benchmark.results.generation import FILE as GENERATED
from doabench.benchmark.results.generation import METRICS, Generated
from doabench.benchmark.results.records import CellRecord, FitRecord, GenerationMetrics, Leaks, LeakShares, Plan
from doabench.benchmark.results.statistics import point
from doabench.benchmark.results.store import CURVE, HISTORY, PLAN, PREDICTIONS, Store
from doabench.benchmark.run import places
from doabench.benchmark.sequences import FRAMES_PER_SEQUENCE, PHASE_BINS
from doabench.benchmark.weights import FILE, save_arrays
from doabench.leaderboard import build
from doabench.leaderboard.analysis.current import Installed
from doabench.leaderboard.analysis.shipped import Shipped
from doabench.leaderboard.pages.generation import generation_lines
from support.hostile import DAMAGE, EVIL, Kind, Read, Reader, evil
from support.leaderboard_files import HITS, add, cell, predictions

Change = Callable[[bytes], bytes]
Edit = Callable[[dict[str, Any]], object]

JSONS: dict[str, Change] = {
    name: (lambda _, text=text: text)
    for name, text in {
        "null": b"null",
        "a number": b"7",
        "a word": b'"word"',
        "no list": b"{}",
        "an empty list": b"[]",
        "a list of nothing": b"[null]",
        "a list of lists": b"[[1], [2, 3, 4, 5]]",
        "of other names": b'{"a": {"b": 1}, "rows": 3, "fit": [], "machine": 5, "pid": "x"}',
        "deeper than any": b"[" * 100_000,
        "a number beyond all": b"1" * 5000,
        "half a letter": b'["\\ud800"]',
        "no numbers": b"[NaN, Infinity, -Infinity]",
    }.items()
}


@cache
def today() -> Installed:
    return installed()


def shares() -> LeakShares:
    return LeakShares(frame_pct=1, clip_pct=1, speaker_pct=1, response_pct=1)


def full(out: Path) -> Path:
    """A folder of results: `good`, and `bad`, of which everything is known."""
    add(out, cell("good", "music"))
    talkers, walls = (
        ((0.0, 1.0, ""), (1.0, 1.0, ""), (1.0, 0.0, ""), (0.0, 2.0, "")),
        {"": ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))},
    )
    machine = {"commit": "abcdef", "cpu": "c", "device": "d", "threads": 1, "python": "3", "packages": {"torch": "1"}}
    about: dict[str, Any] = {"plan": Plan(talkers=talkers, walls=walls), "leaks": Leaks(labelled=shares(), unlabelled=shares())}
    about = {name: one.model_dump() for name, one in about.items()}
    add(out, cell("bad", "srp_phat", speakers=("a", "b"), fit_s=1.0, parameters=7, hint="h", environment=machine, **about))
    return out


def rerecorded(folder: Path, edit: Edit = lambda _: None) -> None:
    record = json.loads((folder / RECORD).read_text())
    record["digests"] = digests_of(folder)
    edit(record)
    (folder / RECORD).write_text(json.dumps(record))


def board(out: Path, shipped: Path | None = None) -> dict[str, str]:
    """Builds everything but pictures; the state of each row by its method."""
    store = Store(out)
    store.has_ok("bad")
    found = build.read(out, today(), Shipped(shipped))
    build.write_files(found, today(), figures=False)
    rows = [row for one in found.sets for row in one.rows]
    assert all(np.isfinite(point(row.score.values["mae_deg"]) or 0.0) for row in rows if row.score is not None)
    return {row.method: row.status for row in rows}


def good_is_good(states: dict[str, str]) -> bool:
    return states.get("music") == "ok"


def in_cell(change: Callable[[Path], object]) -> Kind:
    def make(folder: Path) -> Read:
        change(full(folder / "out") / "cells" / "bad")
        return lambda: board(folder / "out")

    return make


def bytes_of(name: str, change: Change) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        if name != RECORD:
            rerecorded(folder)

    return damage


def edited(edit: Edit) -> Callable[[Path], object]:
    return lambda folder: rerecorded(folder, edit)


def put(*path: str, value: Any) -> Callable[[Path], object]:
    def edit(record: dict[str, Any]) -> None:
        *way, last = path
        for name in way:
            record = record[name]
        record[last] = value

    return edited(edit)


RECORDS: dict[str, Callable[[Path], object]] = {
    **{name: bytes_of(RECORD, change) for name, change in (DAMAGE | JSONS).items()},
    "the key of another": put("key", value="good"),
    "a key that leads out": put("key", value="../../bad"),
    "a fit that leads out": put("fit_key", value="/etc/passwd"),
    "a fit of no letters": put("fit_key", value="\0"),
    "digests of files outside": put("digests", value={"../../../../etc/passwd": "0" * 64, "a\0b": "1"}),
    "no directions": put("fit", "candidates_deg", value=[]),
    "directions beyond all": put("fit", "candidates_deg", value=[1e308, -1e308]),
    "no spacing": put("fit", "spacing_m", value=0.0),
    "labels below none": put("fit", "labels", value=-5),
    "a seed beyond all": put("fit", "seed", value=2**70),
    "more parameters than there are": put("parameters", value=2**70),
    "infinite reverberation": put("axes", "rt60_s", value=float("inf")),
    "a place that is nowhere": put("plan", "talkers", value=[[float("nan"), 1, ""]] * 4),
    "fewer places than are scored": put("plan", "talkers", value=[[0, 1, ""]]),
    "no speakers": put("speakers", value=["a"]),
    "no known state": put("state", value="excellent"),
    "no known split": put("axes", "split", value="../../x"),
    "a machine of numbers": put("environment", value={"commit": 5, "packages": "none", "cpu": float("inf")}),
    "a machine of lists": put("environment", value={"commit": ["a"], "packages": {"torch": []}, "cpu": {}}),
    "ok without numbers": put("metrics", value=None),
}


def table(change: Callable[[pd.DataFrame], Any]) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        change(predictions(HITS)).to_parquet(folder / PREDICTIONS, index=False)
        rerecorded(folder)

    return write


def parquet_of_a_pickle(folder: Path) -> None:
    """A column of a type that older versions of PyArrow unpickle (CVE-2023-47248)."""
    table = pyarrow.Table.from_pandas(predictions(HITS), preserve_index=False)
    said = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": evil(EVIL)}
    typed = pyarrow.schema([field.with_metadata(said) for field in table.schema])
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(table.columns, schema=typed), folder / PREDICTIONS)
    rerecorded(folder)


PARQUETS: dict[str, Callable[[Path], object]] = {
    **{name: bytes_of(PREDICTIONS, change) for name, change in DAMAGE.items()},
    "no columns": table(lambda _: pd.DataFrame()),
    "no rows": table(lambda one: one[:0]),
    "no truth": table(lambda one: one.drop(columns="true_deg")),
    "no clips": table(lambda one: one.drop(columns="clip")),
    "words": table(lambda one: one.astype({"estimated_deg": str})),
    "not a number": table(lambda one: one.assign(estimated_deg=np.nan)),
    "infinite": table(lambda one: one.assign(estimated_deg=np.inf)),
    "nothing": table(lambda one: one.assign(true_deg=pd.array([None] * 4, "Float64"))),
    "days": table(lambda one: one.assign(true_deg=pd.Timestamp("2020-01-01"))),
    "lists": table(lambda one: one.assign(estimated_deg=[[1.0]] * 4)),
    "half a clip": table(lambda one: one.assign(clip=0.5)),
    "a clip before the first": table(lambda one: one.assign(clip=-1)),
    "a clip beyond all": table(lambda one: one.assign(clip=2**62)),
    "a position before the first": table(lambda one: one.assign(position=-1)),
    "a position beyond memory": table(lambda one: one.assign(position=2**40)),
    "a direction behind the array": table(lambda one: one.assign(true_deg=1000.0)),
    "an answer of 1e300": table(lambda one: one.assign(estimated_deg=1e300)),
    "a place of numbers": table(lambda one: one.assign(place=1.5)),
    "a type that is a pickle": lambda folder: parquet_of_a_pickle(folder),
    "more than certain": table(lambda one: one.assign(true_log_probability=9.0, estimated_log_probability=9.0)),
}


@cache
def made_arrays() -> dict[str, np.ndarray]:
    doa_deg, phase = np.array([-10.0, 0.0, 10.0]), np.zeros((3, FRAMES_PER_SEQUENCE, PHASE_BINS), np.float32)
    return {
        one.name: np.array(0.0) if one.name.startswith("histogram") else doa_deg if one.name.endswith("deg") else phase
        for one in fields(Generated)
    }


def of_arrays(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Callable[[Path], object]:
    return lambda folder: save_arrays(folder, change(dict(made_arrays())), GENERATED)


ARRAYS: dict[str, Callable[[Path], object]] = {
    "no arrays": of_arrays(lambda _: {}),
    "one too few": of_arrays(lambda all_: {name: one for name, one in all_.items() if name != "mean_rad"}),
    "one too many": of_arrays(lambda all_: all_ | {"more": np.zeros(2)}),
    "of no sequences": of_arrays(lambda all_: {name: one[:0] if one.ndim else one for name, one in all_.items()}),
    "of another shape": of_arrays(lambda all_: all_ | {"draw_rad": np.zeros((3, 2, 2), np.float32)}),
    "of fewer directions": of_arrays(lambda all_: all_ | {"doa_deg": np.zeros(2)}),
    "not a number": of_arrays(lambda all_: all_ | {"input_rad": all_["input_rad"] * np.nan}),
    "whole numbers": of_arrays(lambda all_: all_ | {"input_rad": all_["input_rad"].astype(np.int64)}),
    "another direction": of_arrays(lambda all_: all_ | {"histogram_doa_deg": np.array(77.0)}),
    "a table of directions": of_arrays(lambda all_: all_ | {"doa_deg": np.zeros((3, 1))}),
}


def generated(change: Callable[[Path], object]) -> Kind:
    def make(folder: Path) -> Read:
        store = Store(folder / "out")
        values = GenerationMetrics(values={metric.name: 0.0 for metric in METRICS}, sequences=3)
        record = store.add_cell(
            cell("made", "vae_ssl", protocol="generation", split="generation").model_copy(update={"generation": values}),
            Generated(**made_arrays()),
        )
        change(store.cells / "made")
        rerecorded(store.cells / "made")
        return lambda: states(record, store)

    return make


def states(record: CellRecord, store: Store) -> list[str]:
    with patch("doabench.leaderboard.figures.generation.drawn", return_value=()):  # what can be read can be drawn, at length
        return [line.record.state for line in generation_lines([record], store.generated)]


def fit_files(name: str, read: Callable[[Store], object]) -> Callable[[Change], Kind]:
    """What lies beside the record of a fit."""

    def of(change: Change) -> Kind:
        def make(folder: Path) -> Read:
            store = Store(folder / "out")
            record = FitRecord(key="fit", axes=cell("any", "rtf_1nn", labels=114).fit, fit_s=1.5)
            (store.fits / "fit").mkdir()
            save_arrays(store.fits / "fit", {"a": np.arange(100.0), "b": np.ones((3, 4))})
            (store.fits / "fit" / HISTORY).write_text(json.dumps([[1, "loss", 0.5], [2, "loss", 0.25]]))
            (store.fits / "fit" / RECORD).write_text(record.model_dump_json())
            path = store.fits / "fit" / name
            path.write_bytes(change(path.read_bytes()))
            return lambda: read(store)

        return make

    return of


def file_in(name: str, content: bytes, read: Callable[[Path], object]) -> Callable[[Change], Kind]:
    """A file of a folder of results."""

    def of(change: Change) -> Kind:
        def make(folder: Path) -> Read:
            out = full(folder / "out")
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(change(content))
            return lambda: read(out)

        return make

    return of


def planned_content() -> bytes:
    return json.dumps([cell(key, state="missing").model_dump(mode="json") for key in ("good", "bad")]).encode()


def curve_content() -> bytes:
    return json.dumps({"fit": cell("any").fit.model_dump(mode="json"), "rows": [[1, "loss", 0.5]]}).encode()


def places_known(out: Path) -> bool:
    found = places.places_of((f"folder:{out}",), "talkers", out)
    places.keep_places(found, out)
    return all(len(both) == 2 for both in found.values())


def claimed(out: Path) -> bool:
    with Claims(out / "claims") as claims:
        return claims.take("k") in (True, False)


def pins(out: Path) -> bool:
    with patch.dict("os.environ", DOABENCH_DATA=str(out)):
        return all(isinstance(one, str) for one in download._pins().values())


def verdict(out: Path) -> bool:
    with patch("doabench.benchmark.cli.shipped._name", return_value="verdict.json"):
        return isinstance(known([], today(), out), str)


def parameters_are_few(count: int | None) -> bool:
    return count is None or 0 <= count <= 1000


def every(of: Callable[[Change], Kind], changes: dict[str, Change]) -> dict[str, Kind]:
    return {name: of(change) for name, change in changes.items()}


def shipped_kind(name: str, change: Change) -> Kind:
    def make(folder: Path) -> Read:
        add(folder / "out", cell("own", "music"))
        bytes_of(name, change)(full(folder / "shipped") / "cells" / "bad")
        return lambda: board(folder / "out", folder / "shipped")

    return make


TEXTS = DAMAGE | JSONS
READERS: dict[str, Reader] = {
    "record": Reader({name: in_cell(change) for name, change in RECORDS.items()}, good_is_good),
    "predictions": Reader({name: in_cell(change) for name, change in PARQUETS.items()}, good_is_good),
    "shipped rows": Reader(
        {f"record, {name}": shipped_kind(RECORD, change) for name, change in DAMAGE.items()}
        | {f"predictions, {name}": shipped_kind(PREDICTIONS, change) for name, change in DAMAGE.items()},
        good_is_good,
    ),
    "generated": Reader(
        {name: generated(partial(bytes_of(GENERATED, change))) for name, change in DAMAGE.items()}
        | {name: generated(change) for name, change in ARRAYS.items()},
        lambda states: states in (["ok"], ["failed"]),
    ),
    "weights": Reader(every(fit_files(FILE, lambda store: store.parameters("fit")), DAMAGE), parameters_are_few),
    "history": Reader(
        every(fit_files(HISTORY, lambda store: store.history("fit")), TEXTS), lambda rows: isinstance(rows, list)
    ),
    "curve": Reader(every(file_in(f"scratch/k/{CURVE}", curve_content(), lambda out: Store(out).curves()), TEXTS)),
    "plan": Reader(every(file_in(PLAN, planned_content(), lambda out: Store(out).planned()), TEXTS)),
    "places": Reader(every(file_in(places.FILE, b'{"folder:out": ["a", "b"]}', places_known), TEXTS), bool),
    "claim": Reader(every(file_in("claims/k.0", b'{"machine": "m", "pid": 1, "born": "5"}', claimed), TEXTS), bool),
    "pinned checksums": Reader(every(file_in("pinned.json", b'{"https://a.example/b": "00"}', pins), TEXTS), bool),
    "verdict": Reader(every(file_in("verdict.json", b'"as before"', verdict), TEXTS), bool),
}
