"""How what accounts bring rises with what is spent on them, as a curve that bends or a straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.stats.resampling import MIN_DRAWS

Floats = NDArray[np.float64]
# bends per range of spend: the least is as good as a line, the most is over before the range begins
_BENDS = np.geomspace(0.1, 20.0, 30)
GAP = 0.10
FEWEST_AT_A_LEVEL = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What more than the least spend brings, per account and year: ceiling · (1 − e^(−pace · more)).

    Attributes
    ----------
    ceiling, pace
        Of the curve; NaN where the data do not tell how it bends.
    now, low, high
        Spend on an account in the latest year (mean), least and most that was tried.
    marginal
        What one unit of money more brings at `now`: of the curve, else of a straight line.
    draws
        The same on accounts drawn anew.
    bends
        Share of the draws in which a rising curve bends within what was tried.
    n_accounts, n_rows, n_now
        Accounts, account-years, and accounts in the latest year.
    """

    ceiling: float
    pace: float
    now: float
    low: float
    high: float
    marginal: float
    draws: Floats
    bends: float
    n_accounts: int
    n_rows: int
    n_now: int


def spend_levels(spend: pd.Series, accounts: pd.Series) -> int:
    """Return how many different levels of spend were tried, each on at least five accounts.

    Amounts are one level as long as they exceed its least by no more than a tenth of their mean.

    Examples
    --------
    >>> amounts = pd.Series([100.0, 104.0, 200.0, 300.0] * 5)
    >>> spend_levels(amounts, pd.Series(range(20)))
    3
    """
    order = np.argsort(spend.to_numpy(dtype=np.float64), kind="stable")
    values, who = spend.to_numpy(dtype=np.float64)[order], accounts.to_numpy()[order]
    width, start, found = GAP * float(np.mean(np.abs(values))), np.nan, 0
    members: set[object] = set()
    for value, account in zip(values, who, strict=True):
        if not value - start <= width:
            found += len(members) >= FEWEST_AT_A_LEVEL
            start, members = value, set()
        members.add(account)
    return found + (len(members) >= FEWEST_AT_A_LEVEL)


def fit_response(
    rows: pd.DataFrame, *, draws: int, caution: float, rng: np.random.Generator
) -> Fitted:
    """Fit contribution on spend, the year before and the calendar year held equal, by least squares.

    Parameters
    ----------
    rows
        One row per account and year: `account_id`, `years_ago`, `spend`, `contribution`,
        `contribution_before`; spend varies within a year.
    draws
        Samples of whole accounts, at least 200.
    caution
        Share of draws that may fail to bend before the curve is given up for a line.
    rng
        Source of randomness.
    """
    x, y = (rows[c].to_numpy(dtype=np.float64) for c in ("spend", "contribution"))
    before = rows["contribution_before"].to_numpy(dtype=np.float64)
    years = pd.get_dummies(rows["years_ago"]).to_numpy(dtype=np.float64)
    latest = rows[rows["years_ago"] == rows["years_ago"].min()]
    now, low, high = float(latest["spend"].mean()), float(x.min()), float(x.max())
    paces = _BENDS / (high - low)
    curves = np.column_stack([-np.expm1(-np.outer(x - low, paces)), x])
    held = np.column_stack([years, before])
    account = pd.factorize(rows["account_id"])[0]
    n = int(account.max()) + 1
    ceiling, at, slope = _least_squares(curves, held, y, np.ones(len(y)))
    found = []
    for _ in range(max(draws, MIN_DRAWS)):
        weights = np.bincount(rng.integers(n, size=n), minlength=n)[account].astype(np.float64)
        found.append(_least_squares(curves, held, y, weights))
    heights, places, slopes = (np.array(v) for v in zip(*found, strict=True))
    inside = (heights > 0) & (places > 0) & (places < len(paces) - 1)
    bends = float(inside.mean())
    fixed = ceiling > 0 and 0 < at < len(paces) - 1 and bends >= 1 - caution
    pace = float(paces[at])
    marginal, again = slope, slopes
    if fixed:
        marginal = ceiling * pace * np.exp(-pace * (now - low))
        again = heights * paces[places] * np.exp(-paces[places] * (now - low))
    nan = float("nan")
    return Fitted(
        ceiling if fixed else nan, pace if fixed else nan, now, low, high, float(marginal), again,
        bends, n, len(rows), len(latest),
    )  # fmt: skip


def _least_squares(
    curves: Floats, held: Floats, y: Floats, weights: Floats
) -> tuple[float, int, float]:
    """Return height and place of the best curve, and the slope of the line (the last column)."""
    root = np.sqrt(weights)[:, None]
    both = np.column_stack([curves, y]) * root
    base = held * root
    rest = both - base @ np.linalg.lstsq(base, both, rcond=None)[0]
    columns, left = rest[:, :-1], rest[:, -1]
    size = np.maximum((columns**2).sum(axis=0), 1e-12)
    along = columns.T @ left
    at = int(np.argmax(along[:-1] ** 2 / size[:-1]))
    return float(along[at] / size[at]), at, float(along[-1] / size[-1])
