"""Every word and number as a reader sees it, in both languages."""

import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import KamError
from kamlib.glossary import (
    UNKNOWN,
    Sentence,
    Style,
    clean,
    display,
    heading,
    label,
    say,
    sentences,
    term,
)
from kamlib.show.tables import text_table

EN, ZH = Style("en", "CNY"), Style("zh", "CNY")
KINDS = (
    "money", "short", "cents", "count", "percent", "level", "ratio", "index", "score", "days",
    "date", "month", "text", "term",
)  # fmt: skip
DAY = date(2025, 12, 31)


def plain(text: str) -> str:
    """Return text with ordinary blanks."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("kind", "value", "en", "zh"),
    [
        ("money", 1_234_567.4, "1,234,567", "1,234,567"),
        ("money", -1234.5, "−1,234", "−1,234"),  # half to even, as everywhere
        ("cents", 0.769827, "0.77", "0.77"),
        ("count", 1234, "1,234", "1,234"),
        ("days", 45.2, "45", "45"),
        ("percent", 0.1234, "12.3 %", "12.3%"),
        ("percent", -0.05, "−5.0 %", "−5.0%"),
        ("level", 0.95, "95 %", "95%"),
        ("level", 0.995, "99.5 %", "99.5%"),
        ("level", 0.1, "10 %", "10%"),
        ("ratio", 0.567, "0.57", "0.57"),
        ("index", 0.0476, "0.048", "0.048"),
        ("score", 3.44, "3.4", "3.4"),
        ("date", DAY, "2025-12-31", "2025年12月31日"),
        ("date", datetime(2025, 1, 5, 23, 59), "2025-01-05", "2025年1月5日"),
        ("date", "2025-01-05", "2025-01-05", "2025年1月5日"),
        ("date", np.datetime64("2025-01-05"), "2025-01-05", "2025年1月5日"),
        ("month", DAY, "2025-12", "2025年12月"),
        ("text", "a, b", "a, b", "a, b"),
        ("term", "revenue", "Revenue", "收入"),
        ("term", "unknown", "unknown", "未知"),
        ("term", "Acme Ltd", "Acme Ltd", "Acme Ltd"),
    ],
)
def test_display(kind, value, en, zh):
    assert plain(display(value, kind, EN)) == en
    assert plain(display(value, kind, ZH)) == zh


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (999.5, "1 thousand", "1,000"),
        (1000, "1 thousand", "1,000"),
        (9994, "9.99 thousand", "9,994"),
        (9999, "10 thousand", "1 万"),
        (12_345, "12.3 thousand", "1.23 万"),
        (999_499, "999 thousand", "99.9 万"),
        (999_950, "1 million", "100 万"),
        (1_005_000, "1 million", "100 万"),  # 1.005 in binary lies below the half
        (1_234_567, "1.23 million", "123 万"),
        (9_996_000, "10 million", "1,000 万"),
        (99_940_000, "99.9 million", "9,994 万"),
        (99_960_000, "100 million", "1 亿"),
        (1_234_567_890, "1.23 billion", "12.3 亿"),
        (999_600_000_000, "1,000 billion", "9,996 亿"),
        (1_234_567_000_000, "1,235 billion", "12,346 亿"),
    ],
)
def test_shortened_money(value, en, zh):
    """Three figures, rounded before the unit is chosen: never "1,000 thousand" or "1e+03"."""
    assert plain(display(value, "short", EN)) == en
    assert plain(display(value, "short", ZH)) == zh
    if value:
        assert plain(display(-value, "short", EN)) == f"−{en}"
        assert plain(display(-value, "short", ZH)) == f"−{zh}"


@given(st.floats(min_value=-1e14, max_value=1e14), st.sampled_from(["en", "zh"]))
def test_shortened_money_is_near_the_amount(value, language):
    shown, _, unit = display(value, "short", Style(language)).partition("\u00a0")
    sizes = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8, "": 1}
    assert "e" not in shown
    read = float(shown.replace(",", "").replace("−", "-")) * sizes[unit]
    # three figures err by at most half of the third; whole numbers by a half
    assert math.isclose(read, value, rel_tol=5.1e-3, abs_tol=0.5)


@pytest.mark.parametrize("kind", ["money", "short", "count", "percent", "level", "ratio", "score"])
def test_a_minus_is_a_minus_and_never_stands_before_zero(kind):
    assert display(-1, kind, EN).startswith("−")
    assert "-" not in display(-1, kind, EN)
    assert display(-1e-9, kind, EN) == display(0, kind, EN) or kind == "level"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value",
    [
        None, math.nan, math.inf, -math.inf, pd.NaT, pd.NA, np.float64("nan"), np.float32("nan"),
        np.float32("inf"), np.datetime64("NaT"), Decimal("NaN"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_a_dash_and_never_zero(kind, value):
    assert display(value, kind, EN) == display(value, kind, ZH) == UNKNOWN


def test_numpy_numbers_are_numbers():
    assert display(np.int64(1234), "count") == "1,234"
    assert display(np.float32(0.5), "ratio") == "0.50"
    assert display(np.bool_(True), "text") == "True"


def test_an_unknown_kind_is_refused():
    with pytest.raises(KamError, match="'colour' is not a display kind"):
        display(1, "colour")


def test_a_number_and_its_unit_stay_on_one_line():
    for kind, value in (("short", 5e6), ("percent", 0.5), ("level", 0.95)):
        assert " " not in display(value, kind, EN)
    assert (
        " "
        not in say(Sentence("action.reprice", {"n": 1, "lost": 5e6, "first": "A"}), EN)
        .split("(together ")[1]
        .split(" a year")[0]
    )


# Names of columns


def test_term_names_the_nearest_column():
    assert term("revenue").unit == "money"
    with pytest.raises(KamError, match="'revnue' is not in the glossary – did you mean 'revenue'"):
        term("revnue")


@pytest.mark.parametrize(
    ("name", "style", "shown"),
    [
        ("revenue", EN, "Revenue (CNY)"),
        ("revenue", ZH, "收入（CNY）"),
        ("revenue", Style("en"), "Revenue"),
        ("revenue", Style("zh"), "收入"),
        ("name", EN, "Name"),
    ],
)
def test_label_carries_the_unit(name, style, shown):
    assert label(name, style) == shown


def test_label_translates_the_unit():
    days = next(name for name, entry in glossary.columns().items() if entry.unit == "days")
    assert label(days, EN).endswith(" (days)")
    assert label(days, ZH).endswith("（天）")


def test_heading_falls_back_to_english():
    assert heading("Largest accounts", ZH) == "最大客户"
    assert heading("Largest accounts", EN) == "Largest accounts"
    assert heading("No such heading", ZH) == "No such heading"


def test_an_estimate_is_shown_as_the_figure_that_its_term_names():
    """Column `estimate` is "by_term": a coefficient and a share stand in one column."""
    assert term("estimate").display == "by_term"
    frame = pd.DataFrame({"term": ["gini", "top_share_revenue"], "estimate": [0.672, 0.7034]})
    shown = plain(text_table(frame, "t", "", EN)).splitlines()
    assert shown[2].endswith(" 0.67")
    assert shown[3].endswith(" 70.3 %")
    shown = text_table(frame, "t", "", ZH).splitlines()
    assert shown[2].startswith("基尼系数")
    assert shown[3].endswith("70.3%")


# Hostile text

HOSTILE = "Acme" + chr(0x202E) + "\x00\x1b[31m" + chr(0x200B) + chr(0xFEFF) + chr(0xD800) + " Ltd"


def test_clean():
    assert clean(HOSTILE) == "Acme[31m Ltd"
    assert clean("大连港务集团 <b>&amp;</b> $x$ Ü") == "大连港务集团 <b>&amp;</b> $x$ Ü"
    assert clean(7) == "7"


@pytest.mark.parametrize("kind", ["text", "term"])
def test_names_are_cleaned_wherever_they_are_shown(kind):
    assert display(HOSTILE, kind) == "Acme[31m Ltd"


@given(st.text())
def test_clean_leaves_text_that_can_be_written(text):
    once = clean(text)
    assert once.encode("utf-8").decode("utf-8") == once
    assert clean(once) == once
    assert not set(once) & {"\n", "\r", "\t", "\x00", "\u202e"}


@pytest.fixture
def saying(monkeypatch):
    """Return a function that says a template of its own."""

    def said(en, zh=None, style=EN, **values):
        texts = {"en": en} | ({"zh": zh} if zh else {})
        monkeypatch.setattr(glossary, "sentences", lambda: {"a.b": texts})
        return plain(say(Sentence("a.b", values), style))

    return said


def test_values_are_no_templates(saying):
    evil = "{style} {0} {x.__class__} %s $y"
    assert saying("See {x}.", x=evil) == f"See {evil}."
    assert saying("See {x:term}.", x=evil) == f"See {evil}."


# Sentences


def test_say_shows_money_with_its_currency(saying):
    assert saying("{x:money} or {x:short}", x=1_234_567) == "CNY 1,234,567 or CNY 1.23 million"
    assert saying("{x:short}", style=Style(), x=1_234_567) == "1.23 million"
    assert saying("{x:short}", x=None) == UNKNOWN
    assert saying("a", "{x:short}", style=ZH, x=1_234_567) == "CNY 123 万"


def test_say_chooses_the_word_for_one_and_for_many(saying):
    told = "{n:count} account{n: has|s have} {m:it|them}"
    assert saying(told, n=1, m=1) == "1 account has it"
    assert saying(told, n=0, m=2) == "0 accounts have them"
    assert saying("{n:count} row{n:|s}", n=np.int64(1)) == "1 row"


def test_say_puts_sentences_into_sentences(saying):
    assert saying("So: {x}", x="a") == "So: a"
    inner = Sentence("a.b", {"x": "z"})
    assert saying("<{x}>", x=inner) == "<<z>>"


def test_say_falls_back_to_english(saying):
    assert saying("Only {n:count}", style=ZH, n=2) == "Only 2"


def test_an_unknown_sentence_names_the_nearest():
    with pytest.raises(KamError, match=r"'lorenz.nte' is not .* – did you mean 'lorenz.note'"):
        say(Sentence("lorenz.nte"))


def test_a_sentence_reads_as_english():
    assert str(Sentence("action.none")) == sentences()["action.none"]["en"]
