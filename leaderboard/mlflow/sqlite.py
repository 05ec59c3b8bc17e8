"""An SQLite store of MLflow: made as a whole, in the schema of the MLflow that is installed, and free to be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from ...benchmark.durable import replacing, sync_to_disk
from ...benchmark.errors import UserError

EXPERIMENT, ARTIFACTS = "doabench/", "mlartifacts"
AGAIN = "move it away, and the next run makes one from the records"


def database_file(uri: str) -> Path | None:
    """The file of an SQLite store; None for any other store."""
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None


def prepare(database: Path, own: bool) -> None:
    """Make the store if there is none, bring it up to date if it is our ``own``, and mend its paths. Raises UserError where
    MLflow could not work with it, and what SQLite raises.

    MLflow migrates step by step on the file itself, and cannot mend one where that was cut short. So a fresh store and one
    of an older MLflow are finished elsewhere and moved into place.
    """
    if is_missing(database):
        _make(database)
    elif not _is_of_today(database, own):
        _upgrade(database)
    _follow_move(database)


def is_missing(database: Path) -> bool:
    """Whether there is no store yet: no file, or an empty one."""
    return not database.exists() or not database.stat().st_size


@contextmanager
def written_at_once(database: Path) -> Iterator[None]:
    """Let MLflow not wait for the disk after each of its some ten statements a run; the file is on the disk at the end. For a
    fresh store, which a power cut may cost: nobody has put anything of his own into it."""
    from sqlalchemy import Engine, event

    def connected(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)
        if database.exists():
            sync_to_disk(database)


def wait_until_free(database: Path, limit_s: float) -> None:
    """Return as soon as nobody else writes; raises sqlite3.OperationalError after ``limit_s``. MLflow waits 20 s."""
    with closing(sqlite3.connect(database, timeout=limit_s, isolation_level=None)) as sql:
        try:
            sql.execute("BEGIN IMMEDIATE")
        except sqlite3.DatabaseError as error:  # whatever else is wrong matters to those who write
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise


def _make(database: Path) -> None:
    from mlflow import MlflowClient

    with _elsewhere() as fresh, replacing(database) as partial:
        MlflowClient(f"sqlite:///{fresh}")
        shutil.copyfile(fresh, partial)


def _is_of_today(database: Path, own: bool) -> bool:
    from alembic.script import ScriptDirectory

    with closing(sqlite3.connect(database)) as sql:
        try:
            found = dict.fromkeys(version for (version,) in sql.execute("SELECT version_num FROM alembic_version"))
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
                raise UserError(f"{database} holds no MLflow store ({error}): {AGAIN}") from error
            raise
    versions = [one.revision for one in ScriptDirectory(str(files("mlflow.store") / "db_migrations")).walk_revisions()]
    if strange := ", ".join(found.keys() - versions):
        raise UserError(f"{database} was made by a newer MLflow (schema {strange}): pip install -U mlflow, or {AGAIN}")
    today = list(found) == versions[:1]
    if not today and not own:
        raise UserError(f"{database} was made by an older MLflow: copy it, then mlflow db upgrade 'sqlite:///{database}'")
    return today


def _upgrade(database: Path) -> None:
    from mlflow.db import upgrade

    with _elsewhere() as copy, closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")  # nobody else writes what the copy would miss
        with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        upgrade.main([f"sqlite:///{copy}"], standalone_mode=False)
        with replacing(database) as partial:
            shutil.copyfile(copy, partial)
            shutil.copymode(database, partial)


@contextmanager
def _elsewhere() -> Iterator[Path]:
    """A place for a database, in memory where that can be had: each of the 70 steps of a migration waits for the disk (5 s)."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None, ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "mlflow.db"


def _follow_move(database: Path) -> None:
    """MLflow keeps absolute paths of artifacts and has no call to change them: mend those of a folder that was moved. The end
    of the path counts: people rename experiments."""
    ours = f"/{ARTIFACTS}/{EXPERIMENT}"
    with closing(sqlite3.connect(database)) as sql, sql:
        for identity, old in sql.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall():
            before, found, name = old.rpartition(ours)
            new = f"{database.resolve().parent.as_uri()}{ours}{name}"
            if found and before.startswith("file:") and old != new:
                sql.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [new, identity])
                runs = "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?) WHERE experiment_id = ?"
                sql.execute(runs, [old, new, identity])
