"""What is lost with an account: what a year with it brings, as known on a day."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger

_YEAR, _QUARTER = 12, 3


def worth_basis(ledger: Ledger) -> str:
    """Return the column of the ledger that counts: contribution, margin, or revenue, as known."""
    if ledger.has_contribution:
        return "contribution"
    return "margin" if ledger.has_cost else "revenue"


def discounted_months(months: int, rate: float) -> float:
    """Return how many months' worth the next `months` are worth today, each at its middle.

    >>> discounted_months(12, 0.0), round(discounted_months(12, 0.1), 2)
    (12.0, 11.45)
    """
    return float(sum((1 + rate) ** (-(m - 0.5) / _YEAR) for m in range(1, months + 1)))


def account_worth(ledger: Ledger, day: date, *, months: int, discount_rate: float) -> pd.DataFrame:
    """Return what accounts brought in the year before a day, and what they would bring if they stay.

    Parameters
    ----------
    ledger
        Months after the day are not looked at. Where rows are recorded late, that of a book as of the
        day: another knows amounts of earlier months that were not known then.
    day
        Months count up to the last one that was over by then.
    months, discount_rate
        Months ahead that are valued, and what money loses in a year.

    Returns
    -------
    DataFrame
        One row per account with a month in the ledger by then: `account_id`, `revenue` (twelve
        months), `revenue_drop` (revenue less that of the last three months × 4), `value` (what
        `worth_basis` names, of the twelve months, carried on for `months` and discounted).
    """
    ended = pd.Timestamp(day) + pd.Timedelta(days=1)
    last = ended.year * 12 + ended.month - 2  # number of the last month that is over
    rows: ir.Table = ledger.table
    rows = rows.mutate(ago=last - (rows.month.year() * 12 + rows.month.month() - 1))
    rows = rows.filter(rows.ago >= 0, rows.ago < _YEAR)
    basis = rows[worth_basis(ledger)]
    sums = rows.group_by("account_id").agg(
        revenue=rows.revenue.sum(),
        quarter=rows.revenue.sum(where=rows.ago < _QUARTER).fill_null(0.0),
        year=basis.sum().fill_null(0.0),
        months_known=rows.count(),
    )
    frame: pd.DataFrame = sums.to_pyarrow().to_pandas()
    # who came within the year brought it in fewer months
    seen = frame["months_known"].clip(lower=_QUARTER)
    return pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "revenue": frame["revenue"],
            "revenue_drop": frame["revenue"] - frame["quarter"] * (_YEAR / _QUARTER),
            "value": frame["year"] / seen * discounted_months(months, discount_rate),
        }
    ).sort_values("account_id", ignore_index=True)
