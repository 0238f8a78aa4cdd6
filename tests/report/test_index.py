from __future__ import annotations

from bs4 import BeautifulSoup

from kamlib.report.index import render_index

HOSTILE = '"><script>alert(1)</script>'


def good(unit="telecom", as_of="2025-12-31", finished="2026-01-04T08:15:00Z", **facts):
    return {
        "status": "ok",
        "business_unit": unit,
        "study": "customer_value",
        "finished": finished,
        "href": f"{unit}/{as_of}/customer_value/report.html",
        "facts": {
            "unit_title": unit.title(),
            "as_of": as_of,
            "language": "en",
            "headline": [{"name": "r", "label": "Revenue", "text": f"CNY {as_of[:4]}"}],
            **facts,
        },
    }


def failed(unit="telecom", as_of="2025-12-31", last_good=None, finished="2026-02-01T00:00:00Z"):
    facts = {"facts": {"unit_title": unit.title(), "as_of": as_of}} if as_of else {}
    return {
        "status": "failed",
        "business_unit": unit,
        "study": "customer_value",
        "finished": finished,
        "href": f"{unit}/{as_of or 'undated'}/customer_value.failed/failure.html",
        "failure": {"kind": "timeout"},
        "last_good": last_good,
        **facts,
    }


def page(*entries):
    html = render_index(list(entries), generated="2026-04-02 09:00 UTC")
    return BeautifulSoup(html, "html.parser")


def items(soup):
    return soup.select("ul.reports > li")


def words(node):
    return " ".join(node.get_text(" ").split())


def test_no_report_says_which_command_makes_one():
    soup = page()
    assert soup.main.code.get_text() == "kam run"
    assert len(soup("h1")) == 1


def test_a_good_report_is_linked_with_date_and_headline():
    soup = page(good())
    [item] = items(soup)
    assert item["class"] == ["ok"]
    assert item.h3.a["href"] == "telecom/2025-12-31/customer_value/report.html"
    assert words(item) == (
        "Customer value Ready · As of 2025-12-31 · made 2026-01-04 08:15 UTC Revenue CNY 2025"
    )
    assert "2026-04-02 09:00 UTC" in words(soup.header)


def test_units_are_sections_in_order():
    soup = page(good("zinc"), good("alpha"))
    assert [h.get_text() for h in soup.main("h2")] == ["Alpha", "Zinc"]


def test_newest_day_is_shown_and_earlier_ones_are_linked():
    [item] = items(page(good(as_of="2025-09-30"), good(), good(as_of="2025-06-30")))
    assert item.h3.a["href"] == "telecom/2025-12-31/customer_value/report.html"
    assert words(item).endswith("Earlier: 2025-09-30 , 2025-06-30")


def test_a_failure_beside_a_good_report_makes_it_stale():
    last = good()
    [item] = items(page(last, failed(as_of="2026-03-31", last_good=last)))
    assert item["class"] == ["stale"]
    assert [a["href"] for a in item("a")] == [last["href"], failed(as_of="2026-03-31")["href"]]
    assert "took longer than its time limit" in words(item)
    assert "Earlier" not in words(item)  # the same report is not its own predecessor


def test_a_last_good_report_counts_though_it_is_not_listed_itself():
    [item] = items(page(failed(last_good=good())))
    assert item["class"] == ["stale"]
    assert "CNY 2025" in words(item)


def test_a_failure_without_any_good_report():
    [item] = items(page(failed()))
    assert item["class"] == ["failed"]
    assert item.h3.a is None
    assert [a["href"] for a in item("a")] == [failed()["href"]]


def test_a_failure_for_an_earlier_day_leaves_the_newest_report_alone():
    [item] = items(page(good(), failed(as_of="2025-06-30")))
    assert item["class"] == ["ok"]


def test_an_undated_failure_counts_by_its_time():
    before, after = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    [item] = items(page(good(), failed(as_of="", finished=before)))
    assert item["class"] == ["ok"]
    [item] = items(page(good(), failed(as_of="", finished=after)))
    assert item["class"] == ["stale"]


def test_everything_is_escaped():
    entry = good(unit_title=HOSTILE, headline=[{"name": "r", "label": HOSTILE, "text": HOSTILE}])
    soup = page(entry | {"href": f"javascript:{HOSTILE}"})
    assert len(soup("script")) == 1
    assert soup.h2.get_text() == HOSTILE
    assert soup.h3.a["href"].startswith("javascript%3A")


def test_index_is_chinese_when_all_reports_are():
    assert page(good(language="zh")).h1.get_text() == "报告"
    assert page(good(language="zh"), good("alpha")).h1.get_text() == "Reports"
