from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from kamlib.report import translation
from kamlib.report.render import render_report
from kamlib.report.translation import digest, translated, translations

ENGLISH = "## Conclusion\n\nWho pays well\nstays long."
CHINESE = "## 结论\n\n付款好的客户留得久。"


@pytest.fixture
def known(monkeypatch):
    entries = {"customer_value": {"end": {"of": digest(ENGLISH), "zh": CHINESE}}}
    monkeypatch.setattr(translation, "translations", lambda: entries)


def cell(make, source, name="end"):
    made = make.md(source, "conclude")
    made.id = name
    return made


def shown(make, language, *cells):
    published = {**make.PUBLISHED, "language": language}
    return BeautifulSoup(render_report(make.notebook(*cells, published=published)), "html.parser")


@pytest.mark.parametrize(
    ("study", "name", "source", "language", "expected"),
    [
        ("customer_value", "end", ENGLISH, "zh", (CHINESE, "zh")),
        ("customer_value", "end", ENGLISH.replace("\nstays", " stays"), "zh", (CHINESE, "zh")),
        ("customer_value", "end", ENGLISH, "en", (ENGLISH, "en")),
        ("customer_value", "end", ENGLISH + " Now.", "zh", (ENGLISH + " Now.", "en")),
        ("customer_value", "other", ENGLISH, "zh", (ENGLISH, "en")),
        ("churn_survival", "end", ENGLISH, "zh", (ENGLISH, "en")),
        ("../customer_value", "end", ENGLISH, "zh", (ENGLISH, "en")),
    ],
    ids=["same", "wrapped anew", "english page", "changed", "new cell", "other study", "no study"],
)
def test_only_these_very_words_are_translated(make, known, study, name, source, language, expected):
    assert translated(cell(make, source, name), study, language) == expected


def test_a_cell_of_an_old_notebook_without_an_id_stays_english(make, known):
    old = make.md(ENGLISH)
    del old["id"]
    assert translated(old, "customer_value", "zh") == (ENGLISH, "en")


def test_translated_prose_is_in_the_language_of_its_page(make, known):
    soup = shown(make, "zh", cell(make, ENGLISH))
    part = soup.select_one("section.conclusion .prose")
    assert not part.has_attr("lang")
    assert part.p.get_text() == "付款好的客户留得久。"
    assert "Who pays" not in soup.main.get_text()
    # the address of a heading is that of its label, translated with the cell or by itself
    alone = shown(make, "zh", cell(make, "## Conclusion", "other"))
    for page in (soup, alone):
        assert page.main.h2["id"] == "s-结论"
        assert page.nav.a["href"] == "#s-结论"


def test_a_changed_cell_stays_english_and_says_so(make, known):
    part = shown(make, "zh", cell(make, ENGLISH + " Now.")).select_one("section.conclusion .prose")
    assert part["lang"] == "en"
    assert part.p.get_text().endswith("stays long. Now.")


def test_an_english_page_is_not_marked(make, known):
    part = shown(make, "en", cell(make, ENGLISH)).select_one("section.conclusion .prose")
    assert not part.has_attr("lang")
    assert part.h2.get_text() == "Conclusion"


def test_every_file_of_prose_is_read():
    assert {"customer_value", "churn_survival", "churn_snapshot"} <= set(translations())
