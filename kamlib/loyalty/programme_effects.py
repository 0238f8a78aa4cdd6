"""What the programme changed: every comparison that the records allow, on the ladder of evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import Comparison, comparisons, ladder_records, stay_records
from kamlib.loyalty.judged import (
    Judged,
    as_share,
    best_of,
    in_percent,
    usual_of_members,
    with_it,
)
from kamlib.loyalty.ladder.by_group import effects_by_group
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.ladder import Finding, climb
from kamlib.loyalty.ladder.retained import climb_retention
from kamlib.loyalty.programme_records import ProgrammeRecords
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Estimate, one_row, refusal

STAY = "months_stayed"
# what a level is there to change, beside what accounts bring
AIMS = {0: "n_orders", 1: "n_orders", 2: "n_interactions", 3: "revenue"}
NONE = float("nan")
_STAYED = "restricted_mean_difference"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison is held against.

    Attributes
    ----------
    cost_per_month
        Of a member and month, by comparison's name; what is absent is not known.
    cost_missing
        Share of the programme's kinds of cost that nobody booked.
    """

    cost_per_month: dict[str, float]
    cost_missing: float = 0.0


def judge(
    records: ProgrammeRecords | None, rules: LoyaltyRoiParams, terms: Terms, *, margin_known: bool,
    rng: np.random.Generator,
) -> tuple[Judged, ...]:  # fmt: skip
    """Climb the ladder for every comparison and outcome.

    Parameters
    ----------
    records
        Of the unit; `rules.margin` makes a contribution of revenue where order lines carry no cost.
    rules
        `conf_level`, `landmark_months`, `trial_planned`, `trial_until`, `margin`.
    terms
        Costs, for the effect at which a comparison pays.
    margin_known
        Whether the ledger has a contribution; else `rules.margin` is taken, else none is known.
    rng
        Source of randomness.
    """
    if records is None:
        return ()
    outcome, known = "contribution", margin_known or rules.margin is not None
    if not margin_known:
        share = 1.0 if rules.margin is None else rules.margin
        records = _with_contribution(records, share)
    found = []
    for one in comparisons(records, rules):
        cost, usual = terms.cost_per_month.get(one.name, NONE), usual_of_members(one)
        needed = cost / usual if cost > 0 and usual > 0 else 0.0
        climbed = {
            name: ladder_records(
                records, one, name, needed=needed if name == outcome else 0.0,
                cost_missing=terms.cost_missing, margin_known=known or name != outcome,
                planned=rules.trial_planned,
            )
            for name in dict.fromkeys((outcome, "revenue", AIMS[one.level]))
            if records.panel[name].notna().any()
        }  # fmt: skip
        findings = {
            name: climb(rows, rng=rng, conf_level=rules.conf_level)
            for name, rows in climbed.items()
        }
        findings[STAY] = climb_retention(
            stay_records(records, one, rules.landmark_months), rng=rng, conf_level=rules.conf_level
        )
        found.append(Judged(one, climbed[outcome], findings))
    return tuple(found)


def effects(judged: tuple[Judged, ...]) -> Estimate:
    """What the programme changed, with the grade of every figure and the naive one beside it.

    Returns
    -------
    Estimate
        One row per `comparison` and `outcome`: `evidence_grade`, `term` (share of what an account
        usually brings or orders, or months), `estimate` with `conf_low`, `conf_high` (null at D and R,
        where no effect is told), `naive_difference` (members against others), `n_treated`,
        `n_control`, `conf_level`, `refusal_code` (why the grade is not higher; null at A). The summary has
        `best_grade`. Refused where nothing can be compared.
    """
    name = "programme_effects"
    best = best_of(judged)
    if best is None:
        return refusal(name, "programme_effect.nothing")
    rows = [
        _row(one.comparison, outcome, found)
        for one in judged
        for outcome, found in one.findings.items()
    ]
    frame = pd.DataFrame(rows)
    told = {"n": len(judged), "claimed": sum(claims_effect(one.main.grade) for one in judged),
            "grade": best.main.grade, "comparison": best.comparison.name}  # fmt: skip
    key = "programme_effect.some" if told["claimed"] else "programme_effect.none"
    summary = one_row(len(frame), "ladder of evidence", best_grade=best.main.grade)
    return Estimate(name, frame, summary, Sentence(key, told))


def by_tier(one: Judged | None, *, rng: np.random.Generator, conf_level: float = 0.95) -> Estimate:
    """Effect on what accounts bring by the tier in force before anybody joined, drawn together.

    Parameters
    ----------
    one
        A comparison.
    rng, conf_level
        As `by_group.effects_by_group`, which says what the result holds.
    """
    if one is None:
        return refusal("effects_by_group", "programme_effect.nothing")
    tiers = one.comparison.accounts.set_index("unit")["tier"]
    order = [tier for tier in TIERS if (tiers == tier).any()]
    groups = pd.Series(pd.Categorical(tiers, order, ordered=True), tiers.index)
    return effects_by_group(one.records, groups, one.main, rng=rng, conf_level=conf_level)


def _row(found: Comparison, outcome: str, finding: Finding) -> dict[str, object]:
    value, low, high = in_percent(finding)
    naive = NONE
    if finding.naive is not None and len(finding.naive.frame):
        naive = as_share(finding.naive.frame.iloc[0])[0]
    inside, drawn = with_it(found), found.assigned_on is not None
    return {
        "comparison": found.name, "outcome": outcome, "evidence_grade": finding.grade,
        "term": _STAYED if outcome == STAY else "ate_ratio" if drawn else "att_ratio",
        "estimate": value, "conf_low": low, "conf_high": high, "naive_difference": naive,
        "n_treated": len(inside), "n_control": len(found.accounts) - len(inside),
        "conf_level": NONE if finding.answer is None else finding.answer.frame["conf_level"].iloc[0],
        "refusal_code": None if finding.grade == "A" or not finding.codes else str(_why(finding)),
    }  # fmt: skip


def _why(finding: Finding) -> str:
    """Return the reason that decided the grade: the last condition that did not hold."""
    return str([code for code in finding.codes if code != "NEGATIVE_BASE_LOG"][-1])


def _with_contribution(records: ProgrammeRecords, share: float) -> ProgrammeRecords:
    panel = records.panel.assign(contribution=records.panel["revenue"] * share)
    return replace(records, panel=panel)
