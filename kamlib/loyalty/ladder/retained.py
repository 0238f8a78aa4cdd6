"""Months stayed: members are who had joined by a day, compared with those still there without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.overlap import overlap, overlap_checks
from kamlib.loyalty.effects.randomised import common_slopes, difference_in_means
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.evidence import ARM_MIN
from kamlib.loyalty.ladder.grades import Grade, graded
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.loyalty.ladder.naive import break_even
from kamlib.loyalty.ladder.refusals import Code, Gate, ImmortalTimeError, Refused, gate
from kamlib.loyalty.ladder.rung import Estimator
from kamlib.results import Check, Estimate, one_row

OUTCOME = "months_stayed"
EVER = "Ever members against others (naive)"


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Accounts from a common day on.

    Attributes
    ----------
    accounts
        One row per account: `unit`, `start` (months until it joined; missing: never), `left` (months
        until it left; missing: still there), where known `assigned` (by chance, at the day), and
        covariates.
    last
        Month up to which all accounts are known.
    landmark
        Month at which members are counted; 0 with an assignment.
    covariates
        Columns that are held equal, known at the landmark.
    """

    accounts: pd.DataFrame
    last: float
    landmark: float
    covariates: tuple[str, ...] = ()


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
        Accounts drawn anew for the error; 0 takes the estimator's own.
    members
        "ever" counts as a member from the first day on who joined later, and is refused.
    conf_level
        Of the interval.
    estimator
        Where there was no chance: returns the effect with its weights.

    Returns
    -------
    Finding
        A with an assignment; C where members and others at the landmark are alike; else D; R with
        IMMORTAL_TIME or NO_TREATED_MIN.

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
        why = error.refusal
        note = graded("R", Sentence("loyalty_ladder.refused", {"why": why.sentence,
                                                               "mend": why.remedy}))  # fmt: skip
        check = Check(why.code.lower(), False, why.sentence)
        return Finding(OUTCOME, "R", None, naive_stay(stays), (), (why,), (check,), note)
    gates = [gate(Code.NO_ASSIGNMENT, lot, "loyalty_ladder.no_lot_holds")]
    answer: Estimate | None = None
    beside: tuple[Estimate, ...] = ()
    grade: Grade = "D"
    if lot:
        way = common_slopes if sample.names else difference_in_means
        answer, grade = estimate(sample, way, "effect", conf_level=conf_level), "A"
    else:
        gates += _alike(sample, estimator)
        if gates[-1].holds:
            grade = "C"
            answer = estimate(sample, estimator, "effect", conf_level=conf_level, draws=draws,
                              rng=rng, checks=overlap_checks)  # fmt: skip
            beside = (overlap(sample, estimator(sample), "overlap"),)
    refusals = tuple(g.refusal for g in gates if g.refusal is not None)
    checks = tuple(g.check for g in gates)
    naive = naive_stay(stays)
    if answer is None or answer.refused:
        why = refusals[-1]
        values = {"why": why.sentence, "mend": why.remedy, "need": break_even(0.0)}
        note = graded("D", Sentence("loyalty_ladder.described", values))
        return Finding(OUTCOME, "D", None, naive, beside, refusals, checks, note)
    told = answer.frame.assign(
        estimator="Members and others at one day", term="restricted_mean_difference"
    )
    note = graded(grade, _stayed(stays, told, lot))
    answer = replace(answer, frame=told, note=note)
    return Finding(OUTCOME, grade, answer, naive, beside, refusals, checks + answer.checks, note)


def at_landmark(stays: Stays) -> tuple[Sample, bool]:
    """Return accounts still there at the landmark, and whether chance assigned them.

    The outcome is the months stayed from then to the last month known.

    Raises
    ------
    Refused
        NO_TREATED_MIN.
    """
    rows = stays.accounts
    left = rows["left"].to_numpy(np.float64)
    left = np.where(np.isnan(left), np.inf, left)
    start = rows["start"].to_numpy(np.float64)
    lot = "assigned" in rows and bool(rows["assigned"].notna().all())
    landmark = 0.0 if lot else stays.landmark
    there = left > landmark
    treated = rows["assigned"].to_numpy(bool) if lot else start <= landmark
    lived = np.minimum(left, stays.last) - landmark
    covariates = rows[list(stays.covariates)].to_numpy(np.float64)
    n_treated, n_control = int((treated & there).sum()), int((~treated & there).sum())
    if min(n_treated, n_control) < ARM_MIN:
        raise Refused(Code.NO_TREATED_MIN, n_treated=n_treated, n_control=n_control, need=ARM_MIN)
    found = Sample(lived, treated, covariates, stays.covariates, OUTCOME, "money", None)
    return found.rows(there), lot


def refuse_immortal(stays: Stays) -> None:
    """Refuse to count as members from the first day on those who joined later.

    Raises
    ------
    ImmortalTimeError
        Any account joined after the first day.
    """
    start = stays.accounts["start"].to_numpy(np.float64)
    late = start > 0
    if late.any():
        raise ImmortalTimeError(
            Code.IMMORTAL_TIME, n=int(late.sum()), waited=float(start[late].mean())
        )


def naive_stay(stays: Stays) -> Estimate:
    """Months stayed of accounts that were ever members, less those of the others: no effect at all."""
    rows = stays.accounts
    left = rows["left"].fillna(np.inf).to_numpy(np.float64)
    start = rows["start"].to_numpy(np.float64)
    lived, ever = np.minimum(left, stays.last), ~np.isnan(start)
    if min(ever.sum(), (~ever).sum()) < 2:
        columns = ["estimator", "term", "estimate"]
        empty = pd.DataFrame(columns=columns)
        values = {"months": np.nan, "horizon": stays.last, "waited": np.nan}
        return Estimate("naive", empty, one_row(len(rows), "naive difference"),
                        Sentence("loyalty_ladder.naive_stay", values))  # fmt: skip
    sample = Sample(lived, ever, np.empty((len(rows), 0)), (), OUTCOME, "money", None)
    found = estimate(sample, difference_in_means, "naive", n_arm_min=2)
    gap = float(lived[ever].mean() - lived[~ever].mean())
    values = {"months": gap, "horizon": stays.last, "waited": float(start[ever].mean())}
    frame = found.frame.assign(estimator=EVER, term="restricted_mean_difference")
    return replace(found, frame=frame, note=Sentence("loyalty_ladder.naive_stay", values))


def _stayed(stays: Stays, told: pd.DataFrame, lot: bool) -> Sentence:
    row = told.iloc[0]
    begin = 0.0 if lot else stays.landmark
    values = {"months": row["estimate"], "low": row["conf_low"], "high": row["conf_high"],
              "level": row["conf_level"], "n_treated": row["n_treated"], "begin": begin,
              "n_control": row["n_control"], "horizon": stays.last - begin}  # fmt: skip
    return Sentence("loyalty_ladder.stayed", values)


def _alike(sample: Sample, estimator: Estimator) -> list[Gate]:
    try:
        effect = estimator(sample)
    except FitError:
        values = {"ess": 0.0, "n": sample.n_control, "share": 1.0}
        return [gate(Code.OVERLAP, False, "loyalty_ladder.overlap_holds", **values)]
    size, weight, balance = overlap_checks(sample, effect)
    found = overlap(sample, effect, "overlap")
    values = {"ess": float(found["ess_control"]), "n": sample.n_control,
              "share": float(found["largest_weight"])}  # fmt: skip
    told = [gate(Code.OVERLAP, bool(size.passed and weight.passed), "loyalty_ladder.overlap_holds",
                 **values)]  # fmt: skip
    if told[-1].holds:
        told.append(gate(Code.BALANCE_FAIL, bool(balance.passed), "loyalty_ladder.balance_holds",
                         **balance.note.values))  # fmt: skip
    return told
