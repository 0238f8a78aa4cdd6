"""Pages as a browser has them, offline, with hostile names in every place that data can reach."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PAGES = ["report", "report_zh", "failure", "index"]


@dataclass
class Seen:
    """What a page did while it was open."""

    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def context(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(5000)
    yield context
    context.close()


def opened(context: Any, file: Any) -> tuple[Any, Seen]:
    page, seen = context.new_page(), Seen()
    page.on("console", lambda message: seen.problems.append(message.text))
    page.on("pageerror", lambda error: seen.problems.append(str(error)))
    page.on("dialog", lambda dialog: (seen.problems.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_load_state("load")
    return page, seen


@pytest.fixture
def page(context: Any, pages: Any) -> Any:
    return opened(context, pages["report"])[0]


def column(page: Any, table: str, place: int) -> list[str]:
    cells = page.locator(f"#table-{table} tbody tr > :nth-child({place})")
    return [text.strip() for text in cells.all_text_contents()]


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_and_nothing_from_the_data_runs(context, pages, name):
    page, seen = opened(context, pages[name])
    assert seen.problems == []
    assert seen.requests == [pages[name].as_uri()]
    assert page.evaluate("window.ran") is None
    assert page.locator("script").count() == 1
    assert page.locator("h1").count() == 1


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a server that stands for the world outside, and what it was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_second_lock_holds_where_the_first_is_broken(context, pages, tmp_path, outside):
    address, asked = outside
    planted = (
        f"<script>window.ran = 1</script><script src='{address}/x.js'></script>"
        f"<img src='{address}/x.png' onerror='window.ran = 1'>"
        f"<link rel='stylesheet' href='{address}/x.css'><iframe src='{address}/x.html'></iframe>"
        "<p id='last' style='color: red'>x</p>"
    )
    file = tmp_path / "planted.html"
    html = pages["report"].read_text("utf-8")
    file.write_text(html.replace("<main", planted + "<main", 1), "utf-8")
    page, seen = opened(context, file)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.getElementById('last')).color") != (
        "rgb(255, 0, 0)"
    )
    assert asked == []
    assert len(seen.problems) >= 6  # the browser tells of each thing that it refused
    assert context.request.get(f"{address}/live").status == 404  # the server would have answered


def test_every_picture_has_an_alternative_and_ids_are_unique(page):
    alts = page.locator("img").evaluate_all("all => all.map((image) => image.alt.trim())")
    assert len(alts) == 3
    assert all(alts)
    ids = page.locator("[id]").evaluate_all("all => all.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_every_link_within_the_page_leads_somewhere(page):
    assert page.locator("a[href^='#']").count() > 4
    lost = page.evaluate(
        "[...document.querySelectorAll(\"a[href^='#']\")].map((link) => link.hash.slice(1))"
        ".filter((id) => !document.getElementById(decodeURIComponent(id)))"
    )
    assert lost == []


def test_numbers_sort_as_numbers_with_unknown_last(page):
    head = page.locator("#table-table_0 thead th").nth(1)
    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    up = ["−3", "0", "5", "9", "20", "100", "1,234,567"]
    assert column(page, "table_0", 2) == [*up, "–"]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, "table_0", 2) == [*reversed(up), "–"]
    assert column(page, "table_1", 2)[0] == "5"  # other tables stay as they are


def test_dates_sort_by_day_and_one_column_at_a_time(page):
    heads = page.locator("#table-table_0 thead th")
    heads.nth(1).get_by_role("button").click()
    heads.nth(3).get_by_role("button").click()
    days = column(page, "table_0", 4)
    assert days == ["2024-12-31", "2025-01-31", "2025-02-01", *["2025-03-01"] * 4, "–"]
    assert heads.nth(1).get_attribute("aria-sort") is None


def test_chinese_dates_sort_by_day(context, pages):
    page, _ = opened(context, pages["report_zh"])
    page.locator("#table-table_0 thead th").nth(3).get_by_role("button").click()
    assert column(page, "table_0", 4)[:3] == ["2024年12月31日", "2025年1月31日", "2025年2月1日"]


def test_sorting_works_from_the_keyboard(page):
    page.locator("#table-table_0 thead th").nth(4).get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert column(page, "table_0", 5)[0] == "7"


def test_copy_gives_raw_values_and_disarms_formulas(context, pages):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, _ = opened(context, pages["report"])
    page.locator(".table").first.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == "Name\tAmount (CNY)\tShare\tDay\tWait (days)\tRatio"
    assert lines[2] == '\'=HYPERLINK("http://x","y")\t1234567\t0.25\t2024-12-31\t1\t0.1'
    assert lines[3] == "a$b$c\t-3\t\t\t2\t0.1"
    assert len(lines) == 9


def test_copy_selects_the_table_where_there_is_no_clipboard(context, pages):
    context.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page, seen = opened(context, pages["report"])
    page.locator(".table").first.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name=re.compile("Selected")).wait_for()
    assert "1,234,567" in page.evaluate("getSelection().toString()")
    assert seen.problems == []


def test_code_is_hidden_until_asked_for(page):
    code = page.locator("details.code pre")
    assert code.count() >= 4
    assert not any(code.nth(n).is_visible() for n in range(code.count()))
    page.get_by_role("button", name="Show all code").click()
    assert all(code.nth(n).is_visible() for n in range(code.count()))
    page.get_by_role("button", name="Hide all code").click()
    assert not code.first.is_visible()
    page.locator("details.code summary").first.click()
    assert code.first.is_visible()


@pytest.mark.parametrize("width", [375, 320])
@pytest.mark.parametrize("name", PAGES)
def test_narrow_screens_scroll_tables_and_not_the_page(context, pages, name, width):
    page, _ = opened(context, pages[name])
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_first_column_stays_in_sight_while_a_table_scrolls(page):
    page.set_viewport_size({"width": 375, "height": 800})
    box = page.locator(".table .scroll").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    left = page.locator("#table-table_0 tbody th").first.bounding_box()["x"]
    box.evaluate("box => { box.scrollLeft = 200; }")
    assert page.locator("#table-table_0 tbody th").first.bounding_box()["x"] == left


def test_contents_stay_in_sight_beside_the_text(page):
    page.locator("#figure-figure_2").scroll_into_view_if_needed()
    box = page.locator("nav").bounding_box()
    assert 0 <= box["y"] < 100
    assert box["x"] > page.locator("#figure-figure_2").bounding_box()["x"]


def test_conclusion_is_read_before_anything_else(page):
    order = page.locator("main h2").all_text_contents()
    assert order == ["Conclusion", "Part 0", "Part 1", "Part 2"]


def test_paper_has_neither_code_nor_buttons_but_the_provenance(page):
    page.emulate_media(media="print")
    hidden = page.locator("details.code, button.copy, nav, a.skip, #code")
    assert hidden.count() >= 10
    assert not any(hidden.nth(n).is_visible() for n in range(hidden.count()))
    assert page.locator("details.about table").is_visible()
    assert page.locator("#table-table_0 thead").evaluate("e => getComputedStyle(e).display") == (
        "table-header-group"
    )
    assert page.locator("figure").first.evaluate("e => getComputedStyle(e).breakInside") == "avoid"


def test_skip_link_is_the_first_stop(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator("a.skip").bounding_box()["x"] >= 0
