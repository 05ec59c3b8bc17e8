"""SQLite stores that are locked, old, new, broken, or were edited by people: nothing is lost, and nothing there twice."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import History
from doabench.benchmark.results.store import Store
from doabench.leaderboard.mlflow.content import CELL, KIND, ROW
from doabench.leaderboard.mlflow.live import NAME, follow
from doabench.leaderboard.mlflow.sync import LAYOUT
from doabench.leaderboard.mlflow.ui import serve
from mlflow import MlflowClient
from mlflow.store import db_migrations
from support.free_port import free_port
from support.mlflow_cells import Cells

OLDER = ("-1", "b7e4c1a90f23")
"""Schemas of older versions of MLflow."""
FEW_S = 15  # on a busy machine; MLflow itself waits 20 s for every statement
KEPT_S = 1.1
"""As long as MLflow keeps connections, and the files that they are of."""


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synced once; not to be changed."""
    cells = Cells(tmp_path_factory.mktemp("made") / "out", "one").make()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert cells.sync() == 3
    return cells.out


@pytest.fixture
def cells(made: Path, tmp_path: Path) -> Cells:
    """Synced, moved, and not yet opened where it lies now."""
    return Cells(shutil.copytree(made, tmp_path / "some results"), "one")


def opened(cells: Cells) -> Cells:
    assert cells.sync() == 0
    return cells


def database(cells: Cells) -> Path:
    return cells.out / "mlflow.db"


def uri(cells: Cells) -> str:
    return f"sqlite:///{database(cells)}"


def lock(cells: Cells, how: str) -> sqlite3.Connection:
    other = sqlite3.connect(database(cells), isolation_level=None)
    other.execute(f"BEGIN {how}")
    return other


def test_a_locked_database_is_left_alone_soon(cells: Cells) -> None:
    opened(cells).add("cnn", "sweep", seed=1)
    with closing(lock(cells, "EXCLUSIVE")):
        began = time.monotonic()
        with pytest.raises(UserError, match=r"^MLflow at sqlite:.*mlflow\.db: database is locked$"):
            cells.sync()
        assert time.monotonic() - began < FEW_S
    assert cells.sync() == 1
    cells.assert_each_once(uri(cells))


def test_a_database_that_is_locked_midway_is_caught_up_with(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    cells.add("cnn", "sweep", seed=1)
    cells.add("srp_phat", "sweep", seed=1)
    given, held = MlflowClient.log_inputs, list[sqlite3.Connection]()

    def and_then_locked(client: MlflowClient, run_id: str, **inputs: object) -> None:
        given(client, run_id, **inputs)  # pyright: ignore[reportArgumentType]
        held.append(lock(cells, "IMMEDIATE"))

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_inputs", and_then_locked)
        began = time.monotonic()
        with pytest.raises(UserError, match="database is locked"):
            cells.sync()
        assert time.monotonic() - began < FEW_S
    (other,) = held
    other.close()
    assert cells.sync() == 2
    cells.assert_each_once(uri(cells))


def downgrade(cells: Cells, version: str) -> None:
    settings = Config()
    settings.set_main_option("script_location", next(iter(db_migrations.__path__)))
    settings.set_main_option("sqlalchemy.url", uri(cells))
    command.downgrade(settings, version)


@pytest.mark.parametrize("version", OLDER)
def test_the_store_of_an_older_mlflow_is_brought_up_to_date(cells: Cells, version: str) -> None:
    downgrade(cells, version)
    old = database(cells).stat().st_ino
    cells.add("cnn", "sweep", seed=1)
    assert cells.sync() == 1
    assert database(cells).stat().st_ino != old, "migrated in place, where it could be cut short"
    cells.assert_each_once(uri(cells))


def test_somebody_elses_older_database_is_not_touched(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    downgrade(cells, "-1")
    before = database(cells).read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(cells))
    with pytest.raises(UserError, match="was made by an older MLflow: copy it, then mlflow db upgrade 'sqlite:"):
        cells.sync()
    assert database(cells).read_bytes() == before


def stamp_as_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("CREATE TABLE experiments (name)")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer": (stamp_as_newer, r"newer MLflow \(schema ffffffffffff\): pip install -U mlflow, or move it away"),
    "text": (lambda path: path.write_text("no database " * 999), r"holds no MLflow store \(file is not a database\): move it"),
    "half": (halve, r"holds no MLflow store \(database disk image is malformed\): move it away"),
    "another's": (of_another_program, r"holds no MLflow store \(no such table: alembic_version\): move it away"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_database_that_cannot_be_used_is_left_as_it_is_and_can_be_moved_away(cells: Cells, name: str) -> None:
    change, says = BROKEN[name]
    change(database(cells))
    before = database(cells).read_bytes()
    for what in (cells.sync, lambda: serve(cells.out, free_port())):
        with pytest.raises(UserError, match=says) as caught:
            what()
        assert "\n" not in str(caught.value)
    assert database(cells).read_bytes() == before


def test_a_database_that_was_moved_away_is_made_again(cells: Cells) -> None:
    database(opened(cells)).rename(cells.out / "away.db")
    database(cells).touch()  # as a program leaves it that was ended early
    time.sleep(KEPT_S)
    assert cells.sync() == 3
    cells.assert_each_once(uri(cells))


def test_a_read_only_database_matters_when_there_is_something_new(cells: Cells) -> None:
    content = bytearray(database(opened(cells)).read_bytes())
    content[18] = 3  # the version that is needed to write: SQLite opens the file to read it, even for root
    database(cells).write_bytes(content)
    time.sleep(KEPT_S)
    assert cells.sync() == 0
    cells.add("cnn", "sweep", seed=1)
    with pytest.raises(UserError, match=r"mlflow\.db: attempt to write a readonly database$"):
        cells.sync()
    content[18] = 1
    database(cells).write_bytes(content)
    time.sleep(KEPT_S)
    assert cells.sync() == 1
    cells.assert_each_once(uri(cells))


@pytest.mark.parametrize("new_name", ["what I look at", "doabench/mine"])
def test_a_renamed_experiment_stays_ours_and_keeps_its_name_and_figures(cells: Cells, new_name: str, tmp_path: Path) -> None:
    (run, *_) = [run for run in cells.runs(uri(cells)) if run.data.tags[KIND] == ROW]
    MlflowClient(uri(cells)).rename_experiment(run.info.experiment_id, new_name)
    moved = Cells(cells.out.rename(tmp_path / "moved"), "one")
    moved.add("cnn", "sweep", seed=1)
    assert moved.sync() == 1
    moved.assert_each_once(uri(moved))
    client = MlflowClient(uri(moved))
    assert client.get_experiment(run.info.experiment_id).name == new_name
    assert len(client.search_experiments()) == 3  # ours, and MLflow's own
    assert "confusion.png" in {file.path for file in client.list_artifacts(run.info.run_id)}


def test_the_renamed_experiment_of_curves_is_found(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "out", "one").make()
    client = curve_in(cells)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    client.rename_experiment(experiment.experiment_id, "curves")
    shutil.rmtree(cells.out / "scratch")
    follow(cells.out)
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FINISHED"]


def curve_in(cells: Cells) -> MlflowClient:
    history = History()
    history.add(1, loss=1.0)
    Store(cells.out).write_curve("key", cells.trained().fit, history)
    follow(cells.out)
    return MlflowClient(uri(cells))


@pytest.mark.parametrize("kind", [CELL, ROW])
def test_a_deleted_run_is_made_again_and_there_once_when_it_is_restored(cells: Cells, kind: str) -> None:
    client = MlflowClient(uri(cells))
    (run, *_) = [run for run in cells.runs(uri(cells)) if run.data.tags[KIND] == kind]
    client.delete_run(run.info.run_id)
    assert cells.sync() == (kind == CELL)
    cells.assert_each_once(uri(cells))
    client.restore_run(run.info.run_id)
    assert cells.sync() == 0
    cells.assert_each_once(uri(cells))


def test_an_experiment_in_the_trash_comes_back_without_what_was_deleted_in_it_before(cells: Cells) -> None:
    client = MlflowClient(uri(cells))
    for run in cells.runs(uri(cells)):
        client.delete_run(run.info.run_id)
    assert cells.sync() == 3
    for experiment in {run.info.experiment_id for run in cells.runs(uri(cells))}:
        client.delete_experiment(experiment)
    assert cells.sync() == 0  # MLflow restores the runs that were deleted first, too
    cells.assert_each_once(uri(cells))
    assert all(LAYOUT in run.data.tags for run in cells.runs(uri(cells)))
