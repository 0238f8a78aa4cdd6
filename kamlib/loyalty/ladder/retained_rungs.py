"""The two designs for months stayed: by chance, and by likeness at a day; each with its conditions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.hidden_cause import hidden_cause
from kamlib.loyalty.effects.imputed import doubly_robust
from kamlib.loyalty.effects.overlap import overlap, overlap_checks
from kamlib.loyalty.effects.permutation import permutation_test
from kamlib.loyalty.effects.randomised import common_slopes, difference_in_means
from kamlib.loyalty.effects.sample import Bools, Sample
from kamlib.loyalty.ladder.by_chance import FEW_GROUPS
from kamlib.loyalty.ladder.by_likeness import DOUBLE, GROUPS_MIN
from kamlib.loyalty.ladder.doubts import SIBLINGS_MAX, movable, top_account
from kamlib.loyalty.ladder.evidence import ARM_MIN
from kamlib.loyalty.ladder.likeness import agree, alike, strong
from kamlib.loyalty.ladder.refusals import Code, Gate, Refusal, gate
from kamlib.loyalty.ladder.retained_rows import Stays
from kamlib.loyalty.ladder.retained_shown import hazard, hidden_ratio, share_retained
from kamlib.loyalty.ladder.rung import Estimator, Rung
from kamlib.results import Check, Estimate

ANSWER = "Members and others at one day"
TERM = "restricted_mean_difference"


def stay_by_chance(
    stays: Stays, sample: Sample, *, rng: np.random.Generator, conf_level: float = 0.95
) -> Rung:  # fmt: skip
    """Effect of being assigned on months stayed, over all accounts.

    Parameters
    ----------
    stays, sample
        Accounts, and those of them that were there on the day of the lot.
    rng
        For permutations, which judge fewer than 40 parent groups.
    conf_level
        Of the intervals.
    """
    way: Estimator = common_slopes if sample.names else difference_in_means
    tried = [gate(Code.NO_ASSIGNMENT, True, "loyalty_ladder.no_lot_holds")]
    tried += _companies(sample, ARM_MIN, sides=(sample.treated, ~sample.treated))
    if not _hold(tried):
        return Rung("A", tuple(tried))
    if sample.cluster is not None and sample.n_clusters < FEW_GROUPS:
        answer = permutation_test(sample, "effect", rng=rng, conf_level=conf_level)
    else:
        answer = estimate(sample, way, "effect", conf_level=conf_level)
    if answer.refused:
        return Rung("A", tuple(tried), answer)
    answer = _as_months(answer)
    low, high = answer.frame[["conf_low", "conf_high"]].iloc[0]
    share = share_retained(stays, sample, way, rng=rng, conf_level=conf_level)
    doubts = (top_account(sample, way, low, high),)
    return Rung("A", tuple(tried), answer, (share,), doubts, (), answer.checks)


def stay_by_likeness(
    stays: Stays, sample: Sample, *, rng: np.random.Generator, estimator: Estimator,
    conf_level: float = 0.95, draws: int = 200,
) -> Rung:  # fmt: skip
    """Effect of having joined by a day on months stayed after it, against others made like members.

    Parameters
    ----------
    stays, sample
        Accounts, and those of them that were still there on the day.
    rng, draws
        Accounts, or whole parent groups, drawn anew for the error; 0 takes the estimator's own.
    estimator
        Returns the effect with its weights.
    conf_level
        Of the intervals.
    """
    tried = [gate(Code.NO_ASSIGNMENT, False, "loyalty_ladder.no_lot_holds")]
    tried += _companies(sample, GROUPS_MIN, sides=(np.ones(sample.n_obs, bool),))
    if _hold(tried):
        tried += alike(sample, estimator)
    if _hold(tried):
        tried.append(movable(sample, estimator))
    if not _hold(tried):
        return Rung("C", tuple(tried))
    answer = estimate(
        sample, estimator, "effect", conf_level=conf_level, draws=draws, rng=rng,
        checks=overlap_checks,
    )  # fmt: skip
    likeness = overlap(sample, estimator(sample), "overlap")
    if answer.refused:
        return Rung("C", tuple(tried), answer, (likeness,))
    answer = _as_months(answer)
    double = _second(sample, conf_level)
    hidden = hidden_cause(sample, "hidden_cause", conf_level=conf_level)
    tried += [strong(hidden, answer.frame), agree(answer.frame, double.frame)]
    if not _hold(tried):
        return Rung("C", tuple(tried), None, (likeness,))
    rate = hazard(stays, sample, conf_level=conf_level)
    share = share_retained(stays, sample, estimator, rng=rng, conf_level=conf_level, draws=draws)
    low, high = answer.frame[["conf_low", "conf_high"]].iloc[0]
    doubts = (top_account(sample, estimator, low, high), _same_sign(answer.frame, rate))
    beside = (double, share, likeness, rate, hidden_ratio(rate), hidden)
    return Rung("C", tuple(tried), answer, beside, doubts, (), answer.checks)


def _hold(tried: list[Gate]) -> bool:
    """Return whether all conditions hold beside the first, which says which design it is."""
    return all(condition.holds for condition in tried[1:])


def _as_months(found: Estimate, way: str = ANSWER) -> Estimate:
    return replace(found, frame=found.frame.assign(estimator=way, term=TERM))


def _second(sample: Sample, conf_level: float) -> Estimate:
    """Return the same effect found another way, by weights and a line together."""
    found = estimate(sample, doubly_robust, "rivals", conf_level=conf_level)
    if found.refused:
        return found
    row = found.frame.iloc[0]
    values = {"months": row["estimate"], "low": row["conf_low"], "high": row["conf_high"],
              "level": conf_level, "n": sample.n_obs}  # fmt: skip
    return replace(_as_months(found, DOUBLE), note=Sentence("loyalty_retained.double", values))


def _companies(sample: Sample, need: int, *, sides: tuple[Bools, ...]) -> list[Gate]:
    """Return whether others stand apart from members of their parent, and each side has parents enough."""
    if sample.cluster is None:
        return []
    d, codes = sample.treated, sample.cluster
    share = float(np.isin(codes[~d], codes[d]).mean())
    n = min(len(np.unique(codes[side])) for side in sides)
    return [
        gate(Code.MIXED_GROUPS, share <= SIBLINGS_MAX, "loyalty_ladder.mixed_holds", share=share,
             most=SIBLINGS_MAX),
        gate(Code.CLUSTER_TOO_FEW, n >= need, "loyalty_ladder.few_groups_holds", n=n, need=need),
    ]  # fmt: skip


def _same_sign(answer: pd.DataFrame, rate: Estimate) -> Gate:
    """Return whether months and rates, where both claim something, claim the same."""
    if rate.refused:
        return Gate(Check("hazard_agrees", None, rate.note), None)
    months, ratio = answer.iloc[0], rate.frame.iloc[0]
    longer = np.sign(months["conf_low"]) + np.sign(months["conf_high"])
    rarer = -np.sign(np.log(ratio["conf_low"])) - np.sign(np.log(ratio["conf_high"]))
    told = {"months": months["estimate"], "ratio": ratio["estimate"]}
    opposite = longer * rarer < 0
    key = "loyalty_retained.rates_against" if opposite else "loyalty_retained.rates_agree"
    check = Check("hazard_agrees", not opposite, Sentence(key, told))
    return Gate(check, Refusal(Code.ESTIMATORS_DISAGREE) if opposite else None)
