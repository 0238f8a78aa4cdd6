"""What the programme changed: every comparison that the records allow, on the ladder of evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import Comparison, comparisons, ladder_records, stay_records
from kamlib.loyalty.identities import LEVELS
from kamlib.loyalty.judged import (
    Judged,
    as_share,
    best_of,
    in_percent,
    took_part,
    usual_of_members,
    with_it,
)
from kamlib.loyalty.ladder.by_group import effects_by_group
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.ladder import Finding, climb
from kamlib.loyalty.ladder.pooling import pooled
from kamlib.loyalty.ladder.retained import climb_retention
from kamlib.loyalty.programme_records import ProgrammeRecords
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Estimate, one_row, refusal

STAY = "months_stayed"
# what a level is there to change, beside what accounts bring
AIMS = {0: "n_orders", 1: "n_orders", 2: "n_interactions", 3: "revenue"}
NONE = float("nan")


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
    outcome = "contribution"
    margin_known = margin_known and bool(records.panel[outcome].notna().any())
    known = margin_known or rules.margin is not None
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
            # a change against nothing cannot be told
            if (rows.accounts["usual"] > 0).all()
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
        One row per `comparison` and `outcome`: `evidence_grade`, `effect_share` (of what an account
        usually buys, orders, or has to do with us) with `effect_share_low` and `_high` (null at D and
        R, where no effect is told), `naive_gap` (members against others), `n_treated`, `n_control`,
        `conf_level`, `refusal_code` (why the grade is not higher; null at A). The summary has
        `best_grade`, of what accounts bring. Refused where nothing can be compared.
    """
    name = "programme_effects"
    best = best_of(judged)
    if best is None:
        return refusal(name, "programme_effect.nothing")
    columns = ("effect_share", "effect_share_low", "effect_share_high", "naive_gap")
    rows = [
        _row(one.comparison, found, columns, {"outcome": outcome})
        for one in judged
        for outcome, found in one.findings.items()
        if outcome != STAY
    ]
    told = {"n": len(judged), "claimed": sum(claims_effect(one.main.grade) for one in judged),
            "grade": best.main.grade, "comparison": best.comparison.name}  # fmt: skip
    key = "programme_effect.some" if told["claimed"] else "programme_effect.none"
    summary = one_row(len(rows), "ladder of evidence", best_grade=best.main.grade)
    return Estimate(name, pd.DataFrame(rows), summary, Sentence(key, told))


def stay_effects(judged: tuple[Judged, ...]) -> Estimate:
    """How much longer accounts stay because of the programme, with the grade of every figure.

    Returns
    -------
    Estimate
        One row per `comparison`: `evidence_grade`, `stay_gain` (months within the horizon) with
        `stay_gain_low` and `_high` (null at D and R), `naive_stay` (of ever members against others,
        which holds the time that they had to stay to join), `share_gain` (of accounts still there at
        the end, percentage points), `horizon_months`, `n_treated`, `n_control`, `conf_level`,
        `refusal_code`. Refused where nothing can be compared.
    """
    name = "stay_effects"
    if not judged:
        return refusal(name, "programme_effect.nothing")
    columns = ("stay_gain", "stay_gain_low", "stay_gain_high", "naive_stay")
    rows, claimed = [], []
    for one in judged:
        finding = one.findings[STAY]
        share = next((e for e in finding.beside if e.name == "share_retained"), None)
        told = finding.answer is not None and share is not None and not share.refused
        more = {
            "share_gain": 100 * float(share.frame["estimate"].iloc[0]) if told and share else NONE,
            "horizon_months": float(share.note.values["horizon"]) if told and share else NONE,
        }
        rows.append(_row(one.comparison, finding, columns, {}) | more)
        claimed += [finding] if finding.answer is not None else []
    values = {"n": len(judged), "claimed": len(claimed)}
    if not claimed:
        note = Sentence("programme_effect.stay_none", values)
    else:
        best = min(claimed, key=lambda found: found.grade)
        note = Sentence("programme_effect.stay", values | {"note": best.note})
    order = ["comparison", "evidence_grade", *columns, "share_gain", "horizon_months", "n_treated",
             "n_control", "conf_level", "refusal_code"]  # fmt: skip
    summary = one_row(len(rows), "ladder of evidence")
    return Estimate(name, pd.DataFrame(rows)[order], summary, note)


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


def by_level(judged: tuple[Judged, ...], *, conf_level: float = 0.95) -> Estimate:
    """Effect of each level over the one below on what accounts bring, drawn together.

    Of several comparisons of a level that of the highest grade counts; one by lot is told for those
    that took part because of it.

    Returns
    -------
    Estimate
        As `ladder.pooling.pooled`, with `evidence_grade` and `term`; the summary has `grade`, the
        lowest of the levels with a figure. A level without one stands at the mean. Refused with
        fewer than two levels that carry an effect.
    """
    name, rows, grades = "effects_by_level", [], []
    for level in LEVELS:
        best = best_of(tuple(one for one in judged if one.comparison.level == level))
        if best is None:
            continue
        value, low, high = in_percent(best.main)
        part, inside = took_part(best.comparison), len(with_it(best.comparison))
        error = (high - low) / 2 / float(norm.ppf((1 + conf_level) / 2))
        rows.append(
            {"group": best.comparison.name, "evidence_grade": best.main.grade, "term": "att_ratio",
             "estimate": value / part, "std_error": error / part, "n_treated": inside,
             "n_control": len(best.comparison.accounts) - inside}
        )  # fmt: skip
        grades += [best.main.grade] if np.isfinite(value) else []
    if not rows:
        return refusal(name, "programme_effect.nothing")
    found = pooled(pd.DataFrame(rows), conf_level=conf_level)
    if found.refused:
        return refusal(name, found.note.key, **found.note.values)
    note = Sentence("loyalty_groups.by_group", {"outcome": "contribution", "pooled": found.note})
    summary = found.summary.assign(grade=max(grades))
    return Estimate(name, found.frame, summary, note, found.checks)


def _row(
    found: Comparison, finding: Finding, columns: tuple[str, ...], more: dict[str, object]
) -> dict[str, object]:
    naive = NONE
    if finding.naive is not None and len(finding.naive.frame):
        naive = as_share(finding.naive.frame.iloc[0])[0]
    inside, answer = with_it(found), finding.answer
    row: dict[str, object] = {"comparison": found.name} | more
    row |= {"evidence_grade": finding.grade}
    row |= dict(zip(columns, (*in_percent(finding), naive), strict=True))
    return row | {
        "n_treated": len(inside), "n_control": len(found.accounts) - len(inside),
        "conf_level": NONE if answer is None else answer.frame["conf_level"].iloc[0],
        "refusal_code": None if finding.grade == "A" or not finding.codes else _why(finding),
    }  # fmt: skip


def _why(finding: Finding) -> str:
    """Return the reason that decided the grade: the last condition that did not hold."""
    return str([code for code in finding.codes if code != "NEGATIVE_BASE_LOG"][-1])


def _with_contribution(records: ProgrammeRecords, share: float) -> ProgrammeRecords:
    panel = records.panel.assign(contribution=records.panel["revenue"] * share)
    return replace(records, panel=panel)
