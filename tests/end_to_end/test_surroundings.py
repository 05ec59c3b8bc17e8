"""Where a run finds itself: folders that cannot be written, no git, somebody else's checkout, paths and addresses as people
have them. Each works, or is one line and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from doabench.benchmark.cli.main import main
from doabench.benchmark.cli.options import Rooms
from doabench.benchmark.errors import UserError
from doabench.benchmark.run import environment
from doabench.leaderboard.mlflow.ui import serve
from support.measured_files import write_folder

RUN = ("run", "--scale", "smoke", "--method", "srp_phat", "--protocol", "label-sweep", "--jobs", "1", "--threads", "1")


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOABENCH_SPEECH", "DOABENCH_ROOMS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, [*RUN, *arguments], env=variables)


def refused(done: Result, says: str) -> None:
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not Path("out").exists()


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("--out", "out", DOABENCH_CACHE=str(tmp_path / "file" / "cache"))
    refused(
        done, f"the cache {tmp_path}/file/cache cannot be written (Not a directory); set DOABENCH_CACHE to a folder of yours"
    )


@pytest.mark.parametrize("character", "?%")
def test_a_folder_that_mlflow_would_misread_is_one_line(character: str, tmp_path: Path) -> None:
    out = f"x{character}20draft"
    refused(run("--out", out), f"--out {tmp_path}/{out}: MLflow keeps no database in a folder with {character} in its path")
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_that_is_not_there_is_called_so() -> None:
    for path in ("/no/such/dir", "no/such/dir", "./dir"):
        refused(run("--speech", path, "--out", "out"), f"--speech {path}: no file or folder")


def test_a_room_with_a_space_in_its_path_can_be_a_default(tmp_path: Path) -> None:
    room = f"folder:{write_folder(tmp_path / 'my room')}"
    assert Rooms().split_envvar_value(room) == [room]
    assert Rooms().split_envvar_value(f"dtu-twin '{room}'") == ["dtu-twin", room]
    assert Rooms().split_envvar_value("dtu-twin  mir-twin") == ["dtu-twin", "mir-twin"]
    refused(run("--out", "out", DOABENCH_ROOMS=f"'{room}"), "put quotes round a room with a space in its path")


def test_home_is_meant_by_a_tilde_and_a_password_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "my room")
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run("--rooms", "folder:~/my room", "--out", "out", MLFLOW_TRACKING_URI="http://joe:s3cret@127.0.0.1:9/mlflow")
    assert done.exit_code == 0, done.output
    said = "".join(done.output.split())
    assert "MLflowisnotuptodate,thenextruncatchesup:MLflowathttp://127.0.0.1:9/mlflow:Connectionrefused" in said
    assert "s3cret" not in said
    assert not any(b"s3cret" in path.read_bytes() for path in Path("out").rglob("*") if path.is_file())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://joe:s3cret@127.0.0.1:9/mlflow")
    with pytest.raises(UserError, match=r"open http://127\.0\.0\.1:9/mlflow"):
        serve(tmp_path, 5000)


def test_what_git_cannot_tell_is_not_called_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    here = environment.environment.__wrapped__("cpu", 1)
    assert len(here["commit"]) == 40
    assert here["dirty"] in (True, False)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert environment.environment.__wrapped__("cpu", 1) == here
    monkeypatch.setenv("PATH", "")
    assert environment.environment.__wrapped__("cpu", 1) == here | {"commit": "", "dirty": None}
