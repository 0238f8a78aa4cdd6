"""What each account brought month by month, with zeros where it bought nothing or had left."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger, month_of, owner
from kamlib.book import Book
from kamlib.loyalty.effects.sample import Floats

BASE = 12
FLOOR = 0.25
OUTCOMES = ("contribution", "revenue", "n_orders", "n_interactions")


def account_months(book: Book, ledger: Ledger, first: date, last: date) -> pd.DataFrame:
    """Return months of the accounts that had ordered by the end of the first year.

    Parameters
    ----------
    book, ledger
        Of one unit.
    first, last
        First day of the first month, last day of the last one.

    Returns
    -------
    DataFrame
        One row per account that ordered within the first twelve months or before, and month:
        `account_id`, `month` (datetime64, its first day), `contribution` (NaN in a month whose costs
        are not known, and in all where too few are, see `ledger.min_cost_coverage`), `revenue`, `n_orders`, `n_interactions` (visits, and service that was no
        complaint; NaN where the unit records neither). Months without trade are zero, also before its first
        and after its last order: whoever left brings nothing, and is not left out.
    """
    end = (pd.Timestamp(first) + pd.DateOffset(months=BASE) - pd.Timedelta(days=1)).date()
    lines = owner(book, book["transactions"])
    known = lines.filter(lines.amount > 0, lines.date <= ibis.date(end))
    rows = ledger.table.semi_join(known.select("account_id").distinct(), "account_id")
    rows = rows.filter(rows.month >= ibis.date(first), rows.month <= ibis.date(last))
    least = book.unit.ledger.min_cost_coverage
    enough = rows.volume_costed >= least * rows.volume
    found = rows.select(
        "account_id",
        "month",
        "revenue",
        "n_orders",
        "volume",
        "volume_costed",
        contribution=enough.ifelse(rows.contribution, ibis.null("float64")),
    )
    frame: pd.DataFrame = found.to_pyarrow().to_pandas(date_as_object=False)
    # else months of nothing would be known, and those of trade not
    known_costs = ledger.has_contribution and bool(
        frame["volume_costed"].sum() >= least * frame["volume"].sum()
    )
    frame["month"] = frame["month"].astype("datetime64[ns]")
    months = pd.date_range(first, last, freq="MS", name="month")
    accounts = pd.Index(sorted(frame["account_id"].unique()), name="account_id")
    index = pd.MultiIndex.from_product([accounts, months])
    absent = index.difference(pd.MultiIndex.from_frame(frame[["account_id", "month"]]))
    nothing = absent.to_frame(index=False).assign(**dict.fromkeys(OUTCOMES, 0.0))
    frame["n_interactions"] = 0.0
    if len(nothing):
        frame = pd.concat([frame, nothing], ignore_index=True)
    if not known_costs:
        frame["contribution"] = float("nan")
    met = _interactions(book, last)
    key = pd.MultiIndex.from_frame(frame[["account_id", "month"]])
    frame["n_interactions"] = (
        float("nan") if met is None else met.reindex(key, fill_value=0.0).to_numpy()
    )
    frame[list(OUTCOMES)] = frame[list(OUTCOMES)].astype("float64").round(6) + 0.0
    order = ["account_id", "month", *OUTCOMES]
    return frame[order].sort_values(["account_id", "month"], ignore_index=True)


def usual_month(before: Floats) -> Floats:
    """Return what an account usually brings in a month, above zero for each.

    It is the month of a year before, but at least a quarter of that of the account in the middle of
    those above zero, so that an account that brought next to nothing does not double at every order.

    Parameters
    ----------
    before
        Money per month, shape (n,), some of it above zero.

    Examples
    --------
    >>> usual_month(np.array([100.0, 40.0, 2.0, 0.0, -7.0])).tolist()
    [100.0, 40.0, 10.0, 10.0, 10.0]
    """
    floor: Floats = np.maximum(before, FLOOR * np.median(before[before > 0]))
    return floor


def _interactions(book: Book, last: date) -> pd.Series | None:
    """Return visits and service events, other than complaints, by account and month."""
    parts = []
    if book.has("visits"):
        visits = owner(book, book["visits"])
        parts.append(visits.select("account_id", month=month_of(visits.date), day=visits.date))
    if book.has("service_events"):
        events = owner(book, book["service_events"])
        events = events.filter(events.kind.notin(["complaint", "grumble"]))
        day = events.opened_at.cast("date")
        parts.append(events.select("account_id", month=month_of(day), day=day))
    if not parts:
        return None
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    rows = rows.filter(rows.day <= ibis.date(last))
    counts = rows.group_by("account_id", "month").agg(n=rows.count().cast("float64"))
    frame: pd.DataFrame = counts.to_pyarrow().to_pandas(date_as_object=False)
    frame["month"] = frame["month"].astype("datetime64[ns]")
    return frame.set_index(["account_id", "month"])["n"]
