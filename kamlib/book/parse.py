"""Turns what people type into typed columns, as Ibis expressions that run on every engine.

`parse` takes one source column and returns `Parsed`: the typed value, null where it cannot be read, and
the rules that say why. No cast ever sees a text that it could refuse, so the same expression runs on
engines without `try_cast`. Columns that come typed are taken as they are, with few rules or none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from kamlib.params import TableSource

_WIDE = "０１２３４５６７８９．，－＋−／：　\u00a0\u202f年月"
_PLAIN = "0123456789.,-+-/:   --"
_YEARS = (1900, 2200)


Rule = tuple[Any, str]


class Parsed(NamedTuple):
    """A typed value and the rules that it can break: (expression true where broken, code)."""

    value: Any
    rules: list[Rule]


def parse(column: ir.Value, target: dt.DataType, source: TableSource) -> Parsed:
    """Return `column` read as `target`.

    Parameters
    ----------
    column
        Source column of any type.
    target
        String, Float64, Int64, Date, Timestamp or Boolean.
    source
        Says the decimal mark and the order of dates.

    Notes
    -----
    Blank text is unknown (null), not a fault. Time stamps with a zone become wall time of the
    session's time zone, which the book sets to the unit's.
    """
    if target.is_string():
        return Parsed(_text(column), [])
    if target.is_boolean():
        return _flag(column)
    if target.is_floating() or target.is_integer():
        return _number(column, target, source)
    return _moment(column, target, source)


def _nothing() -> Any:
    return ibis.null(dt.string)


def _text(column: ir.Value) -> Any:
    kind = column.type()
    if kind.is_floating():
        # identifiers that went through a spreadsheet come back as 12345.0
        whole = column == column.floor()
        column = whole.ifelse(column.cast("int64").cast("string"), column.cast("string"))
    return column.cast("string").strip().nullif("")


def _unread(column: ir.Value, value: ir.Value, code: str) -> list[Rule]:
    return [(_text(column).notnull() & value.isnull(), code)]


def _flag(column: ir.Value) -> Parsed:
    if column.type().is_boolean():
        return Parsed(column, [])
    word = _text(column).lower()
    value = ibis.cases(
        (word.isin(["true", "t", "yes", "y", "1", "是"]), True),
        (word.isin(["false", "f", "no", "n", "0", "否"]), False),
        else_=ibis.null(dt.boolean),
    )
    return Parsed(value, _unread(column, value, "not_yes_or_no"))


def _ascii(column: ir.Value) -> Any:
    return _text(column).translate(_WIDE, _PLAIN)


def _number(column: ir.Value, target: dt.DataType, source: TableSource) -> Parsed:
    if column.type().is_numeric():
        number = column.cast("float64")
    else:
        text = _ascii(column).re_replace(r"[\s¥￥$€£元]", "")
        group, mark = (",", r"\.") if source.decimal == "." else (r"\.", ",")
        grouped = text.re_search(rf"^[+-]?[0-9]{{1,3}}({group}[0-9]{{3}})+({mark}[0-9]*)?$")
        plain = text.re_search(
            rf"^[+-]?([0-9]+({mark}[0-9]*)?|{mark}[0-9]+)([eE][+-]?[0-9]{{1,2}})?$"
        )
        if source.decimal == ".":
            bare = text.replace(",", "")
        else:
            bare = text.replace(".", "").replace(",", ".")
        number = (grouped | plain).ifelse(bare, _nothing()).cast("float64")
    if column.type().is_integer():
        return Parsed(number if target.is_floating() else column.cast("int64"), [])
    # comparisons instead of isnan(): not every engine has it, and NaN sorts above all
    number = number.between(-1.7e308, 1.7e308).ifelse(number, ibis.null(dt.float64))
    rules = _unread(column, number, "not_a_number")
    if target.is_integer():
        whole = number == number.floor()
        rules.append(((~whole).fill_null(False), "not_whole"))
        number = whole.ifelse(number, ibis.null(dt.float64)).cast("int64")
    return Parsed(number, rules)


def _moment(column: ir.Value, target: dt.DataType, source: TableSource) -> Parsed:
    kind = column.type()
    if kind.is_date() or kind.is_timestamp():
        # a zoned time stamp first becomes wall time of the session's zone
        value = column.cast("timestamp") if kind.is_timestamp() and kind.timezone else column
        value = value.cast("date" if target.is_date() else "timestamp")
        return Parsed(
            value, [((~value.year().between(*_YEARS)).fill_null(False), "implausible_year")]
        )
    text = _ascii(column).re_replace(r"日", "").strip()
    first = r"^([0-9]{4})[-/. ]*([0-9]{1,2})[-/. ]*([0-9]{1,2})([ T].*)?$"
    last = r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})([ T].*)?$"
    compact = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
    separated = text.re_search(r"^[0-9]{4}[-/. ]+[0-9]{1,2}[-/. ]+[0-9]{1,2}([ T].*)?$")
    solid = text.re_search(compact)
    year_last = text.re_search(last)
    if source.date_order == "ymd":
        parts = ((separated, first, (1, 2, 3)), (solid, compact, (1, 2, 3)))
    else:
        order = (3, 2, 1) if source.date_order == "dmy" else (3, 1, 2)
        parts = (
            (separated, first, (1, 2, 3)), (solid, compact, (1, 2, 3)), (year_last, last, order)
        )  # fmt: skip
    year, month, day = (
        ibis.cases(
            *((hit, text.re_extract(pattern, groups[i])) for hit, pattern, groups in parts),
            else_=_nothing(),
        ).cast("int64")
        for i in range(3)
    )
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    longest = ibis.cases(
        (month.isin([4, 6, 9, 11]), 30), (month == 2, leap.ifelse(29, 28)), else_=31
    )
    real = month.between(1, 12) & (day >= 1) & (day <= longest) & year.between(*_YEARS)
    iso = (
        year.cast("string") + "-" + month.cast("string").lpad(2, "0")
        + "-" + day.cast("string").lpad(2, "0")
    )  # fmt: skip
    serial_text = text.re_search(r"^[2-7][0-9]{4}(\.[0-9]+)?$").ifelse(text, _nothing())
    serial = serial_text.cast("float64")
    epoch = ibis.literal("1899-12-30")
    if target.is_date():
        written = real.ifelse(iso, _nothing()).cast("date")
        counted = epoch.cast("date") + serial.floor().cast("int64").as_interval("D")
    else:
        clock = text.re_extract(r"[ T]([0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)", 1).nullif("")
        sane = clock.re_search(r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")
        stamp = iso + " " + sane.ifelse(clock, _nothing()).fill_null("00:00:00")
        usable = real & (clock.isnull() | sane)
        written = usable.ifelse(stamp, _nothing()).cast("timestamp")
        seconds = ((serial - 25569) * 86400).round().cast("int64")
        counted = seconds.as_timestamp("s").cast("timestamp")
    value = ibis.coalesce(written, counted.cast(written.type()))
    unread = value.isnull() & text.notnull()
    short_year = text.re_search(r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}$")
    rules = [
        (unread & year_last, "order_not_stated" if source.date_order == "ymd" else "no_such_day"),
        (unread & short_year, "two_digit_year"),
        (unread & (~year.between(*_YEARS)).fill_null(False), "implausible_year"),
        (unread & year.notnull(), "no_such_day"),
        (unread, "not_a_date"),
    ]
    return Parsed(value, rules)
