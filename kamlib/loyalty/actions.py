"""What the reader does now about loyalty: one sentence per finding that asks for something."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.behaviour import ALL
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.refusals import Code
from kamlib.results import Estimate

MOST = 7  # more than that nobody does
_SURELY_NOT = 0.2
_SETTLES = 0.5  # chance to find a programme that just pays, below which a trial settles nothing
_LONGEST = 12  # months that a trial is asked for first


def next_actions(*findings: Estimate, act_from: float) -> list[Sentence]:
    """What follows from the findings of a unit, most urgent first, at most seven steps.

    Parameters
    ----------
    findings
        Any results of the study, in any order; the rules below know them by name.
    act_from
        Chance that the programme paid from which one would go on with it.
    """
    found = {finding.name: finding for finding in findings}
    steps = [_verdict(found, act_from)] + [rule(found) for rule in _RULES]
    return [step for step in steps if step is not None][:MOST] or [Sentence("loyalty_action.none")]


Found = Mapping[str, Estimate]


def _there(found: Found, name: str) -> Estimate | None:
    estimate = found.get(name)
    return None if estimate is None or estimate.refused else estimate


def _verdict(found: Found, act_from: float) -> Sentence | None:
    paid = found.get("programme_return")
    if paid is None:
        return None
    if paid.refused:
        if paid.note.key == "programme_effect.no_programme":
            return Sentence("loyalty_action.record")
        costs = paid.note.key == "programme_effect.no_costs"
        return Sentence("loyalty_action.book_costs") if costs else None
    chance, grade = float(paid["chance_paid"]), str(paid["grade"])
    if not np.isfinite(chance):
        needed = float(paid["break_even_share"])
        return Sentence("loyalty_action.unknown", {"needed": needed}) if needed > 0 else None
    rows = paid.frame[paid.frame["evidence_grade"] == grade]
    row = rows[rows["chance_paid"] == chance].iloc[0]
    values = {"chance": chance, "grade": grade, "need": act_from, "low": row["net_value_low"],
              "high": row["net_value_high"]}  # fmt: skip
    if chance >= act_from:
        return Sentence("loyalty_action.go_on", values)
    # a comparison that would hardly have seen a return that is there cannot say that there is none
    blind = Code.EXAGGERATION in str(row["refusal_code"])
    stop = chance <= _SURELY_NOT and not blind
    return Sentence("loyalty_action.stop" if stop else "loyalty_action.weak", values)


def _trial(found: Found) -> Sentence | None:
    plan, drawn = _there(found, "holdout_design"), _there(found, "holdout_assignment")
    changed = _there(found, "programme_effects")
    if plan is None or drawn is None or (changed is not None and changed["best_grade"] == "A"):
        return None
    row = plan.frame.iloc[(plan.frame["trial_months"] - _LONGEST).abs().argmin()]
    chance = float(row.get("power", np.nan))
    if chance < _SETTLES:
        told = {"n": row["n_accounts"], "chance": chance, "need": row["accounts_needed"]}
        return Sentence("loyalty_action.trial_small", told)
    values = {"n": len(drawn.frame), "groups": drawn.frame["cluster"].nunique(),
              "months": row["trial_months"], "least": row["detectable"]}  # fmt: skip
    return Sentence("loyalty_action.trial", values)


def _class(found: Found, name: str, key: str) -> Sentence | None:
    classes = _there(found, "loyalty_matrix")
    if classes is None:
        return None
    rows = classes.frame
    row = rows[(rows["group"] == ALL) & (rows["loyalty_class"] == name)].iloc[0]
    if not row["n_accounts"]:
        return None
    return Sentence(
        key, {"n": row["n_accounts"], "share": row["class_share"], "revenue": row["revenue"]}
    )


def _spurious(found: Found) -> Sentence | None:
    return _class(found, "spurious loyalty", "loyalty_action.spurious")


def _latent(found: Found) -> Sentence | None:
    return _class(found, "latent loyalty", "loyalty_action.latent")


def _retain(found: Found) -> Sentence | None:
    worth = _there(found, "worth_of_retention")
    if worth is None:
        return None
    row = worth.frame.iloc[0]
    return Sentence(
        "loyalty_action.retain", {"gain": row["clv_gain"], "spend": row["affordable_spend"]}
    )


def _move(found: Found) -> Sentence | None:
    more = found.get("marginal_return")
    if more is None:
        return None
    if more.refused:
        never = more.note.key == "loyalty_economics.never_varied"
        return Sentence("loyalty_action.vary") if never else None
    row = more.frame.loc[more.frame["marginal_gain"].idxmax()]
    if not row["marginal_low"] > 1:
        return None
    values = {"tier": row["tier"], "at": row["programme_level"], "gain": row["marginal_gain"],
              "low": row["marginal_low"], "high": row["marginal_high"]}  # fmt: skip
    return Sentence("loyalty_action.move", values)


def _helped(found: Found) -> Sentence | None:
    helped = _there(found, "measures_taken")
    if helped is None:
        return None
    n = sum(not claims_effect(grade) for grade in helped.frame["evidence_grade"])
    return Sentence("loyalty_action.helped", {"n": n}) if n else None


_RULES = (_trial, _spurious, _retain, _move, _latent, _helped)
