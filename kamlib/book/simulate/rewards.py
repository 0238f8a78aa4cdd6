"""The programme's ledgers: members, trial, costs and points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTH_DAYS, MONTHS
from kamlib.book.simulate.columns import frame, pick
from kamlib.book.simulate.demand import Floats
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import TIERS, Drawn, Standing

COSTS = ("setup", "platform", "reward", "service", "communication")
POINTS_PER_MONEY = 0.01
REDEEMED, REDEEMED_AFTER = 0.60, 3  # share and months
EXPIRED, EXPIRED_AFTER = 0.20, 24


def _first_life(lives: Lives) -> tuple[np.ndarray, np.ndarray]:
    firsts = lives.spells[lives.spells["spell"] == 1]
    return firsts["start"].to_numpy(), firsts["end"].to_numpy()


def tier_decisions(people: Accounts, standing: Standing, lives: Lives) -> pd.DataFrame:
    """Return `tier_decisions`: one row per account and decision, also where nothing changed.

    A decision is taken when an account is won (or the records begin), every 1 February, and when
    a lost account comes back.
    """
    account, day, tier = standing.decided
    month = np.searchsorted(MONTH_DAYS, day, side="right") - 1
    lives_then = (day >= lives.first[account, month]) & (day < lives.last[account, month])
    back = lives.spells[lives.spells["spell"] > 1]
    again = back["account"].to_numpy(), back["start"].to_numpy()
    month = np.searchsorted(MONTH_DAYS, again[1], side="right") - 1
    # 1 February has its decision already
    fresh = month % 12 != 1
    again_tier = standing.tier[again[0], month]
    account = np.concatenate([account[lives_then], again[0][fresh]])
    day = np.concatenate([day[lives_then], again[1][fresh]])
    tier = np.concatenate([tier[lives_then], again_tier[fresh]])
    order = np.lexsort((account, day))
    return frame(
        "tier_decisions",
        {
            "account_id": pick(people.ids, account[order]),
            "tier": pick(TIERS, tier[order]),
            "valid_from": day[order],
        },
    )


def programme(people: Accounts, standing: Standing, lives: Lives) -> pd.DataFrame:
    """Return `programme`: one row per account and stretch at one level; last day inclusive.

    A rise ends the row of the lower level the day before. A lost account's membership ends with
    it and does not come back.
    """
    account, level, begin, end = standing.member
    life_end = _first_life(lives)[1][account]
    seen = (begin <= life_end) & (begin <= LAST_DAY)
    account, level, begin = account[seen], level[seen], begin[seen]
    end = np.minimum(end[seen], life_end[seen])
    order = np.lexsort((account, begin))
    return frame(
        "programme",
        {
            "account_id": pick(people.ids, account[order]),
            "level": level[order],
            "enrolled_on": begin[order],
            "left_on": np.ma.masked_array(end, end > LAST_DAY)[order],
        },
    )


def trials(people: Accounts, drawn: Drawn, lives: Lives) -> pd.DataFrame:
    """Return `trials`: one row per account that was drawn and alive on the day of the draw."""
    start, end = _first_life(lives)
    alive = (start[drawn.account] <= drawn.day) & (end[drawn.account] > drawn.day)
    account = drawn.account[alive]
    return frame(
        "trials",
        {
            "trial_id": ["T1"] * len(account),
            "account_id": pick(people.ids, account),
            "arm": pick(("control", "1"), drawn.arm[alive]),
            "assigned_on": np.full(len(account), drawn.day),
            "cluster": pick(people.ids, drawn.group[alive]),
        },
    )


def costs(model: UnitModel, people: Accounts, lives: Lives, revenue: Floats) -> pd.DataFrame:
    """Return `programme_costs`: rewards by month and level, level 3's service by account."""
    p = model.programme
    launch = p.launch_month
    rows: list[tuple[int, int, float, int, int]] = [(int(MONTH_DAYS[launch]), 0, p.setup, -1, -1)]
    rates = (0.0, p.reward_1, p.reward_2, p.reward_3)
    served = (0.0, 0.0, p.service_per_month_2, p.service_per_month_3)
    for month in range(launch, MONTHS):
        day = int(MONTH_DAYS[month + 1]) - 1
        alive = lives.last[:, month] > lives.first[:, month]
        rows.append((day, 1, p.platform_per_month, -1, -1))
        for level in (1, 2, 3):
            members = np.flatnonzero(alive & (lives.level[:, month] == level))
            if not len(members):
                continue
            earned = rates[level] * max(0.0, float(revenue[members, month].sum()))
            rows.append((day, 2, earned, level, -1))
            if month % 3 == 2:
                rows.append((day, 4, p.communication_per_quarter * len(members), level, -1))
            if level == 2:
                rows.append((day, 3, served[2] * len(members), 2, -1))
            if level == 3:
                rows += [(day, 3, served[3], 3, account) for account in members.tolist()]
    day_, kind, amount, lev, account_ = (np.array(column) for column in zip(*rows, strict=True))
    return frame(
        "programme_costs",
        {
            "date": day_,
            "kind": pick(COSTS, kind),
            "amount": amount,
            "level": np.ma.masked_array(lev, lev < 0),
            "account_id": pick(people.ids, account_),
        },
    )


def points(people: Accounts, lives: Lives, revenue: Floats) -> pd.DataFrame:
    """Return `points`: one row per member and month in which points moved, at its last day."""
    whole = np.diff(MONTH_DAYS)
    lived_on = (lives.last == MONTH_DAYS[1:]) & (lives.last - lives.first > 0)
    member = (lives.level > 0) & lived_on & (whole > 0)
    issued = np.where(member, np.floor(POINTS_PER_MONEY * np.maximum(revenue, 0.0)), 0.0)
    redeemed = np.zeros_like(issued)
    redeemed[:, REDEEMED_AFTER:] = np.floor(REDEEMED * issued[:, :-REDEEMED_AFTER])
    expired = np.zeros_like(issued)
    expired[:, EXPIRED_AFTER:] = np.floor(EXPIRED * issued[:, :-EXPIRED_AFTER])
    moved = member & (issued + redeemed + expired > 0)
    month, account = np.nonzero(moved.T)
    return frame(
        "points",
        {
            "account_id": pick(people.ids, account),
            "date": MONTH_DAYS[month + 1] - 1,
            "issued": issued[account, month],
            "redeemed": redeemed[account, month],
            "expired": expired[account, month],
        },
    )
