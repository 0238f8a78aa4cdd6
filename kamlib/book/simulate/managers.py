"""Account managers: who held which account when, who resigned, who was rotated.

A seat is a portfolio of accounts; the people in it change. A resignation leaves the seat empty for
some weeks, a rotation exchanges two managers overnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import (
    LAST_DAY,
    MONTH_DAYS,
    MONTHS,
    NEVER,
    Days,
    month_of,
)
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.model import UnitModel

ENDINGS = ("left_company", "rotated", "other")


@dataclass(frozen=True, slots=True)
class Seats:
    """Tenures of managers in seats, ordered by seat and first day; the last day is inclusive."""

    of_account: Days
    seat: Days
    manager: Days
    start: Days
    end: Days
    because: Days  # index in ENDINGS, -1: still there
    manager_ids: pa.Array
    left: Days  # seats x MONTHS: last day of the latest leaver before the month, -NEVER: none
    rotated: Days

    def manager_on(self, account: Days, day: Days) -> Days:
        """Return the manager in charge of accounts on days, -1 where the seat was empty."""
        span = 2 * NEVER
        keys = self.seat * span + self.start + NEVER
        wanted = self.of_account[account] * span + day + NEVER
        row = np.searchsorted(keys, wanted, side="right") - 1
        found: Days = np.where(self.end[row] >= day, self.manager[row], -1)
        return found


def draw(model: UnitModel, people: Accounts, rng: np.random.Generator) -> Seats:
    """Draw seats, the managers in them and the accounts that they hold."""
    staff = model.staff
    count = max(2, round(len(people) / model.population.per_manager))
    current = np.arange(count)
    since = np.full(count, int(people.onboarded.min()) - 1)  # some manager was always there
    hired = count
    rows: list[tuple[int, int, int, int, int]] = []
    for month in range(MONTHS):
        first, after = int(MONTH_DAYS[month]), int(MONTH_DAYS[month + 1])
        there = since < first
        leaving = there & (rng.random(count) < staff.departure)
        day = rng.integers(first, after, count)
        gap = rng.integers(1, staff.longest_gap + 1, count)
        for seat in np.flatnonzero(leaving).tolist():
            rows.append((seat, int(current[seat]), int(since[seat]), int(day[seat]), 0))
            current[seat], since[seat] = hired, day[seat] + gap[seat]
            hired += 1
        moving = np.flatnonzero(there & ~leaving & (rng.random(count) < staff.rotation / 2))
        stays = np.setdiff1d(np.flatnonzero(there & ~leaving), moving)
        partners = rng.permutation(stays)[: len(moving)]
        for one, other in zip(moving.tolist(), partners.tolist(), strict=False):
            last = int(day[one])
            for seat in (one, other):
                rows.append((seat, int(current[seat]), int(since[seat]), last, 1))
            current[[one, other]], since[[one, other]] = current[[other, one]], last + 1
    rows += [(s, int(current[s]), int(since[s]), NEVER, -1) for s in range(count)]
    seat, manager, start, end, because = np.array(sorted(rows, key=lambda r: (r[0], r[2]))).T
    return Seats(
        of_account=rng.integers(count, size=len(people)),
        seat=seat, manager=manager, start=start, end=end, because=because,
        manager_ids=serials("M", np.arange(1, hired + 1)),
        left=_latest(count, seat, end, because == 0),
        rotated=_latest(count, seat, end, because == 1),
    )  # fmt: skip


def _latest(count: int, seat: Days, end: Days, chosen: NDArray[np.bool_]) -> Days:
    latest = np.full((count, MONTHS + 1), -NEVER, dtype=np.int64)
    for where, day in zip(seat[chosen].tolist(), end[chosen].tolist(), strict=True):
        latest[where, int(month_of(day)) + 1 :] = day
    return latest[:, :MONTHS]


def table(
    people: Accounts, seats: Seats, tier: NDArray[np.int8], spells: pd.DataFrame
) -> pd.DataFrame:
    """Return `assignments`: one row per spell of an account and manager in charge of it.

    Besides the account manager, accounts that are platinum or gold when a spell begins (or when
    the records do) have a sponsor as well: the manager of the next seat.
    """
    tenures = pd.DataFrame(
        {
            "seat": seats.seat,
            "manager": seats.manager,
            "from": seats.start,
            "until": seats.end,
            "because": seats.because,
        }
    )
    held = spells[["account", "start", "end"]].assign(
        seat=seats.of_account[spells["account"].to_numpy()], part=0
    )
    at_start = np.maximum(month_of(held["start"]), 0)
    top = held[tier[held["account"], at_start] <= 1].assign(part=1)
    top = top.assign(seat=(top["seat"] + 1) % (int(seats.seat.max()) + 1))
    both = pd.concat([held, top]).merge(tenures, on="seat")
    both = both[(both["from"] <= both["end"]) & (both["until"] >= both["start"])]
    # what ended before the records begin, or begins after they end, is in no record
    both = both[(both["until"].clip(upper=both["end"]) >= 0) & (both["from"] <= LAST_DAY)]
    start = both[["start", "from"]].max(axis=1).to_numpy()
    end = both[["end", "until"]].min(axis=1).to_numpy()
    because = np.where(both["until"] <= both["end"], both["because"], 2)
    account = both["account"].to_numpy()
    order = np.lexsort((both["part"], account, start))
    over = end <= LAST_DAY
    return frame(
        "assignments",
        {
            "account_id": pick(people.ids, account[order]),
            "manager_id": pick(seats.manager_ids, both["manager"].to_numpy()[order]),
            "starts_on": start[order],
            "ends_on": np.ma.masked_array(end, ~over)[order],
            "part": pick(("account_manager", "sponsor"), both["part"].to_numpy()[order]),
            "ended_because": pick(ENDINGS, np.where(over, because, -1)[order]),
        },
    )
