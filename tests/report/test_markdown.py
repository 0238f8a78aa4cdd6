from __future__ import annotations

import pytest

from kamlib.glossary import Style
from kamlib.report.markdown import Heading, Prose


def html(source: str) -> str:
    return Prose(Style()).html(source)[0]


def test_headings_are_found_with_the_ids_that_stand_in_the_html():
    prose = Prose(Style())
    out, headings = prose.html("## Kaplan–Meier & *Cox*\n\ntext\n\n### Next")
    assert headings == [
        Heading(2, "s-kaplan-meier-cox", "Kaplan–Meier & Cox"),
        Heading(3, "s-next", "Next"),
    ]
    assert '<h2 id="s-kaplan-meier-cox">Kaplan–Meier &amp; <em>Cox</em></h2>' in out
    assert '<h3 id="s-next">Next</h3>' in out


def test_the_same_heading_gets_another_id_in_another_cell():
    prose = Prose(Style())
    anchors = [prose.html("## Same")[1][0].anchor for _ in range(3)]
    assert anchors == ["s-same", "s-same--2", "s-same--3"]


def test_the_first_h1_is_the_question():
    prose = Prose(Style())
    out, headings = prose.html("# Who & why?\n\nText.")
    assert prose.question == "Who & why?"
    assert out == "<p>Text.</p>\n"
    assert headings == []


def test_dollars_are_money_and_not_mathematics():
    assert html("from $5 to $7, $x_1$") == "<p>from $5 to $7, $x_1$</p>\n"


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)>",
        "<div onclick='x()'>block</div>",
    ],
)
def test_raw_html_is_text(source):
    out = html(source)
    assert "<script" not in out
    assert "<img" not in out
    assert "<div" not in out


def test_links_keep_to_the_web():
    assert '<a href="https://example.org">' in html("[a](https://example.org)")
    assert "javascript" not in html("[a](javascript:alert(1))")


def test_pictures_from_elsewhere_become_their_words():
    assert html("![a map](http://example.org/x.png)") == "<p>a map</p>\n"
    assert html("![](data:image/png;base64,AAAA)") == (
        '<p><img src="data:image/png;base64,AAAA" alt="Picture without a description" /></p>\n'
    )


def test_tables_are_boxed_and_aligned_without_inline_style():
    out = html("| a | b |\n|:--|--:|\n| x | 1 |\n")
    assert out.startswith('<div class="scroll" tabindex="0"><table>')
    assert '<td class="n">1</td>' in out
    assert "style" not in out
