"""Conditions that any design shares: what else happened, whether one account decides, whether data count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.effects.regression import least_squares
from kamlib.loyalty.effects.sample import Bools, Sample
from kamlib.loyalty.ladder.evidence import ARM_MIN, OTHER_SHARE, Evidence
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.rung import Estimator

SIBLINGS_MAX = 0.20
COST_MISSING_MAX = 0.20
CYCLES = 2
TOP_SHARE = 0.25
_LOOKED_AT = 5
_MOVE = 0.5


def sides(evidence: Evidence) -> Gate:
    """Return whether enough accounts joined, and enough never did, whatever chance had assigned."""
    n_treated, n_control = int(evidence.joined.sum()), int((~evidence.joined).sum())
    return gate(
        Code.NO_TREATED_MIN, min(n_treated, n_control) >= ARM_MIN, "loyalty_ladder.few_holds",
        n_treated=n_treated, n_control=n_control, need=ARM_MIN,
    )  # fmt: skip


def siblings(evidence: Evidence) -> Gate:
    """Return whether accounts outside stand apart from members of the same parent company."""
    share = 0.0
    if evidence.parent is not None:
        _, code = np.unique(evidence.parent, return_inverse=True)
        with_member = np.bincount(code, evidence.treated)[code] > 0
        share = float(with_member[~evidence.treated].mean())
    return gate(
        Code.MIXED_GROUPS, share <= SIBLINGS_MAX, "loyalty_ladder.mixed_holds", share=share,
        most=SIBLINGS_MAX,
    )  # fmt: skip


def circumstances(evidence: Evidence) -> tuple[Gate, ...]:
    """Return whether another programme, a short window or unknown costs cast doubt on the effect."""
    other = 0.0
    if evidence.other is not None:
        other = float(evidence.other[evidence.treated].mean())
    months = evidence.amount.shape[1] - evidence.zero
    need = CYCLES * evidence.records.purchase_cycle
    missing = evidence.records.cost_missing
    return (
        gate(Code.OTHER_PROGRAMME, other <= OTHER_SHARE, "loyalty_ladder.other_holds", share=other,
             most=OTHER_SHARE),
        gate(Code.SHORT_WINDOW, months >= need, "loyalty_ladder.short_holds", months=months,
             need=need),
        gate(Code.COST_MISSING, missing <= COST_MISSING_MAX, "loyalty_ladder.cost_holds",
             share=missing, most=COST_MISSING_MAX),
    )  # fmt: skip


def movable(sample: Sample, estimator: Estimator) -> Gate:
    """Return whether an effect moves by one where one is added to the outcomes of all members."""
    try:
        value = estimator(sample).value
        moved = estimator(replace(sample, outcome=sample.outcome + sample.treated)).value - value
    except FitError:
        moved = np.nan
    return gate(Code.UNMOVABLE_SE, moved >= _MOVE, "loyalty_ladder.unmoved_holds", moved=moved)


def top_account(sample: Sample, estimator: Estimator, low: float, high: float) -> Gate:
    """Return whether the effect stands without the account, or group, that moves it most.

    Those that move the regression's effect most are left out one at a time. Where the interval holds
    zero nothing is claimed that could hang on one account.
    """
    value = estimator(sample).value
    rows = np.arange(sample.n_obs) if sample.cluster is None else sample.cluster
    names, code = np.unique(rows, return_inverse=True)
    design = np.column_stack([np.ones(sample.n_obs), sample.covariates, sample.treated])
    share = 0.0
    try:
        fit = least_squares(design, sample.outcome, ("constant", *sample.names, "treated"))
        moves = np.abs(np.bincount(code, fit.lines[:, -1] * fit.residual))
        for one in np.argsort(-moves)[:_LOOKED_AT]:
            keep: Bools = code != one
            share = max(share, abs(value - estimator(sample.rows(keep)).value) / abs(value))
    except FitError:
        share = np.inf
    nothing = low <= 0 <= high
    return gate(
        Code.TOP_ACCOUNT, nothing or share <= TOP_SHARE, "loyalty_ladder.top_holds", share=share,
        most=TOP_SHARE, of=len(names),
    )  # fmt: skip
