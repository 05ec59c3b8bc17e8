"""The MLflow store: where it is, opened safely, one sync at a time."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...benchmark.errors import UserError
from ...benchmark.results.claims import Claims

if TYPE_CHECKING:  # MLflow and matplotlib take a second to import
    from mlflow import MlflowClient


EXPERIMENT = "doabench/"

ARTIFACTS = "mlartifacts"
EVERY_S = 0.2

# No usage statistics to MLflow's makers, no printed links, no minutes of waiting for a server that is gone.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}


def store_uri(out: Path) -> str:
    """``MLFLOW_TRACKING_URI``, or a database in the folder of results. Raises UserError where MLflow could not find that."""
    if given := os.environ.get("MLFLOW_TRACKING_URI"):
        return given
    folder = out.resolve()
    if strange := {*str(folder)} & {*"?%"}:
        raise UserError(f"--out {folder}: MLflow keeps no database in a folder with {min(strange)} in its path; choose another")
    return f"sqlite:///{folder / 'mlflow.db'}"


def without_password(text: str) -> str:
    """What MLflow says, without the name and password that an address of ``MLFLOW_TRACKING_URI`` may hold."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


def database_file(uri: str) -> Path | None:
    """The file of an SQLite store; None for any other store."""
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None


@contextmanager
def calm() -> Iterator[None]:
    """No log lines, and `SETTINGS` wherever the caller has none; all is as it was afterwards."""
    added = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    level = logging.root.manager.disable
    os.environ.update(added)
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(level)
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def alone(out: Path, uri: str) -> Iterator[None]:
    """One sync at a time: two would add the same runs, and MLflow's migration of a fresh database breaks if two start it."""
    folder = (database_file(uri) or out / "mlflow").parent / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    with Claims(folder) as claims:
        while not claims.take("mlflow"):
            time.sleep(EVERY_S)
        yield


def open_client(uri: str) -> MlflowClient:
    """A client of a store that is ready for use.

    A fresh database is moved into place whole: a migration that is killed midway leaves one that MLflow cannot mend. Its
    70 steps wait for the disk one by one (5 s), so they are done in memory where that can be had.
    """
    from mlflow import MlflowClient

    database, memory = database_file(uri), Path("/dev/shm")
    if database is not None and not database.exists():
        with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None, ignore_cleanup_errors=True) as folder:
            MlflowClient(f"sqlite:///{folder}/mlflow.db")
            partial = shutil.copyfile(f"{folder}/mlflow.db", database.with_name(f".{database.name}.new"))
        partial.replace(database)
    follow_move(database)
    return MlflowClient(uri)


def follow_move(database: Path | None) -> None:
    """MLflow keeps absolute paths of artifacts and has no call to change them: mend those of a folder that was moved."""
    if database is None:
        return
    with closing(sqlite3.connect(database)) as sql, sql:
        for identity, name, old in sql.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall():
            new = (database.resolve().parent / ARTIFACTS / name).as_uri()
            if name.startswith(EXPERIMENT) and old.startswith("file:") and old != new:
                sql.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [new, identity])
                runs = "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?) WHERE experiment_id = ?"
                sql.execute(runs, [old, new, identity])
