"""The ladder: designs from the strongest down, the first whose conditions hold, and the grade it earns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.ladder.by_chance import by_chance
from kamlib.loyalty.ladder.by_likeness import by_likeness
from kamlib.loyalty.ladder.by_start import by_start
from kamlib.loyalty.ladder.evidence import Evidence, Records, evidence_of
from kamlib.loyalty.ladder.grades import Grade, graded, lower
from kamlib.loyalty.ladder.naive import break_even, naive
from kamlib.loyalty.ladder.refusals import Code, Gate, Refusal, Refused, gate
from kamlib.loyalty.ladder.rung import Estimator, Rung
from kamlib.loyalty.ladder.sections import section
from kamlib.results import Check, Estimate

_SHOWN = ["estimator", "term", "estimate", "conf_low", "conf_high", "conf_level", "n_treated"]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What can be said of an effect, and how sure.

    Attributes
    ----------
    outcome
        Name of the outcome's column.
    grade
        "A" to "D", or "R".
    answer
        Effect with its interval; None at D and R, where none may be told.
    naive
        Naive differences; None where records cannot be looked at.
    beside
        Rivals, likeness and sensitivity of the answer.
    refusals
        Why not a higher grade, in the order of the ladder.
    checks
        Every condition that was looked at.
    note
        The grade and the answer, or the reason why there is none.
    """

    outcome: str
    grade: Grade
    answer: Estimate | None
    naive: Estimate | None
    beside: tuple[Estimate, ...]
    refusals: tuple[Refusal, ...]
    checks: tuple[Check, ...]
    note: Sentence

    @property
    def codes(self) -> tuple[Code, ...]:
        """Codes of all refusals, each once."""
        return tuple(dict.fromkeys(refusal.code for refusal in self.refusals))

    @property
    def frame(self) -> pd.DataFrame:
        """Answer, rivals and naive figures, one row each, with the grade on every row.

        Columns: `evidence_grade`, `estimator`, `term`, `estimate`, `conf_low`, `conf_high`,
        `conf_level`, `n_treated`. What is naive, or beside the answer, is of grade D.
        """
        parts = [] if self.answer is None else [self.answer.frame.assign(evidence_grade=self.grade)]
        others = [e for e in self.beside if e.name == "rivals"]
        others += [] if self.naive is None else [self.naive]
        # a rival is no answer of its own: it shows how far the figure hangs on the way it was made
        parts += [e.frame.assign(evidence_grade="D") for e in others]
        columns = ["evidence_grade", *_SHOWN]
        if not parts:
            return pd.DataFrame(columns=columns)
        return pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)


def climb(
    records: Records, *, rng: np.random.Generator, conf_level: float = 0.95, draws: int = 200,
    estimator: Estimator = entropy_balanced,
) -> Finding:  # fmt: skip
    """Find the first design whose conditions hold, from assignment by chance to bare description.

    Parameters
    ----------
    records
        Of the programme.
    rng
        Source of randomness of permutations and draws.
    conf_level
        Of all intervals.
    draws
        Accounts drawn anew for the error of the third design; 0 takes the estimator's own.
    estimator
        Of the third design; one of your own returns an `Effect` with its weights.

    Returns
    -------
    Finding
        Grade A by chance, B by different starts, C by likeness, each one lower where a doubt
        remains (another programme, a short window, costs unknown, figures that disagree, one
        account that decides); else D; R where the records cannot be looked at.
    """
    try:
        evidence = evidence_of(records)
    except Refused as error:
        return _refused(records, error.refusal)
    rungs = [by_chance(evidence, rng=rng, conf_level=conf_level)]
    if not rungs[-1].holds:
        rungs.append(by_start(evidence, rng=rng, conf_level=conf_level))
    if not rungs[-1].holds:
        rungs.append(
            by_likeness(evidence, rng=rng, estimator=estimator, conf_level=conf_level, draws=draws)
        )
    return _told(records, evidence, rungs, conf_level)


def _refused(records: Records, refusal: Refusal) -> Finding:
    check = Check(refusal.code.lower(), False, refusal.sentence)
    note = graded("R", Sentence("loyalty_ladder.refused", {"why": refusal.sentence,
                                                           "mend": refusal.remedy}))  # fmt: skip
    return Finding(records.outcome, "R", None, None, (), (refusal,), (check,), note)


def _told(records: Records, evidence: Evidence, rungs: list[Rung], conf_level: float) -> Finding:
    last = rungs[-1]
    doubted = last.holds and any(not doubt.holds for doubt in last.doubts)
    grade: Grade = last.grade if last.holds else "D"
    grade = lower(grade) if doubted else grade
    gates = [g for rung in rungs for g in rung.gates] + [
        *last.doubts,
        *last.notes,
        *_scale(evidence),
    ]
    refusals = tuple(g.refusal for g in gates if g.refusal is not None)
    checks = (*(_named(g.check, rung.grade) for rung in rungs for g in rung.gates),
              *(g.check for g in (*last.doubts, *last.notes, *_scale(evidence))), *last.shown)  # fmt: skip
    by_lot = evidence.assigned is not None
    beside = naive(section(evidence, assigned=by_lot, still_there=False), conf_level=conf_level)
    if grade == "D" or last.answer is None:
        why = refusals[-1 if not last.holds else 0]
        why = next((g.refusal for g in last.gates + last.doubts if g.refusal), why)
        values = {"why": why.sentence, "mend": why.remedy, "need": break_even(records.needed)}
        note = graded("D", Sentence("loyalty_ladder.described", values))
        # what other ways would have said is no effect either
        kept = tuple(e for e in last.beside if e.name != "rivals")
        return Finding(records.outcome, "D", None, beside, kept, refusals, checks, note)
    answer = last.answer
    if "estimator" not in answer.frame:
        answer = replace(answer, frame=answer.frame.assign(estimator="Assignment by chance"))
    note = graded(grade, answer.note)
    answer = replace(answer, note=note)
    return Finding(records.outcome, grade, answer, beside, last.beside, refusals, checks, note)


def _named(check: Check, grade: Grade) -> Check:
    """Return a check under a name of its own: designs share some conditions."""
    return replace(check, name=f"{check.name}_{grade.lower()}")


def _scale(evidence: Evidence) -> tuple[Gate, ...]:
    """Return whether changes could be told in percent."""
    n = int(np.sum(evidence.amount <= 0))
    told = gate(
        Code.NEGATIVE_BASE_LOG, evidence.scale == "log", "loyalty_ladder.log_holds", n=n,
        of=int(np.isfinite(evidence.amount).sum()),
    )  # fmt: skip
    # told, and nothing that anybody has to mend
    return (told if told.holds else replace(told, check=replace(told.check, passed=None)),)
