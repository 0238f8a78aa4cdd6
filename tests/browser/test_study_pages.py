"""The page of every study of the project, from its notebook as committed, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kamlib.report.render import render_report

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[1-9]*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def study_page(request: Any, chromium: Any, tmp_path: Path) -> Iterator[tuple[Any, list[str]]]:
    """Return the page of a study, and whatever it complained of or asked for."""
    file = tmp_path / "report.html"
    file.write_text(render_report(nbformat.read(request.param, as_version=4)), "utf-8")
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page, seen = context.new_page(), []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda asked: asked.url == file.as_uri() or seen.append(asked.url))
    page.goto(file.as_uri())
    page.wait_for_load_state("load")
    yield page, seen
    context.close()


def test_it_opens_offline_and_every_picture_is_told(study_page):
    page, seen = study_page
    assert seen == []
    assert page.locator("h1").count() == 1
    pictures = page.locator("main img")
    assert pictures.count() >= 3
    told = pictures.evaluate_all("all => all.map(i => [i.alt.length, i.naturalWidth, i.complete])")
    assert all(length > 20 and width > 100 and complete for length, width, complete in told)
    twice = "all => all.map(e => e.id).filter((id, n, ids) => ids.indexOf(id) !== n)"
    assert page.locator("[id]").evaluate_all(twice) == []


def test_a_narrow_screen_scrolls_tables_and_not_the_page(study_page):
    page, _ = study_page
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_no_placeholder_is_left_in_the_text(study_page):
    page, _ = study_page
    text = page.locator("main").inner_text()
    # an unfilled value, an unknown word, or what Python calls the absence of one
    left = re.search(r"[{}]|\bNaN\b|\bnan\b|\bNone\b(?! of)|<NA>|\binf\b", text)
    assert left is None, text[max(left.start() - 80, 0) : left.end() + 40]
