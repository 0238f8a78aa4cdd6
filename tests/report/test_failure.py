from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from kamlib.glossary import Style, sentences
from kamlib.report.failure import render_failure

KINDS = (
    "cell-error", "timeout", "kernel-died", "stopped-early", "parameters", "data", "disk-full",
    "runner-error",
)  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


def manifest(**failure):
    return {
        "status": "failed",
        "run_id": "r1",
        "business_unit": "telecom_lines",
        "study": "customer_value",
        "finished": "2026-04-02T08:00:59Z",
        "failure": {"kind": "data", **failure},
    }


def page(given, style=None, last_good=None):
    html = render_failure(given, style=style or Style(), last_good=last_good)
    return BeautifulSoup(html, "html.parser")


def words(node):
    return " ".join(node.get_text(" ").split())


def test_page_says_what_failed_where_and_when():
    soup = page(manifest(heading="What was read", faults=["One fault.", "Another fault."]))
    assert [h.get_text() for h in soup("h1")] == ["No new report: Customer value, telecom_lines"]
    assert "The records of the business unit cannot be read." in words(soup.main)
    assert "It stopped in the section" not in words(soup.main)  # the records are at fault
    study = page(manifest(kind="cell-error", heading="What was read"))
    assert "It stopped in the section “What was read”." in words(study.main)
    assert [item.get_text() for item in soup.main("li")] == ["One fault.", "Another fault."]
    assert "2026-04-02 08:00 UTC" in words(soup.header)


def test_unit_is_named_as_its_readers_know_it():
    facts = {"unit_title": "Telecom lines", "as_of": "2026-03-31"}
    soup = page(manifest() | {"facts": facts})
    assert soup.h1.get_text() == "No new report: Customer value, Telecom lines"
    assert "As of 2026-03-31" in words(soup.header)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_has_its_own_words_and_advice(kind, language):
    said = words(page(manifest(kind=kind), Style(language)).main)
    key = kind.replace("-", "_")
    assert sentences()[f"report_happened.{key}"][language] in said
    assert sentences()[f"report_advice.{key}"][language] in said


def test_an_unknown_kind_is_a_fault_of_the_run():
    said = words(page(manifest(kind="new-kind")).main)
    assert sentences()["report_happened.runner_error"]["en"] in said


def test_the_last_good_report_is_linked():
    soup = page(manifest(), last_good="../../2025-12-31/customer_value/report.html")
    assert soup.main.a["href"] == "../../2025-12-31/customer_value/report.html"
    assert page(manifest()).main.a is None


def test_traceback_is_one_click_away():
    soup = page(manifest(ename="ValueError", evalue="bad", traceback="Traceback:\nValueError: bad"))
    [details] = soup("details")
    assert not details.has_attr("open")
    assert details.pre.get_text() == "Traceback:\nValueError: bad"


def test_without_traceback_the_error_itself_stands_there():
    assert page(manifest(ename="E", evalue="v")).details.pre.get_text() == "E: v"
    assert page(manifest()).details is None


def test_everything_is_escaped():
    given = manifest(heading=HOSTILE, faults=[HOSTILE], traceback=HOSTILE)
    given |= {"business_unit": HOSTILE, "facts": {"unit_title": HOSTILE}}
    soup = page(given, last_good='javascript:alert(1)"><script>')
    assert len(soup("script")) == 1
    assert soup.main.li.get_text() == HOSTILE
    assert soup.main.a["href"].startswith("javascript%3A")


def test_a_bare_manifest_is_enough():
    given = {"business_unit": "u", "study": "s", "status": "failed"}
    assert page(given).h1.get_text() == "No new report: S, u"
