"""What is known of losses and gains: defections, referrals, costs of winning accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTHS, NEVER, month_start
from kamlib.book.simulate.columns import frame, pick
from kamlib.book.simulate.hazards import CHURN_REASONS, REASONS
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.spend import Path

COMPETITORS = {
    "commercial_vehicles": ("Nordtruck", "Silkroad Motors", "Granit Fahrzeuge"),
    "telecom_lines": ("Bluewave", "Lotus Mobile", "Metronet", "Skyline"),
    "industrial_supplies": ("Werkzeug24", "Orient Industrial", "Toolhaus", "BearCo"),
}
KNOWN = 0.90  # share of churned accounts whose loss was written down
# chance that a competitor is named, by reason
_NAMED = np.array([1.0, 0.7, 0.6, 0.3, 0.0, 0.1, 0.0, 0.0, 0.0])


def defections(
    model: UnitModel, people: Accounts, path: Path, lives: Lives, rng: np.random.Generator
) -> pd.DataFrame:
    """Return `defections`: one row per loss that was noticed, whole or partial.

    The date is the true last day of the relation; `recorded_on`, up to two months later, is when
    the firm knew. Insolvency, merger and endings by the firm are all written down.
    """
    ended = lives.spells[lives.spells["end"] < NEVER]
    churned = (ended["reason"] < len(CHURN_REASONS)).to_numpy()
    ended = ended[~churned | (rng.random(len(ended)) < KNOWN)]
    shrunk = np.flatnonzero(path.partial_day <= LAST_DAY)
    month = (
        np.searchsorted(month_start(np.arange(MONTHS + 1)), path.partial_day[shrunk], "right") - 1
    )
    inside = (path.partial_day[shrunk] >= lives.first[shrunk, month]) & (
        path.partial_day[shrunk] < lives.last[shrunk, month]
    )
    shrunk = shrunk[inside & (rng.random(len(shrunk)) < 0.5)]

    account = np.concatenate([ended["account"], shrunk])
    day = np.concatenate([ended["end"], path.partial_day[shrunk]])
    reason = np.concatenate(
        [ended["reason"], rng.choice((0, 2, 4), len(shrunk), p=(0.6, 0.3, 0.1))]
    )
    partial = np.arange(len(account)) >= len(ended)
    named = rng.random(len(account)) < _NAMED[reason]
    recorded = day + np.where(reason < len(CHURN_REASONS), rng.integers(0, 61, len(day)), 0)
    order = np.lexsort((account, day))
    order = order[recorded[order] <= LAST_DAY]
    rivals = COMPETITORS[model.unit]
    competitor = np.where(named, np.floor(len(rivals) * rng.random(len(day)) ** 1.5), -1)
    source = rng.choice(3, len(day), p=(0.35, 0.45, 0.20))
    return frame(
        "defections",
        {
            "account_id": pick(people.ids, account[order]),
            "date": day[order],
            "extent": pick(("whole", "partial"), partial[order].astype(np.int8)),
            "competitor": pick(rivals, competitor[order].astype(np.int64)),
            "reason": pick(REASONS, reason[order]),
            "source": pick(("interview", "manager", "inferred"), source[order]),
            "recorded_on": recorded[order],
        },
    )


def referrals(people: Accounts, lives: Lives, rng: np.random.Generator) -> pd.DataFrame:
    """Return `referrals`: accounts won since 2021 that another account sent, and who it was.

    One new account in seven; accounts refer in proportion to exp(0.8 attitude), while they live.
    """
    new = np.flatnonzero((people.onboarded >= 0) & (rng.random(len(people)) < 1 / 7))
    new = new[np.argsort(people.onboarded[new], kind="stable")]
    first_end = lives.spells.groupby("account")["end"].first().to_numpy()
    weight = np.exp(0.8 * people.attitude)
    rows = []
    for account in new.tolist():
        day = int(people.onboarded[account])
        draws = rng.choice(len(people), 8, p=weight / weight.sum())
        fit = draws[(people.onboarded[draws] < day) & (first_end[draws] > day)]
        if len(fit):
            rows.append((int(fit[0]), account, day))
    referrer, account_, day_ = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return frame(
        "referrals",
        {
            "referrer_id": pick(people.ids, referrer),
            "account_id": pick(people.ids, account_),
            "date": day_,
        },
    )


def acquisition_costs(model: UnitModel, people: Accounts, rng: np.random.Generator) -> pd.DataFrame:
    """Return `acquisition_costs`: what winning each new account cost, and campaigns for all.

    An account's cost is booked on the day it is won; campaigns, a quarter on top, monthly without
    an account.
    """
    new = np.flatnonzero(people.onboarded >= 0)
    own = model.acquisition * np.exp(
        0.6 * model.spending.size_sd * people.size[new] + 0.4 * rng.standard_normal(len(new)) - 0.08
    )
    campaign = 0.25 * own.sum() / MONTHS * rng.gamma(4.0, 0.25, MONTHS)
    account = np.concatenate([new, np.full(MONTHS, -1)])
    day = np.concatenate([people.onboarded[new], month_start(np.arange(MONTHS)) + 14])
    order = np.lexsort((account, day))
    return frame(
        "acquisition_costs",
        {
            "date": day[order],
            "amount": np.concatenate([own, campaign])[order],
            "account_id": pick(people.ids, account[order]),
        },
    )
