"""What people type, read or refused: one row per way of writing."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa
import pytest

from kamlib.book.engine import embedded
from kamlib.book.parse import parse
from kamlib.params import TableSource

NOTHING = ["", "   ", "\u3000", "\u00a0", "\u200b", "\ufeff\u2003", "\t\u202f", None]


@pytest.fixture(scope="module")
def read():
    """Return a function: values, target -> (value, code of the fault) each."""
    con = embedded("Asia/Shanghai")

    def call(values: Sequence[Any], target: str, kind: Any = None, **settings: Any) -> list[Any]:
        con.con.register("found", pa.table({"x": pa.array(values, kind or pa.string())}))
        con.create_table("numbered", con.table("found").mutate(n=ibis.row_number()), overwrite=True)
        table, parsed = parse(
            con.table("numbered"), {"x": ibis.dtype(target)}, TableSource(**settings)
        )
        value, rules = parsed["x"]
        shown = value.cast("string") if target == "timestamp" else value
        code = ibis.cases(*rules, else_=ibis.null("string")) if rules else ibis.null("string")
        rows = table.select("n", value=shown, code=code).order_by("n").to_pyarrow().to_pylist()
        assert len(rows) == len(values)
        return [(row["value"], row["code"]) for row in rows]

    return call


NUMBERS = {
    "1234": 1234.0, "-12.5": -12.5, "+7": 7.0, ".5": 0.5, "5.": 5.0,
    "1,234.00": 1234.0, "1,234,567.8": 1234567.8, "¥1,234": 1234.0, "￥99": 99.0,
    "€ 12.30": 12.3, "$-5": -5.0, "12元": 12.0, "１２３４．５": 1234.5, "－３": -3.0,
    "１，２３４": 1234.0, "−8": -8.0, "1 234.5": 1234.5, "1\u00a0234": 1234.0,
    "1e3": 1000.0, "2.5E-1": 0.25, "0": 0.0, "007": 7.0, "  42 ": 42.0,
}  # fmt: skip


def test_numbers_are_read(read):
    assert dict(zip(NUMBERS, read([*NUMBERS], "float64"), strict=True)) == {
        text: (number, None) for text, number in NUMBERS.items()
    }


NO_NUMBERS = [
    "abc", "12a", "1,23", "1,2345", "12,34,567", "1.234.567", "0,123", "1..2", "--1", "-", ".",
    "e5", "1e999", "9" * 400, "nan", "inf", "NULL", "12%", "(5)", "2024-01-05", "=1+1",
    "0x10", "1_000",
]  # fmt: skip


def test_what_is_no_number_is_refused(read):
    found = dict(zip(NO_NUMBERS, read(NO_NUMBERS, "float64"), strict=True))
    assert found == dict.fromkeys(NO_NUMBERS, (None, "not_a_number"))


def test_a_decimal_comma_where_the_column_map_says_so(read):
    texts = ["1.234,00", "1234,5", "1.234.567,89", "-3", "0,123", "1.234", "1,234.00", "1234.5"]
    # 1.234 is a thousand and more here; 1234.5 and 1,234.00 are of the other custom
    expected = [1234.0, 1234.5, 1234567.89, -3.0, 0.123, 1234.0, None, None]
    found = read(texts, "float64", decimal=",")
    assert [value for value, _ in found] == expected
    assert [code for _, code in found] == [None] * 6 + ["not_a_number"] * 2


def test_whole_numbers(read):
    found = read(["3", "3.0", "1,234", "3.5", "x", "1e17"], "int64")
    assert found == [
        (3, None), (3, None), (1234, None), (None, "not_whole"), (None, "not_a_number"),
        (None, "not_whole"),
    ]  # fmt: skip


def test_whole_numbers_that_come_typed(read):
    assert read([2.0, 2.5, None], "int64", pa.float64()) == [
        (2, None),
        (None, "not_whole"),
        (None, None),
    ]
    assert read([7, None], "int64", pa.int32()) == [(7, None), (None, None)]


def test_numbers_that_come_typed(read):
    nan, inf = float("nan"), float("inf")
    # NaN is how many programs write "unknown"; infinity is a slip
    assert read([1.5, nan, None], "float64", pa.float64()) == [
        (1.5, None),
        (None, None),
        (None, None),
    ]
    assert [code for _, code in read([inf, -inf], "float64", pa.float64())] == ["not_a_number"] * 2
    assert read([3], "float64", pa.int64()) == [(3.0, None)]
    assert read([pd.Timestamp("2024-01-05")], "float64", pa.timestamp("us")) == [
        (None, "not_a_number")
    ]


DAYS = {
    "2024-01-05": date(2024, 1, 5), "2024/1/5": date(2024, 1, 5),
    "2024.1.5": date(2024, 1, 5), "20240105": date(2024, 1, 5),
    "2024年1月5日": date(2024, 1, 5), "２０２４－０１－０５": date(2024, 1, 5),
    " 2024-01-05 ": date(2024, 1, 5), "2024-02-29": date(2024, 2, 29),
    "2000-02-29": date(2000, 2, 29), "2024-01-05 23:59:59": date(2024, 1, 5),
    "2024-01-05T10:00": date(2024, 1, 5), "1900-01-01": date(1900, 1, 1),
    "2200-12-31": date(2200, 12, 31),
    # Excel counts days from 1899-12-30: 45,296 days later is 2024-01-05
    "45296": date(2024, 1, 5), "45296.75": date(2024, 1, 5),
}  # fmt: skip


def test_days_are_read(read):
    assert dict(zip(DAYS, read([*DAYS], "date"), strict=True)) == {
        text: (day, None) for text, day in DAYS.items()
    }


NO_DAYS = {
    "01/02/2024": "order_not_stated", "1.2.2024": "order_not_stated",
    "31/12/2024": "order_not_stated", "24-01-05": "two_digit_year",
    "01/02/24": "two_digit_year", "05.01.24 10:00": "two_digit_year",
    "2024-13-01": "no_such_day", "2024-02-30": "no_such_day",
    "2023-02-29": "no_such_day", "1900-02-29": "no_such_day",
    "2024-04-31": "no_such_day", "2024-00-10": "no_such_day",
    "2024-01-00": "no_such_day", "1899-12-31": "implausible_year",
    "2201-01-01": "implausible_year", "0024-01-05": "implausible_year",
    "2024-01-05 25:00": "no_such_time", "2024-01-05 10:61": "no_such_time",
    "2024-01-05 13:00 PM": "no_such_time", "hello": "not_a_date",
    "2024-01-05 hello": "not_a_date", "2024-01-05 to 2024-02-05": "not_a_date",
    "2024-01": "not_a_date", "12345": "not_a_date", "99999": "not_a_date",
    "2024": "not_a_date", "=TODAY()": "not_a_date",
}  # fmt: skip


def test_what_is_no_day_is_refused_with_the_reason(read):
    assert dict(zip(NO_DAYS, read([*NO_DAYS], "date"), strict=True)) == {
        text: (None, code) for text, code in NO_DAYS.items()
    }


def test_the_order_of_day_and_month_where_it_is_stated(read):
    texts = ["05/01/2024", "5.1.2024 10:00", "2024-01-05", "31/12/2024", "12/31/2024", "1/5/24"]
    fifth, last = date(2024, 1, 5), date(2024, 12, 31)
    assert read(texts, "date", date_order="dmy") == [
        (fifth, None), (fifth, None), (fifth, None), (last, None), (None, "no_such_day"),
        (None, "two_digit_year"),
    ]  # fmt: skip
    # the same texts read the American way: 05/01 is the first of May
    assert read(texts, "date", date_order="mdy") == [
        (date(2024, 5, 1), None), (date(2024, 5, 1), None), (fifth, None), (None, "no_such_day"),
        (last, None), (None, "two_digit_year"),
    ]  # fmt: skip


TIMES = {
    "2024-01-05": "2024-01-05 00:00:00", "2024-01-05 9:30": "2024-01-05 09:30:00",
    "2024-01-05T09:30:15": "2024-01-05 09:30:15",
    "2024-01-05 09:30:15.250": "2024-01-05 09:30:15",
    "2024-01-05 3:30 PM": "2024-01-05 15:30:00", "2024-01-05 12:05am": "2024-01-05 00:05:00",
    "2024-01-05 12:05 PM": "2024-01-05 12:05:00",
    "45296.75": "2024-01-05 18:00:00",  # three quarters of a day
    # Shanghai is eight hours ahead of UTC and seven of Berlin in winter
    "2024-01-05T20:00:00Z": "2024-01-06 04:00:00",
    "2024-01-05 20:00:00+01:00": "2024-01-06 03:00:00",
    "2024-01-05 8:00 PM +00": "2024-01-06 04:00:00",
}  # fmt: skip


def test_times_are_read(read):
    assert dict(zip(TIMES, read([*TIMES], "timestamp"), strict=True)) == {
        text: (moment, None) for text, moment in TIMES.items()
    }


def test_a_day_with_a_zone_is_the_day_in_the_unit_s_zone(read):
    # 20:00 in London is four o'clock the next morning in Shanghai
    assert read(["2024-01-05T20:00:00Z"], "date") == [(date(2024, 1, 6), None)]
    zoned = pa.timestamp("us", "UTC")
    assert read([datetime(2024, 1, 5, 20)], "date", zoned) == [(date(2024, 1, 6), None)]
    assert read([datetime(2024, 1, 5, 20)], "date", pa.timestamp("us")) == [
        (date(2024, 1, 5), None)
    ]


def test_days_that_come_typed(read):
    days = [date(2024, 1, 5), date(1899, 12, 31), date(2201, 1, 1), None]
    found = read(days, "date", pa.date32())
    assert [code for _, code in found] == [None, "implausible_year", "implausible_year", None]
    assert found[0][0] == date(2024, 1, 5)
    # a spreadsheet's number in a typed column
    assert read([45296], "date", pa.int64()) == [(date(2024, 1, 5), None)]
    assert read([45296.0], "date", pa.float64()) == [(date(2024, 1, 5), None)]
    assert read([20240105], "date", pa.int64()) == [(date(2024, 1, 5), None)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["true", "Yes", "1", "是", "Y", "T"], True),
        (["false", "NO", "0", "否", "n", "F"], False),
    ],
)
def test_flags_are_read(read, texts, expected):
    assert read(texts, "boolean") == [(expected, None)] * len(texts)


def test_flags_are_refused(read):
    assert read(["perhaps", "2"], "boolean") == [(None, "not_yes_or_no")] * 2
    assert read([True, None], "boolean", pa.bool_()) == [(True, None), (None, None)]
    assert read([1, 0, 2], "boolean", pa.int64()) == [
        (True, None),
        (False, None),
        (None, "not_yes_or_no"),
    ]


def test_text_is_trimmed_and_blank_text_is_unknown(read):
    assert read([" A1 ", "", "  ", None, "0012"], "string") == [
        ("A1", None), (None, None), (None, None), (None, None), ("0012", None),
    ]  # fmt: skip


def test_blanks_that_nobody_sees_are_trimmed_at_the_ends_alone(read):
    texts = ["\u00a0A 1", "A 1\u3000\u3000", "\ufeffA 1", "\u200bA 1\u200b \u2009", "\x0b\tA 1\n"]
    assert read(texts, "string") == [("A 1", None)] * len(texts)
    inside = ["A\u00a01", "A\u30001"]
    assert read(inside, "string") == [(text, None) for text in inside]


def test_identifiers_that_went_through_a_spreadsheet(read):
    values = [12345.0, 17.5, 1e20, float("nan"), None]
    found = [value for value, _ in read(values, "string", pa.float64())]
    assert found == ["12345", "17.5", "1e+20", None, None]
    assert read([12345], "string", pa.int64()) == [("12345", None)]
    # an identifier of twenty digits must not pass through a float, which holds sixteen
    long = "12345678901234567890"
    assert read([Decimal(long)], "string", pa.decimal128(20, 0)) == [(long, None)]
    assert read([Decimal("7.00")], "string", pa.decimal128(9, 2)) == [("7", None)]


@pytest.mark.parametrize("target", ["string", "float64", "int64", "boolean", "date", "timestamp"])
def test_blank_is_unknown_and_no_fault(read, target):
    assert read(NOTHING, target) == [(None, None)] * len(NOTHING)


@pytest.mark.parametrize("target", ["float64", "int64", "boolean", "date", "timestamp"])
def test_every_text_is_read_or_refused_never_both_nor_neither(read, target):
    """A value without a fault, or a fault without a value: so that no row falls between."""
    nasty = [
    "NaN", "\t", "1e308", "-0", "0000-00-00", "9999-99-99", "24:00", "45296.999999999",
    "2024-01-05 24:00", "é", "'", '"', ";--", "\x00", "1" * 5000, "🙂", "2024-1-1-1",
    "2024-01-05 10:00:00 +25:00", "00", "-", "..", "1.5e+3", "٣", "2024-01-05 ", "TRUE ", "是",
    ]  # fmt: skip
    for text, (value, code) in zip(nasty, read(nasty, target), strict=True):
        blank = not text.strip()
        assert (value is None) == (code is not None or blank), (text, value, code)


def test_what_is_parsed_stays_in_the_engine():
    """The helper columns keep the statement small: an engine must not work out a text a hundredfold."""
    table = embedded("UTC").create_table("t", schema={"x": "string"})
    read_, parsed = parse(table, {"x": dt.date}, TableSource())
    statement = ibis.to_sql(read_.select(value=parsed["x"].value, bad=parsed["x"].rules[0][0]))
    assert len(statement) < 10_000
