"""What the programme changed: every comparison that the records allow, on the ladder of evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import Comparison, comparisons, ladder_records, stay_records
from kamlib.loyalty.ladder.grades import claims_effect, is_higher
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


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One comparison and what was found of it.

    Attributes
    ----------
    comparison
        Who was compared.
    findings
        By outcome: "contribution", "revenue", what the level aims at ("n_orders" at the first,
        "n_interactions" at the second, revenue, and so the share of wallet, at the third) and
        "months_stayed".
    """

    comparison: Comparison
    findings: dict[str, Finding]

    @property
    def main(self) -> Finding:
        """Finding on what accounts bring."""
        return next(iter(self.findings.values()))


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
    records: ProgrammeRecords, rules: LoyaltyRoiParams, terms: Terms, *, margin_known: bool,
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
    outcome, known = "contribution", margin_known or rules.margin is not None
    if not margin_known:
        share = 1.0 if rules.margin is None else rules.margin
        records = _with_contribution(records, share)
    found = []
    for one in comparisons(records, rules):
        usual = float(_with(one)["usual"].mean()) if len(_with(one)) else NONE
        cost = terms.cost_per_month.get(one.name, NONE)
        needed = cost / usual if cost > 0 and usual > 0 else 0.0
        findings = {
            name: climb(
                ladder_records(
                    records, one, name, needed=needed if name == outcome else 0.0, cost_missing=terms.cost_missing,
                    margin_known=known or name != outcome, planned=rules.trial_planned,
                ),
                rng=rng, conf_level=rules.conf_level,
            )
            for name in dict.fromkeys((outcome, "revenue", AIMS[one.level]))
            if records.panel[name].notna().any()
        }  # fmt: skip
        findings[STAY] = climb_retention(
            stay_records(records, one, rules.landmark_months), rng=rng, conf_level=rules.conf_level
        )
        found.append(Judged(one, findings))
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
    rows = [
        _row(one.comparison, outcome, found)
        for one in judged
        for outcome, found in one.findings.items()
    ]
    if not rows:
        return refusal(name, "programme_effect.nothing")
    frame = pd.DataFrame(rows)
    best = best_of(judged)
    told = {"n": len(judged), "claimed": sum(claims_effect(one.main.grade) for one in judged),
            "grade": best.main.grade, "comparison": best.comparison.name}  # fmt: skip
    key = "programme_effect.some" if told["claimed"] else "programme_effect.none"
    summary = one_row(len(frame), "ladder of evidence", best_grade=best.main.grade)
    return Estimate(name, frame, summary, Sentence(key, told))


def best_of(judged: tuple[Judged, ...]) -> Judged:
    """Return the comparison of the highest grade on what accounts bring; the first of several."""
    best = judged[0]
    for one in judged[1:]:
        if is_higher(one.main.grade, best.main.grade):
            best = one
    return best


def in_percent(finding: Finding) -> tuple[float, float, float]:
    """Return effect and limits as a share, or in the units of the outcome; NaN where none is told."""
    if finding.answer is None:
        return NONE, NONE, NONE
    return _share(finding.answer.frame.iloc[0])


def took_part(found: Comparison) -> float:
    """Return the share of the accounts drawn that joined because they were; 1 without a lot."""
    rows = found.accounts
    if found.assigned_on is None:
        return 1.0
    joined = rows["start"].notna()
    drawn = rows["assigned"].astype(bool)
    return float(joined[drawn].mean() - joined[~drawn].mean())


def _with(found: Comparison) -> pd.DataFrame:
    rows = found.accounts
    inside = rows["start"].notna() if found.assigned_on is None else rows["assigned"].astype(bool)
    return rows[inside]


def usual_of_members(found: Comparison) -> float:
    """Return the mean month, in money, that accounts with it brought in the year before."""
    rows = _with(found)
    return float(rows["usual"].mean()) if len(rows) else NONE


def _row(found: Comparison, outcome: str, finding: Finding) -> dict[str, object]:
    value, low, high = in_percent(finding)
    naive = NONE
    if finding.naive is not None and len(finding.naive.frame):
        naive = _share(finding.naive.frame.iloc[0])[0]
    inside, drawn = _with(found), found.assigned_on is not None
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


def _share(row: pd.Series) -> tuple[float, float, float]:
    values = row[["estimate", "conf_low", "conf_high"]].to_numpy(np.float64)
    if str(row["term"]).endswith("_log"):
        values = np.expm1(values)
    return float(values[0]), float(values[1]), float(values[2])


def _with_contribution(records: ProgrammeRecords, share: float) -> ProgrammeRecords:
    panel = records.panel.assign(contribution=records.panel["revenue"] * share)
    return replace(records, panel=panel)
