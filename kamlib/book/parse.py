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

# 日 stands last and has no partner, so that it falls away
_WIDE = "０１２３４５６７８９．，－＋−／：　\u00a0\u202f年月日"
_PLAIN = "0123456789.,-+-/:   --"

# A day as people write it, then nothing or a time of day
_TAIL = r"([ T]+[0-9]{1,2}:.*)?$"
_YEAR_FIRST = r"^[0-9]{4}[-/. ]+[0-9]{1,2}[-/. ]+[0-9]{1,2}"
_YEAR_LAST = r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})"
_SOLID = r"^[0-9]{8}"
_SHORT_YEAR = r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}( .*)?$"
_ORDERS = {"dmy": (3, 2, 1), "mdy": (3, 1, 2)}

# The calendar as patterns over year-month-day, since an engine refuses to cast a day that is none
_YEARS = r"^((19|20|21)[0-9]{2}|2200)-"
_LEAP = r"^([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-0?2-29$"
_DAY = (
    r"-((0?[13578]|1[02])-(0?[1-9]|[12][0-9]|3[01])|(0?[469]|11)-(0?[1-9]|[12][0-9]|30)"
    r"|0?2-(0?[1-9]|1[0-9]|2[0-8]))$"
)
_ZONE = r"(Z|[+-](0[0-9]|1[0-4])(:[0-5][0-9])?)"
_CLOCK = (
    r"[ T]+(([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?"
    rf"|(0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?[AaPp][Mm])( ?{_ZONE})?$"
)

# largest float that is certain to be a finite number, and the largest whose whole part is exact
_FINITE, _EXACT = 1.7e308, 9.0e15


Rule = tuple[Any, Any]


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
    Blank text is unknown (null), and so is NaN; neither is a fault. Time stamps with a zone become wall
    time of the session's time zone, which the book sets to the unit's.
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


def _text(column: Any) -> Any:
    kind = column.type()
    if kind.is_floating() or (kind.is_decimal() and kind.scale):
        # identifiers that went through a spreadsheet come back as 12345.0
        number = _finite(column.cast("float64"))
        whole = number.between(-_EXACT, _EXACT).ifelse(number, ibis.null(dt.float64)).cast("int64")
        column = (whole == number).fill_null(False).ifelse(
            whole.cast("string"), number.cast("string")
        )  # fmt: skip
    return column.cast("string").strip().nullif("")


def _finite(number: Any) -> Any:
    return number.between(-_FINITE, _FINITE).ifelse(number, ibis.null(dt.float64))


def _flag(column: Any) -> Parsed:
    if column.type().is_boolean():
        return Parsed(column, [])
    word = _text(column).lower()
    value = ibis.cases(
        (word.isin(["true", "t", "yes", "y", "1", "是"]), True),
        (word.isin(["false", "f", "no", "n", "0", "否"]), False),
        else_=ibis.null(dt.boolean),
    )
    return Parsed(value, [(word.notnull() & value.isnull(), "not_yes_or_no")])


def _ascii(column: Any) -> Any:
    return _text(column).translate(_WIDE, _PLAIN).strip()


def _number(column: Any, target: dt.DataType, source: TableSource) -> Parsed:
    kind = column.type()
    rules: list[Rule] = []
    if kind.is_integer():
        return Parsed(column.cast(target), rules)
    if kind.is_numeric():
        number = column.cast("float64")
        if kind.is_floating():
            number = number.nullif(float("nan"))
            rules.append(((number.abs() > _FINITE).fill_null(False), "not_a_number"))
    else:
        text = _ascii(column).re_replace(r"[\s¥￥$€£元]", "")
        group, mark = (",", r"\.") if source.decimal == "." else (r"\.", ",")
        # a group of digits after a lone zero (0,123) is a decimal of the other custom
        readable = text.re_search(
            rf"^[+-]?([1-9][0-9]{{0,2}}({group}[0-9]{{3}}){{1,9}}({mark}[0-9]{{0,30}})?"
            rf"|([0-9]{{1,30}}({mark}[0-9]{{0,30}})?|{mark}[0-9]{{1,30}})([eE][+-]?[0-9]{{1,2}})?)$"
        )
        bare = text.replace("," if source.decimal == "." else ".", "").replace(",", ".")
        number = readable.ifelse(bare, _nothing()).cast("float64")
        rules.append((_text(column).notnull() & number.isnull(), "not_a_number"))
    if target.is_integer():
        exact = number.between(-_EXACT, _EXACT).ifelse(number, ibis.null(dt.float64))
        whole = exact.cast("int64")
        rules.append((number.notnull() & (whole != exact).fill_null(True), "not_whole"))
        number = (whole == exact).ifelse(whole, ibis.null(dt.int64))
    return Parsed(number, rules)


def _moment(column: Any, target: dt.DataType, source: TableSource) -> Parsed:
    kind = column.type()
    wanted = "date" if target.is_date() else "timestamp"
    if kind.is_date() or kind.is_timestamp():
        # a zoned time stamp first becomes wall time of the session's zone
        value = column.cast("timestamp") if kind.is_timestamp() and kind.timezone else column
        far = ((value < ibis.date(1900, 1, 1)) | (value >= ibis.date(2201, 1, 1))).fill_null(False)
        return Parsed(value.cast(wanted), [(far, "implausible_year")])
    text = _ascii(column)
    day = _day(text, source.date_order)
    real = (day.re_search(_YEARS) & day.re_search(_DAY)) | day.re_search(_LEAP)
    clocked = text.contains(":")
    usable = real & (~clocked | text.re_search(_CLOCK))
    clock = text.re_extract(r"[ T]+([0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)", 1)
    stamp = usable.ifelse(day + clocked.ifelse(ibis.literal(" ") + clock, ""), _nothing())
    zone = clocked.ifelse(text.re_extract(f":.*?{_ZONE}$", 1), "")
    # a time with a zone becomes wall time of the session's zone, as above
    moved = (stamp + zone).cast("timestamp('UTC')").cast("timestamp")
    written = (zone != "").ifelse(moved, stamp.cast("timestamp")) + _noon(text).as_interval("h")
    serial = text.re_search(r"^[2-7][0-9]{4}(\.[0-9]{1,15})?$").ifelse(text, _nothing())
    seconds = (serial.cast("float64") * 86400).round().cast("int64")
    counted = ibis.timestamp("1899-12-30 00:00:00") + seconds.as_interval("s")
    value = ibis.coalesce(written, counted).cast(wanted)
    unread = value.isnull() & text.notnull()
    why = ibis.cases(
        (text.re_search(_YEAR_LAST),
         "order_not_stated" if source.date_order == "ymd" else "no_such_day"),
        (text.re_search(_SHORT_YEAR), "two_digit_year"),
        (day.isnull(), "not_a_date"),
        (~day.re_search(_YEARS), "implausible_year"),
        (~real, "no_such_day"),
        else_="no_such_time",
    )  # fmt: skip
    return Parsed(value, [(unread, why)])


def _day(text: Any, order: str) -> Any:
    """Return the day in `text` as year-month-day, perhaps none of the calendar; null where none is."""
    solid = ibis.literal("-").join([text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)])
    forms = [
        (text.re_search(_YEAR_FIRST + _TAIL),
         text.re_extract(_YEAR_FIRST, 0).re_replace("[-/. ]+", "-")),
        (text.re_search(_SOLID + _TAIL), solid),
    ]  # fmt: skip
    if order in _ORDERS:
        parts = [text.re_extract(_YEAR_LAST, at) for at in _ORDERS[order]]
        forms.append((text.re_search(_YEAR_LAST + _TAIL), ibis.literal("-").join(parts)))
    return ibis.cases(*forms, else_=_nothing())


def _noon(text: Any) -> Any:
    """Return the hours to add to a time of twelve hours: 3 PM is 15:00, 12 AM is 0:00."""
    after, twelve = text.re_search("[Pp][Mm]"), text.re_search("[ T]12:")
    before = text.re_search("[Aa][Mm]")
    return ibis.cases((after & ~twelve, 12), (before & twelve, -12), else_=0)
