"""What a person sees in the MLflow UI, from the addresses that `doabench ui` prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from doabench.benchmark.cli.installed import installed
from doabench.leaderboard.build import read
from doabench.leaderboard.mlflow.sync import sync
from playwright.sync_api import Browser, Page, expect
from support.free_port import free_port
from support.many_records import LABELS, METHODS, many

SERVE = (
    "import sys, pathlib; from doabench.leaderboard.mlflow.ui import serve; serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
)
SLOW_MS = 30_000
Look = Callable[[str], Page]
Shot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses by what they show, of a server on the runs of five methods."""
    out = tmp_path_factory.mktemp("out")
    many(out, METHODS)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        sync(out, read(out, installed()).tables, installed())
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(out), str(free_port())], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    printed = "".join(iter(server.stdout.readline, "Ctrl-C ends it\n"))
    yield dict(re.findall(r"^ *(.+): (http\S+)$", printed, re.M))
    server.terminate()
    server.wait(20)


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    expect.set_options(timeout=SLOW_MS)

    def opened(place: str) -> Page:
        page = context.new_page()
        page.set_default_timeout(SLOW_MS)
        page.goto(place)
        return page

    yield opened
    context.close()


def test_the_table_has_numbers_and_the_best_comes_first(places: dict[str, str], look: Look, shot: Shot) -> None:
    page = look(places["doabench/label-sweep, all rows"])
    for column in ("accuracy_pct", "mae_deg", "mae_hi", "mae_lo"):
        expect(page.get_by_text(column, exact=True).first).to_be_visible()
    rows = page.get_by_role("row").filter(has=page.get_by_role("link", name=re.compile("J=")))
    expect(rows).to_have_count(len(METHODS) * len(LABELS))  # the means over seeds, of the validation set alone
    errors = [float(text) for text in page.locator("[role=gridcell][col-id*=mae_deg]").all_inner_texts()]
    assert len(errors) == len(METHODS) * len(LABELS)
    assert errors == sorted(errors)
    shot(page, "mlflow-table")


def test_methods_stand_beside_each_other_at_one_number_of_labels(places: dict[str, str], look: Look, shot: Shot) -> None:
    page = look(places["doabench/label-sweep, methods beside each other"])
    expect(page.get_by_text(re.compile(r"^Methods\b"))).to_be_visible()
    expect(page.locator(".js-plotly-plot .bars .point").nth(len(METHODS) - 1)).to_be_attached()
    names = page.get_by_role("link", name=re.compile("J=")).all_inner_texts()
    assert {name.split()[0] for name in names} == {"J=114"}
    assert len(names) == len(METHODS)
    shot(page, "mlflow-methods")


def test_a_run_says_what_it_is_and_shows_figures(places: dict[str, str], look: Look, shot: Shot) -> None:
    page = look(places["doabench/label-sweep, all rows"])
    page.get_by_role("link", name=re.compile("J=988 .* srp_phat")).first.click()
    expect(page.get_by_text("Mean over 1 seed.")).to_be_visible()
    shot(page, "mlflow-run")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("error_by_doa.png").click()
    expect(page.locator("img[src^=blob], img[src*=artifact]").first).to_be_visible()
    shot(page, "mlflow-artifact")


def test_a_stranger_finds_five_answers_in_three_clicks_each(places: dict[str, str], look: Look, shot: Shot) -> None:
    page = look(places["doabench/unseen-place, all rows"])
    page.set_viewport_size({"width": 3200, "height": 1000})
    few = page.get_by_role("link", name=re.compile("J=114"))
    expect(few.first).to_contain_text("srp_phat")  # the best with few labels at places never seen: no click
    for column in ("rank/rank", "rank/tied", "spent/fit_s", "spent/predict_us_per_sequence"):  # better? at what cost?
        expect(page.get_by_text(column, exact=True).first).to_be_visible()
    shot(page, "mlflow-questions")
    few.first.click()  # where does it come from? one click
    for said in ("a processor", "0123456", "doabench.key"):
        expect(page.get_by_text(re.compile(re.escape(said))).first).to_be_visible()
    page = look(places["doabench/label-sweep, all rows"])
    expect(page.get_by_role("row", name=re.compile("vae_ssl, paper")).first).to_be_visible()  # how far from it? no click


def test_two_methods_are_compared(places: dict[str, str], look: Look, shot: Shot) -> None:
    page = look(places["doabench/label-sweep, all rows"])
    rows = page.get_by_role("row").filter(has=page.get_by_role("link", name=re.compile("J=988")))
    for method in ("srp_phat", "rtf_1nn"):
        rows.filter(has_text=method).get_by_label("row selection").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text(re.compile("Comparing 2 Runs"))).to_be_visible()
    shot(page, "mlflow-compare")
