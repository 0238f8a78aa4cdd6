"""Cases of service, drawn month by month for the accounts that live in it.

Only what the hazard of leaving needs is drawn here: kind, opening, first response, resolution.
`records` adds what else a case tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import MONTH_DAYS, MONTHS, Days
from kamlib.book.simulate.model import UnitModel

KINDS = ("complaint", "grumble", "request", "maintenance", "installation", "training")
PROMISED = 4  # the first four kinds but grumbles carry a promise
HOUR = 3600
LONGEST = 100 * 24 * HOUR  # no case stays open longer

# hours to first response and to resolution by tier; from July 2023 on, platinum gets more
RESPONSE_H = np.array([[4.0, 8.0, 24.0, 48.0], [2.0, 8.0, 24.0, 48.0]])
RESOLUTION_H = np.array([[48.0, 72.0, 120.0, 240.0], [36.0, 72.0, 120.0, 240.0]])
TIGHTER_MONTH = 30
KIND_FACTOR = np.array([1.0, 1.5, 1.5, 2.0, 4.0, 4.0])  # a complaint is promised most


@dataclass(slots=True)
class Ledger:
    """What is known of service so far, by account and month; grows as the months go by."""

    complaints: NDArray[np.int16]  # opened in the month
    grumbles: NDArray[np.int16]
    late: NDArray[np.int16]  # promises of a first response that broke in the month
    open: NDArray[np.bool_]  # a complaint is open when the month begins


def ledger(count: int) -> Ledger:
    """Return an empty ledger; months beyond the last one are room for what runs on."""
    shape = (count, MONTHS + 5)
    return Ledger(
        np.zeros(shape, np.int16),
        np.zeros(shape, np.int16),
        np.zeros(shape, np.int16),
        np.zeros(shape, np.bool_),
    )


def rates(
    model: UnitModel, people: Accounts, month: int, grumbles_before: NDArray[Any]
) -> NDArray[np.float64]:
    """Return expected cases per account and kind in a whole month."""
    s = model.service
    years = np.clip((MONTH_DAYS[month] - people.onboarded) / 365.25, 0, 8)
    common = np.exp(s.size * people.size + s.tenure * years + s.costly * people.costly)
    base = np.array([getattr(s, kind) for kind in KINDS])
    rate: NDArray[np.float64] = common[:, None] * base
    rate[:, :2] *= np.exp(s.quality * people.quality)[:, None]
    rate[:, 0] *= np.exp(s.after_grumble * np.minimum(grumbles_before, 2))
    return rate


def draw_month(
    model: UnitModel,
    people: Accounts,
    tier: NDArray[np.int8],
    month: int,
    first: Days,
    last: Days,
    book: Ledger,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """Draw the cases of one month and enter them in the ledger.

    `first` (inclusive) and `last` (exclusive) bound the days of the month on which each account
    lives. Moments are seconds since the start of day 0.
    """
    s = model.service
    whole = int(MONTH_DAYS[month + 1] - MONTH_DAYS[month])
    before = book.grumbles[:, month - 1] if month else np.zeros(len(people), np.int16)
    expected = rates(model, people, month, before) * ((last - first) / whole)[:, None]
    count = rng.poisson(expected)
    cell = np.repeat(np.arange(count.size), count.ravel())
    account, kind = np.divmod(cell, len(KINDS))
    n = len(account)
    day = first[account] + np.floor(rng.random(n) * (last - first)[account]).astype(np.int64)
    opened = day * 24 * HOUR + rng.integers(8 * HOUR, 18 * HOUR, n)

    version = int(month >= TIGHTER_MONTH)
    promised = RESPONSE_H[version][tier[account]] * KIND_FACTOR[kind] * HOUR
    log_ratio = (
        s.late_mean
        + s.late_quality * people.quality[account]
        + s.late_sd * (rng.standard_normal(n))
    )
    response = np.minimum(promised * np.exp(log_ratio), LONGEST / 2).astype(np.int64)
    work = RESOLUTION_H[version][tier[account]] * KIND_FACTOR[kind] * HOUR
    work = work * np.exp(-0.7 - 0.2 * people.quality[account] + 0.8 * rng.standard_normal(n))
    resolved = opened + np.minimum(response + work.astype(np.int64) + 600, LONGEST)

    late = (response > promised) & (kind != 1) & (kind < PROMISED)
    broken = np.searchsorted(MONTH_DAYS, (opened + promised) // (24 * HOUR), side="right") - 1
    np.add.at(book.late, (account[late], broken[late]), 1)
    np.add.at(book.complaints, (account[kind == 0], month), 1)
    np.add.at(book.grumbles, (account[kind == 1], month), 1)
    for later in range(month + 1, min(month + 5, MONTHS)):
        still = (kind == 0) & (resolved >= MONTH_DAYS[later] * 24 * HOUR)
        book.open[account[still], later] = True
    return {
        "account": account,
        "kind": kind,
        "tier": tier[account],
        "opened": opened,
        "response": opened + response,
        "resolved": resolved,
        "late": late,
    }
