"""Accounts × months in which a programme began, for `benchmarks.loyalty` and `benchmarks.staggered`.

Log contribution of an account and month is 7 + .8 s + .25 l + .1 sin(2 π t ÷ 12) + .004 t + u + e, as in
the worlds of the tests: s (`size`) and l are standard normal, u an AR(1) of .7 with spread .25, e of
spread .30. The programme adds .05 + .06 exp(−k ÷ 3) to it after k months.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.loyalty.ladder.evidence import Records
from kamlib.loyalty.ladder.retained import Stays


def outcome(
    start: np.ndarray, size: np.ndarray, months: int, rng: np.random.Generator
) -> np.ndarray:
    """Return log contribution, accounts × months, of accounts that join at `start` (NaN: never)."""
    n, at = len(start), np.arange(months)
    shock = rng.normal(size=(n, months)) * 0.25 * np.sqrt(1 - 0.7**2)
    shock[:, 0] /= np.sqrt(1 - 0.7**2)
    for t in at[1:]:
        shock[:, t] += 0.7 * shock[:, t - 1]
    level = 7 + 0.8 * size + 0.25 * rng.normal(size=n)
    course = 0.1 * np.sin(2 * np.pi * at / 12) + 0.004 * at
    since = at - np.where(np.isnan(start), months, start)[:, None]
    gain = np.where(since >= 0, 0.05 + 0.06 * np.exp(-np.maximum(since, 0) / 3), 0.0)
    return level[:, None] + course + shock + 0.3 * rng.normal(size=(n, months)) + gain


def rows(log: np.ndarray, start: np.ndarray) -> pd.DataFrame:
    """Return one row per account and month: `unit`, `period`, `cohort`, `outcome` (log)."""
    n, months = log.shape
    return pd.DataFrame(
        {"unit": np.repeat(np.arange(n), months), "period": np.tile(np.arange(months), n),
         "cohort": np.repeat(start, months), "outcome": log.ravel()}
    )  # fmt: skip


def starts(n: int, when: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return starts of n accounts, half of which never join and the others in any of these months."""
    return np.where(rng.random(n) < 0.5, rng.choice(np.array(when, float), n), np.nan)


def records(design: str, n: int, months: int, seed: int = 1) -> Records:
    """Return the records of a programme from which the ladder finds its answer by a design.

    Parameters
    ----------
    design
        "chance": half of the accounts, by lot, in month 12. "start": months 12, 18 and 24, whoever
        the account is. "any start": any month from 12 to 47. "likeness": month 12, large accounts
        rather than small ones, and a quarter of the months unknown, so that a course over time
        cannot be followed.
    """
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    if design == "start":
        start = starts(n, [12, 18, 24], rng)
    elif design == "any start":
        start = starts(n, list(range(12, 48)), rng)
    else:
        odds = 0.6 * size if design == "likeness" else 0.0
        start = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 12.0, np.nan)
    panel = rows(np.exp(outcome(start, size, months, rng)), start).drop(columns="cohort")
    if design == "likeness":
        panel["outcome"] = panel["outcome"].where(rng.random(len(panel)) >= 0.25)
    accounts = pd.DataFrame({"unit": np.arange(n), "start": start, "size": size})
    if design == "chance":
        accounts["assigned"] = ~np.isnan(start)
    return Records(panel, accounts, "contribution", covariates=("size",))


def stays(n: int, months: int, seed: int = 1) -> Stays:
    """Return stays of n accounts that join when they come to it and leave at one hazard."""
    rng = np.random.default_rng(seed)
    joined, left = np.ceil(rng.exponential([[25.0], [40.0]], (2, n)))
    accounts = pd.DataFrame(
        {"unit": np.arange(n), "size": rng.normal(size=n),
         "start": np.where((joined < left) & (joined <= months), joined, np.nan),
         "left": np.where(left <= months, left, np.nan)}
    )  # fmt: skip
    return Stays(accounts, months, 12, ("size",))
