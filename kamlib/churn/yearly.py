"""Losses year by year: how many accounts left of those that were there, and what they had brought."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, month_number
from kamlib.churn.engine import collect
from kamlib.churn.rate_ratio import mantel_haenszel
from kamlib.churn.sensitivity import exact_poisson
from kamlib.churn.spells import Definition, Spells
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal

_YEAR, _YEAR_DAYS = 12, 365.25
_SHORT = 0.5  # of a year, below which its rate is left to itself
_COLUMNS = (
    "year", "n_event", "n_competing", "customer_years", "churn_rate", "rate_low", "rate_high",
    "revenue_lost", "revenue_share_lost", "conf_level",
)  # fmt: skip


def year_facts(book: Book, rules: ChurnParams, spells: Spells, ledger: Ledger) -> pd.DataFrame:
    """Return losses, time at risk and revenue by calendar year.

    Returns
    -------
    DataFrame
        One row per calendar year since the records begin: `year`, `days_seen` (of all accounts, as
        customers), `n_event` (losses declared), `n_competing`, `revenue_lost` (of the twelve months up to the one of the last
        order, of lost accounts), `revenue` (of the unit, in the year), `in_full` (whether the records
        reached back far enough on its first day for the longest silence that is waited for).
    """
    table = spells.table
    rows = collect(
        table.select(
            "account_id", "spell_no", "event_type",
            first=day_number(table.entered_on),
            last=day_number(table.ended_on).fill_null(day_count(book.as_of)),
            ended=table.ended_on.year(),
        )
    )  # fmt: skip
    years = [_of_year(rows, book, spells, year) for year in _years(book, spells)]
    seen_from = spells.records_from + timedelta(days=longest_wait(rules, spells.definition))
    frame = pd.DataFrame(years)
    # of the first year under contracts all that ended in it was seen
    began = [max(spells.records_from, date(year, 1, 1)) for year in frame["year"]]
    frame["in_full"] = [day >= seen_from for day in began]
    money = _revenue(spells, ledger).to_pyarrow().to_pandas().set_index("year")
    return frame.join(money, on="year").fillna({"revenue": 0.0, "revenue_lost": 0.0})


def longest_wait(rules: ChurnParams, definition: Definition) -> int:
    """Return the days after which the definition declares a loss at the latest."""
    if definition == "contracts":
        return 0  # the end of a contract is on record, however early it began
    return rules.cap_days if definition == "own_rhythm" else 31 * rules.silent_months


def _years(book: Book, spells: Spells) -> range:
    return range(spells.records_from.year, book.as_of.year + 1)


def _of_year(rows: pd.DataFrame, book: Book, spells: Spells, year: int) -> dict[str, int]:
    since = day_count(max(spells.records_from, date(year, 1, 1)))
    until = day_count(min(book.as_of, date(year, 12, 31)))
    days = rows["last"].clip(upper=until) - rows["first"].clip(lower=since) + 1
    ended = rows.loc[rows["ended"] == year, "event_type"]
    return {
        "year": year, "days_seen": int(days.clip(lower=0).sum()),
        "n_event": int((ended == "churn").sum()), "n_competing": int((ended != "churn").sum()),
    }  # fmt: skip


def _revenue(spells: Spells, ledger: Ledger) -> ir.Table:
    """Return revenue by year: of the unit, and what accounts lost in it had brought."""
    months = ledger.table.select(
        "account_id", "revenue", year=ledger.table.month.year().cast("int64"),
        number=month_number(ledger.table.month),
    )  # fmt: skip
    lost = spells.table.filter(spells.table.event_type == "churn")
    lost = lost.select(
        "account_id",
        ended=lost.ended_on.year().cast("int64"),
        until=month_number(lost.silent_since),
    )
    brought = lost.join(months, "account_id")
    brought = brought.filter(
        brought.number <= brought.until, brought.number > brought.until - _YEAR
    )
    gone = brought.group_by(year=brought.ended).agg(revenue_lost=brought.revenue.sum())
    sold = months.group_by("year").agg(revenue=months.revenue.sum())
    return sold.left_join(gone, "year").drop("year_right")


def yearly(facts: pd.DataFrame, *, conf_level: float = 0.95) -> Estimate:
    """Churn rate of each calendar year: losses by the time that accounts were customers.

    Parameters
    ----------
    facts
        As `year_facts` gives them.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per year: `year`, `n_event`, `n_competing`, `customer_years` (as customers),
        `churn_rate` (losses per customer-year; unknown where the year is not `in_full`) with exact Poisson limits `rate_low`, `rate_high`,
        `revenue_lost`, `revenue_share_lost` (of the unit's revenue of the year), `conf_level`. Summary:
        `churn_rate` of the last year with at least half of the longest one, `rate_ratio` against the year
        before with `ratio_low`, `ratio_high`. Refused where nobody was ever a customer.

    Notes
    -----
    Losses are taken as independent. Where a loss is a silence it falls on the day of its declaration,
    so a year's losses stopped buying some months before.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437–442.
    doi:10.1093/biomet/28.3-4.437
    """
    rows = facts[facts["days_seen"] > 0]
    if rows.empty:
        return refusal("yearly", "yearly.nobody")
    years = rows["days_seen"].astype(float) / _YEAR_DAYS
    known = rows["in_full"]
    limits = exact_poisson(rows["n_event"], conf_level)
    low, high = (pd.Series(limit, rows.index) / years for limit in limits)
    frame = rows.assign(
        customer_years=years, churn_rate=(rows["n_event"] / years).where(known),
        rate_low=low.where(known), rate_high=high.where(known),
        conf_level=conf_level,
        revenue_share_lost=(rows["revenue_lost"] / rows["revenue"]).where(rows["revenue"] > 0),
    )[list(_COLUMNS)].reset_index(drop=True)  # fmt: skip
    enough = (years >= _SHORT * years.max()) & known
    whole = frame[enough.to_numpy()]
    if whole.empty:
        return refusal("yearly", "yearly.too_short", n=int(rows["n_event"].sum()))
    last = whole.iloc[-1]
    values = {
        "year": str(int(last["year"])), "lost": int(last["n_event"]), "rate": last["churn_rate"],
        "low": last["rate_low"], "high": last["rate_high"], "level": conf_level,
        "years": last["customer_years"], "revenue": last["revenue_lost"],
        "share": last["revenue_share_lost"], "n": int(frame["n_event"].sum()),
    }  # fmt: skip
    ratio = low_ratio = high_ratio = float("nan")
    early = frame.loc[~known.to_numpy(), "year"]
    told = {"n": len(early), "until": str(int(early.max())) if len(early) else ""}
    key = "yearly.early_years" if len(early) else "yearly.all_years"
    checks: tuple[Check, ...] = (Check("years_in_full", early.empty or None, Sentence(key, told)),)
    if len(whole) > 1:
        before = whole.iloc[-2]
        ratio, low_ratio, high_ratio = mantel_haenszel(
            [last["n_event"]], [last["customer_years"]], [before["n_event"]],
            [before["customer_years"]], conf_level,
        )  # fmt: skip
        told = {"ratio": ratio, "low": low_ratio, "high": high_ratio, "level": conf_level,
                "year": str(int(before["year"]))}  # fmt: skip
        values["trend"] = Sentence(_trend(low_ratio, high_ratio), told)
        rises = bool(low_ratio > 1)
        checks = (*checks, Check("churn_rate_steady", not rises, values["trend"]))
    else:
        values["trend"] = Sentence("yearly.one_year")
    summary = one_row(
        int(frame["n_event"].sum()), "losses per year as a customer", conf_level,
        churn_rate=float(last["churn_rate"]), rate_ratio=ratio, ratio_low=low_ratio,
        ratio_high=high_ratio,
    )  # fmt: skip
    return Estimate("yearly", frame, summary, Sentence("yearly.note", values), checks)


def _trend(low: float, high: float) -> str:
    if np.isnan(low):
        return "yearly.unknown_change"
    if low > 1:
        return "yearly.rises"
    return "yearly.falls" if high < 1 else "yearly.no_change"


def headline(found: Estimate) -> dict[str, tuple[float, Sentence | None]]:
    """Return the key figure for the top of the report: the churn rate of the last year."""
    return {} if found.refused else {"churn_rate": (float(found["churn_rate"]), None)}
