"""The MLflow store: where it is, opened safely, one sync at a time, and what is wrong with it in words."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import requests

from ...benchmark.errors import UserError
from ...benchmark.results.claims import Claims
from .patience import Patient
from .sqlite import database_file, is_missing, prepare, wait_until_free, written_at_once

if TYPE_CHECKING:  # MLflow takes a second to import
    from mlflow import MlflowClient

EVERY_S = 0.2
MOST_SAID = 300

# No usage statistics to MLflow's makers, no printed links, no minutes of waiting for a server that is gone.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE": "1",  # s: else it goes on writing into a database that was moved away meanwhile
}


def store_uri(out: Path) -> str:
    """``MLFLOW_TRACKING_URI``, or a database in the folder of results. Raises UserError where MLflow could not find that."""
    if given := os.environ.get("MLFLOW_TRACKING_URI"):
        return _address(given) if is_server(given) else given
    folder = out.resolve()
    if strange := {*str(folder)} & {*"?%"}:
        raise UserError(f"--out {folder}: MLflow keeps no database in a folder with {min(strange)} in its path; choose another")
    return f"sqlite:///{folder / 'mlflow.db'}"


def _address(given: str) -> str:
    """Without the last slash. Raises UserError for one that every program reads in another way."""
    with suppress(ValueError):
        if urlsplit(given).hostname and urlsplit(given).port != 0:
            return given.rstrip("/")
    where = without_password(given)
    raise UserError(f"MLFLOW_TRACKING_URI={where} is no address; in a password write / as %2F, ? as %3F, # as %23, [ as %5B")


def is_server(uri: str) -> bool:
    return uri.startswith(("http:", "https:"))


def without_password(text: str) -> str:
    """What MLflow says, without the name and password that an address of ``MLFLOW_TRACKING_URI`` may hold."""
    return re.sub(r"(?<=://)\S*@", "", text)  # to the last @: a password may hold others, and a /


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
def in_words(uri: str) -> Iterator[None]:
    """Whatever goes wrong with MLflow becomes a UserError of one line, without a password."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"MLflow at {without_password(uri)}: {without_password(_reason(error))}") from error


def _reason(error: BaseException) -> str:
    """The cause at the bottom, where it is the network or the database; else what was said last, shortened."""
    from mlflow.exceptions import MlflowException

    chain = [error]
    while below := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(below)
    if any(isinstance(one, requests.RequestException) for one in chain):
        bottom = next((one for one in chain[-1].args if isinstance(one, Exception)), chain[-1])
        return getattr(bottom, "strerror", None) or str(bottom)
    said = next((one for one in chain if isinstance(one, sqlite3.Error)), error)
    kind = "" if isinstance(said, (MlflowException, sqlite3.Error, OSError)) else f"{type(said).__name__}: "
    return f"{kind}{' '.join(str(said).split())}"[:MOST_SAID]


@contextmanager
def opened(out: Path) -> Iterator[MlflowClient]:
    """A client of the store for one sync: two at a time would add the same runs, and MLflow's migration of a fresh database
    breaks if two start it. Raises UserError for whatever goes wrong with MLflow."""
    uri, database = store_uri(out), database_file(store_uri(out))
    with calm(), in_words(uri):
        folder = (database or out / "mlflow").parent / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        with Claims(folder) as claims:
            while not claims.take("mlflow"):
                time.sleep(EVERY_S)
            with written_at_once(database) if database and is_missing(database) else nullcontext():
                yield open_client(uri)


def open_client(uri: str) -> MlflowClient:
    """A client of a store that is ready for use, and that does not wait for long. Belongs within `calm` and `in_words`."""
    from mlflow import MlflowClient

    limit_s, database = float(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]), database_file(uri)
    if database is not None:
        if database.exists():
            wait_until_free(database, limit_s)
        prepare(database, own="MLFLOW_TRACKING_URI" not in os.environ)
    return cast("MlflowClient", Patient(MlflowClient(uri), limit_s, database))
