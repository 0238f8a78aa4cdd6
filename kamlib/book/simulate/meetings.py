"""Contacts and visits. Visits go where there was trouble, and change nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTH_DAYS, MONTHS, Days
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.managers import Seats
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import Bytes

PARTS = ("decides", "buys", "uses", "influences", "blocks")
RESULTS = ("order", "advance", "continuation", "no_sale")
CHANNELS = ("on_site", "video", "phone")


@dataclass(frozen=True, slots=True)
class Contacts:
    """The table `contacts`; per account its first row and how many rows; per row the first day."""

    table: pd.DataFrame
    first: Days
    many: Days
    since: Days


def contacts(people: Accounts, rng: np.random.Generator) -> Contacts:
    """Draw `contacts`: one row per person at an account.

    Every account has one who decides or buys and who stays; larger ones have more contacts, some
    of whom have left since.
    """
    many = 1 + rng.poisson(np.clip(np.exp(0.5 + 0.5 * people.size), 0.2, 8.0))
    account = np.repeat(np.arange(len(people)), many)
    begin = np.cumsum(many) - many
    n = len(account)
    rank = np.arange(n) - begin[account]
    start = people.onboarded[account]
    later = rng.integers(0, 900, n) * (rank > 0)
    start = np.where(start + later <= LAST_DAY, start + later, start)
    stay = start + 200 + rng.integers(0, 2000, n)
    # the first contact stays: a survey and a visit need somebody to go to
    left = (rng.random(n) < 0.15) & (rank > 0) & (stay <= LAST_DAY) & (stay >= 0)
    part = np.where(
        rank == 0,
        rng.choice(2, n, p=(0.6, 0.4)),
        rng.choice(5, n, p=(0.15, 0.25, 0.35, 0.20, 0.05)),
    )
    seniority = rng.choice(3, n, p=(0.25, 0.45, 0.30))
    table = frame(
        "contacts",
        {
            "contact_id": serials("K", np.arange(1, n + 1)),
            "account_id": pick(people.ids, account),
            "part": pick(PARTS, part),
            "seniority": pick(("board", "head", "staff"), np.where(part == 0, 0, seniority)),
            "from": start,
            "to": np.ma.masked_array(stay, ~left),
        },
    )
    return Contacts(table, begin, many, start)


def visits(
    model: UnitModel,
    people: Accounts,
    seats: Seats,
    tier: Bytes,
    lives: Lives,
    people_there: Contacts,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return `visits`: one row per visit; none is made while the seat is empty."""
    s = model.service
    rate = np.array(s.visits)[tier] * (lives.last - lives.first) / np.diff(MONTH_DAYS)
    for month in range(MONTHS):
        recent = lives.book.complaints[:, max(month - 3, 0) : month].sum(axis=1)
        rate[:, month] *= np.exp(s.visits_after_complaint * np.minimum(recent, 2))
    rate *= np.where(people.costly, 2.5, 1.0)[:, None]
    many = rng.poisson(rate)
    cell = np.repeat(np.arange(many.size), many.ravel())
    account = cell // MONTHS
    first, last = lives.first.ravel()[cell], lives.last.ravel()[cell]
    day = first + np.floor(rng.random(len(account)) * (last - first)).astype(np.int64)
    manager = seats.manager_on(account, day)
    there = manager >= 0
    order = np.lexsort((account[there], day[there]))
    account, day, manager = (v[there][order] for v in (account, day, manager))
    n = len(account)
    channel = rng.choice(3, n, p=(0.55, 0.25, 0.20))
    minutes = np.round(np.array([90.0, 45.0, 20.0])[channel] * rng.gamma(4.0, 0.25, n)) + 5
    cost = s.visit_cost * np.array([1.4, 0.5, 0.25])[channel] * rng.gamma(4.0, 0.25, n)
    steady = people_there.first[account]
    chosen = steady + np.floor(rng.random(n) * people_there.many[account]).astype(np.int64)
    chosen = np.where(people_there.since[chosen] <= day, chosen, steady)
    planned = np.maximum(day - rng.integers(0, 15, n), people.onboarded[account])
    return frame(
        "visits",
        {
            "account_id": pick(people.ids, account),
            "date": day,
            "visit_id": serials("V", np.arange(1, n + 1)),
            "planned_on": np.ma.masked_array(planned, rng.random(n) < 0.2),
            "manager_id": pick(seats.manager_ids, manager),
            "contact_id": people_there.table["contact_id"].array.take(chosen),
            "channel": pick(CHANNELS, channel),
            "minutes": minutes,
            "cost": cost,
            "result": pick(RESULTS, rng.choice(4, n, p=(0.15, 0.30, 0.40, 0.15))),
        },
    )
