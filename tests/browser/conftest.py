"""The leaderboard page in a real browser, opened from disk. Only where playwright is installed: ``tox -e browser``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.leaderboard_files import build
from support.many_records import METHODS, many

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

collect_ignore_glob = [] if find_spec("playwright") and find_spec("axe_playwright_python") else ["test_*.py"]

SHOTS = Path(__file__).parents[2] / "results" / "browser"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("no chromium on the PATH: install it, on Debian with `apt install chromium`")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of five methods at three numbers of labels, at home, in unseen places and off-range."""
    out = tmp_path_factory.mktemp("out")
    many(out, METHODS)
    build(out)
    return out / "leaderboard" / "index.html"


@pytest.fixture
def visit(browser: Browser, index: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page, as ``visit(hash, **options of a browser context)``. In the end nothing may have been written to the
    console and nothing asked of a network."""
    contexts, troubles = [], []

    def opened(fragment: str = "", path: Path = index, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: troubles.append(asked.url) if asked.url.startswith(("http", "ws")) else None)
        page.goto(path.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Keeps a picture of what is on the screen, to be looked at."""

    def kept(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png")

    return kept
