"""Conditions of any comparison by likeness: like with like, nothing hidden, and two ways that agree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.effects.overlap import overlap, overlap_checks
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.rung import Estimator
from kamlib.results import Estimate


def alike(sample: Sample, estimator: Estimator) -> list[Gate]:
    """Return whether enough accounts are comparable, and then whether weighting made them alike."""
    try:
        effect = estimator(sample)
    except FitError:
        values = {"ess": 0.0, "n": sample.n_control, "share": 1.0, "members": sample.n_treated}
        return [gate(Code.OVERLAP, False, "loyalty_ladder.overlap_holds", **values)]
    size, weight, balance = overlap_checks(sample, effect)
    values = carried(sample, estimator)
    told = [gate(Code.OVERLAP, bool(size.passed and weight.passed), "loyalty_ladder.overlap_holds",
                 **values)]  # fmt: skip
    if told[-1].holds:
        told.append(gate(Code.BALANCE_FAIL, bool(balance.passed), "loyalty_ladder.balance_holds",
                         **balance.note.values))  # fmt: skip
    return told


def carried(sample: Sample, estimator: Estimator) -> dict[str, float]:
    """Return how many accounts carry a weighted comparison, as the sentences on it take them."""
    found = overlap(sample, estimator(sample), "overlap")
    return {"ess": float(found["ess_control"]), "n": sample.n_control, "members": sample.n_treated,
            "share": float(found["largest_weight"])}  # fmt: skip


def strong(hidden: Estimate, answer: pd.DataFrame) -> Gate:
    """Return whether a hidden cause like the strongest known one would leave the effect its sign."""
    low, high = answer[["conf_low", "conf_high"]].iloc[0]
    claims_none = low <= 0 <= high
    holds = claims_none or (not hidden.refused and bool(hidden.checks[0].passed))
    value = np.nan if hidden.refused else float(hidden["robustness_value"])
    return gate(Code.HIDDEN_CAUSE, bool(holds), "loyalty_ladder.hidden_holds", value=value)


def agree(answer: pd.DataFrame, rival: pd.DataFrame) -> Gate:
    """Return whether one of two figures lies within the other's interval; without a rival it does not."""
    holds = False
    if len(rival):
        one, other = answer.iloc[0], rival.iloc[0]
        holds = any(
            a["conf_low"] <= b["estimate"] <= a["conf_high"]
            for a, b in ((one, other), (other, one))
        )
    return gate(Code.ESTIMATORS_DISAGREE, bool(holds), "loyalty_ladder.agree")
