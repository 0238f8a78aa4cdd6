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
_YEARS = (1900, 2200)
_YEAR_FIRST = r"^([0-9]{4})[-/. ]+([0-9]{1,2})[-/. ]+([0-9]{1,2})"
_YEAR_LAST = r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})"
_SOLID = r"^([0-9]{4})([0-9]{2})([0-9]{2})"
_CLOCK = (
    r"[ T]+([0-9]{1,2}):([0-9]{2})(:([0-9]{2})([.,][0-9]+)?)?"
    r"( ?([AaPp])[Mm])?( ?(Z|[+-][0-9]{2}(:[0-9]{2})?))?$"
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
        low, high = (ibis.date(year, 1, 1) for year in (_YEARS[0], _YEARS[1] + 1))
        far = ((value < low) | (value >= high)).fill_null(False)
        return Parsed(value.cast(wanted), [(far, "implausible_year")])
    text = _ascii(column)
    year_first, year_last = text.re_search(_YEAR_FIRST), text.re_search(_YEAR_LAST)
    orders = {"dmy": (3, 2, 1), "mdy": (3, 1, 2)}
    forms = [(year_first, _YEAR_FIRST, (1, 2, 3)), (text.re_search(_SOLID), _SOLID, (1, 2, 3))]
    if source.date_order in orders:
        forms.append((year_last, _YEAR_LAST, orders[source.date_order]))
    year, month, day = (
        ibis.cases(*((hit, text.re_extract(form, at[i])) for hit, form, at in forms),
                   else_=_nothing()).cast("int64")
        for i in range(3)
    )  # fmt: skip
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    longest = ibis.cases(
        (month.isin([4, 6, 9, 11]), 30), (month == 2, leap.ifelse(29, 28)), else_=31
    )
    real = month.between(1, 12) & (day >= 1) & (day <= longest) & year.between(*_YEARS)
    # what follows the date must be nothing or a time of day
    alone = ibis.or_(*(text.re_search(f"{form}$") for _, form, _ in forms))
    clocked = ibis.or_(*(text.re_search(form + _CLOCK) for _, form, _ in forms))
    clock = _clock(clocked.ifelse(text, _nothing()))
    usable = real & (alone | clock.notnull())
    stamp = _joined("-", year, month, day) + clock.fill_null(" 00:00:00")
    stamp = usable.ifelse(stamp, _nothing())
    zoned = clocked & text.re_search(r":.*(Z|[+-][0-9:]+)$")
    written = zoned.ifelse(
        stamp.cast("timestamp('UTC')").cast("timestamp"), stamp.cast("timestamp")
    )
    serial = text.re_search(r"^[2-7][0-9]{4}(\.[0-9]{1,15})?$").ifelse(text, _nothing())
    seconds = (serial.cast("float64") * 86400).round().cast("int64")
    counted = ibis.timestamp("1899-12-30 00:00:00") + seconds.as_interval("s")
    value = ibis.coalesce(written, counted).cast(wanted)
    unread = value.isnull() & text.notnull()
    why = ibis.cases(
        (year_last, "order_not_stated" if source.date_order == "ymd" else "no_such_day"),
        (text.re_search(r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}( .*)?$"), "two_digit_year"),
        (~(alone | clocked), "not_a_date"),
        (~year.between(*_YEARS), "implausible_year"),
        (~real, "no_such_day"),
        else_="no_such_time",
    )
    return Parsed(value, [(unread, why)])


def _joined(mark: str, *parts: Any) -> Any:
    """Return whole numbers as text of two digits or more, with `mark` between them."""
    written = [part.cast("string") for part in parts]
    padded = [(text.length() < 2).ifelse(ibis.literal("0") + text, text) for text in written]
    total = padded[0]
    for text in padded[1:]:
        total = total + mark + text
    return total


def _clock(text: Any) -> Any:
    """Return the time of day in `text` as " HH:MM:SS" with its zone; null where there is none."""
    hour, minute, half, zone = (
        text.re_extract(_CLOCK, group) for group in (1, 2, 7, 9)
    )  # fmt: skip
    second = text.re_extract(_CLOCK, 4).nullif("").fill_null("0")
    hour, minute, second = hour.cast("int64"), minute.cast("int64"), second.cast("int64")
    half = half.nullif("").lower()
    sane = (minute < 60) & (second < 60) & half.isnull().ifelse(hour < 24, hour.between(1, 12))
    hour = half.isnull().ifelse(hour, hour % 12 + (half == "p").ifelse(12, 0))
    clock = ibis.literal(" ") + _joined(":", hour, minute, second) + zone.fill_null("")
    return sane.ifelse(clock, _nothing())
