"""What was true: kept apart from the book, for tests to compare with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from kamlib.book.simulate import hazards, questionnaire, rewards
from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, NEVER, month_start, to_date
from kamlib.book.simulate.columns import pick
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import TIERS
from kamlib.book.simulate.service import LONGEST
from kamlib.book.simulate.spend import Path


def unit(
    model: UnitModel,
    seed: int,
    size: float,
    people: Accounts,
    path: Path,
    lived: Lives,
    extra_revenue: float,
) -> dict[str, Any]:
    """Return the true values of a unit and what came of them, fit for JSON."""
    ends = lived.at_risk["end"].value_counts()
    ids = np.asarray(people.ids)
    stated = asdict(model)
    return stated | {
        "seed": seed,
        "size": size,
        "first_day": str(to_date(0)),
        "last_day": str(to_date(LAST_DAY)),
        "trial": stated["trial"] or {},
        "service": stated["service"] | {"longest_days": LONGEST // 86400},
        "reasons": {
            "weights": dict(
                zip(hazards.CHURN_REASONS, hazards.REASON_WEIGHTS.tolist(), strict=True)
            ),
            "of": ["constant", "open_complaint", "complaints_3m", "manager_left_6m", "attitude"],
        },
        "points": {
            "per_money": rewards.POINTS_PER_MONEY,
            "redeemed": rewards.REDEEMED,
            "expired": rewards.EXPIRED,
        },
        "surveys": questionnaire.truth(),
        "realised": {
            "accounts": len(people),
            "account_months_at_risk": len(lived.at_risk),
            "ends": {str(end): int(n) for end, n in ends.items() if end},
            "returned": int((lived.spells["spell"] > 1).sum()),
            "programme_extra_revenue": round(extra_revenue, 2),
        },
        "costly_accounts": ids[people.costly].tolist(),
        "destocked_accounts": ids[path.paused.any(axis=1)].tolist(),
    }


def by_account(people: Accounts, path: Path, lived: Lives) -> pd.DataFrame:
    """Return the traits of every account and how its first spell ended; one row per account."""
    firsts = lived.spells[lived.spells["spell"] == 1]
    end = firsts["end"].to_numpy()
    left = to_date(np.minimum(end, LAST_DAY)).astype("M8[us]")
    shrunk = to_date(np.minimum(path.partial_day, LAST_DAY)).astype("M8[us]")
    left[end == NEVER] = np.datetime64("NaT", "D")
    shrunk[path.partial_day == NEVER] = np.datetime64("NaT", "D")
    return pd.DataFrame(
        {
            "account_id": np.asarray(people.ids),
            "size": people.size,
            "attitude": people.attitude,
            "quality": people.quality,
            "late_payer": people.late_payer,
            "drift_per_year": people.drift,
            "discount_2021": path.discount[:, 0],
            "share_of_wallet": people.wallet,
            "costly": people.costly,
            "destocked": path.paused.any(axis=1),
            "partial_loss_on": shrunk,
            "left_on": left,
            "reason": np.asarray(pick(hazards.REASONS, firsts["reason"].to_numpy())),
            "spells": lived.spells.groupby("account")["spell"].max().to_numpy(),
        }
    )


def by_month_at_risk(people: Accounts, lived: Lives) -> pd.DataFrame:
    """Return covariates and log hazard as they were; one row per account and month at risk."""
    risk = lived.at_risk
    who = risk["account"].to_numpy()
    named = risk.drop(columns=["account", "month", "tier"])
    named.insert(0, "account_id", np.asarray(people.ids)[who])
    named.insert(1, "month", to_date(month_start(risk["month"].to_numpy())).astype("M8[us]"))
    named.insert(2, "tier", np.array(TIERS)[risk["tier"].to_numpy()])
    named["size"], named["attitude"] = people.size[who], people.attitude[who]
    return named
