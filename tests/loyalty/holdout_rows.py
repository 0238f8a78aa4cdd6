"""Accounts of a trial to come: drawn at random, with some that leave, some giants and credits."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kamlib.loyalty.holdout_facts import HoldoutFacts

DAY = date(2025, 12, 31)


def years(rng: np.random.Generator, groups: int = 140) -> pd.DataFrame:
    """Return accounts of groups of one to four, and their month in three years.

    A month is the account's own (lognormal) times 1 + half a Student's t of four degrees + something
    of its group; one in twelve brings nothing in a year, and one in a hundred five times as much.
    """
    cluster = np.repeat(np.arange(groups), rng.integers(1, 5, groups))
    n = len(cluster)
    own = 100 * np.exp(rng.normal(size=n))
    frame = pd.DataFrame({"account_id": [f"a{i:04d}" for i in range(n)]})
    frame["cluster"] = [f"g{g:03d}" for g in cluster]
    for name in ("first", "second", "third"):
        noise = 0.25 * rng.standard_t(4, n) + 0.2 * rng.normal(size=groups)[cluster]
        times = np.where(rng.random(n) < 0.01, 5.0, 1.0) * (rng.random(n) > 1 / 12)
        frame[name] = own * (1 + noise) * times
    return frame


def facts_of(frame: pd.DataFrame, **more: Any) -> HoldoutFacts:
    """Return facts in which the second year is the last one that is known."""
    tiers = np.array(["platinum", "gold", "iron", "lead"])[np.arange(len(frame)) % 4]
    accounts = pd.DataFrame(
        {"account_id": frame["account_id"], "name": frame["account_id"].str.upper(),
         "cluster": frame["cluster"], "tier_in_force": tiers, "amount": frame["second"],
         "contribution": frame["second"], "revenue": 2 * frame["second"],
         "amount_before": frame["first"], "contribution_before": frame["first"],
         "revenue_before": 2 * frame["first"], "n_orders": 12.0}
    )  # fmt: skip
    past = pd.DataFrame(
        {"account_id": frame["account_id"], "cluster": frame["cluster"], "trial_months": 12,
         "before": frame["first"], "after": frame["second"]}
    )  # fmt: skip
    given = {"day": DAY, "measure": "contribution", "accounts": accounts, "past": past,
             "n_taken": 0, "n_siblings": 0}  # fmt: skip
    return HoldoutFacts(**(given | more))
