"""The course of each chain of contracts: what a renewal model reads, and where it stands on a day.

The clock of a chain has two hands: the renewals behind it, and its months under contract.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from kamlib.value.lifetime.contract_facts import Terms, months

Floats = NDArray[np.float64]

IN_FORCE = ("running", "waiting")
_TOGETHER = 31  # days between the ends of two chains that end together


def courses(terms: Terms) -> pd.DataFrame:
    """Course of each chain: what a renewal model reads, and where it stands on the day.

    Returns
    -------
    DataFrame
        One row per chain, by account: `account_id`, `chain_id`, `term_class`, `term_months` (of
        the last term), `value_per_year` (of the last contract), `begins_on`, `stopped_on` (null
        while it runs).

        Up to the last day on which losses are known: `entry`, `entry_months` (renewals and months
        behind the chain when it was first seen; more than none: left truncation), `survived`,
        `months` (renewals and months behind it when it was lost or last seen), `lost`,
        `ended_early` (lost within a term). Months are whole. `beside` says that the account held a
        larger one at the time, `followed` that this one ended within 31 days of that one's loss
        (null where that one is not lost, or this one ended before). `size`: its yearly value among
        all chains, on a normal scale in steps of a half.

        On the day: `state` ("running", "waiting", "switched", "lost"), `renewals`,
        `months_behind`, `ends_on`, `share` (of the yearly value of the account's chains that run or
        wait; even where that is 0).
    """
    rows, day = terms.frame, pd.Timestamp(terms.day)
    opens, closes = pd.Timestamp(terms.opens), pd.Timestamp(terms.closes)
    groups = rows.groupby("chain_id", sort=False)
    last = groups.tail(1).reset_index(drop=True)
    first = groups.head(1).reset_index(drop=True)
    frame = last.rename(columns={"outcome": "state"}).drop(columns=["starts_on", "contract_id"])
    frame["begins_on"] = first["starts_on"]
    behind = first["renewals"] * first["term_months"]
    gone = (frame["state"] == "lost") & (frame["stopped_on"] <= closes)
    left = gone | ((frame["state"] == "switched") & (frame["stopped_on"] <= closes))
    seen_from = first["starts_on"].where(first["starts_on"] >= opens, opens)
    seen_to = frame["stopped_on"].where(left, closes).clip(lower=seen_from)
    begun = rows["starts_on"].le(closes).groupby(rows["chain_id"], sort=False).sum().to_numpy()
    frame["entry"] = first["renewals"]
    frame["entry_months"] = np.round(behind + months(first["starts_on"], seen_from))
    frame["survived"] = first["renewals"] + np.maximum(begun - 1, 0)
    frame["survived"] += (left & ~gone).astype(float)  # it was renewed, though in another class
    frame["months"] = np.round(behind + months(first["starts_on"], seen_to))
    frame["lost"] = gone.astype(float)
    frame["ended_early"] = (gone & (frame["stopped_on"] < frame["ends_on"])).astype(float)
    frame["renewals"] = last["renewals"]
    frame["months_behind"] = behind + months(first["starts_on"], np.full(len(frame), day))
    frame = _beside(frame, day)
    frame["size"] = _size(frame["value_per_year"])
    open_ = frame["state"].isin(("running", "waiting"))
    value = frame["value_per_year"].where(open_, 0.0)
    account = frame["account_id"]
    total, n = value.groupby(account).transform("sum"), open_.groupby(account).transform("sum")
    frame["share"] = np.where(
        open_, np.where(total > 0, value / total.where(total > 0, 1.0), 1 / n.clip(lower=1)), 0.0
    )
    order = ["account_id", "begins_on", "chain_id"]
    return frame.sort_values(order, ignore_index=True)


def _size(value: pd.Series) -> Floats:
    """Return how large a value is among all, on a normal scale in steps of a half."""
    place = (value.rank(method="average").to_numpy() - 0.5) / max(len(value), 1)
    return np.asarray(np.round(2 * ndtri(place)) / 2)


def _beside(frame: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Add which chains ran beside a larger one of their account, and whether they ended with it."""
    end = frame["stopped_on"].fillna(day + pd.Timedelta(days=1))
    rows = frame[["account_id", "chain_id", "value_per_year", "begins_on", "state"]].assign(end=end)
    rows = rows[rows["account_id"].duplicated(keep=False)]
    pairs = rows.merge(rows, on="account_id", suffixes=("", "_of"))
    larger = (pairs["value_per_year_of"] > pairs["value_per_year"]) | (
        (pairs["value_per_year_of"] == pairs["value_per_year"])
        & (pairs["chain_id_of"] < pairs["chain_id"])
    )
    meets = (pairs["begins_on_of"] <= pairs["end"]) & (pairs["begins_on"] <= pairs["end_of"])
    pairs = pairs[larger & meets].sort_values("value_per_year_of", ascending=False)
    pairs = pairs.drop_duplicates("chain_id").set_index("chain_id")
    apart = (pairs["end"] - pairs["end_of"]).dt.days
    together = (apart <= 31).astype(float).where((pairs["state_of"] == "lost") & (apart >= -31))
    return frame.assign(
        beside=frame["chain_id"].isin(pairs.index),
        followed=frame["chain_id"].map(together).astype(float),
    )
