"""What a person does on the leaderboard page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from support.many_records import METHODS

Visit = Callable[..., Page]
Shot = Callable[[Page, str], None]
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


def cells(page: Page, table: str, column: int) -> list[str]:
    return page.locator(f"#{table} tbody tr > :nth-child({column}) > .source").all_inner_texts()


def test_the_first_screen_says_what_is_best_at_home_and_away(visit: Visit, shot: Shot) -> None:
    page = visit(viewport={"width": 1280, "height": 900})
    expect(page.locator("#answer")).to_contain_text("srp_phat is best")
    assert page.locator("#matrix thead th").all_inner_texts() == ["Method", "Home", "Unseen places", "Off-range"]
    assert page.locator("#matrix .best").count() == 3
    expect(page.locator("#sweep .scatterlayer .trace").first).to_be_attached()
    box = page.locator("#matrix").bounding_box()
    assert box is not None
    assert box["y"] < 600, "the answer is on the first screen"
    shot(page, "first-light")


def test_every_number_says_where_it_comes_from(visit: Visit, shot: Shot) -> None:
    page = visit()
    page.locator("#matrix .source").first.click()
    dialog = page.locator("#source")
    for said in ("0123456789abcdef0123456789abcdef01234567", "doabench.key", "a processor", "training data, digest", "Seed 0"):
        expect(dialog).to_contain_text(said)
    dialog.locator("summary").first.click()
    shot(page, "source")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_rows_are_filtered_and_sorted_and_a_link_shows_the_same(visit: Visit) -> None:
    page = visit()
    page.select_option("[data-filter=split]", "unseen")
    page.click("#all [data-column=mae_deg]")
    page.click("#all [data-column=mae_deg]")
    page.locator("summary", has_text="Columns").click()
    page.uncheck("#columns input[name=ece_pct]")
    head = page.locator("#all th[aria-sort]")
    expect(head).to_have_attribute("aria-sort", "descending")
    heads = page.locator("#all thead th").all_inner_texts()
    assert "Calibration error, %" not in heads
    shown = cells(page, "all", heads.index("MAE, deg") + 1)
    assert len(shown) == len(METHODS) * 3
    assert [float(text) for text in shown] == sorted((float(text) for text in shown), reverse=True)

    again = visit("#" + page.url.partition("#")[2])
    assert again.locator("#all thead th").all_inner_texts() == heads
    assert cells(again, "all", heads.index("MAE, deg") + 1) == shown
    assert again.input_value("[data-filter=split]") == "unseen"


@pytest.mark.parametrize(("kind", "start"), [("csv", "Method,"), ("markdown", "| Method |"), ("latex", "\\begin{tabular}")])
def test_what_is_shown_is_copied(kind: str, start: str, visit: Visit) -> None:
    page = visit("#only.method=cnn", permissions=["clipboard-read", "clipboard-write"])
    page.click(f"[data-copy={kind}]")
    expect(page.locator("#said")).to_have_text("Copied 9 rows.")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(start)
    assert text.count("cnn") == 9
    assert "rtf" not in text


def test_the_legend_shows_every_method_once(visit: Visit) -> None:
    page = visit()
    names = page.locator("#sweep .legendtext").all_text_contents()
    assert len(names) == len(set(names))
    assert set(METHODS) <= {name.split(" ")[0] for name in names}
    before = page.locator("#sweep .scatterlayer .trace").count()
    page.locator("#sweep .legendtoggle").first.click()
    expect(page.locator("#sweep .scatterlayer .trace")).not_to_have_count(before)


def test_where_it_errs_how_sure_it_is_and_what_is_kept_are_drawn(visit: Visit, shot: Shot) -> None:
    page = visit()
    article = page.locator("article", has=page.locator("[data-plot=plan]")).first
    article.scroll_into_view_if_needed()
    plan = article.locator("[data-plot=plan]")
    plan.scroll_into_view_if_needed()
    expect(plan.locator(".shapelayer path")).to_have_count(20)  # 19 directions and the walls
    circles = plan.locator(".shapelayer path").nth(5).get_attribute("d")
    article.locator("select[name=spots]").select_option(index=3)
    expect(plan.locator(".shapelayer path").nth(5)).not_to_have_attribute("d", str(circles))
    shot(page, "plan")
    for name in ("calibration", "kept"):
        plot = article.locator(f"[data-plot={name}]")
        plot.scroll_into_view_if_needed()
        expect(plot.locator(".scatterlayer .trace")).to_have_count(len(METHODS) + (name == "calibration"))
    shot(page, "trust")


def test_it_works_from_the_keyboard(visit: Visit) -> None:
    page = visit()
    page.locator("#matrix .source").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#source")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#all [data-column=labels]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#all th[aria-sort]")).to_have_text("Labels J")
    expect(page.locator("#all [data-column=labels]")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("dialog", [False, True])
def test_axe_finds_nothing_serious(scheme: str, dialog: bool, visit: Visit, shot: Shot) -> None:
    page = visit(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    if dialog:
        page.locator("#matrix .source").first.click()
    found = [
        f"{one['id']}: {one['nodes'][0]['target']}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    shot(page, f"axe-{scheme}{'-dialog' if dialog else ''}")
    assert found == []


def test_on_a_phone_nothing_reaches_beyond_the_screen(visit: Visit, shot: Shot) -> None:
    page = visit(**PHONE)
    expect(page.locator("#answer")).to_contain_text("is best")
    shot(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_paper_gets_the_tables_without_the_controls(visit: Visit, shot: Shot) -> None:
    page = visit()
    page.emulate_media(media="print")
    expect(page.locator("#matrix")).to_be_visible()
    expect(page.locator("nav")).not_to_be_visible()
    assert page.locator(".controls").first.is_hidden()
    shot(page, "print")


def test_a_stranger_finds_five_answers_in_two_clicks_each(visit: Visit) -> None:
    """A choice in a list counts as a click."""
    page = visit()
    page.select_option("#overview [name=j]", "114")
    page.select_option("#overview [name=place]", "Unseen places")
    expect(page.locator("#answer")).to_contain_text("Unseen places, J = 114: srp_phat is best")

    page.locator("#matrix tbody tr", has_text="music").first.locator(".source").first.click()
    expect(page.locator("#source")).to_contain_text("behind the best")
    expect(page.locator("#source")).to_contain_text("Worse than")
    expect(page.locator("#source")).to_contain_text("In MLflow")  # and where the number comes from
    page.keyboard.press("Escape")

    expect(page.locator("#costs .scatterlayer .trace")).to_have_count(len(METHODS))
    page.click("#all [data-column=fit_s]")
    heads = page.locator("#all thead th").all_inner_texts()
    assert cells(page, "all", heads.index("Training, s") + 1)[0] == "10"
    assert "µs / sequence" in heads

    expect(page.locator("#matrix tbody tr", has_text="cnn, paper")).to_contain_text("33.1°")  # beside ours, no click
