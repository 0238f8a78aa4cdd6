"""How far apart accounts come to lie in a time in which none of them joined a programme.

Accounts are compared in percent of their own usual month, so that few giants do not drown the others,
and so that months of nothing, or of more credited than bought, count as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.loyalty.account_months import usual_month
from kamlib.loyalty.effects.clusters import likeness
from kamlib.loyalty.effects.sample import Floats, Ints
from kamlib.loyalty.holdout_facts import LENGTHS

LEAST, MOST = -1.0, 3.0
FEWEST = 16
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """How far apart accounts come to lie without any programme.

    Attributes
    ----------
    std_dev
        Of what an account brings in percent of its usual month, after what its year before foretells.
    inside
        Share of the accounts that lie between the boundaries.
    icc
        Likeness within groups; NaN where no two accounts share one.
    n_obs
        Accounts.
    """

    std_dev: float
    inside: float
    icc: float
    n_obs: int


def in_usual_months(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return what accounts brought in multiples of their usual month, and what foretells it.

    More than three times counts as three times, and less than minus once as minus once, so that no
    account decides alone. A trial is to be analysed so, whatever it finds.

    Returns
    -------
    tuple
        Multiples, shape (n,). What was known before: the logarithm of the usual month, and what the
        year before was of it (1 but for small accounts, not below −1), shape (n, 2).

    Examples
    --------
    >>> in_usual_months(np.array([10.0, 10.0]), np.array([20.0, 99.0]))[0].tolist()
    [2.0, 3.0]
    """
    usual = usual_month(before)
    ratio = np.clip(after / usual, LEAST, MOST)
    return ratio, np.column_stack([np.log(usual), np.clip(before / usual, LEAST, 1.0)])


def spread_of(before: Floats, after: Floats, cluster: Ints) -> Spread:
    """Spread of accounts in a time in which none of them joined.

    Parameters
    ----------
    before, after
        Money per month of the year before and since, shape (n,).
    cluster
        Code of each account's group.
    """
    ratio, known = in_usual_months(before, after)
    design = np.column_stack([np.ones(len(ratio)), known])
    line, _, rank, _ = np.linalg.lstsq(design, ratio, rcond=None)
    left = ratio - design @ line
    inside = float(np.mean((ratio > LEAST) & (ratio < MOST)))
    std_dev = math.sqrt(float(left @ left) / max(len(left) - int(rank), 1))
    return Spread(std_dev, inside, likeness(left, cluster), len(left))


def spreads(past: pd.DataFrame) -> dict[int, Spread]:
    """Return the spread by length of a trial; a length that fewer than 16 accounts lived through has none.

    Parameters
    ----------
    past
        As `HoldoutFacts.past`.
    """
    found = {}
    for months in LENGTHS:
        rows = past[past["trial_months"] == months]
        before, after = (rows[c].to_numpy(np.float64) for c in ("before", "after"))
        if len(rows) < FEWEST or not (before > 0).any():
            continue
        group = pd.factorize(rows["cluster"])[0].astype(np.int64)
        spread = spread_of(before, after, group)
        if spread.std_dev > _SAME and spread.inside > 0:
            found[months] = spread
    return found
