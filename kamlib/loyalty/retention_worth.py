"""How many accounts stay from year to year, and what a point more of that is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t

from kamlib.glossary import Sentence
from kamlib.loyalty.economics_facts import EconomicsFacts
from kamlib.loyalty.finance.retention import affordable_spend, lifetime_value, worth_of_points
from kamlib.loyalty.finance.sums import influences, ratio_of_sums
from kamlib.loyalty.finance.uncertain import Uncertain, draw
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson

Floats = NDArray[np.float64]
FEWEST = 20
POINTS = (0.01, 0.05)


def retention_by_year(facts: EconomicsFacts, rules: LoyaltyRoiParams) -> Estimate:
    """Retention: of the accounts that bought in a year, the share that bought in the next one.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `economics_years`: the latest pairs of years that the one figure is of; `conf_level`.

    Returns
    -------
    Estimate
        One row per year but the last: `year_ends_on`, `n_bought`, `n_bought_again` (of them, bought in the
        next year), `retention_rate`, `rate_low`, `rate_high` (Wilson), `conf_level`. The summary has
        `retention_rate`, `std_error`, `rate_low`, `rate_high` of the latest pairs, accounts being the
        independent cases. Refused with fewer than two whole years, or 20 accounts that bought.
    """
    name = "retention_by_year"
    pairs = _pairs(facts)
    recent = pairs[pairs["years_ago"] <= rules.economics_years]
    by_account = recent.groupby("account_id")[["bought", "kept"]].sum()
    by_account = by_account[by_account["bought"] > 0]
    if len(facts.years) < 2:
        return refusal(name, "loyalty_economics.no_pair", n=len(facts.years))
    if len(by_account) < FEWEST:
        return refusal(name, "loyalty_economics.few_pairs", n=len(by_account), need=FEWEST)
    sums = pairs.groupby("years_ago")[["bought", "kept"]].sum()
    sums = sums[sums["bought"] > 0].sort_index(ascending=False)
    low, high = wilson(sums["kept"], sums["bought"], rules.conf_level)
    frame = pd.DataFrame(
        {
            "year_ends_on": [pd.Timestamp(facts.years[ago].end) for ago in sums.index],
            "n_bought": sums["bought"].to_numpy(),
            "n_bought_again": sums["kept"].to_numpy(),
            "retention_rate": (sums["kept"] / sums["bought"]).to_numpy(),
            "rate_low": low,
            "rate_high": high,
            "conf_level": rules.conf_level,
        }
    )
    bought, kept = int(by_account["bought"].sum()), int(by_account["kept"].sum())
    found, error, df = ratio_of_sums(by_account["kept"], by_account["bought"], rules.conf_level)
    rate = found.value
    if 0 < rate < 1 and error > 0:
        # on the log-odds scale, where limits stay between 0 and 1
        half = float(t.isf((1 - rules.conf_level) / 2, df)) * error / (rate * (1 - rate))
        limits = float(expit(logit(rate) - half)), float(expit(logit(rate) + half))
    else:
        ends = wilson(len(by_account) * rate, len(by_account), rules.conf_level)
        limits = float(ends[0]), float(ends[1])
    told = {"rate": rate, "low": limits[0], "high": limits[1], "level": rules.conf_level,
            "n": len(by_account), "bought": bought, "left": bought - kept,
            "pairs": int(recent["years_ago"].nunique())}  # fmt: skip
    summary = one_row(
        len(by_account), "ratio of sums", rules.conf_level, retention_rate=rate, std_error=error,
        rate_low=limits[0], rate_high=limits[1],
    )  # fmt: skip
    return Estimate(name, frame, summary, Sentence("loyalty_economics.retention", told))


def worth_of_retention(
    facts: EconomicsFacts,
    rules: LoyaltyRoiParams,
    rng: np.random.Generator,
    *,
    points: Sequence[float] = POINTS,
) -> Estimate:
    """What one point more of retention is worth, and five, at the unit's own figures.

    CLV = m r ÷ (1 + i − r) with m the contribution of an account in a year in which it bought, r the
    retention of `retention_by_year` and i `discount_rate`: all years to come, from the next one on.
    Accounts that can be kept are taken to bring what accounts bring on average.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `economics_years`, `discount_rate`, `conf_level`, `draws`.
    rng
        Source of randomness.
    points
        Rises, 0.01 for one point.

    Returns
    -------
    Estimate
        One row per rise: `retention_rate`, `retention_rise`, `accounts_kept` (of those that bought
        in the last year, per year), `clv` (of an account), `clv_gain` (of all that bought in the last
        year), `gain_low`, `gain_high`, `clv_gain_share`, `affordable_spend` (on an account in a year,
        at most, for that rise), `spend_low`, `spend_high`, `conf_level`. Contribution and retention
        are drawn together. Refused where the contribution is unknown or not above zero, where nobody
        left, without a discount rate, or as `retention_by_year`.
    """
    name = "worth_of_retention"
    stayed = retention_by_year(facts, rules)
    if stayed.refused:
        return refusal(name, stayed.note.key, **stayed.note.values)
    if not facts.ledger.has_contribution:
        return refusal(name, "loyalty_economics.no_contribution")
    if not rules.discount_rate > 0:
        return refusal(name, "loyalty_economics.no_rate")
    sums, unknown = _by_account(facts, rules)
    earned, error, _ = ratio_of_sums(sums["contribution"], sums["there"], rules.conf_level)
    retention = float(stayed["retention_rate"])
    n_left = int(sums["bought"].sum() - sums["kept"].sum())
    if earned.value <= 0:
        return refusal(name, "loyalty_economics.no_gain", margin=earned.value, n=len(sums))
    if not 0 < retention < 1:
        return refusal(name, "loyalty_economics.nobody_left", n=len(sums), rate=retention)
    rises = [d for d in points if retention + d <= 1]
    if not rises:
        return refusal(name, "loyalty_economics.nobody_left", n=len(sums), rate=retention)
    n_now = int((_there(facts)["years_ago"] == 0).sum())
    base = worth_of_points(
        earned.value, [retention], rules.discount_rate, points=rises, n_accounts=n_now
    )
    together = _correlation(
        influences(sums["contribution"], sums["there"]), influences(sums["kept"], sums["bought"])
    )
    drawn = draw(
        {"margin": Uncertain(earned.value, error, df=len(sums) - 1),
         "retention": Uncertain(retention, float(stayed["std_error"]), "share")},
        draws=rules.draws, rng=rng, correlation={("margin", "retention"): together},
    )  # fmt: skip
    frame = base.frame.assign(
        accounts_kept=base.frame["retention_rise"] * n_now,
        affordable_spend=[
            affordable_spend(earned.value, d, retention, rules.discount_rate) for d in rises
        ],
        conf_level=rules.conf_level,
    )
    tails = [(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2]
    for k, rise in enumerate(rises):
        gains, spends = _drawn(drawn["margin"], drawn["retention"], rise, rules.discount_rate)
        frame.loc[k, ["gain_low", "gain_high"]] = np.quantile(gains, tails) * n_now
        frame.loc[k, ["spend_low", "spend_high"]] = np.quantile(spends, tails)
    first, last = frame.iloc[0], frame.iloc[-1]
    told = {
        "rate": retention, "margin": earned.value, "discount": rules.discount_rate, "n": n_now,
        "points": 100 * first["retention_rise"], "gain": first["clv_gain"],
        "low": first["gain_low"], "high": first["gain_high"], "level": rules.conf_level,
        "spend": first["affordable_spend"], "more": 100 * last["retention_rise"],
        "gain_more": last["clv_gain"], "share_more": last["clv_gain_share"], "left": n_left,
    }  # fmt: skip
    key = "loyalty_economics.margins_known" if unknown == 0 else "loyalty_economics.margins_partly"
    checks = (Check("contribution_known", unknown == 0, Sentence(key, {"n": unknown})),)
    order = ["retention_rate", "retention_rise", "accounts_kept", "clv", "clv_gain", "gain_low",
             "gain_high", "clv_gain_share", "affordable_spend", "spend_low", "spend_high",
             "conf_level"]  # fmt: skip
    summary = one_row(
        len(sums), "Gupta-Lehmann, drawn together", rules.conf_level,
        retention_rate=retention, contribution=earned.value, n_accounts=n_now,
    )  # fmt: skip
    note = Sentence("loyalty_economics.worth", told)
    return Estimate(name, frame[order], summary, note, checks)


def _there(facts: EconomicsFacts) -> pd.DataFrame:
    rows = facts.account_years
    return rows[rows["n_orders"] > 0]


def _pairs(facts: EconomicsFacts) -> pd.DataFrame:
    """Return a row per account and year in which it bought: whether it bought in the next one."""
    there = _there(facts)[["account_id", "years_ago"]]
    following = there.assign(years_ago=there["years_ago"] + 1, kept=1)
    before = there[there["years_ago"] > 0].assign(bought=1)
    rows = before.merge(following, on=["account_id", "years_ago"], how="left")
    return rows.assign(kept=rows["kept"].fillna(0).astype("int64"))


def _by_account(facts: EconomicsFacts, rules: LoyaltyRoiParams) -> tuple[pd.DataFrame, int]:
    """Return sums of the latest years by account, and how many account-years have no margin."""
    pairs = _pairs(facts)
    pairs = pairs[pairs["years_ago"] <= rules.economics_years]
    there = _there(facts)
    there = there[there["years_ago"] < rules.economics_years]
    known = there[there["contribution"].notna()].assign(there=1)
    sums = pd.concat(
        [
            known.groupby("account_id")[["contribution", "there"]].sum(),
            pairs.groupby("account_id")[["bought", "kept"]].sum(),
        ],
        axis=1,
    )
    return sums.fillna(0.0), len(there) - len(known)


def _correlation(one: Floats, other: Floats) -> float:
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0


def _drawn(margin: Floats, retention: Floats, rise: float, rate: float) -> tuple[Floats, Floats]:
    """Return gain in lifetime value of an account, and affordable spend, of each draw."""
    unit_before = lifetime_value(1.0, retention, rate)
    unit_after = lifetime_value(1.0, np.minimum(retention + rise, 1.0), rate)
    now = lifetime_value(1.0, retention, rate, first_now=True)
    return margin * (unit_after - unit_before), rise * margin * now
