"""Churn from a record without dates: one line per customer, with its age and whether it left.

Such a record shows every customer over its last months only, those up to its age in which it could be
seen to leave: it enters late. That is how a curve and a model are to be read from it; following every
customer from its first month instead takes those who stayed for granted, since whoever left before
nobody recorded. IBM's sample of a telephone company (`kamlib.book.layouts.TELCO`) is such a record.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.churn.stretch import MONTH_DAYS
from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson

_PLAUSIBLE = 0.5  # of the customers older than a year, how many the curve may leave unexplained
_YEAR = 12
_YEARS = 6  # the last class holds all that are older


def snapshot_rows(customers: pd.DataFrame, *, window_months: float = 1) -> pd.DataFrame:
    """Return the customers of a record as lives that are seen late.

    Parameters
    ----------
    customers
        One row per customer, as `kamlib.book.Snapshot.customers`: `account_id`, `tenure_months`,
        `left`, and covariates.
    window_months
        Months up to the day of the record in which a leaving was written down. The level of every
        curve rests on it, and so does how many times as often one group leaves as another; which of
        two groups of one age leaves more often does not. `window_check` judges it.

    Returns
    -------
    DataFrame
        One row per customer of at least a month: `account_id`, `spell_no` (1), `entry_days` (its age
        less the window), `duration_days`, `event`, `event_type` ("churn"; None: stays), and the
        covariates as they are. As `curves.survival` takes them.

    Raises
    ------
    FitError
        A window that is not above zero.

    Examples
    --------
    >>> customers = pd.DataFrame({"account_id": ["a", "b"], "tenure_months": [3, 1], "left": [True, False]})
    >>> (snapshot_rows(customers)["entry_days"] / MONTH_DAYS).tolist()
    [2.0, 0.0]
    """
    if not window_months > 0:
        raise FitError(f"snapshot: the window is {window_months:g} months and must be above zero")
    # who began this month has not been at risk yet
    seen = customers[customers["tenure_months"] > 0].reset_index(drop=True)
    age = seen["tenure_months"].astype(float)
    lives = pd.DataFrame(
        {
            "account_id": seen["account_id"], "spell_no": 1,
            "entry_days": np.maximum(age - window_months, 0.0) * MONTH_DAYS,
            "duration_days": age * MONTH_DAYS, "event": seen["left"].astype(int),
            "event_type": seen["left"].map({True: "churn", False: None}),
        }
    )  # fmt: skip
    return pd.concat([lives, seen.drop(columns=["account_id", "tenure_months", "left"])], axis=1)


def seen_to_leave(
    customers: pd.DataFrame, *, window_months: float, conf_level: float = 0.95
) -> Estimate:
    """Share of customers that left within the window, by how long they had been there.

    Parameters
    ----------
    customers
        As for `snapshot_rows`.
    window_months
        As for `snapshot_rows`; here it is only named.
    conf_level
        Of the intervals (Wilson).

    Returns
    -------
    Estimate
        Frame: one row per year of age that occurs, the sixth and later ones in one: `age_from`,
        `age_to` (months; null: no end), `n_accounts`, `n_event`, `share_left` with `share_low`,
        `share_high`, `conf_level`. Summary: `n_obs`, `n_event`, `share_left`, `n_new` (began this
        month and left out). Refused where nobody has been there for a month.
    """
    seen = customers[customers["tenure_months"] > 0]
    new = len(customers) - len(seen)
    if seen.empty:
        return refusal("seen_to_leave", "snapshot.nobody", n=new)
    year = np.minimum(np.ceil(seen["tenure_months"] / _YEAR), _YEARS).astype(int)
    found = seen.groupby(year)["left"].agg(["size", "sum"])
    low, high = wilson(found["sum"], found["size"], conf_level)
    first = _YEAR * (found.index.to_numpy(dtype=np.float64) - 1)
    frame = pd.DataFrame(
        {
            "age_from": first,
            "age_to": np.where(found.index == _YEARS, np.nan, first + _YEAR),
            "n_accounts": found["size"].to_numpy(), "n_event": found["sum"].to_numpy(),
            "share_left": (found["sum"] / found["size"]).to_numpy(), "share_low": low,
            "share_high": high, "conf_level": conf_level,
        }
    )  # fmt: skip
    events = int(seen["left"].sum())
    share = events / len(seen)
    values = {
        "n": len(seen), "events": events, "share": share, "window": window_months, "new": new,
        "oldest": float(seen["tenure_months"].max()),
    }  # fmt: skip
    summary = one_row(len(seen), "full count", conf_level, n_event=events, share_left=share,
                      n_new=new)  # fmt: skip
    return Estimate("seen_to_leave", frame, summary, Sentence("snapshot.seen", values))


def window_check(rows: pd.DataFrame, curve: pd.DataFrame) -> Check:
    """Return whether the customers that are there could have come through the curve.

    Parameters
    ----------
    rows
        As `snapshot_rows` returns them.
    curve
        Frame of `curves.survival` of these rows, from its beginning.

    Returns
    -------
    Check
        Failed where customers older than a year are so many that, at the rate at which the curve
        says they leave, more than twice as many had to begin in every month then as begin now. The
        window is then longer than stated: read which group leaves more often, and no level.
    """
    months = rows["duration_days"] / MONTH_DAYS
    young, old = (months <= 12).sum(), ((months > 12) & (months <= 24)).sum()
    share = curve["estimate"].to_numpy()
    time = curve["time"].to_numpy()

    def lived(first: float, last: float) -> float:
        # area under the steps: customers of these ages for each that begins in a month
        grid = np.arange(first, last, 0.05) + 0.025
        place = np.maximum(np.searchsorted(time, grid, side="right") - 1, 0)
        return float(share[place].mean() * (last - first))

    there, expected = float(old / max(young, 1)), lived(12, 24) / lived(0, 12)
    values = {"old": int(old), "young": int(young), "expected": expected * float(young)}
    fits = bool(there * _PLAUSIBLE <= expected)
    return Check("window_fits", fits,
                 Sentence("snapshot.window_fits" if fits else "snapshot.window_odd", values))  # fmt: skip


def beyond_snapshot() -> tuple[Estimate, ...]:
    """Return what a record without dates cannot carry, each with its reason and what would lift it."""
    return (
        refusal("calendar", "snapshot.no_calendar"),
        refusal("value_over_time", "snapshot.no_value"),
        refusal("watch_list", "snapshot.no_watch_list"),
        refusal("out_of_time", "snapshot.no_out_of_time"),
        refusal("managers", "snapshot.no_managers"),
        refusal("reasons", "snapshot.no_reasons"),
        refusal("winback", "snapshot.no_return"),
    )
