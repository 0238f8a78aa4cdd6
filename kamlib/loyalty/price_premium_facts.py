"""Facts of price and service: what each account paid of the list price in a year, and how it was served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import attributes, latest, owner, period
from kamlib.book import Book
from kamlib.loyalty.economics_facts import whole_years

HOUR = 3600.0
_LIMITS = ("tier", "role", "stage", "kind", "severity")
_LINES = 10
_KEY = ["account_id", "years_ago"]


@dataclass(frozen=True, slots=True, eq=False)
class PremiumFacts:
    """Accounts by year with a list price and a service record.

    Attributes
    ----------
    rows
        One row per account and year: `account_id`, `year_ends_on`, `price_realisation` (Σ net ÷ Σ list),
        `listed` (money at list prices), `tier` (before the year; "": none), `kept_share` (share of cases
        answered within the standard), `response_hours` (median), `complaint_share` (complaints ÷ cases),
        `n_visits`, `n_cases`; null: not known.
    mix
        Share of each product line in the year's list value, in the order of `rows`; the largest line is
        left out, and lines beyond ten count together. No columns where product lines are not known.
    has_list, has_service
        Whether the unit records list prices, and service events or visits.
    has_standards
        Whether a first response is promised for any case.
    """

    rows: pd.DataFrame
    mix: pd.DataFrame
    has_list: bool
    has_service: bool
    has_standards: bool


def price_premium_facts(book: Book) -> PremiumFacts:
    """Return price and service of each account in each whole year up to the last evaluation date."""
    found = period(book)
    years = whole_years(found.records.start, found.current.end)
    served = book.has("service_events") or book.has("visits")
    listed = book.has("transactions", "list_amount")
    if not (served and listed and years):
        return PremiumFacts(pd.DataFrame(), pd.DataFrame(), listed, served, False)
    end, n = found.current.end, len(years)
    rows = _frame(prices(book, end, n))
    promised = False
    if book.has("service_events"):
        cases = answered(book, end, n)
        rows = rows.merge(_frame(by_year(cases)), on=_KEY, how="left")
        promised = bool(rows["kept_share"].notna().any())
    if book.has("visits"):
        rows = rows.merge(_frame(visited(book, end, n)), on=_KEY, how="left")
        # the unit records visits, and none to this account
        rows["n_visits"] = rows["n_visits"].fillna(0.0)
    rows = rows.reindex(columns=list(dict.fromkeys([*rows.columns, *_UNKNOWN])))
    ends = {k: pd.Timestamp(year.end) for k, year in enumerate(years)}
    rows["year_ends_on"] = rows["years_ago"].map(ends)
    rows["tier"] = rows["tier"].fillna("").astype(str)
    rows = rows.sort_values(_KEY, ignore_index=True)
    mix = _mix(book, end, n, rows)
    return PremiumFacts(rows.drop(columns="years_ago"), mix, listed, served, promised)


_UNKNOWN = ("kept_share", "response_hours", "complaint_share", "n_cases", "n_visits")


def prices(book: Book, end: date, n_years: int) -> ir.Table:
    """Return what accounts paid of the list price in each year, and their tier before it.

    Returns
    -------
    Table
        One row per account and year with a positive list value: `account_id`, `years_ago`, `listed`,
        `price_realisation`, `tier` (the last one decided, and told, before the year; null: none).
    """
    lines = _of_years(owner(book, book["transactions"]), "date", end, n_years)
    lines = lines.filter(lines.list_amount.notnull())
    sums = lines.group_by(*_KEY).agg(listed=lines.list_amount.sum(), net=lines.amount.sum())
    sums = sums.filter(sums.listed > 0)
    begin = (ibis.date(end) - (12 * (sums.years_ago + 1)).as_interval("M")).cast("date")
    sums = sums.mutate(price_realisation=sums.net / sums.listed, begin=begin)
    decided = owner(book, book["tier_decisions"])
    told = ibis.greatest(decided.recorded_on.fill_null(decided.valid_from), decided.valid_from)
    decided = decided.select("tier", "valid_from", member=decided.account_id, told=told)
    seen = sums.join(decided, [sums.account_id == decided.member, decided.told <= sums.begin])
    tier = latest(seen, _KEY, [ibis.desc("valid_from"), "tier"])
    table = sums.left_join(tier.select(*_KEY, "tier"), _KEY)
    return table.select(*_KEY, "listed", "price_realisation", "tier")


def answered(book: Book, end: date, n_years: int) -> ir.Table:
    """Return cases with what was promised for them and how long the first response took.

    Of the standards in force on the day of a case that fit its tier, role, stage, kind and severity the
    most specific one counts, then the newest. Tiers are those decided by then, roles those of `end`.

    Returns
    -------
    Table
        One row per case: `account_id`, `years_ago`, `is_complaint`, `hours` (null: not answered),
        `is_kept` (whether it was answered within the promised time; null: nothing was promised, or the
        time is not over).
    """
    cases = _of_years(owner(book, book["service_events"]), "opened_at", end, n_years)
    cases = cases.mutate(day=cases.opened_at.cast("date"))
    waited = cases.first_response_at.delta(cases.opened_at, unit="second") / HOUR
    cases = cases.select("event_id", *_KEY, "kind", "stage", "severity", "day", "opened_at",
                         hours=waited.cast("float64"))  # fmt: skip
    who = attributes(book, end).select("role", member="account_id")
    cases = cases.left_join(who, cases.account_id == who.member).drop("member")
    decided = owner(book, book["tier_decisions"])
    told = ibis.greatest(decided.recorded_on.fill_null(decided.valid_from), decided.valid_from)
    decided = decided.select("tier", "valid_from", member=decided.account_id, told=told)
    seen = cases.join(decided, [cases.account_id == decided.member, decided.told <= cases.day])
    tier = latest(seen, ["event_id"], [ibis.desc("valid_from"), "tier"])
    cases = cases.left_join(tier.select("event_id", "tier"), "event_id").drop("event_id_right")
    best = _promised(book, cases)
    cases = cases.left_join(best, "event_id").drop("event_id_right")
    after = (ibis.timestamp(str(end)) + ibis.interval(days=1)).delta(cases.opened_at, unit="second")
    over = cases.hours.notnull() | (after.cast("float64") / HOUR > cases.promised_h)
    kept = (cases.hours.notnull() & (cases.hours <= cases.promised_h)).ifelse(1, 0)
    return cases.select(
        *_KEY, "hours",
        is_complaint=(cases.kind == "complaint").ifelse(1, 0).cast("float64"),
        is_kept=(cases.promised_h.notnull() & over).ifelse(kept.cast("float64"), ibis.null("float64")),
    )  # fmt: skip


def by_year(cases: ir.Table) -> ir.Table:
    """Return service by account and year, of cases as `answered` returns them."""
    return cases.group_by(*_KEY).agg(
        n_cases=cases.count().cast("float64"), kept_share=cases.is_kept.mean(),
        response_hours=cases.hours.median(), complaint_share=cases.is_complaint.mean(),
    )  # fmt: skip


def visited(book: Book, end: date, n_years: int) -> ir.Table:
    """Return visits by account and year: `account_id`, `years_ago`, `n_visits`."""
    rows = _of_years(owner(book, book["visits"]), "date", end, n_years)
    return rows.group_by(*_KEY).agg(n_visits=rows.count().cast("float64"))


def _promised(book: Book, cases: ir.Table) -> ir.Table:
    """Return the hours promised for the first response of each case for which there is a promise."""
    said = book["standards"]
    said = said.filter(said.first_response_h.notnull())
    since = ibis.greatest(said.recorded_on.fill_null(said.valid_from), said.valid_from)
    specific = sum((said[limit].notnull().ifelse(1, 0) for limit in _LIMITS), ibis.literal(0))
    said = said.select("valid_from", since=since, specific=specific, promised_h="first_response_h",
                       **{f"for_{limit}": said[limit] for limit in _LIMITS})  # fmt: skip
    fits: list[Any] = [cases.day >= said.since]
    fits += [said[f"for_{limit}"].isnull() | (said[f"for_{limit}"] == cases[limit])
             for limit in _LIMITS]  # fmt: skip
    both = cases.join(said, fits)
    order = [ibis.desc("specific"), ibis.desc("valid_from"), "promised_h"]
    return latest(both, ["event_id"], order).select("event_id", "promised_h")


def _mix(book: Book, end: date, n_years: int, rows: pd.DataFrame) -> pd.DataFrame:
    if not book.has("transactions", "product_line"):
        return pd.DataFrame(index=rows.index)
    lines = _of_years(owner(book, book["transactions"]), "date", end, n_years)
    lines = lines.filter(lines.list_amount > 0, lines.product_line.notnull())
    sums = _frame(lines.group_by(*_KEY, "product_line").agg(listed=lines.list_amount.sum()))
    totals = sums.groupby("product_line")["listed"].sum().sort_index()
    order = totals.sort_values(ascending=False, kind="stable").index
    sums["product_line"] = sums["product_line"].where(
        sums["product_line"].isin(order[:_LINES]), "others"
    )
    wide = sums.pivot_table(index=_KEY, columns="product_line", values="listed", aggfunc="sum")
    share = wide.fillna(0.0).div(wide.sum(axis=1), axis=0).drop(columns=order[:1])
    share = share.reindex(pd.MultiIndex.from_frame(rows[_KEY])).fillna(0.0)
    return share.reset_index(drop=True).rename_axis(columns=None)


def _of_years(rows: ir.Table, own: str, end: date, n_years: int) -> ir.Table:
    """Return rows of the whole years, told by their end, with `years_ago` of their day."""
    day = rows[own].cast("date")
    ago = end.year * 12 + end.month - (day.year() * 12 + day.month())
    rows = rows.mutate(years_ago=(ago / 12).floor().cast("int64"))
    known = ibis.greatest(rows.recorded_on.fill_null(day), day) <= ibis.date(end)
    return rows.filter(known, rows.years_ago.between(0, n_years - 1))


def _frame(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    numbers = frame.select_dtypes("number").columns.difference(["years_ago"])
    frame[numbers] = frame[numbers].astype("float64").round(9)
    return frame.sort_values([c for c in (*_KEY, "product_line") if c in frame], ignore_index=True)
