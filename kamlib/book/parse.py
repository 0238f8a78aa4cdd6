"""Turns what people type into typed columns, as Ibis expressions that run on every engine.

`parse` takes a table and returns its columns as `Parsed`: the typed value, null where it cannot be read,
and the rules that say why. No cast ever sees a text that it could refuse, so the same expression runs on
engines without `try_cast`. Columns that come typed are taken as they are, with few rules or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from kamlib.params import TableSource

# 日 stands last and has no partner, so that it falls away
_WIDE = "０１２３４５６７８９．，－＋−／：　\u00a0\u202f年月日"
_PLAIN = "0123456789.,-+-/:   --"

# Blanks beside the ordinary ones: wide, narrow and unbreakable ones, and marks that have no width
_BLANKS = "\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"

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
_MINUTES = r"[ T]+([0-9]{1,2}:[0-9]{2})"
_SECONDS = r"[ T]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2})"
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


def parse(
    table: ir.Table, targets: Mapping[str, dt.DataType], source: TableSource
) -> tuple[ir.Table, dict[str, Parsed]]:
    """Return columns of `table` read as their targets.

    Parameters
    ----------
    table
        Columns of any type, in their engine.
    targets
        Column -> String, Float64, Int64, Date, Timestamp or Boolean.
    source
        Says the decimal mark and the order of dates.

    Returns
    -------
    tuple
        `table` with helper columns added, and each column as parsed, over that table. The helpers hold
        what several expressions need, since an engine does not see that parts of a CASE are the same.

    Notes
    -----
    Blanks of every kind at the ends of a text do not count: "A01" is one account, whatever the program
    that wrote it laid around it. Blank text is unknown (null), and so is NaN; neither is a fault. Time stamps with a zone become wall
    time of the session's time zone, which the book sets to the unit's.
    """
    written = {c: kind for c, kind in targets.items() if not _is_typed(table[c].type(), kind)}
    moments = [c for c, kind in written.items() if kind.is_temporal()]
    table = _with(table, {f"{c}__text": _ascii(table[c]) for c in written})
    table = _with(table, {f"{c}__day": _day(table[f"{c}__text"], source) for c in moments})
    values = {}
    for column, kind in written.items():
        text = table[f"{column}__text"]
        if kind.is_temporal():
            values[column] = _moment(text, table[f"{column}__day"]).cast(kind)
        else:
            values[column] = _flag(text) if kind.is_boolean() else _number(text, kind, source)
    table = _with(table, {f"{c}__value": value for c, value in values.items()})
    parsed = {}
    for column, kind in targets.items():
        if column in written:
            text, value = table[f"{column}__text"], table[f"{column}__value"]
            day = table[f"{column}__day"] if column in moments else None
            why = _why(text, day, kind, source)
            parsed[column] = Parsed(value, [(value.isnull() & text.notnull(), why)])
        else:
            parsed[column] = _as_it_is(table[column], kind)
    return table, parsed


def _with(table: ir.Table, columns: Mapping[str, Any]) -> ir.Table:
    # a step without columns would still be compiled
    return table.mutate(**columns) if columns else table


def _is_typed(found: dt.DataType, target: dt.DataType) -> bool:
    """Whether a column of the type found need not be read as text."""
    if target.is_temporal():
        return bool(found.is_date() or found.is_timestamp())
    return bool(
        target.is_string()
        or (target.is_boolean() and found.is_boolean())
        or (target.is_numeric() and found.is_numeric())
    )


def _as_it_is(column: Any, target: dt.DataType) -> Parsed:
    kind = column.type()
    if target.is_string():
        return Parsed(_text(column), [])
    if target.is_temporal():
        # a zoned time stamp first becomes wall time of the session's zone
        value = column.cast("timestamp") if kind.is_timestamp() and kind.timezone else column
        far = ((value < ibis.date(1900, 1, 1)) | (value >= ibis.date(2201, 1, 1))).fill_null(False)
        return Parsed(value.cast(target), [(far, "implausible_year")])
    if target.is_boolean() or kind.is_integer():
        return Parsed(column.cast(target), [])
    number = column.cast("float64").nullif(float("nan"))
    rules: list[Rule] = [((number.abs() > _FINITE).fill_null(False), "not_a_number")]
    if target.is_integer():
        whole = _whole(number)
        rules.append((number.notnull() & whole.isnull(), "not_whole"))
        return Parsed(whole, rules)
    return Parsed(number, rules)


def _nothing() -> Any:
    return ibis.null(dt.string)


def _text(column: Any) -> Any:
    return _trimmed(_written(column))


def _ascii(column: Any) -> Any:
    return _trimmed(_written(column).translate(_WIDE, _PLAIN))


def _written(column: Any) -> Any:
    kind = column.type()
    if kind.is_floating() or (kind.is_decimal() and kind.scale):
        # identifiers that went through a spreadsheet come back as 12345.0
        number = column.cast("float64")
        finite = number.between(-_FINITE, _FINITE).ifelse(number.cast("string"), _nothing())
        column = ibis.coalesce(_whole(number).cast("string"), finite)
    return column.cast("string")


def _trimmed(text: Any) -> Any:
    """Return a text without the blanks at its ends; null where nothing else stands in it."""
    blanks = _BLANKS
    if text.get_backend().name == "postgres":
        # a server whose encoding lacks these characters takes their numbers all the same
        blanks = blanks.encode("ascii", "backslashreplace").decode()
    return text.re_replace(rf"^[\s\x0b{blanks}]+|[\s\x0b{blanks}]+$", "").nullif("")


def _whole(number: Any) -> Any:
    """Return a number as an integer; null where it has decimals or is too large to tell."""
    near = number.between(-_EXACT, _EXACT).ifelse(number, ibis.null(dt.float64))
    whole = near.cast("int64")
    return (whole == near).ifelse(whole, ibis.null(dt.int64))


def _flag(text: Any) -> Any:
    return ibis.cases(
        (text.lower().isin(["true", "t", "yes", "y", "1", "是"]), True),
        (text.lower().isin(["false", "f", "no", "n", "0", "否"]), False),
        else_=ibis.null(dt.boolean),
    )


def _number(text: Any, target: dt.DataType, source: TableSource) -> Any:
    bare = text.re_replace(r"[\s¥￥$€£元]", "")
    group, mark = (",", ".") if source.decimal == "." else (".", ",")
    readable = bare.re_search(_numbers(source))
    plain = bare.replace(group, "").replace(mark, ".")
    number = readable.ifelse(plain, _nothing()).cast("float64")
    return _whole(number) if target.is_integer() else number


def _numbers(source: TableSource) -> str:
    """Return the pattern of numbers; a group after a lone zero (0,123) is the other custom's decimal."""
    group, mark = (",", r"\.") if source.decimal == "." else (r"\.", ",")
    grouped = rf"[1-9][0-9]{{0,2}}({group}[0-9]{{3}}){{1,9}}({mark}[0-9]{{0,30}})?"
    plain = rf"([0-9]{{1,30}}({mark}[0-9]{{0,30}})?|{mark}[0-9]{{1,30}})([eE][+-]?[0-9]{{1,2}})?"
    return rf"^[+-]?({grouped}|{plain})$"


def _day(text: Any, source: TableSource) -> Any:
    """Return the day in `text` as year-month-day, perhaps none of the calendar; null where none is."""
    solid = ibis.literal("-").join([text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)])
    forms = [
        (text.re_search(_YEAR_FIRST + _TAIL),
         text.re_extract(_YEAR_FIRST, 0).re_replace("[-/. ]+", "-")),
        (text.re_search(_SOLID + _TAIL), solid),
    ]  # fmt: skip
    if source.date_order in _ORDERS:
        parts = [text.re_extract(_YEAR_LAST, at) for at in _ORDERS[source.date_order]]
        forms.append((text.re_search(_YEAR_LAST + _TAIL), ibis.literal("-").join(parts)))
    return ibis.cases(*forms, else_=_nothing())


def _is_real(day: Any) -> Any:
    return (day.re_search(_YEARS) & day.re_search(_DAY)) | day.re_search(_LEAP)


def _moment(text: Any, day: Any) -> Any:
    """Return the time stamp that `text` stands for, of which `day` is the day."""
    clocked = text.contains(":")
    usable = _is_real(day) & (~clocked | text.re_search(_CLOCK))
    clock = text.re_extract(_MINUTES, 1) + text.re_extract(_SECONDS, 1).nullif("").fill_null(":00")
    stamp = usable.ifelse(day + clocked.ifelse(ibis.literal(" ") + clock, ""), _nothing())
    zone = clocked.ifelse(text.re_extract(f":.*?{_ZONE}$", 1), "")
    # a time with a zone becomes wall time of the session's zone, as where it comes typed
    moved = (stamp + zone).cast("timestamp('UTC')").cast("timestamp")
    written = (zone != "").ifelse(moved, stamp.cast("timestamp")) + _noon(text).as_interval("h")
    serial = text.re_search(r"^[2-7][0-9]{4}(\.[0-9]{1,15})?$").ifelse(text, _nothing())
    seconds = (serial.cast("float64") * 86400).round().cast("int64")
    counted = ibis.timestamp("1899-12-30 00:00:00") + seconds.as_interval("s")
    return ibis.coalesce(written, counted)


def _noon(text: Any) -> Any:
    """Return the hours to add to a time of twelve hours: 3 PM is 15:00, 12 AM is 0:00."""
    after, twelve = text.re_search("[Pp][Mm]"), text.re_search("[ T]12:")
    before = text.re_search("[Aa][Mm]")
    return ibis.cases((after & ~twelve, 12), (before & twelve, -12), else_=0)


def _why(text: Any, day: Any, target: dt.DataType, source: TableSource) -> Any:
    """Return the code of what is wrong with a text that could not be read."""
    if target.is_boolean():
        return "not_yes_or_no"
    if target.is_floating():
        return "not_a_number"
    if target.is_integer():
        return (_number(text, dt.float64, source).notnull()).ifelse("not_whole", "not_a_number")
    last = "order_not_stated" if source.date_order == "ymd" else "no_such_day"
    return ibis.cases(
        (text.re_search(_YEAR_LAST), last),
        (text.re_search(_SHORT_YEAR), "two_digit_year"),
        (day.isnull(), "not_a_date"),
        (~day.re_search(_YEARS), "implausible_year"),
        (~_is_real(day), "no_such_day"),
        else_="no_such_time",
    )
