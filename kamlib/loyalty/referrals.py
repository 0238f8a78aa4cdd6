"""Accounts that other accounts sent: how many came, what they bring, and who sent them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t

from kamlib.glossary import Sentence
from kamlib.loyalty.economics_facts import EconomicsFacts
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.stats.proportions import wilson

NONE = float("nan")
FEWEST = 5
CAME_BY = ("referred", "not referred")


def referral_value(facts: EconomicsFacts, rules: LoyaltyRoiParams) -> Estimate:
    """What accounts that another account sent bring, beside all others that were won.

    An account came by a referral if it was sent before the end of the month in which it was won.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        One row per `came_by` ("referred", "not referred") with accounts won within the records:
        `came_by`, `n_won`, `n_first_year` (of them, with a whole first year), `revenue_first_year`
        and `contribution_first_year` (means over these, with `contribution_low`,
        `contribution_high`), `n_second_year` (with two whole years), `share_second_year` (of these,
        ordered in the second), `rate_low`, `rate_high` (Wilson), `cost_named` (mean cost of winning
        over accounts that such a cost names), `conf_level`. The summary has `n_referrals`, `n_came`,
        `n_referrers`, `revenue`, `contribution` (of those that came, so far), `difference` (first
        year's contribution, referred less others) with `difference_low`, `difference_high`. A
        description: whoever is sent may be of another kind. Refused without a table of referrals.
    """
    name = "referral_value"
    if facts.referrals is None:
        return refusal(name, "loyalty_economics.no_referrals")
    if facts.referrals.empty:
        return none_found(name, "loyalty_economics.none_referred")
    came = _came(facts.referrals, facts.won)
    won = facts.won.assign(
        came_by=np.where(facts.won["account_id"].isin(came["account_id"]), *CAME_BY)
    )
    rows = [
        _row(won[won["came_by"] == kind], kind, rules)
        for kind in CAME_BY
        if (won["came_by"] == kind).any()
    ]
    if not rows:
        return none_found(name, "loyalty_economics.none_came", n=len(facts.referrals))
    frame = pd.DataFrame(rows)
    sums = came.merge(won, on="account_id")
    known = facts.ledger.has_contribution
    ends = {
        "n_referrals": len(facts.referrals),
        "n_came": len(came),
        "n_referrers": int(facts.referrals["referrer_id"].nunique()),
        "revenue": float(sums["revenue"].sum()),
        "contribution": float(sums["contribution"].sum()) if known else NONE,
    }
    sent, other = (
        won.loc[won["came_by"] == kind, "contribution_first_year"].dropna().to_numpy(np.float64)
        for kind in CAME_BY
    )
    gap = _difference(sent, other, rules.conf_level)
    told = ends | dict(zip(("difference", "low", "high"), gap, strict=True))
    told |= {"won": len(won), "share": len(came) / len(won), "level": rules.conf_level}
    key = (
        "loyalty_economics.referrals" if np.isfinite(gap[1]) else "loyalty_economics.referrals_few"
    )
    elsewhere = _before(facts.referrals)
    before = "loyalty_economics.sent_before" if elsewhere else "loyalty_economics.none_sent_before"
    checks = (
        Check("referred_came", elsewhere == 0,
              Sentence(before, {"n": elsewhere, "of": ends["n_referrals"]})),
        Check("not_an_effect", None, Sentence("loyalty_economics.referred_differ")),
    )  # fmt: skip
    summary = one_row(
        len(won), "means, Welch", rules.conf_level, **ends, difference=gap[0],
        difference_low=gap[1], difference_high=gap[2],
    )  # fmt: skip
    return Estimate(name, frame, summary, Sentence(key, told), checks)


def referrers(facts: EconomicsFacts, rules: LoyaltyRoiParams) -> Estimate:
    """Accounts that sent others, those first whose accounts brought most.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `list_length`.

    Returns
    -------
    Estimate
        One row per account that sent another: `account_id`, `name`, `n_sent`, `n_came` (of them, were
        won by it), `revenue_sent`, `contribution_sent` (of those that came, so far; null where no
        margin is known). A full count. Refused without a table of referrals.
    """
    name = "referrers"
    if facts.referrals is None:
        return refusal(name, "loyalty_economics.no_referrals")
    if facts.referrals.empty:
        return none_found(name, "loyalty_economics.none_referred")
    came = _came(facts.referrals, facts.won)[["account_id"]].merge(facts.won, on="account_id")
    rows = facts.referrals.merge(
        came[["account_id", "revenue", "contribution"]], on="account_id", how="left",
        indicator=True,
    )  # fmt: skip
    rows = rows.assign(came=rows["_merge"] == "both")
    found = rows.groupby("referrer_id").agg(
        name=("name", "first"),
        n_sent=("account_id", "size"),
        n_came=("came", "sum"),
        revenue_sent=("revenue", "sum"),
        contribution_sent=("contribution", "sum"),
    )
    if not facts.ledger.has_contribution:
        found["contribution_sent"] = NONE
    frame = found.rename_axis("account_id").reset_index()
    by = ["contribution_sent", "revenue_sent", "n_sent", "account_id"]
    frame = frame.sort_values(by, ascending=[False, False, False, True], ignore_index=True)
    total, first = frame["revenue_sent"].sum(), frame["revenue_sent"].head(1).sum()
    told = {"n": len(frame), "sent": int(frame["n_sent"].sum()), "came": int(frame["n_came"].sum()),
            "revenue": total, "share": first / total if total > 0 else NONE}  # fmt: skip
    note = Sentence("loyalty_economics.referrers", told)
    summary = one_row(len(frame), "full count", n_referrers=len(frame))
    return Estimate(name, frame.head(rules.list_length), summary, note)


def _came(referrals: pd.DataFrame, won: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts that were won by a referral: `account_id`, `referrer_id`."""
    rows = referrals.merge(won[["account_id", "month"]], on="account_id")
    in_time = rows["referred_on"].dt.to_period("M") <= rows["month"].dt.to_period("M")
    return rows.loc[in_time, ["account_id", "referrer_id"]]


def _before(referrals: pd.DataFrame) -> int:
    """Return how many accounts had bought before the month in which they were sent."""
    sent = referrals["referred_on"].dt.to_period("M").dt.to_timestamp()
    return int((referrals["first_order_on"] < sent).sum())


def _row(won: pd.DataFrame, kind: str, rules: LoyaltyRoiParams) -> dict[str, object]:
    first = won["contribution_first_year"].dropna()
    again = won["bought_second_year"].dropna()
    mean, low, high = _mean(first.to_numpy(dtype=np.float64), rules.conf_level)
    from_, to = wilson(again.sum(), len(again), rules.conf_level)
    return {
        "came_by": kind,
        "n_won": len(won),
        "n_first_year": int(won["revenue_first_year"].notna().sum()),
        "revenue_first_year": float(won["revenue_first_year"].mean()),
        "contribution_first_year": mean,
        "contribution_low": low,
        "contribution_high": high,
        "n_second_year": len(again),
        "share_second_year": float(again.mean()) if len(again) else NONE,
        "rate_low": float(from_),
        "rate_high": float(to),
        "cost_named": float(won["acquisition_cost"].astype("float64").mean()),
        "conf_level": rules.conf_level,
    }


def _mean(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return a mean and its limits (Student's t); no limits from fewer than five."""
    if not len(values):
        return NONE, NONE, NONE
    mean = float(values.mean())
    if len(values) < FEWEST:
        return mean, NONE, NONE
    half = t.isf((1 - level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return mean, float(mean - half), float(mean + half)


def _difference(one: np.ndarray, other: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return the difference of two means and its limits (Welch); none from fewer than five each."""
    if not (len(one) and len(other)):
        return NONE, NONE, NONE
    gap = float(one.mean() - other.mean())
    if min(len(one), len(other)) < FEWEST:
        return gap, NONE, NONE
    parts = np.array([v.var(ddof=1) / len(v) for v in (one, other)])
    if not parts.sum() > 0:
        return gap, NONE, NONE
    df = parts.sum() ** 2 / (parts**2 / [len(one) - 1, len(other) - 1]).sum()
    half = float(t.isf((1 - level) / 2, df) * np.sqrt(parts.sum()))
    return gap, gap - half, gap + half
