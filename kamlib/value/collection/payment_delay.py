"""How late invoices are paid, with those that are still open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal

Floats = NDArray[np.float64]
QUARTILES = (0.25, 0.5, 0.75)
MIN_INVOICES = 20
_BLOCK = 4_000_000


def days_overdue(
    cells: pd.DataFrame,
    *,
    conf_level: float,
    draws: int,
    rng: np.random.Generator,
    missing: str = "",
) -> Estimate:
    """Days past due until invoices are settled, open ones censored: Kaplan–Meier, disputed apart.

    Intervals redraw whole accounts: the invoices of one payer are alike, and Greenwood's error, which
    takes them as independent, would be too small (on the demo units by 1.4 to 1.5).

    Parameters
    ----------
    cells
        One row per `account_id`, `disputed`, `days_overdue`, `event` with `n_invoices`, as
        `collection_facts.days_to_settle` gives it.
    conf_level, draws, rng
        Of the bootstrap over accounts (percentiles).
    missing
        Tables that the unit lacks; the estimate is then refused.

    Returns
    -------
    Estimate
        Frame: one row per group (`is_disputed`) and day: `days_overdue`, `share_unpaid` (still
        unpaid after that day), `unpaid_low`, `unpaid_high`, `conf_level`, `n_risk`, `n_event`,
        `n_censor`. Groups of fewer than 20 invoices are left out. Summary: `median_days`.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53, 457–481. doi:10.2307/2281868
    Field, C. A. and Welsh, A. H. (2007). Bootstrapping clustered data. Journal of the Royal
    Statistical Society B 69, 369–390. doi:10.1111/j.1467-9868.2007.00593.x
    """
    if missing:
        return refusal("days_overdue", "collection.no_tables", tables=missing)
    parts = []
    for disputed, group in cells.groupby(cells["disputed"].astype(bool), sort=True):
        if group["n_invoices"].sum() >= MIN_INVOICES:
            curve = _curve(group, conf_level=conf_level, draws=draws, rng=rng)
            parts.append(curve.assign(is_disputed=bool(disputed)))
    if not parts:
        n = int(cells["n_invoices"].sum()) if len(cells) else 0
        return refusal("days_overdue", "collection.few_invoices", n=n, need=MIN_INVOICES)
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "is_disputed", frame.pop("is_disputed"))
    main = frame[frame["is_disputed"] == frame["is_disputed"].iloc[0]]
    quarter, median, three = (_reached(main, 1 - q) for q in QUARTILES)
    open_now = cells[cells["event"] == 0]["n_invoices"].sum()
    n_all = int(cells["n_invoices"].sum())
    values = {
        "median": median[0], "low": median[1], "high": median[2], "level": conf_level,
        "quarter": quarter[0], "three": three[0], "n": n_all,
        "n_open": int(open_now), "n_accounts": int(cells["account_id"].nunique()),
    }  # fmt: skip
    key = "collection.days" if not np.isnan(median[0]) else "collection.days_open"
    summary = one_row(
        n_all, f"Kaplan-Meier, bootstrap over accounts, {draws} draws", conf_level,
        n_event=n_all - int(open_now), median_days=median[0],
    )  # fmt: skip
    return Estimate("days_overdue", frame, summary, Sentence(key, values))


def settled_by(curve: pd.DataFrame) -> pd.DataFrame:
    """Return when a quarter, a half and three quarters of the invoices were settled.

    Parameters
    ----------
    curve
        Frame of `days_overdue`.

    Returns
    -------
    DataFrame
        One row per group and `share_settled`: `is_disputed`, `days_overdue`, `days_low`,
        `days_high` (null: not reached), `conf_level`.
    """
    rows = []
    for disputed, group in curve.groupby("is_disputed", sort=True):
        for q in QUARTILES:
            rows.append((disputed, q, *_reached(group, 1 - q), group["conf_level"].iloc[0]))
    columns = ["is_disputed", "share_settled", "days_overdue", "days_low", "days_high",
               "conf_level"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _reached(curve: pd.DataFrame, share: float) -> tuple[float, float, float]:
    """Return the first day on which at most `share` is unpaid, and where its band says so."""
    days = curve["days_overdue"].to_numpy(dtype=np.float64)

    def first(column: str) -> float:
        below = curve[column].to_numpy() <= share + 1e-12
        return float(days[int(np.argmax(below))]) if below.any() else float("nan")

    return first("share_unpaid"), first("unpaid_low"), first("unpaid_high")


def _curve(
    group: pd.DataFrame, *, conf_level: float, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the Kaplan–Meier curve of one group with percentiles of redrawn accounts."""
    days, place = np.unique(group["days_overdue"].to_numpy(), return_inverse=True)
    account, names = pd.factorize(group["account_id"])
    count, event = group["n_invoices"].to_numpy(np.float64), group["event"].to_numpy() == 1
    shape = (len(names), len(days))
    matrix: dict[str, Any] = {
        kind: sparse.csr_matrix((count[rows], (account[rows], place[rows])), shape)
        for kind, rows in (("event", event), ("all", np.ones(len(group), bool)))
    }

    def survival(weights: Floats) -> Floats:
        ends, every = weights @ matrix["event"], weights @ matrix["all"]
        at_risk = np.cumsum(every[:, ::-1], axis=1)[:, ::-1]
        # nobody left at risk in a draw: its curve stays where it was
        return np.cumprod(1 - ends / np.maximum(at_risk, 1e-9), axis=1)

    n = len(names)
    size = max(1, _BLOCK // max(n, len(days)))
    even = np.full(n, 1.0 / n)
    drawn = np.concatenate(
        [
            survival(rng.multinomial(n, even, min(size, draws - done)).astype(np.float64))
            for done in range(0, draws, size)
        ]
    )
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    low, high = np.quantile(drawn, tails, axis=0) if n > 1 else np.full((2, len(days)), np.nan)
    ends, every = (np.asarray(matrix[kind].sum(axis=0)).ravel() for kind in ("event", "all"))
    return pd.DataFrame(
        {
            "days_overdue": days, "share_unpaid": survival(np.ones((1, n)))[0], "unpaid_low": low,
            "unpaid_high": high, "conf_level": conf_level,
            "n_risk": np.cumsum(every[::-1])[::-1].astype(int), "n_event": ends.astype(int),
            "n_censor": (every - ends).astype(int),
        }
    )  # fmt: skip
