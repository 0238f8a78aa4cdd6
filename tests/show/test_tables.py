from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import KamError
from kamlib.glossary import Style
from kamlib.show.tables import html_table, text_table
from kamlib.show.theme import width

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a$b$c",
    "../../x",
    "Evil" + chr(0x202E) + "txt",
    "大连港务集团",
]
EN = Style("en", "CNY")


@pytest.fixture
def frame(columns):
    return pd.DataFrame(
        {
            "t_name": HOSTILE,
            "t_amount": [1234567.4, -5.0, np.nan, 0.0, 1e3, 2.0],
            "t_share": [0.123, 1.0, None, 0.0, 0.5, 0.25],
            "t_wait": pd.array([3, None, 1, 2, 0, 5], dtype="Int64"),
            "t_day": pd.to_datetime(["2025-01-31", None, *["2025-02-28"] * 4]),
            "t_key": [True, False, None, True, True, True],
        },
        index=list("abcdef"),
    )


def rows(html: str) -> list[list[ElementTree.Element]]:
    return [list(row) for row in ElementTree.fromstring(html).iter("tr")]


def test_html_is_well_formed_and_holds_hostile_names_as_text(frame):
    html = html_table(frame, "all", '<b>"caption"</b>', EN)
    names = [row[0].text for row in rows(html)[1:]]
    assert names == [*HOSTILE[:4], "Eviltxt", HOSTILE[5]]
    assert ElementTree.fromstring(html).find("caption/span").text == '<b>"caption"</b>'


def test_html_has_fixed_ids_scopes_units_and_no_inline_style(frame):
    html = html_table(frame, "all", "", EN)
    table = ElementTree.fromstring(html)
    assert [node.get("id") for node in table.iter() if node.get("id")] == ["table-all"]
    head, first, *_ = rows(html)
    assert [(cell.tag, cell.get("scope")) for cell in head] == [("th", "col")] * 6
    assert [cell.text for cell in head] == [
        "Name", "Amount (CNY)", "Share", "Wait (days)", "Day", "Key",
    ]  # fmt: skip
    assert (first[0].tag, first[0].get("scope")) == ("th", "row")
    assert "style" not in html
    assert table.find("caption") is None


def test_numbers_stand_to_the_right_in_head_and_body(frame):
    for row in rows(html_table(frame, "all", "", EN)):
        assert [cell.get("class") for cell in row] == [None, "n", "n", "n", None, None]


def test_cells_are_shown_by_the_glossary_and_carry_raw_values(frame):
    _, first, second, third, *_ = rows(html_table(frame, "all", "", EN))
    assert [(cell.text, cell.get("data-v")) for cell in first[1:]] == [
        ("1,234,567", "1234567.4"),
        ("12.3\xa0%", "0.123"),
        ("3", "3"),
        ("2025-01-31", "2025-01-31"),
        ("yes", None),
    ]
    assert [(cell.text, cell.get("data-v")) for cell in second[1:]] == [
        ("−5", "-5"),
        ("100.0\xa0%", "1"),
        ("–", ""),
        ("–", ""),
        ("no", None),
    ]
    assert [(cell.text, cell.get("data-v")) for cell in third[1:3]] == [("–", ""), ("–", "")]


def test_chinese_tables_speak_chinese(frame):
    head, first, *_ = rows(html_table(frame, "all", "", Style("zh", "CNY")))
    assert head[0].text == "名称"
    assert [cell.text for cell in first[4:]] == ["2025年1月31日", "是"]


def test_a_long_table_says_where_the_other_rows_are(frame):
    html = html_table(frame, "all", "", EN, rows=2)
    assert len(rows(html)) == 1 + 2 + 1
    foot = ElementTree.fromstring(html).find("tfoot/tr/td")
    assert foot.get("colspan") == "6"
    assert foot.find("span").text == "The first 2 of 6 rows; all of them stand in tables/all.csv."
    assert text_table(frame, "all", "", EN, rows=2).splitlines()[-1] == foot.find("span").text


def test_an_empty_table_says_so(frame):
    html = html_table(frame.head(0), "none", "", EN)
    assert ElementTree.fromstring(html).find("tfoot/tr/td/span").text == "No rows."


def test_text_is_aligned_for_eyes_that_see_chinese_twice_as_wide(frame):
    lines = text_table(frame[["t_name", "t_amount"]], "all", "Caption", EN).splitlines()
    assert lines[0] == "Caption"
    assert lines[1:3] == [
        "Name                            Amount (CNY)",
        "------------------------------  ------------",
    ]
    assert lines[3] == "<script>alert(1)</script>          1,234,567"
    assert lines[-1] == "大连港务集团                               2"
    assert {width(line) for line in lines[1:]} == {44}


def test_text_has_no_trailing_blanks_and_shortens_long_names(columns):
    frame = pd.DataFrame({"t_amount": [1.0], "t_name": ["x" * 60]})
    lines = text_table(frame, "t", "", EN).splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert lines[-1].endswith("x" * 39 + "…")


def test_a_column_that_is_not_in_the_glossary_is_refused(columns):
    with pytest.raises(KamError, match="column 't_nam' is not in the glossary – did you mean"):
        html_table(pd.DataFrame({"t_nam": [1]}), "t", "", EN)
