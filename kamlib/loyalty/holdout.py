"""Design of a trial to come: what it would find with the accounts that there are, by how long it runs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from kamlib.glossary import Sentence
from kamlib.loyalty.account_months import usual_month
from kamlib.loyalty.effects.clusters import inflation
from kamlib.loyalty.effects.power import multiplier, n_needed
from kamlib.loyalty.effects.sample import Floats
from kamlib.loyalty.holdout_facts import LENGTHS, HoldoutFacts
from kamlib.loyalty.holdout_spread import Spread, spreads
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

ARM_MIN = 8


def groups_needed(share: float) -> int:
    """Return how many groups put eight on either side, a share of them being drawn.

    Examples
    --------
    >>> groups_needed(0.5), groups_needed(0.8)
    (16, 40)
    """
    return math.ceil(ARM_MIN / min(share, 1 - share) - 1e-9)


def holdout_design(
    facts: HoldoutFacts, rules: LoyaltyRoiParams, *, needed: float | None
) -> Estimate:
    """How small an effect a trial over all accounts outside the programme would find, by its length.

    Whole groups are drawn. For each length the spread is that of the accounts which would have been
    drawn had such a trial ended on the day of the facts.

    Parameters
    ----------
    facts
        As `holdout_facts` gives them.
    rules
        `trial_share`, `trial_months`, `trial_power`, `conf_level`.
    needed
        Effect at which the programme pays, as a share of an account's usual month; None: unknown.

    Returns
    -------
    Estimate
        One row per length that the records can tell: `trial_months`, `n_accounts` (that could be
        drawn), `n_clusters` (their groups), `n_treated` (to be drawn to the programme), `n_obs`
        (accounts that the spread was seen in), `spread_usual` (share of a usual month), `icc`,
        `design_effect`, `detectable_usual` (share of a usual month), `detectable` (money per
        account and month), and where `needed` is known and above 0, `needed_usual`, `power`,
        `accounts_needed`. Checks: what is compared, lengths that records cannot tell, accounts left
        out, and whether `needed` would be found. Refused below eight groups on either side, without a year before,
        where nobody brought anything, or where all brought alike.

    References
    ----------
    Bloom, H. S. (1995). Minimum detectable effects: a simple way to report the statistical power of
    experimental designs. Evaluation Review 19, 547–556. doi:10.1177/0193841X9501900504. Groups raise
    the variance by Kish's factor (`clusters.inflation`); the multiple is that of Student's t with two
    degrees of freedom less than there are groups.
    """
    name, people = "holdout_design", facts.accounts
    sizes = np.asarray(people.groupby("cluster").size(), dtype=np.float64)
    least_groups = groups_needed(rules.trial_share)
    told = {"n": len(people), "groups": len(sizes), "need": least_groups, "as_of": facts.day}
    if len(sizes) < least_groups:
        return refusal(name, "loyalty_holdout.few", **told, taken=facts.n_taken)
    if facts.past.empty:
        return refusal(name, "loyalty_holdout.no_before", **told)
    amount = people["amount"].dropna().to_numpy(np.float64)
    seen = spreads(facts.past)
    if not seen or not (amount > 0).any():
        return refusal(name, "loyalty_holdout.nothing", **told, measure=facts.measure)
    usual = float(usual_month(amount).mean())
    rows = [
        {"trial_months": months} | _row(spread, sizes, usual, rules, needed)
        for months, spread in seen.items()
    ]
    return _told(facts, rules, pd.DataFrame(rows), name)


def _row(
    seen: Spread, sizes: Floats, usual: float, rules: LoyaltyRoiParams, needed: float | None
) -> dict[str, float]:
    """Return what a trial of one length finds among groups of these sizes."""
    n, groups = int(sizes.sum()), len(sizes)
    share, level, power = rules.trial_share, rules.conf_level, rules.trial_power
    # chance makes a likeness below zero; it does not make accounts worth more than they are
    worth = max(1.0, inflation(0.0 if math.isnan(seen.icc) else seen.icc, sizes))
    # what is capped does not move with the effect
    std_dev = seen.std_dev / seen.inside
    error = std_dev * math.sqrt(worth / (n * share * (1 - share)))
    least = _multiple(groups - 2, level, power) * error
    row = {"n_accounts": n, "n_clusters": groups, "n_treated": round(n * share),
           "n_obs": seen.n_obs, "spread_usual": seen.std_dev, "icc": seen.icc,
           "design_effect": worth, "detectable_usual": least, "detectable": least * usual}  # fmt: skip
    if needed is None or not needed > 0:
        return row
    need = n_needed(needed, std_dev, share_treated=share, conf_level=level, power=power,
                    design_effect=worth)  # fmt: skip
    df = max(need * groups / n, groups_needed(share)) - 2
    times = _multiple(df, level, power) / multiplier(level, power)
    found = float(stdtr(groups - 2, needed / error - stdtrit(groups - 2, (1 + level) / 2)))
    return row | {"needed_usual": needed, "power": found,
                  "accounts_needed": math.ceil(need * times**2)}  # fmt: skip


def _told(facts: HoldoutFacts, rules: LoyaltyRoiParams, frame: pd.DataFrame, name: str) -> Estimate:
    asked = frame[frame["trial_months"] <= rules.trial_months]
    row = (asked if len(asked) else frame.iloc[:1]).iloc[-1]
    values = {"n": row["n_accounts"], "groups": row["n_clusters"], "drawn": row["n_treated"],
              "months": row["trial_months"], "power": rules.trial_power, "seen": row["n_obs"],
              "least": row["detectable_usual"], "amount": row["detectable"],
              "spread": row["spread_usual"], "measure": facts.measure}  # fmt: skip
    key, checks = "loyalty_holdout.design", list(_checks(facts, frame))
    if "power" in frame:
        key = "loyalty_holdout.design_needed"
        values |= {"needed": row["needed_usual"], "chance": row["power"],
                   "enough": row["accounts_needed"]}  # fmt: skip
        strong = bool(row["power"] >= rules.trial_power)
        why = "loyalty_holdout.strong" if strong else "loyalty_holdout.weak"
        checks.append(Check("holdout_power", strong, Sentence(why, values)))
    summary = one_row(
        int(row["n_accounts"]), "Student's t, by group", rules.conf_level,
        n_clusters=int(row["n_clusters"]), df=float(row["n_clusters"] - 2),
        trial_months=int(row["trial_months"]), detectable_usual=float(row["detectable_usual"]),
    )  # fmt: skip
    return Estimate(name, frame, summary, Sentence(key, values), tuple(checks))


def _checks(facts: HoldoutFacts, frame: pd.DataFrame) -> tuple[Check, ...]:
    margin = facts.measure == "contribution"
    measure = "loyalty_holdout.by_contribution" if margin else "loyalty_holdout.by_revenue"
    told = len(frame)
    lengths = "loyalty_holdout.lengths" if told == len(LENGTHS) else "loyalty_holdout.lengths_short"
    left = {"n": len(facts.accounts), "taken": facts.n_taken, "beside": facts.n_siblings,
            "as_of": facts.day}  # fmt: skip
    most = {"most": int(frame["trial_months"].max()), "n": told, "of": len(LENGTHS)}
    return (
        Check("holdout_measure", margin, Sentence(measure)),
        Check("holdout_lengths", told == len(LENGTHS), Sentence(lengths, most)),
        Check("holdout_left_out", True, Sentence("loyalty_holdout.left_out", left)),
    )


def _multiple(df: float, conf_level: float, power: float) -> float:
    """Return the standard errors that an effect must have, by Student's t."""
    return float(stdtrit(df, (1 + conf_level) / 2) + stdtrit(df, power))
