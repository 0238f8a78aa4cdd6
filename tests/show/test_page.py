from __future__ import annotations

import base64

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.errors import KamError
from kamlib.glossary import Sentence, Style
from kamlib.results import Check, Estimate
from kamlib.show import Page

HOSTILE = "<script>alert(1)</script>"
SAID = Sentence("show.more_rows", {"shown": 2, "total": 1200, "file": HOSTILE})
WORDS = f"The first 2 of 1,200 rows; all of them stand in {HOSTILE}."


@pytest.fixture
def page(themed, columns):
    yield Page(Style("en", "CNY"))
    plt.close("all")


def test_a_note_is_said_and_escaped(page, shown):
    page.note(Estimate("e", pd.DataFrame(), pd.DataFrame(), SAID))
    [(data, metadata)] = shown
    assert data["text/plain"] == WORDS
    assert data["text/html"] == (
        '<p class="kam-note">The first 2 of 1,200 rows; all of them stand in '
        "&lt;script&gt;alert(1)&lt;/script&gt;.</p>"
    )
    assert metadata == {"kam": {"kind": "note"}}


def test_a_note_speaks_the_language_of_the_page(shown):
    Page(Style("zh")).note(SAID)
    assert "共 1,200 行" in shown[0][0]["text/plain"]


def test_a_figure_is_shown_with_its_alternative_closed_and_remembered(page, shown):
    _, ax = plt.subplots()
    page.figure(ax, "curve", SAID, "A  caption\nin two lines")
    [(data, metadata)] = shown
    assert list(data) == ["image/png"]
    assert base64.b64decode(data["image/png"]) == page.figures["curve"]
    assert metadata["kam"] == {
        "kind": "figure", "id": "curve", "alt": WORDS, "caption": "A caption in two lines",
    }  # fmt: skip
    assert metadata["image/png"]["alt"] == WORDS
    assert metadata["image/png"]["width"] > metadata["image/png"]["height"] > 0
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_without_text_alternative_is_refused(page, shown, alt):
    with pytest.raises(KamError, match="figure 'curve' has no text alternative"):
        page.figure(plt.figure(), "curve", alt)
    assert shown == []


def test_a_table_is_shown_in_part_and_remembered_whole(page, shown):
    frame = pd.DataFrame({"t_name": ["a", "b", "c"], "t_amount": [1, 2, 3]})
    page.table(frame, "accounts", "Accounts", rows=2)
    [(data, metadata)] = shown
    assert metadata == {"kam": {"kind": "table", "id": "accounts", "caption": "Accounts"}}
    assert data["text/html"].startswith('<table id="table-accounts">')
    assert "The first 2 of 3 rows" in data["text/plain"]
    pd.testing.assert_frame_equal(page.tables["accounts"], frame)


@pytest.mark.parametrize("name", ["Accounts", "a b", "", "../x", "a-b"])
def test_an_id_that_is_no_file_name_is_refused(page, name):
    with pytest.raises(KamError, match="cannot be an id"):
        page.table(pd.DataFrame({"t_name": []}), name)


def test_an_id_is_used_once_for_figures_and_tables_together(page, shown):
    page.table(pd.DataFrame({"t_name": []}), "one")
    with pytest.raises(KamError, match="the id 'one' is in use"):
        page.figure(plt.figure(), "one", "alt")


def test_checks_say_their_state_in_words(page, shown):
    page.checks(
        [
            Check("good one", True, SAID),
            Check("weak", False, SAID),
            Check("open", None, Sentence("show.no_rows")),
        ]
    )
    [(data, metadata)] = shown
    assert data["text/plain"].splitlines() == [
        f"Passed: {WORDS}",
        f"Needs attention: {WORDS}",
        "Not judged: No rows.",
    ]
    html = data["text/html"]
    assert '<li class="kam-passed" id="check-good-one"><strong>Passed</strong>' in html
    assert '<li class="kam-attention" id="check-weak">' in html
    assert '<li class="kam-unjudged" id="check-open">' in html
    assert "<script" not in html
    assert metadata == {"kam": {"kind": "checks"}}


def test_no_check_shows_nothing(page, shown):
    page.checks([])
    assert shown == []


def test_a_cell_that_runs_again_replaces_what_it_showed(monkeypatch):
    from kamlib.glossary import Style
    from kamlib.show import page as page_module

    page = page_module.Page(Style())
    monkeypatch.setattr(page_module, "_cell", lambda: "first")
    page.table(pd.DataFrame({"revenue": [1.0]}), "sales")
    page.table(pd.DataFrame({"revenue": [2.0]}), "sales")
    assert page.tables["sales"]["revenue"].tolist() == [2.0]
    monkeypatch.setattr(page_module, "_cell", lambda: "second")
    with pytest.raises(KamError, match="in use"):
        page.table(pd.DataFrame({"revenue": [3.0]}), "sales")
