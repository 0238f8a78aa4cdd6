"""Did the programme pay? Gain by the ladder, cost by the ledger, joined per member and month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import ABOVE, Comparison
from kamlib.loyalty.finance.paid import return_on_cost
from kamlib.loyalty.finance.programme import Programme
from kamlib.loyalty.finance.simulated import simulated_return
from kamlib.loyalty.finance.uncertain import Uncertain
from kamlib.loyalty.judged import Judged, best_of, in_percent, took_part, usual_of_members
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.refusals import Code, Refusal
from kamlib.loyalty.ladder.returns import Claim, return_refusals
from kamlib.loyalty.member_costs import MemberCosts
from kamlib.loyalty.programme_records import ProgrammeRecords
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

NONE = float("nan")
_FIGURES = (
    "gain_per_month", "gain_month_low", "gain_month_high", "net_value", "net_value_low",
    "net_value_high", "roi", "roi_low", "roi_high", "chance_paid", "npv", "npv_from", "npv_to",
    "payback_months", "payback_from", "payback_to",
)  # fmt: skip


def programme_return(
    judged: tuple[Judged, ...], costs: MemberCosts | None, rules: LoyaltyRoiParams, *, margin_known: bool,
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
        set up anew), `payback_months` with `payback_from`, `payback_to` (infinite: not within the
        horizon), `break_even_share` (of a usual month, at which it pays),
        `refusal_code` (why figures are missing).
        Figures of an effect are null at grades D and R. Checks: what must be known of each figure.
        Refused without costs or comparisons.
    """
    name = "programme_return"
    first = best_of(judged)
    if costs is None:
        none = first is None
        return refusal(
            name, "programme_effect.no_programme" if none else "programme_effect.no_costs"
        )
    if first is None:
        return refusal(name, "programme_effect.nothing")
    rows, checks = [], []
    for one in judged:
        row, refusals = _row(one, costs, rules, margin_known, cost_missing, n_months, rng)
        rows.append(row)
        told = next((r for r in refusals if r.code != Code.EXAGGERATION), None)
        label = f"return_{len(rows)}"
        values: dict[str, Any] = {"comparison": one.comparison.name, "grade": one.main.grade}
        if refusals:
            why = told or refusals[0]
            values |= {"why": why.sentence, "mend": why.remedy}
            checks.append(Check(label, False, Sentence("programme_effect.not_told", values)))
        elif row["refusal_code"]:
            checks.append(
                Check(label, False, Sentence("programme_effect.nobody_took_part", values))
            )
        else:
            checks.append(Check(label, True, Sentence("programme_effect.told", values)))
    frame = pd.DataFrame(rows)
    numbers = [c for c in frame if c not in ("comparison", "evidence_grade", "refusal_code")]
    frame = frame.astype(dict.fromkeys(numbers, "float64"))
    best = frame.iloc[judged.index(first)]
    told_values = {str(name): value for name, value in best.items()} | {"level": rules.conf_level, "months": rules.horizon_months,
                                    "grade": best["evidence_grade"], "rate": rules.discount_rate,
                                    "n": best["n_members"]}  # fmt: skip
    is_told = np.isfinite(best["gain_per_month"])
    key = "programme_effect.return" if is_told else "programme_effect.break_even"
    summary = one_row(
        len(frame), "Fieller; Monte Carlo", rules.conf_level, chance_paid=best["chance_paid"],
        draws=rules.draws, break_even_share=best["break_even_share"], grade=best["evidence_grade"],
    )  # fmt: skip
    note = Sentence(key, told_values)
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
    one: Judged, costs: MemberCosts, rules: LoyaltyRoiParams, margin_known: bool, cost_missing: float,
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
        # of a lot that made nobody join there is no effect on whoever joined
        row["refusal_code"] = row["refusal_code"] or str(Code.CROSSOVER)
        return row, refusals
    half = error * float(norm.ppf((1 + rules.conf_level) / 2))
    row |= {"gain_per_month": gain, "gain_month_low": gain - half, "gain_month_high": gain + half}
    paid = return_on_cost(
        gain * months, error * months, cost * months, n_accounts=max(costs.now(level), 1),
        conf_level=rules.conf_level,
    ).frame.set_index("term")  # fmt: skip
    for term in ("net_value", "roi"):
        row[term] = paid.loc[term, "estimate"]
        row[f"{term}_low"] = paid.loc[term, "conf_low"]
        row[f"{term}_high"] = paid.loc[term, "conf_high"]
    row["chance_paid"] = paid.loc["chance_paid", "estimate"]
    if Code.HORIZON_BEYOND_DATA not in codes and costs.now(level):
        row |= _npv(found, gain, error, costs, rules, seen, rng)
    return row, refusals


def _npv(
    found: Comparison, gain: float, error: float, costs: MemberCosts, rules: LoyaltyRoiParams, seen: int,
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
            "payback_months": float(payback["estimate"]),
            "payback_from": float(payback["conf_low"]),
            "payback_to": float(payback["conf_high"])}  # fmt: skip


def _starts(found: Comparison, n_months: int) -> np.ndarray:
    if found.assigned_on is not None:
        return np.array([n_months - (found.last - found.assigned_on)], dtype=np.float64)
    starts = found.accounts["start"].dropna().to_numpy(np.float64)
    return starts if len(starts) else np.array([float(n_months)])


def months_of(records: ProgrammeRecords | None) -> int:
    """Return the months that comparisons look at."""
    return 0 if records is None else len(records.months)


def in_short(paid: Estimate) -> pd.DataFrame:
    """Return the columns that a reader looks at first; no rows where it was refused."""
    columns = [
        "comparison", "evidence_grade", "n_members", "cost_per_member_month", "gain_per_month",
        "gain_month_low", "gain_month_high", "roi", "roi_low", "roi_high", "chance_paid",
    ]  # fmt: skip
    return paid.frame.reindex(columns=columns)


def headline(paid: Estimate) -> dict[str, tuple[float, Sentence | None]]:
    """Return the key figure for the top of the report: the chance that it paid, or what it would take."""
    if paid.refused:
        return {}
    chance = float(paid["chance_paid"])
    if np.isfinite(chance):
        return {
            "chance_paid": (chance, Sentence("programme_effect.chance", {"grade": paid["grade"]}))
        }
    needed = float(paid["break_even_share"])
    return {"break_even_share": (needed, None)} if np.isfinite(needed) else {}
