"""Did the programme pay? Gain by the ladder, cost by the ledger, joined per member and month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import ABOVE, BY_LOT, WHOLE, Comparison
from kamlib.loyalty.finance.paid import return_on_cost
from kamlib.loyalty.finance.programme import Programme
from kamlib.loyalty.finance.simulated import simulated_return
from kamlib.loyalty.finance.uncertain import Uncertain
from kamlib.loyalty.identities import LEVELS
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.refusals import Code, Refusal
from kamlib.loyalty.ladder.returns import Claim, return_refusals
from kamlib.loyalty.programme_effects import (
    Judged,
    best_of,
    in_percent,
    took_part,
    usual_of_members,
)
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

NONE = float("nan")
_FIGURES = (
    "gain_per_month", "gain_month_low", "gain_month_high", "net_value", "net_value_low",
    "net_value_high", "roi", "roi_low", "roi_high", "chance_paid", "npv", "npv_from", "npv_to",
    "payback_months",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Costs of a programme since it began.

    Attributes
    ----------
    by_level
        Cost by level, what is common spread by member-months, shape of `cost_by_level`'s frame, with
        level as index: `cost`, `member_months`.
    set_up
        Of it, money laid out before anybody joined.
    members
        Members by level on the last day.
    """

    by_level: pd.DataFrame
    set_up: float
    members: dict[int, int]

    def per_month(self, level: int) -> float:
        """Return what a member and month cost at a level; 0: at all levels."""
        rows = self.by_level if level == 0 else self.by_level.reindex([level])
        months = float(rows["member_months"].sum())
        return float(rows["cost"].sum()) / months if months > 0 else NONE

    def of(self, name: str, level: int) -> float:
        """Return the cost of a member and month of a comparison; of a level, beyond the one below."""
        if name == ABOVE.get(level) and level > 1:
            return self.per_month(level) - self.per_month(level - 1)
        return self.per_month(level)

    def months(self, level: int) -> float:
        """Return months of membership at a level; 0: at all levels."""
        rows = self.by_level if level == 0 else self.by_level.reindex([level])
        return float(rows["member_months"].sum())

    def now(self, level: int) -> int:
        """Return members at a level on the last day; 0: at all levels."""
        return sum(self.members.values()) if level == 0 else self.members.get(level, 0)


def costs_of(by_level: Estimate, members: Estimate, set_up: float) -> Costs | None:
    """Return costs per member from the ledger; None where members or costs are not known."""
    if by_level.refused or members.refused:
        return None
    rows = by_level.frame.set_index("programme_level")[["cost", "member_months"]]
    last = members.frame[members.frame["month"] == members.frame["month"].max()]
    now = last.set_index("programme_level")["n_members"]
    return Costs(rows, set_up, {level: int(now.get(level, 0)) for level in LEVELS})


def cost_by_comparison(costs: Costs | None) -> dict[str, float]:
    """Return the cost of a member and month of every comparison there may be."""
    if costs is None:
        return {}
    found = {WHOLE: costs.per_month(0)}
    found |= {ABOVE[k]: costs.of(ABOVE[k], k) for k in LEVELS}
    found |= {BY_LOT[k]: costs.per_month(k) for k in LEVELS}
    return {name: cost for name, cost in found.items() if np.isfinite(cost) and cost > 0}


def programme_return(
    judged: tuple[Judged, ...], costs: Costs | None, rules: LoyaltyRoiParams, *, margin_known: bool,
    cost_missing: float, n_months: int, rng: np.random.Generator,
) -> Estimate:  # fmt: skip
    """Return of the programme, where the evidence allows one, and what it would have to bring where not.

    The effect in percent is taken to be that of all members, now and over the whole time; in money it is
    that share of what members brought in a usual month before they joined. Of a trial it is the effect on
    those that took part because of the lot.

    Parameters
    ----------
    judged
        As `programme_effects.judge`.
    costs
        Of the programme; None where not known.
    rules
        `conf_level`, `horizon_months`, `discount_rate`, `fade`, `draws`.
    margin_known
        Whether what accounts bring is a contribution.
    cost_missing
        Share of the kinds of cost that nobody booked.
    n_months
        Months of the panel.
    rng
        Source of randomness.

    Returns
    -------
    Estimate
        One row per `comparison`: `evidence_grade`, `n_members` (now), `member_months` (so far),
        `cost_per_member_month` (of a level beyond the one below), `gain_per_month` (contribution
        gained per member and month) with `gain_month_low`, `gain_month_high`, `net_value` (gain less
        cost, so far) with `net_value_low`, `net_value_high`, `roi` with `roi_low`, `roi_high`
        (Fieller), `chance_paid`, `npv` with `npv_from`, `npv_to` (of today's members over the horizon,
        set up anew), `payback_months`, `break_even_share` (of a usual month, at which it pays),
        `refusal_code` (why figures are missing).
        Figures of an effect are null at grades D and R. Checks: what must be known of each figure.
        Refused without costs or comparisons.
    """
    name = "programme_return"
    if costs is None:
        return refusal(name, "programme_effect.no_costs")
    if not judged:
        return refusal(name, "programme_effect.nothing")
    rows, checks = [], []
    for one in judged:
        row, refusals = _row(one, costs, rules, margin_known, cost_missing, n_months, rng)
        rows.append(row)
        told = next((r for r in refusals if r.code != Code.EXAGGERATION), None)
        label = f"return_{len(rows)}"
        values = {"comparison": one.comparison.name, "grade": one.main.grade}
        if refusals:
            why = told or refusals[0]
            values |= {"why": why.sentence, "mend": why.remedy}
            checks.append(Check(label, False, Sentence("programme_effect.not_told", values)))
        else:
            checks.append(Check(label, True, Sentence("programme_effect.told", values)))
    frame = pd.DataFrame(rows)
    numbers = [c for c in frame if c not in ("comparison", "evidence_grade", "refusal_code")]
    frame = frame.astype(dict.fromkeys(numbers, "float64"))
    best = frame[frame["comparison"] == best_of(judged).comparison.name].iloc[0]
    told_values = best.to_dict() | {"level": rules.conf_level, "months": rules.horizon_months,
                                    "grade": best["evidence_grade"], "rate": rules.discount_rate,
                                    "n": best["n_members"]}  # fmt: skip
    key = "return" if np.isfinite(best["gain_per_month"]) else "break_even"
    summary = one_row(
        len(frame), "Fieller; Monte Carlo", rules.conf_level, chance_paid=best["chance_paid"],
        draws=rules.draws,
    )  # fmt: skip
    note = Sentence(f"programme_effect.{key}", told_values)
    return Estimate(name, frame, summary, note, tuple(checks))


def gain_per_month(one: Judged, conf_level: float) -> tuple[float, float]:
    """Return the contribution gained per member and month, in money, and its standard error."""
    value, low, high = in_percent(one.main)
    usual, part = usual_of_members(one.comparison), took_part(one.comparison)
    if not np.isfinite(value) or not part > 0:
        return NONE, NONE
    if str(one.main.answer and one.main.answer.frame["term"].iloc[0]) in ("att", "ate"):
        usual = 1.0  # told in money already
    half = (high - low) / 2 / float(norm.ppf((1 + conf_level) / 2))
    return value * usual / part, half * usual / part


def _row(
    one: Judged, costs: Costs, rules: LoyaltyRoiParams, margin_known: bool, cost_missing: float,
    n_months: int, rng: np.random.Generator,
) -> tuple[dict[str, object], tuple[Refusal, ...]]:  # fmt: skip
    found = one.comparison
    level, months = found.level, costs.months(found.level)
    cost, usual = costs.of(found.name, level), usual_of_members(found)
    row: dict[str, object] = {
        "comparison": found.name, "evidence_grade": one.main.grade, "n_members": costs.now(level),
        "member_months": months, "cost_per_member_month": cost,
        "break_even_share": cost / usual if cost > 0 and usual > 0 else NONE,
    } | dict.fromkeys(_FIGURES, NONE)  # fmt: skip
    gain, error = gain_per_month(one, rules.conf_level)
    seen = max(int(n_months - np.nanmedian(_starts(found, n_months))), 1)
    claim = Claim(
        gain=0.0 if np.isnan(gain) else gain * months, cost=cost * months if cost > 0 else None,
        gain_error=0.0 if np.isnan(error) else error * months, margin_known=margin_known,
        cost_missing=cost_missing, months=rules.horizon_months, months_seen=seen, fade=rules.fade,
    )  # fmt: skip
    refusals = return_refusals(one.main, claim, conf_level=rules.conf_level)
    codes = {refusal.code for refusal in refusals}
    row["refusal_code"] = ", ".join(str(refusal.code) for refusal in refusals) or None
    stops = {Code.NO_CAUSE, Code.MARGIN_MISSING, Code.COST_MISSING}
    if codes & stops or not claims_effect(one.main.grade) or np.isnan(gain):
        return row, refusals
    half = error * float(norm.ppf((1 + rules.conf_level) / 2))
    row |= {"gain_per_month": gain, "gain_month_low": gain - half, "gain_month_high": gain + half}
    paid = return_on_cost(
        gain * months, error * months, cost * months, n_accounts=max(costs.now(level), 1),
        conf_level=rules.conf_level,
    ).frame.set_index("term")  # fmt: skip
    for term in ("net_value", "roi"):
        row[term] = paid.loc[term, "estimate"]
        row[f"{term}_low"], row[f"{term}_high"] = paid.loc[term, ["conf_low", "conf_high"]]
    row["chance_paid"] = paid.loc["chance_paid", "estimate"]
    if Code.HORIZON_BEYOND_DATA not in codes and costs.now(level):
        row |= _npv(found, gain, error, costs, rules, seen, rng)
    return row, refusals


def _npv(
    found: Comparison, gain: float, error: float, costs: Costs, rules: LoyaltyRoiParams, seen: int,
    rng: np.random.Generator,
) -> dict[str, float]:  # fmt: skip
    """Return net present value and payback of today's members, with the set-up laid out again."""
    level, n = found.level, costs.now(found.level)
    whole, cost = costs.months(0), costs.of(found.name, found.level)
    # of a level beyond another the set-up is spent already
    adds = found.name == ABOVE.get(level) and level > 1
    share = 0.0 if adds else costs.months(level) / whole
    per_month = cost - (costs.set_up * share / costs.months(level) if not adds else 0.0)
    try:
        found_return = simulated_return(
            Programme(
                effect=gain, margin=1.0, n_accounts=n, months=rules.horizon_months, months_seen=seen,
                set_up=costs.set_up * share, running=max(per_month, 0.0) * n,
                discount_rate=rules.discount_rate, fade=rules.fade,
            ),
            {"effect": Uncertain(gain, error)}, draws=rules.draws, rng=rng,
        )  # fmt: skip
    except FitError:
        return {}
    rows = found_return.frame
    at = rows[rows["conf_level"] == rows["conf_level"].max()].set_index("term")
    npv, payback = at.loc["npv"], at.loc["payback_months"]
    return {"npv": float(npv["estimate"]), "npv_from": float(npv["conf_low"]),
            "npv_to": float(npv["conf_high"]),
            "payback_months": float(payback["estimate"])}  # fmt: skip


def _starts(found: Comparison, n_months: int) -> np.ndarray:
    if found.assigned_on is not None:
        return np.array([n_months - (found.last - found.assigned_on)], dtype=np.float64)
    starts = found.accounts["start"].dropna().to_numpy(np.float64)
    return starts if len(starts) else np.array([float(n_months)])
