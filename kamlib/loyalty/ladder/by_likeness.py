"""Rung C: accounts outside made like the members in all that was known before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.hidden_cause import hidden_cause
from kamlib.loyalty.effects.imputed import doubly_robust
from kamlib.loyalty.effects.overlap import overlap, overlap_checks
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.doubts import circumstances, movable, siblings, sides, top_account
from kamlib.loyalty.ladder.evidence import Evidence
from kamlib.loyalty.ladder.likeness import agree, alike, carried, strong
from kamlib.loyalty.ladder.placebo import placebo
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.rung import Estimator, Rung
from kamlib.loyalty.ladder.sections import Section, changes, section
from kamlib.results import Estimate

GROUPS_MIN = 6
ANSWER = "Likeness in all that was known"
DOUBLE = "Likeness and line together"
CHANGES = "Change against others' change"
BRACKET = "Both, from lowest to highest"


def by_likeness(
    evidence: Evidence, *, rng: np.random.Generator, estimator: Estimator,
    conf_level: float = 0.95, draws: int = 200,
) -> Rung:  # fmt: skip
    """Effect on members, against others weighted so that their past and size are the members'.

    Parameters
    ----------
    evidence
        Accounts and months.
    rng, draws
        Accounts drawn anew for the error; 0 takes the estimator's own.
    estimator
        Returns the effect with its weights, as `entropy_balanced` does.
    conf_level
        Of the interval.
    """
    tried = [sides(evidence)]
    if tried[-1].holds:
        tried.append(siblings(evidence))
    if not tried[-1].holds:
        return Rung("C", tuple(tried))
    cut = section(evidence, assigned=False)
    tried.append(_groups(cut.sample))
    if not tried[-1].holds:
        return Rung("C", tuple(tried))
    likeness = alike(cut.sample, estimator)
    tried += likeness
    if not tried[-1].holds:
        return Rung("C", tuple(tried))
    tried.append(placebo(evidence))
    if tried[-1].holds:
        tried.append(movable(cut.sample, estimator))
    if not tried[-1].holds:
        return Rung("C", tuple(tried))
    answer = estimate(
        cut.sample, estimator, "effect", conf_level=conf_level, draws=draws, rng=rng,
        checks=overlap_checks,
    )  # fmt: skip
    if answer.refused:
        values = carried(cut.sample, estimator)
        tried.append(gate(Code.OVERLAP, False, "loyalty_ladder.overlap_holds", **values))
        return Rung("C", tuple(tried))
    frame = answer.frame.assign(estimator=ANSWER)
    answer = replace(answer, frame=frame)
    low, high = frame[["conf_low", "conf_high"]].iloc[0]
    rivals = _rivals(cut, frame, conf_level)
    hidden = hidden_cause(cut.sample, "hidden_cause", conf_level=conf_level)
    tried.append(strong(hidden, frame))
    if tried[-1].holds:
        tried.append(agree(frame, rivals.frame[rivals.frame["estimator"] == DOUBLE]))
    if not tried[-1].holds:
        return Rung("C", tuple(tried), beside=(rivals,))
    doubts = (
        *circumstances(evidence), agree(frame, rivals.frame[rivals.frame["estimator"] == CHANGES]),
        top_account(cut.sample, estimator, low, high),
    )  # fmt: skip
    likeness_of = overlap(cut.sample, estimator(cut.sample), "overlap")
    shown = (*answer.checks, *hidden.checks)
    return Rung("C", tuple(tried), answer, (rivals, likeness_of, hidden), doubts, (), shown)


def _groups(sample: Sample) -> Gate:
    n = sample.n_clusters
    return gate(
        Code.CLUSTER_TOO_FEW, n >= GROUPS_MIN, "loyalty_ladder.few_groups_holds", n=n,
        need=GROUPS_MIN,
    )  # fmt: skip


def _rivals(cut: Section, answer: pd.DataFrame, conf_level: float) -> Estimate:
    """Return the figures of other ways, and the range of the answer and the change together."""
    double = estimate(cut.sample, doubly_robust, "double", conf_level=conf_level)
    change = estimate(changes(cut), difference_in_means, "changes", conf_level=conf_level)
    rows = [e.frame.assign(estimator=name) for e, name in ((double, DOUBLE), (change, CHANGES))
            if not e.refused]  # fmt: skip
    both = pd.concat([answer, change.frame])
    low, high = float(both["conf_low"].min()), float(both["conf_high"].max())
    bracket = answer.assign(estimator=BRACKET, estimate=(low + high) / 2, conf_low=low, conf_high=high,
                            std_error=np.nan, statistic=np.nan, p_value=np.nan)  # fmt: skip
    frame = pd.concat([*rows, bracket], ignore_index=True).assign(term=answer["term"].iloc[0])
    return Estimate("rivals", frame, answer.head(0), double.note)
