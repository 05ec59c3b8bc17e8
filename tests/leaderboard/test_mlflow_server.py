"""A real MLflow server behind a line that fails: nothing is lost, nothing there twice, and the run waits a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doabench.benchmark.cli.publish import Publisher
from doabench.benchmark.errors import UserError
from doabench.benchmark.method import History
from doabench.benchmark.results.store import Store
from doabench.leaderboard.mlflow.database import store_uri
from doabench.leaderboard.mlflow.live import KEY, follow
from doabench.leaderboard.mlflow.sqlite import EXPERIMENT
from mlflow import MlflowClient
from support.free_port import free_port
from support.mlflow_cells import Cells
from support.mlflow_server import Fault, Proxy, Server

Faults = Callable[[int, str], Fault]
FAULTS: tuple[Fault, ...] = ("500", "500 done", "cut", "cut done")
PASSWORD = "s3cret"
FEW_S = 12  # on a machine that is busy with other tests


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What stands in ``MLFLOW_TRACKING_URI``."""
    proxy = Proxy(server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{PASSWORD}@{proxy.host}/")
    yield proxy
    proxy.close()


@pytest.fixture
def cells(tmp_path: Path, request: pytest.FixtureRequest) -> Cells:
    return Cells(tmp_path / "out", f"case{abs(hash(request.node.name))}").make()


def now_and_then(number: int, _: str) -> Fault:
    return FAULTS[number // 4 % len(FAULTS)] if number % 4 == 0 else ""


class FirstOfEachKind:
    """The first request of every kind is carried out, and not answered."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, _: int, path: str) -> Fault:
        kind = "artifacts" if "mlflow-artifacts" in path else path.partition("?")[0]
        if kind in self.seen:
            return ""
        self.seen.add(kind)
        return "cut done"


@pytest.mark.parametrize("faults", [now_and_then, FirstOfEachKind()], ids=["now and then", "first of each kind"])
def test_what_fails_once_is_repeated_and_done_once(faults: Faults, cells: Cells, server: Server, proxy: Proxy) -> None:
    proxy.fault = faults
    assert cells.sync() == 3
    assert len(proxy.seen) > 40
    cells.assert_each_once(server.address)
    proxy.heal()
    assert cells.sync() == 0
    cells.assert_each_once(server.address)


def always(fault: Fault, after: int = 0) -> Faults:
    return lambda number, _: fault if number > after else ""


AWAY = {
    "broken": (always("500"), "too many 500 error responses"),
    "cuts": (always("cut"), "Remote end closed connection without response"),
    "hangs": (always("hang"), "timed out"),
    "hangs midway": (always("hang", after=30), "timed out"),
    "slow": (always("slow"), r"it answers slowly \(MLFLOW_HTTP_REQUEST_TIMEOUT=60 waits longer\)"),
}


@pytest.mark.parametrize("name", AWAY)
def test_a_server_that_does_not_work_is_given_up_soon(name: str, cells: Cells, server: Server, proxy: Proxy) -> None:
    proxy.fault, says = AWAY[name]
    began = time.monotonic()
    with pytest.raises(UserError, match=rf"^MLflow at http://{proxy.host}: {says}$"):
        cells.sync()
    assert time.monotonic() - began < FEW_S
    if name == "hangs midway":
        assert 0 < len(cells.runs(server.address)) < 6
        proxy.heal()
        assert cells.sync() > 0
        cells.assert_each_once(server.address)


def test_a_server_that_dies_midway_and_comes_back(cells: Cells, server: Server, proxy: Proxy) -> None:
    proxy.fault = lambda number, _: "die" if number == 40 else ""
    with pytest.raises(UserError, match=f"^MLflow at http://{proxy.host}: "):
        cells.sync()
    server.begin()
    assert 0 < len(cells.runs(server.address)) < 6
    proxy.heal()
    assert cells.sync() > 0
    cells.assert_each_once(server.address)


@pytest.mark.parametrize("sign", ["@", ":", "%2F"])
def test_no_password_is_said(sign: str, cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:s3{sign}cret@127.0.0.1:{(port := free_port())}/")
    with pytest.raises(UserError, match=f"^MLflow at http://127.0.0.1:{port}: Connection refused$"):
        cells.sync()


@pytest.mark.parametrize("sign", ["/", "?", "#", "["])
def test_a_password_that_makes_an_address_ambiguous_is_refused_unsaid(sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:s3{sign}cret@127.0.0.1:5000")
    with pytest.raises(UserError, match=r"^MLFLOW_TRACKING_URI=http://127\.0\.0\.1:5000 is no address; in a password write /"):
        store_uri(Path("out"))


def test_the_end_of_a_run_waits_once_for_a_server_that_hangs(cells: Cells, proxy: Proxy) -> None:
    proxy.fault = always("hang")
    publisher = Publisher(cells.out)
    publisher.news(fit_has_ended=True)
    until = time.monotonic() + 60
    while not proxy.seen and time.monotonic() < until:
        time.sleep(0.05)
    published = publisher.finish()
    assert published.problem == f"MLflow at http://{proxy.host}: timed out"
    assert len(proxy.seen) == 2, "one request, and that once more"
    assert {path.suffix for path in published.files} >= {".html", ".csv"}


def test_points_of_a_curve_come_once(cells: Cells, server: Server, proxy: Proxy) -> None:
    store, history = Store(cells.out), History()
    fit = cells.trained().fit
    proxy.fault = now_and_then
    for step in range(1, 9):
        history.add(step, loss=1.0 / step)
        store.write_curve(cells.name, fit, history)
        if step == 5:
            proxy.fault = lambda _, path: "cut done" if "log-batch" in path else ""  # twice: the caller hears of it
            with pytest.raises(UserError):
                follow(cells.out)
            proxy.fault = now_and_then
        follow(cells.out)
    client = MlflowClient(server.address)
    (experiment,) = client.search_experiments(filter_string=f"name = '{EXPERIMENT}training'")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`{KEY}` = '{cells.name}'")
    points = client.get_metric_history(run.info.run_id, "train/loss")
    assert sorted(point.step for point in points) == list(range(1, 9))
