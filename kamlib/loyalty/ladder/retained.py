"""Months stayed: members are who had joined by a day, compared with those still there without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.grades import Grade, graded, lower
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.loyalty.ladder.naive import break_even
from kamlib.loyalty.ladder.refusals import Code, Refused
from kamlib.loyalty.ladder.retained_rows import OUTCOME, Stays, at_landmark, refuse_immortal
from kamlib.loyalty.ladder.retained_rungs import TERM, stay_by_chance, stay_by_likeness
from kamlib.loyalty.ladder.rung import Estimator, Rung
from kamlib.results import Check, Estimate, one_row

__all__ = ["Stays", "at_landmark", "climb_retention", "naive_stay", "refuse_immortal"]

EVER = "Ever members against others (naive)"


def climb_retention(
    stays: Stays, *, rng: np.random.Generator, members: Literal["by_landmark", "ever"] = "by_landmark",
    conf_level: float = 0.95, draws: int = 200, estimator: Estimator = entropy_balanced,
) -> Finding:  # fmt: skip
    """Effect on the months that accounts stay within a horizon, and its grade.

    Parameters
    ----------
    stays
        Accounts, all known up to the same month, so that months within the horizon are counted
        and need no curve.
    rng, draws
        Accounts, or whole groups of companies, drawn anew for the error; 0 takes the estimator's own.
    members
        "ever" counts as a member from the first day on who joined later, and is refused.
    conf_level
        Of the intervals.
    estimator
        Where there was no chance: returns the effect with its weights.

    Returns
    -------
    Finding
        A with an assignment; C where members and others at the landmark are alike, a hidden cause
        like the strongest known one would not turn the effect, and a second estimator agrees; one
        lower where one account decides, or where the rate at which accounts leave says the
        opposite; else D; R with IMMORTAL_TIME, DUPLICATE_KEYS or NO_TREATED_MIN. Beside an answer:
        the share still there at the end ("share_retained"), and without an assignment also "rivals",
        "overlap", "hidden_cause", "hazard" (membership as it changes) and its "e_value".

    Raises
    ------
    FitError
        Covariates with missing values among accounts still there at the landmark.

    Notes
    -----
    Members are those of the landmark: who joins later stays among the others, so that the effect is
    that of having joined by then, and too small as that of membership itself.

    There is no placebo. A start that never was, at an earlier day, would compare later members with
    others before they joined; but a later member has stayed until it joined, by that alone, and would
    seem loyal in a world without any effect (immortal time). Among those who were all there when the
    first one joined nobody had left, and there is nothing to compare. What stands in its place is the
    strength that a hidden cause would need: one that is there and was not recorded is not found out,
    and the effect is then graded C and wrong (docs/loyalty_worlds.md).

    References
    ----------
    Suissa, S. (2008). Immortal time bias in pharmacoepidemiology. American Journal of Epidemiology
    167, 492–499. doi:10.1093/aje/kwm324
    Anderson, J. R., Cain, K. C. and Gelber, R. D. (1983). Analysis of survival by tumor response.
    Journal of Clinical Oncology 1, 710–719. doi:10.1200/JCO.1983.1.11.710
    """
    try:
        if members == "ever":
            refuse_immortal(stays)
        sample, lot = at_landmark(stays)
    except Refused as error:
        return _refused(stays, error)
    if lot:
        rung = stay_by_chance(stays, sample, rng=rng, conf_level=conf_level)
    else:
        rung = stay_by_likeness(
            stays, sample, rng=rng, estimator=estimator, conf_level=conf_level, draws=draws
        )
    return _told(stays, rung)


def naive_stay(stays: Stays) -> Estimate:
    """Months stayed of accounts that were ever members, less those of the others: no effect at all."""
    lived, ever = np.minimum(stays.left, stays.last), np.isfinite(stays.joined)
    if min(ever.sum(), (~ever).sum()) < 2:
        columns = ["estimator", "term", "estimate"]
        empty = pd.DataFrame(columns=columns)
        values = {"months": np.nan, "horizon": stays.last, "waited": np.nan}
        return Estimate("naive", empty, one_row(len(ever), "naive difference"),
                        Sentence("loyalty_ladder.naive_stay", values))  # fmt: skip
    sample = Sample(lived, ever, np.empty((len(ever), 0)), (), OUTCOME, "money", None)
    found = estimate(sample, difference_in_means, "naive", n_arm_min=2)
    gap = float(lived[ever].mean() - lived[~ever].mean())
    waited = float(stays.joined[ever].mean())
    values = {"months": gap, "horizon": stays.last, "waited": waited}
    frame = found.frame.assign(estimator=EVER, term=TERM)
    return replace(found, frame=frame, note=Sentence("loyalty_ladder.naive_stay", values))


def _refused(stays: Stays, error: Refused) -> Finding:
    why = error.refusal
    note = graded(
        "R", Sentence("loyalty_ladder.refused", {"why": why.sentence, "mend": why.remedy})
    )
    check = Check(why.code.lower(), False, why.sentence)
    # accounts that stand twice would count twice in a mean
    naive = None if why.code == Code.DUPLICATE_KEYS else naive_stay(stays)
    return Finding(OUTCOME, "R", None, naive, (), (why,), (check,), note)


def _told(stays: Stays, rung: Rung) -> Finding:
    gates = (*rung.gates, *rung.doubts)
    refusals = tuple(g.refusal for g in gates if g.refusal is not None)
    checks = (*(g.check for g in gates), *rung.shown)
    naive, answer = naive_stay(stays), rung.answer
    doubted = any(not doubt.holds for doubt in rung.doubts)
    grade: Grade = lower(rung.grade) if doubted else rung.grade
    if answer is None or answer.refused or grade == "D":
        note = graded("D", _described(rung))
        # only how alike accounts are is no effect
        kept = tuple(e for e in rung.beside if e.name == "overlap")
        return Finding(OUTCOME, "D", None, naive, kept, refusals, checks, note)
    answer = replace(answer, note=graded(grade, _stayed(stays, answer.frame)))
    return Finding(OUTCOME, grade, answer, naive, rung.beside, refusals, checks, answer.note)


def _described(rung: Rung) -> Sentence:
    """Return why there is no effect: the condition that failed, else the estimator's own words."""
    failed = [g.refusal for g in (*rung.gates[1:], *rung.doubts) if g.refusal is not None]
    if not failed and rung.answer is not None:
        return rung.answer.note
    why = failed[0]
    values = {"why": why.sentence, "mend": why.remedy, "need": break_even(0.0)}
    return Sentence("loyalty_ladder.described", values)


def _stayed(stays: Stays, told: pd.DataFrame) -> Sentence:
    row = told.iloc[0]
    values = {"months": row["estimate"], "low": row["conf_low"], "high": row["conf_high"],
              "level": row["conf_level"], "n_treated": row["n_treated"], "begin": stays.begin,
              "n_control": row["n_control"], "horizon": stays.last - stays.begin}  # fmt: skip
    return Sentence("loyalty_ladder.stayed", values)
