from __future__ import annotations

import copy
import re

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_notebook, new_output

from kamlib.report.render import render_report, study_facts

HOSTILE = "<script>alert(1)</script>"


def page(nb, **kw):
    return BeautifulSoup(render_report(nb, **kw), "html.parser")


def words(node):
    return " ".join(node.get_text(" ").split())


def test_question_is_the_only_h1_and_title_names_the_unit(make):
    nb = make.notebook(make.md("# A second title"), make.md("## Facts"))
    soup = page(nb)
    assert [h.get_text() for h in soup("h1")] == ["Who carries the business?"]
    assert [h.get_text() for h in soup("h2")] == ["A second title", "Facts"]
    assert soup.title.get_text() == "Who carries the business? – Telecom <lines>"
    assert soup.html["lang"] == "en"
    assert "The director decides with it." in words(soup.header)


def test_header_states_what_the_figures_rest_on(make):
    soup = page(make.notebook(), run_id="20261122T081500Z-3f2a9c")
    header = words(soup.header)
    assert "Telecom <lines>" in header
    assert "Period 2025-01-01 to 2025-12-31" in header
    assert "As of 2025-12-31" in header
    assert "Records 2021-01-04 to 2025-12-30" in header
    assert "Run 20261122T081500Z-3f2a9c" in header
    assert "kamlib 0.1.0, python 3.11.7" in header
    assert "transactions 18,204 18,190 3 11" in words(soup.footer)  # long, so at the end
    print_of_data = soup.header.find("span", title=make.FACTS["fingerprint"])
    assert print_of_data.get_text() == make.FACTS["fingerprint"][:12] + "…"


def test_last_header_output_counts(make):
    nb = make.notebook()
    assert "headline" in study_facts(nb)
    soup = page(nb)
    [cards] = soup.select("dl.cards")
    assert words(cards) == "Revenue CNY 48.2 million"
    assert "the study's text" not in soup.get_text()


def test_checks_that_need_attention_are_named_near_the_top_with_links(make):
    html = (
        '<ul class="kam-checks"><li class="kam-attention" id="check-cost">'
        "<strong>Needs attention</strong> Cost is unknown.</li></ul>"
    )
    checks = make.shown({"text/html": html, "text/plain": "x"}, kind="checks")
    soup = page(make.notebook(make.md("## Checks"), make.code("page.checks(c)", checks)))
    notice = soup.select_one("header .notice")
    assert "Checks that need attention: 1 of 3" in words(notice)
    assert [a["href"] for a in notice("a")] == ["#check-cost"]  # the other is nowhere on the page
    assert "Returns could not be judged." not in words(notice)  # no failure: counted apart
    assert "1 section or figure left out" in words(soup.header)
    assert "All accounts are known." not in words(notice)


def test_when_all_checks_pass_one_line_says_so(make):
    checks = [{"name": "known", "passed": True, "note": "All accounts are known."}]
    soup = page(make.notebook(published={**make.FACTS, "checks": checks}))
    assert soup.select(".notice") == []
    assert "All checks passed (1)." in words(soup.header)


def test_conclusion_comes_first_whatever_its_place(make):
    soup = page(
        make.notebook(
            make.md("## Facts\n\nSome text."),
            make.code("a = 1", make.note("A fact.")),
            make.md("## Conclusion", "conclude"),
            make.code("b = 2", make.note("The answer."), tags=("conclude",)),
        )
    )
    assert [h.get_text() for h in soup.main("h2")] == ["Conclusion", "Facts"]
    conclusion = soup.main.select_one("section.conclusion")
    assert "The answer." in words(conclusion)
    assert soup.main.find(["section", "nav"]) is conclusion
    assert [a.get_text() for a in soup.nav("a")] == ["Conclusion", "Facts"]


def test_a_conclusion_without_heading_gets_one(make):
    cell = make.code("b = 2", make.note("The answer."), tags=("conclude",))
    assert [h.get_text() for h in page(make.notebook(cell)).main("h2")] == ["Conclusion"]


def test_contents_point_at_headings_that_exist_once(make):
    soup = page(
        make.notebook(
            make.md("## Kaplan–Meier & Cox"),
            make.md("### By tier"),
            make.md("## Kaplan–Meier & Cox"),
            make.md("### 按等级"),
            make.md("## ***"),
        )
    )
    targets = [a["href"].removeprefix("#") for a in soup.nav("a")]
    assert len(targets) == 5
    assert len(set(targets)) == 5
    ids = [node["id"] for node in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


def test_tagged_cells_stay_out(make):
    soup = page(
        make.notebook(
            make.md("## Hidden", "hide"),
            make.code("secret = 1", make.note("secret note"), tags=("hide",)),
            make.md("## Shown"),
        )
    )
    assert "secret" not in str(soup.body)
    assert "open_study" not in str(soup)
    assert [h.get_text() for h in soup("h2")] == ["Shown"]


def test_code_is_closed_but_there_and_escaped(make):
    nb = make.notebook(make.md("## A"), make.code("x = '</code></pre><script>1</script>'"))
    soup = page(nb)
    details = soup.select("details.code")
    assert all(not part.has_attr("open") for part in details)
    assert "x = '</code></pre><script>1</script>'" in [c.get_text() for c in soup("code")]
    assert "business_unit = ''" in soup.get_text()


def test_figures_keep_alternative_caption_and_size(make):
    alt = f'The "curve" {HOSTILE}'
    soup = page(make.notebook(make.code("f", make.figure(alt=alt, caption="<b>How</b>"))))
    [image] = soup("img")
    assert image["alt"] == alt
    assert (image["width"], image["height"]) == ("400", "300")
    assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", image["src"])
    assert soup.figure["id"] == "figure-curve"
    assert soup.figcaption.get_text() == "<b>How</b>"


def test_a_picture_from_elsewhere_gets_an_alternative_too(make):
    output = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    [image] = page(make.notebook(make.code("f", output)))("img")
    assert image["alt"] == "Picture without a description"


def test_a_picture_that_is_no_base64_is_left_out(make):
    output = new_output("display_data", data={"image/png": '"><script>alert(1)</script>'})
    soup = page(make.notebook(make.code("f", output)))
    assert soup("img") == []
    assert len(soup("script")) == 1


def test_tables_stand_in_a_box_of_their_own(make):
    html = '<table id="table-a"><thead><tr><th scope="col">A</th></tr></thead></table>'
    table = make.shown({"text/html": html, "text/plain": "A"}, kind="table", id="a", caption='"C"')
    [box] = page(make.notebook(make.code("t", table))).select("main .table > .scroll")
    assert box["aria-label"] == '"C"'
    assert box["tabindex"] == "0"
    assert box.table["id"] == "table-a"


@pytest.mark.parametrize("kam", [{}, {"kind": "other"}, {"kind": "figure"}])
def test_html_of_unknown_origin_is_shown_as_text(make, kam):
    data = {"text/html": f"<b>raw</b>{HOSTILE}", "text/plain": "a <b> text"}
    soup = page(make.notebook(make.code("x", make.shown(data, **kam))))
    assert [pre.get_text() for pre in soup.select("pre.output")] == ["a <b> text"]
    assert "raw" not in str(soup.main)


def test_streams_and_errors_are_text_and_stderr_is_left_to_the_notebook(make):
    soup = page(
        make.notebook(
            make.code(
                "x",
                new_output("stream", name="stdout", text=f"out {HOSTILE}\n"),
                new_output("stream", name="stderr", text="FutureWarning: hidden"),
                new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: <v>"]),
            )
        )
    )
    assert [pre.get_text() for pre in soup.select("pre.output")] == [f"out {HOSTILE}", "E: <v>"]
    assert "FutureWarning" not in str(soup)


def test_a_check_shown_twice_has_one_id(make):
    html = '<ul class="kam-checks"><li id="check-cost">Cost id="check-cost"</li></ul>'
    output = make.shown({"text/html": html, "text/plain": "x"}, kind="checks")
    soup = page(make.notebook(make.code("a", output), make.code("b", output)))
    assert len(soup.select("ul.kam-checks li")) == 2
    assert len(soup.find_all(id="check-cost")) == 1


def test_a_chinese_report_has_chinese_labels_and_marks_english_prose(make):
    facts = {**make.PUBLISHED, "language": "zh", "unit_title": "电信线路"}
    soup = page(
        make.notebook(make.md("## Conclusion\n\nEnglish prose.", "conclude"), published=facts)
    )
    assert soup.html["lang"] == "zh-CN"
    assert "截至 2025年12月31日" in words(soup.header)
    heading = soup.main.h2
    assert (heading.get_text(), heading["lang"]) == ("结论", "zh-CN")
    assert heading["id"] == soup.nav.a["href"].removeprefix("#")
    assert soup.select_one("section.conclusion .prose")["lang"] == "en"


def test_a_notebook_that_says_nothing_of_itself_still_becomes_a_page(make):
    soup = page(new_notebook(cells=[make.md("# Why?"), make.md("Text."), make.code("1")]))
    assert soup.title.get_text() == "Why?"
    assert "Text." in words(soup.main)


def test_an_empty_notebook_still_becomes_a_page():
    assert len(page(new_notebook())("h1")) == 1


def test_the_notebook_is_not_changed_and_the_page_is_the_same_again(make):
    nb = make.notebook(make.md("## A"), make.code("x", make.note("n")))
    before = copy.deepcopy(nb)
    assert render_report(nb) == render_report(nb)
    assert nb == before


def test_folded_table_is_one_click_away_under_its_caption(make):
    table = '<table id="table-x"><thead><tr><th>a</th></tr></thead><tbody></tbody></table>'
    kam = {"kind": "table", "id": "x", "caption": "Long & wide", "folded": "yes"}
    output = make.shown({"text/html": table, "text/plain": "a"}, **kam)
    details = page(make.notebook(make.code("1", output))).select_one("details.more")
    assert details.summary.get_text() == "Long & wide"
    assert details.select_one("table#table-x") is not None
    assert not details.has_attr("open")
