"""How fast a large page is. Numbers are printed (``pytest -s``), none is asserted: machines differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Page, expect
from support.leaderboard_files import build
from support.many_records import many

TIMED = """([name, act]) => {
  const start = performance.now();
  const one = document.querySelector(name);
  if (act === "sort") one.click();
  else {
    one.value = act;
    one.dispatchEvent(new Event("change", { bubbles: true }));
  }
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""


def test_two_thousand_records_of_fifteen_methods(tmp_path: Path, visit: Callable[..., Page]) -> None:
    count = many(tmp_path, [f"method_{number:02d}" for number in range(15)], seeds=15)
    build(tmp_path)
    start = perf_counter()
    page = visit(path=tmp_path / "leaderboard" / "index.html")
    expect(page.locator("#answer")).to_contain_text("is best")
    first_s = perf_counter() - start
    sort_ms = page.evaluate(TIMED, ["#all [data-column=mae_deg]", "sort"])
    filter_ms = page.evaluate(TIMED, ["[data-filter=split]", "unseen"])
    size_mb = sum(path.stat().st_size for path in (tmp_path / "leaderboard").iterdir()) / 1e6
    print(f"\n{count} records: first view {first_s:.2f} s, sort {sort_ms:.0f} ms, filter {filter_ms:.0f} ms, {size_mb:.1f} MB")
    expect(page.locator("#count")).to_have_text("45 of 135 rows")
