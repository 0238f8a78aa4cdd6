"""Value tiers: the one that the firm decided, and the one that its records give.

Platinum, gold, iron and lead are the customer pyramid of Zeithaml, V. A., Rust, R. T. and Lemon,
K. N. (2001). The customer pyramid: creating and serving profitable customers. California Management
Review 43(4), 118–142. doi:10.2307/41166104
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts.attributes import latest
from kamlib.accounts.ledger import owner
from kamlib.book import Book
from kamlib.book.schemas import TIERS


def tier_in_force(book: Book, day: date) -> ir.Table:
    """Return the tier of each account in force on `day`, as the firm decided it.

    Returns
    -------
    Table
        One row per account with a decision up to `day`: `account_id`, `tier`. The last decision
        counts, one of the day itself included; with `ledger.grain: parent_group` the last one of
        any member. Empty where the unit has no table `tier_decisions`.
    """
    decided = owner(book, book["tier_decisions"])
    known = decided.filter(
        decided.valid_from <= ibis.date(day),
        decided.recorded_on.fill_null(decided.valid_from) <= ibis.date(day),
    )
    last = latest(known, ["account_id"], [ibis.desc("valid_from"), "tier"])
    return last.select("account_id", "tier")


def assign_tiers(
    standing: pd.Series,
    previous: pd.Series | None = None,
    *,
    bounds: Sequence[float],
    margin: float = 0.0,
) -> pd.Series:
    """Tier of each account by its standing, with hysteresis.

    Parameters
    ----------
    standing
        A number per account, the higher the better: a score, or what `contribution_standing` gives.
    previous
        Tier of each account before, by the same index; unknown or absent: none before.
    bounds
        Lowest standing of platinum, gold and iron, falling.
    margin
        By how much a standing must pass a bound before an account changes its tier: bounds above
        the account's tier lie higher by `margin`, those below lie lower. An account without a tier
        before is held against the bounds themselves.

    Returns
    -------
    Series
        One of `TIERS` per account; a standing equal to a bound has reached it. An unknown standing
        gives no tier.

    Examples
    --------
    >>> standing = pd.Series([81.0, 81.0, 78.0], index=["new", "riser", "faller"])
    >>> before = pd.Series({"riser": "gold", "faller": "platinum"})
    >>> assign_tiers(standing, before, bounds=(80, 60, 40), margin=3).tolist()
    ['platinum', 'gold', 'platinum']
    """
    edges = np.asarray(bounds, dtype=np.float64)
    if len(edges) != len(TIERS) - 1 or not (np.diff(edges) < 0).all() or margin < 0:
        raise ValueError("bounds must be three falling numbers, and margin not below 0")
    places = {tier: place for place, tier in enumerate(TIERS)}
    before = standing.index.to_series().map({} if previous is None else previous).map(places)
    held = before.to_numpy(dtype=np.float64)[:, None]
    # bound j parts tier j from tier j + 1: it lies above the account where its tier comes later
    shift = np.where(np.isnan(held), 0.0, np.where(held > np.arange(len(edges)), margin, -margin))
    values = standing.to_numpy(dtype=np.float64)
    place = (values[:, None] < edges + shift).sum(axis=1)
    tiers = pd.Series(np.asarray(TIERS, dtype=object)[place], index=standing.index, name="tier")
    return tiers.where(standing.notna())


def contribution_standing(contribution: pd.Series) -> pd.Series:
    """One less the share of contribution that larger accounts make.

    The largest account stands at 1, and accounts that bring nothing or cost more than they bring
    stand at 0. Shares are of the sum of positive contributions; equal accounts stand equal.

    Returns
    -------
    Series
        Between 0 and 1 per account; unknown where the contribution is.

    Examples
    --------
    >>> contribution_standing(pd.Series([50.0, 30.0, 20.0, -5.0])).round(2).tolist()
    [1.0, 0.5, 0.2, 0.0]
    """
    amounts = contribution.clip(lower=0.0)
    total = amounts.sum()
    if not total > 0:
        return amounts.where(amounts.isna(), 0.0)
    by_size = amounts.groupby(amounts).sum().sort_index(ascending=False)
    larger = by_size.cumsum() - by_size
    standing: pd.Series = 1.0 - amounts.map(larger) / total
    return standing.where(amounts.isna() | (amounts > 0), 0.0).clip(0.0, 1.0)


def walk_tiers(
    standings: pd.DataFrame, *, bounds: Sequence[float], margin: float = 0.0
) -> pd.DataFrame:
    """Computed tier of each account at every evaluation date, walking forward from the first.

    The tier of a date rests on the standing of that date and on the tier of the date before, and
    so on nothing that came later. An account that is absent at a date has no tier before when it
    returns.

    Parameters
    ----------
    standings
        One row per account and evaluation date: `account_id`, `evaluated_on`, `standing`.
    bounds, margin
        As in `assign_tiers`.

    Returns
    -------
    DataFrame
        The same rows by date and account, with `tier` and `tier_before` (at the evaluation date
        before; null where the account was not there).
    """
    rows = standings.sort_values(["evaluated_on", "account_id"], ignore_index=True)
    before = pd.Series(dtype=object)
    parts = []
    for _, day in rows.groupby("evaluated_on", sort=True):
        standing = day.set_index("account_id")["standing"]
        tier = assign_tiers(standing, before, bounds=bounds, margin=margin)
        known = before.reindex(standing.index)
        parts.append(day.assign(tier=tier.to_numpy(), tier_before=known.to_numpy(dtype=object)))
        before = tier
    if not parts:
        return rows.assign(tier=pd.Series(dtype=object), tier_before=pd.Series(dtype=object))
    return pd.concat(parts, ignore_index=True)
