"""Compensation, visits and training: what the ladder of designs lets one say of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.ladder.evidence import ARM_MIN, Records, evidence_of
from kamlib.loyalty.ladder.grades import claims_effect, graded
from kamlib.loyalty.ladder.ladder import Finding, climb
from kamlib.loyalty.ladder.naive import BEFORE_AFTER, MEMBERS, naive
from kamlib.loyalty.ladder.refusals import Code, Refusal
from kamlib.loyalty.ladder.sections import section
from kamlib.loyalty.measures_taken_facts import MeasureFacts
from kamlib.results import Check, Estimate, one_row, refusal

NAMES = {
    "recovery": "Compensation after a complaint",
    "visits": "Visits",
    "training": "Training",
}
_NEEDS = {
    "recovery": "service_events.compensation",
    "visits": "visits",
    "training": "service_events",
}
_MISLEADS = {
    "recovery": "loyalty_measures_taken.misleads_recovery",
    "visits": "loyalty_measures_taken.misleads_visits",
    "training": "loyalty_measures_taken.misleads_training",
}
_BEGINS = {
    "complaint": "loyalty_measures_taken.begins_complaint",
    "first": "loyalty_measures_taken.begins_first",
    "doubled": "loyalty_measures_taken.begins_doubled",
}
_LIMITS = ("", "_low", "_high")


def find(
    facts: MeasureFacts, *, rng: np.random.Generator, conf_level: float = 0.95, draws: int = 200
) -> Finding:
    """Climb the ladder with one measure.

    Parameters
    ----------
    facts
        Of the measure.
    rng, draws
        Accounts drawn anew for errors.
    conf_level
        Of all intervals.

    Returns
    -------
    Finding
        As `ladder.climb` returns it. Where the records cannot carry an effect (grade R) the naive
        differences are there all the same, if there are accounts on both sides.
    """
    inside = facts.accounts["start"].notna()
    if min(inside.sum(), (~inside).sum()) < ARM_MIN:
        values = {
            "n_treated": int(inside.sum()),
            "n_control": int((~inside).sum()),
            "need": ARM_MIN,
        }
        few = Refusal(Code.NO_TREATED_MIN, values)
        check = Check(few.code.lower(), False, few.sentence)
        note = Sentence("loyalty_ladder.refused", {"why": few.sentence, "mend": few.remedy})
        return Finding(facts.outcome, "R", None, None, (), (few,), (check,), graded("R", note))
    records = records_of(facts)
    found = climb(records, rng=rng, conf_level=conf_level, draws=draws)
    if found.naive is not None:
        return found
    # no effect may be told; what the figures look like may
    bare = facts.accounts.drop(columns="other_start", errors="ignore")
    try:
        evidence = evidence_of(replace(records, accounts=bare, margin_known=True))
        beside = naive(section(evidence, assigned=False), conf_level=conf_level)
    except FitError:
        return found
    return replace(found, naive=beside)


def records_of(facts: MeasureFacts) -> Records:
    """Return a measure as the records of a programme."""
    return Records(
        facts.panel, facts.accounts, facts.outcome, covariates=facts.covariates,
        margin_known=facts.outcome == "contribution", needed=max(break_even(facts), 0.0),
        cost_missing=1.0 if facts.cost is None else facts.cost_missing,
    )  # fmt: skip


def break_even(facts: MeasureFacts) -> float:
    """Return the rise of a usual month at which the measure pays, as a share; 0 where unknown."""
    if facts.cost is None or not facts.months or not facts.usual_month > 0:
        return 0.0
    return facts.cost / facts.months / facts.usual_month


def measures_taken(
    facts: Mapping[str, MeasureFacts | None],
    *,
    rng: np.random.Generator,
    conf_level: float = 0.95,
    findings: Mapping[str, Finding] | None = None,
) -> Estimate:
    """Tell what each measure brought, where a design carries it, and what only seems so.

    Parameters
    ----------
    facts
        By measure; None where the unit lacks the table.
    rng
        For errors, where `findings` are not given.
    conf_level
        Of all intervals.
    findings
        As `find` returns them, by measure.

    Returns
    -------
    Estimate
        One row per measure whose table is there: `measure_taken`, `n_with`, `n_without` (accounts),
        `evidence_grade`; `effect_share` with `effect_share_low` and `_high` (change of an account's
        usual month by the measure, only at grades A to C); `naive_change` (those that had it, after
        against the year before) and `naive_gap` (they against the others afterwards), each with its
        limits, neither an effect; `conf_level`; `usual_month` (money, of those that had it, in the
        year before), `measure_cost` (money per account and month), `break_even_share` (rise of a
        usual month that pays for it), `refusal_codes` (why not a higher grade). One check per measure
        says the reason and its remedy: it passes where an effect may be told, and else could not be
        judged. Figures in money are told as a share of the usual month, which is taken as known.
    """
    here = {name: one for name, one in facts.items() if one is not None}
    absent = [_absent(name) for name, one in facts.items() if one is None]
    if not here:
        empty = refusal("measures_taken", "loyalty_measures_taken.none")
        return replace(empty, checks=tuple(absent))
    if findings is None:
        findings = {n: find(one, rng=rng, conf_level=conf_level) for n, one in here.items()}
    rows = [_row(one, findings[name], conf_level) for name, one in here.items()]
    checks = [_check(one, findings[name], row)
              for (name, one), row in zip(here.items(), rows, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows)
    told = [name for name in here if claims_effect(findings[name].grade)]
    n = int((frame["n_with"] + frame["n_without"]).sum())
    key = "loyalty_measures_taken.some" if told else "loyalty_measures_taken.no_effect"
    clear = (frame["effect_share_low"] > 0) | (frame["effect_share_high"] < 0)
    values = {"n": len(frame), "told": len(told), "clear": int(clear.sum()),
              "accounts": int(frame["n_with"].sum())}  # fmt: skip
    summary = one_row(n, "ladder of designs", conf_level, n_told=len(told))
    return Estimate("measures_taken", frame, summary, Sentence(key, values), (*checks, *absent))


def _row(facts: MeasureFacts, finding: Finding, conf_level: float) -> dict[str, Any]:
    inside, known = facts.accounts["start"].notna(), facts.cost is not None and facts.months > 0
    usual = facts.usual_month
    row: dict[str, Any] = {
        "measure_taken": NAMES[facts.measure],
        "n_with": int(inside.sum()),
        "n_without": int((~inside).sum()),
        "evidence_grade": finding.grade,
    }
    answer = None if finding.answer is None else finding.answer.frame
    row |= _shares("effect_share", answer, None, usual)
    beside = None if finding.naive is None else finding.naive.frame
    row |= _shares("naive_change", beside, BEFORE_AFTER, usual)
    row |= _shares("naive_gap", beside, MEMBERS, usual)
    return row | {
        "conf_level": conf_level,
        "usual_month": usual,
        "measure_cost": (facts.cost or 0.0) / facts.months if known else np.nan,
        "break_even_share": break_even(facts) if known and usual > 0 else np.nan,
        "refusal_codes": ", ".join(finding.codes),
    }


def _shares(
    name: str, frame: pd.DataFrame | None, estimator: str | None, usual: float
) -> dict[str, float]:
    """Return a figure and its limits as shares of the usual month."""
    if frame is not None and estimator is not None:
        frame = frame[frame["estimator"] == estimator]
    if frame is None or frame.empty:
        return {f"{name}{end}": np.nan for end in _LIMITS}
    values = frame[["estimate", "conf_low", "conf_high"]].iloc[0].to_numpy(np.float64)
    term = str(frame["term"].iloc[0])
    if term.endswith("_log"):
        values = np.expm1(values)
    elif not term.endswith("_ratio"):
        values = values / usual if usual > 0 else np.full(3, np.nan)
    return {f"{name}{end}": float(v) for end, v in zip(_LIMITS, values, strict=True)}


def _check(facts: MeasureFacts, finding: Finding, row: Mapping[str, Any]) -> Check:
    told = claims_effect(finding.grade)
    values = {
        "measure": NAMES[facts.measure],
        "begins": Sentence(_BEGINS[facts.begins]),
        "n_with": row["n_with"],
        "n_without": row["n_without"],
        "change": row["naive_change"],
        "gap": row["naive_gap"],
        "misleads": Sentence(_MISLEADS[facts.measure]),
        "note": finding.note,
        "n_open": facts.n_open,
        "n_no_base": facts.n_no_base,
    }
    return Check(
        f"measure_{facts.measure}",
        True if told else None,
        Sentence("loyalty_measures_taken.told", values),
    )


def _absent(name: str) -> Check:
    values = {"measure": NAMES[name], "table": _NEEDS[name]}
    return Check(f"measure_{name}", None, Sentence("loyalty_measures_taken.absent", values))
