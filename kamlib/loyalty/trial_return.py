"""Whether an arm of a trial paid, and what a trial of this size could have found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kamlib.errors import FitError, nearest
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.power import POWER_WEAK, find, multiplier
from kamlib.loyalty.finance.paid import return_on_cost
from kamlib.loyalty.ladder.grades import graded
from kamlib.loyalty.trial_results import PLAIN, listed
from kamlib.results import Check, Estimate, one_row, refusal

_LARGE = 1000  # customers of an arm from which Student's t is the normal law to three digits
_POWER = 0.8


def stated_costs(
    arms: Sequence[str], each: float | None, by_arm: Mapping[str, float]
) -> dict[str, float | None]:
    """Return what it costs to send an arm's offer to one customer, by arm; None where nobody said.

    Parameters
    ----------
    arms
        All that there could be, as `TrialRecord.known_arms`.
    each
        Cost of all arms without one of their own.
    by_arm
        Cost of single arms.

    Raises
    ------
    FitError
        Costs of arms that are not on record.

    Examples
    --------
    >>> stated_costs(["letter", "call"], 0.1, {"call": 5.0})
    {'letter': 0.1, 'call': 5.0}
    """
    absent = [arm for arm in by_arm if arm not in arms]
    if absent:
        known = f" (arms: {', '.join(arms)})"
        raise FitError(*(f"arm_costs: no arm '{a}'{nearest(a, arms) or known}" for a in absent))
    return {arm: by_arm.get(arm, each) for arm in arms}


def returns(
    changed: Estimate,
    *,
    outcome: str,
    margin: float | None,
    costs: Mapping[str, float | None],
    conf_level: float = 0.95,
) -> Estimate:
    """Net value and return on cost of each arm, per customer that it was sent to.

    Parameters
    ----------
    changed
        As `trial_results.effects` returns it.
    outcome
        The amount that is valued.
    margin
        Contribution of a unit of revenue; None: nobody stated it.
    costs
        Arm -> money per customer, as `stated_costs` returns it; None: nobody stated it.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per arm whose cost is stated: `trial_arm`, `gain_each` (change × margin), `cost_each`,
        `net_each` with `net_low`, `net_high`, `roi` with `roi_low`, `roi_high`, `chance_paid`,
        `break_even_each` (change of revenue that pays the cost), `n_arm`, `net_value` (of all that it
        was sent to), `conf_level`, `evidence_grade`. Cost and margin are taken as stated, without
        error. Refused without a margin or any cost, with what is known instead, and where no effect is.
    """
    if changed.refused:
        return refusal("returns", "trial.nothing_here")
    rows = _plain(changed, outcome)
    priced = rows[[bool(costs.get(arm)) for arm in rows["trial_arm"]]]
    if margin is None or priced.empty:
        lacking = [Sentence("trial.lacks_margin")] if margin is None else []
        lacking += [Sentence("trial.lacks_cost")] if priced.empty else []
        best = rows.loc[rows["estimate"].idxmax()]
        values = {"lacking": listed(lacking), "arm": best["trial_arm"], "value": best["estimate"],
                  "n": int(best["n_arm"]), "total": best["estimate"] * best["n_arm"]}  # fmt: skip
        return refusal("returns", "trial.no_return", **values)
    parts = [
        _paid(row, margin, float(costs[row["trial_arm"]] or 0), conf_level)
        for _, row in priced.iterrows()
    ]
    frame = pd.DataFrame(parts).assign(evidence_grade=rows["evidence_grade"].iloc[0])
    notes = [Sentence("trial.paid", part | {"arm": part["trial_arm"]}) for part in parts]
    stated = Sentence("trial.stated", {"margin": margin})
    note = graded(frame["evidence_grade"].iloc[0], listed([*notes, stated]))
    unpriced, of = len(rows) - len(frame), len(rows)
    checks = (Check("costs_stated", not unpriced, Sentence(
        "trial.costs_lacking" if unpriced else "trial.costs_stated",
        {"n": of - unpriced, "of": of})),)  # fmt: skip
    summary = one_row(int(frame["n_arm"].sum()), "Fieller", conf_level, margin=margin)
    return Estimate("returns", frame, summary, note, checks)


def findable(
    changed: Estimate,
    *,
    outcome: str,
    mean_none: float,
    margin: float | None,
    costs: Mapping[str, float | None],
    conf_level: float = 0.95,
) -> Estimate:
    """Smallest change that the trial would find, and how far finds overstate one that just pays.

    Parameters
    ----------
    changed, outcome, margin, costs, conf_level
        As for `returns`.
    mean_none
        Mean of the outcome among customers that got nothing.

    Returns
    -------
    Estimate
        Frame: one row per arm: `trial_arm`, `term` (the outcome), `error_each`, `detectable_each` (found with a chance of 80 %),
        `detectable_share` (of `mean_none`) and, where cost and margin are stated, `relevant_each` (the
        change that just pays), `power`, `exaggeration`, `n_needed` (customers in both arms that find it
        with 80 %). A check fails where a change that just pays is found with less than one fifth.

    References
    ----------
    Gelman, A. and Carlin, J. (2014). Beyond power calculations: assessing type S (sign) and type M
    (magnitude) errors. Perspectives on Psychological Science 9, 641–651.
    doi:10.1177/1745691614551642
    """
    if changed.refused:
        return refusal("findable", "trial.nothing_here")
    rows = _plain(changed, outcome)
    parts = []
    for _, row in rows.iterrows():
        error, n = float(row["error_each"]), int(row["n_arm"] + row["n_other"])
        least = multiplier(conf_level, _POWER) * error
        part = {"trial_arm": row["trial_arm"], "term": outcome, "error_each": error, "detectable_each": least,
                "detectable_share": least / mean_none if mean_none else math.nan}  # fmt: skip
        cost = costs.get(row["trial_arm"])
        if margin and cost:
            relevant = cost / margin
            found = find(relevant, error, conf_level)
            part |= {"relevant_each": relevant, "power": found.power,
                     "exaggeration": found.exaggeration,
                     "n_needed": math.ceil(n * (least / relevant) ** 2 - 1e-9)}  # fmt: skip
        parts.append(part)
    frame = pd.DataFrame(parts)
    worst = frame.loc[frame["detectable_each"].idxmax()]
    values = {"least": worst["detectable_each"], "share": worst["detectable_share"],
              "chance": _POWER}  # fmt: skip
    summary = one_row(len(rows), "normal approximation", conf_level)
    if "power" not in frame or frame["power"].isna().all():
        return Estimate("findable", frame, summary, Sentence("trial.findable", values))
    weak = frame.loc[frame["power"].idxmin()]
    values |= {"arm": weak["trial_arm"], "relevant": weak["relevant_each"], "power": weak["power"],
               "times": weak["exaggeration"], "need": int(weak["n_needed"])}  # fmt: skip
    strong = bool(weak["power"] >= POWER_WEAK)
    check = Check("power", strong, Sentence("trial.strong" if strong else "trial.weak", values))
    return Estimate("findable", frame, summary, Sentence("trial.findable_pays", values), (check,))


def _plain(changed: Estimate, outcome: str) -> pd.DataFrame:
    frame = changed.frame
    return frame[(frame["estimator"] == PLAIN) & (frame["term"] == outcome)]


def _paid(row: pd.Series, margin: float, cost: float, conf_level: float) -> dict[str, Any]:
    few = int(min(row["n_arm"], row["n_other"]))
    found = return_on_cost(
        row["estimate"] * margin, row["error_each"] * margin, cost, n_accounts=row["n_arm"],
        conf_level=conf_level, df=None if few >= _LARGE else few - 1,
    )  # fmt: skip
    net, roi, chance = (found.frame.set_index("term").loc[t] for t in
                        ("net_value", "roi", "chance_paid"))  # fmt: skip
    return {
        "trial_arm": row["trial_arm"], "gain_each": row["estimate"] * margin, "cost_each": cost,
        "net_each": net["estimate"], "net_low": net["conf_low"], "net_high": net["conf_high"],
        "roi": roi["estimate"], "roi_low": roi["conf_low"], "roi_high": roi["conf_high"],
        "chance_paid": chance["estimate"], "break_even_each": cost / margin,
        "n_arm": row["n_arm"], "net_value": net["estimate"] * row["n_arm"],
        "conf_level": conf_level,
    }  # fmt: skip
