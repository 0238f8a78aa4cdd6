"""The records of a programme as its effect is looked for: who joined when, and months before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import pandas as pd

from kamlib.accounts import Ledger, attributes, owner, period, tier_in_force
from kamlib.book import Book
from kamlib.loyalty.account_months import BASE, account_months
from kamlib.loyalty.stays import stays

MIN_MONTHS = 24


@dataclass(frozen=True, slots=True, eq=False)
class ProgrammeRecords:
    """Accounts of a unit, month by month, and what the programme did with them.

    Attributes
    ----------
    months
        First days of the months that are looked at, T of them, whole ones up to the last evaluation
        date. A place is a number from 0 counted in them.
    panel
        As `account_months` returns it.
    accounts
        One row per account of the panel: `account_id`, `name`, `parent` (its group, else itself),
        `tier` (in force at the end of the first year; missing without decisions), `tenure_years` (then;
        since onboarding, else since its first order).
    stays
        One row per account and stay at one level: `account_id`, `level`, `begin` (place of its first
        whole month; may be below 0), `stop` (place of the first month that is no longer whole).
    trials
        One row per account that was drawn: `trial_id`, `account_id`, `arm` ("control" or a level as
        text), `assigned` (place of the first whole month after), `cluster`; None without such records.
    """

    months: pd.DatetimeIndex
    panel: pd.DataFrame
    accounts: pd.DataFrame
    stays: pd.DataFrame
    trials: pd.DataFrame | None


def programme_records(book: Book, ledger: Ledger) -> ProgrammeRecords | None:
    """Return the records of the unit's programme; None without one, or with less than two years."""
    found = period(book)
    last = pd.Timestamp(found.current.end)
    months = pd.date_range(found.records.start.replace(day=1), last, freq="MS")
    whole = len(months) >= MIN_MONTHS and last.is_month_end
    if not whole or not (book.has("programme") or book.has("trials")):
        return None
    panel = account_months(book, ledger, months[0].date(), last.date())
    base_end = (months[BASE] - pd.Timedelta(days=1)).date()
    held = pd.DataFrame(columns=["account_id", "level", "begin", "stop"])
    if book.has("programme"):
        held = _stays(book, months, last.date())
    trials = _trials(book, months, last.date()) if book.has("trials", "arm") else None
    return ProgrammeRecords(months, panel, _accounts(book, panel, base_end), held, trials)


def _accounts(book: Book, panel: pd.DataFrame, day: date) -> pd.DataFrame:
    rows = owner(book, attributes(book, day).select("account_id", "name", "parent_id"))
    rows = rows.group_by("account_id").agg(name=rows.name.min(), parent=rows.parent_id.min())
    lines = owner(book, book["transactions"])
    first = lines.filter(lines.amount > 0).group_by("account_id").agg(first=lines.date.min())
    begun = owner(book, book["accounts"].select("account_id", "onboarded_on"))
    begun = begun.group_by("account_id").agg(onboarded_on=begun.onboarded_on.min())
    table = rows.left_join(first, "account_id").drop("account_id_right")
    table = table.left_join(begun, "account_id").drop("account_id_right")
    found = _frame(table.mutate(since=ibis.coalesce(table.onboarded_on, table["first"])))
    tiers = _frame(tier_in_force(book, day)).set_index("account_id")["tier"]
    accounts = pd.DataFrame({"account_id": panel["account_id"].unique()})
    accounts = accounts.merge(found, on="account_id", how="left")
    since = pd.to_datetime(accounts["since"])
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"],
            "name": accounts["name"].fillna(accounts["account_id"]),
            "parent": accounts["parent"].fillna(accounts["account_id"]),
            "tier": accounts["account_id"].map(tiers),
            "tenure_years": (pd.Timestamp(day) - since).dt.days.clip(lower=0) / 365.25,
        }
    )


def _stays(book: Book, months: pd.DatetimeIndex, day: date) -> pd.DataFrame:
    rows = _frame(stays(book, day).select("account_id", "level", "begin", "stop"))
    first = _place(rows["begin"], months)
    return pd.DataFrame(
        {
            "account_id": rows["account_id"],
            "level": rows["level"].astype("int64"),
            "begin": first + (pd.to_datetime(rows["begin"]).dt.day > 1),
            "stop": _place(rows["stop"], months),
        }
    ).sort_values(["account_id", "begin", "level"], ignore_index=True)


def _trials(book: Book, months: pd.DatetimeIndex, day: date) -> pd.DataFrame:
    rows = owner(book, book["trials"])
    last = ibis.date(day)
    known = rows.recorded_on.fill_null(rows.assigned_on) <= last
    rows = rows.filter(rows.assigned_on <= last, known)
    found = _frame(rows.select("trial_id", "account_id", "arm", "assigned_on", "cluster"))
    found["assigned"] = _place(found["assigned_on"], months) + (
        pd.to_datetime(found["assigned_on"]).dt.day > 1
    )
    order = ["trial_id", "account_id", "arm", "assigned", "cluster"]
    return found[order].sort_values(order, ignore_index=True)


def _place(days: pd.Series, months: pd.DatetimeIndex) -> pd.Series:
    found = pd.to_datetime(days)
    places: pd.Series = (found.dt.year - months[0].year) * 12 + found.dt.month - months[0].month
    return places.astype("int64")


def _frame(table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    return frame
