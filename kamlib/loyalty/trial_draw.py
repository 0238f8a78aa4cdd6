"""Whether chance drew the arms of a trial as planned: how far its figures may be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kamlib.book.layouts import CONTROL
from kamlib.errors import FitError, nearest
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.assignment import sample_ratio
from kamlib.loyalty.effects.effect import N_ARM_MIN
from kamlib.loyalty.ladder.grades import Grade, graded, meaning
from kamlib.loyalty.ladder.refusals import Code, Gate, Refusal, gate
from kamlib.loyalty.trial_record import TrialRecord
from kamlib.results import Check, Estimate, one_row, refusal


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The draw, judged.

    Attributes
    ----------
    grade
        "A": chance drew as planned; "D": it did not, so that differences are no effects; "R": there
        is nobody to compare.
    gates
        Conditions up to the first that does not hold.
    """

    grade: Grade
    gates: tuple[Gate, ...]

    @property
    def refusal(self) -> Refusal | None:
        """Why no effect is told; None where one is."""
        return self.gates[-1].refusal

    def refuse(self, name: str) -> Estimate:
        """Return an estimate that the draw does not allow, with the reason and what would mend it."""
        reason = self.gates[-1].refusal
        told = (reason.sentence, reason.remedy) if reason else ("", "")
        return refusal(name, "trial.no_effect", why=told[0], mend=told[1])


def judge(record: TrialRecord, planned: Mapping[str, float] | None = None) -> Draw:
    """Judge the draw by the conditions of rung A of the ladder.

    Customers that are kept count: where one arm lost more lines than another, that shows here too.

    Parameters
    ----------
    record
        Of the trial.
    planned
        Share of each arm, control included; empty: all alike.

    Raises
    ------
    FitError
        Planned shares of arms that nobody knows, or not of all.
    """
    counts = _counts(record, planned)
    n, control = sum(counts.values()), record.n_in(CONTROL)
    gates = [gate(Code.NO_CONTROL, control > 0, "trial.control_there", n=n, control=control)]
    if gates[-1].holds:
        sent = min((counts[arm] for arm in record.arms), default=0)
        gates.append(
            gate(
                Code.NO_TREATED_MIN, min(sent, control) >= N_ARM_MIN, "trial.arms_large",
                n_treated=sent, n_control=control, need=N_ARM_MIN,
            )
        )  # fmt: skip
    if not gates[-1].holds:
        return Draw("R", tuple(gates))
    found = sample_ratio(counts, planned, name="arms")
    gap = (found.frame["n_obs"] - found.frame["n_expected"]).abs() / found.frame["n_expected"]
    worst = found.frame.loc[gap.idxmax()]
    values = {"n": int(worst["n_obs"]), "of": n, "planned": float(worst["n_expected"]) / n,
              "p": float(found["p_value"])}  # fmt: skip
    gates.append(gate(Code.SRM, bool(found.checks[0].passed), "trial.drawn_as_planned", **values))
    return Draw("A" if gates[-1].holds else "D", tuple(gates))


def arms(record: TrialRecord, draw: Draw, planned: Mapping[str, float] | None = None) -> Estimate:
    """Customers of each arm against the plan, and what came after in each.

    Parameters
    ----------
    record, planned
        As for `judge`.
    draw
        As `judge` returns it.

    Returns
    -------
    Estimate
        Frame: one row per arm, control first: `trial_arm`, `n_accounts`, `n_planned`, and the mean of each
        outcome (money per customer, share of the customers). Checks: the conditions of the draw.
    """
    counts = _counts(record, planned)
    n = sum(counts.values())
    share = dict(planned) if planned else dict.fromkeys(counts, 1 / len(counts))
    means = record.rows.groupby("trial_arm")[list(record.outcomes)].mean()
    frame = pd.DataFrame({"trial_arm": list(counts), "n_accounts": list(counts.values())})
    frame["n_planned"] = [n * share.get(arm, float("nan")) for arm in counts]
    for outcome in record.outcomes:
        frame[outcome] = means[outcome].reindex(list(counts)).to_numpy()
    told = {"n": n, "arms": len(counts), "least": min(counts.values()), "most": max(counts.values()),
            "verdict": draw.gates[-1].check.note}  # fmt: skip
    note = graded(draw.grade, Sentence("trial.arms", told | {"meaning": meaning(draw.grade)}))
    checks = tuple(one.check for one in draw.gates)
    return Estimate("arms", frame, one_row(n, "full count"), note, checks)


def balance(record: TrialRecord, draw: Draw, *, conf_level: float = 0.95) -> Estimate:
    """What was known of the customers before the draw, arm by arm.

    Parameters
    ----------
    record, draw
        As for `arms`.
    conf_level
        One less the chance that a fair draw fails the check.

    Returns
    -------
    Estimate
        Frame: one row per characteristic, class and arm: `covariate`, `category` (null for a number),
        `trial_arm`, `mean_arm`, `mean_none` (of those that got nothing), `smd` (difference in standard
        deviations). The check fails where one is larger than a fair draw makes any of them in all but
        a share of 1 − `conf_level` of draws (Bonferroni). Refused with grade R, or where nothing was
        known.
    """
    if draw.grade == "R":
        return refusal("balance", "trial.nothing_here")
    if not record.numbers:
        return refusal("balance", "trial.nothing_known", n=len(record.rows))
    columns = list(record.numbers)
    grouped = record.rows.groupby("trial_arm")[columns]
    mean, var, size = grouped.mean(), grouped.var(ddof=1), record.rows["trial_arm"].value_counts()
    parts = []
    for arm in record.arms:
        ours, theirs = (mean.loc[a].to_numpy(dtype=np.float64) for a in (arm, CONTROL))
        wide = (var.loc[arm].to_numpy(dtype=np.float64) + var.loc[CONTROL].to_numpy()) / 2
        gap = (ours - theirs) / np.sqrt(np.where(wide > 0, wide, np.nan))
        error = np.sqrt(1 / size[arm] + 1 / size[CONTROL])
        parts.append(
            pd.DataFrame(
                {
                    "covariate": [record.numbers[c][0] for c in columns],
                    "category": [record.numbers[c][1] or None for c in columns], "trial_arm": arm,
                    "mean_arm": ours, "mean_none": theirs, "smd": gap,
                    # in errors, as chance makes it
                    "far": np.abs(gap) / error,
                }
            )
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    limit = float(ndtri(1 - (1 - conf_level) / (2 * len(frame))))
    worst = frame.loc[frame["far"].idxmax()]
    fair = bool(worst["far"] <= limit)
    values = {"n": len(record.rows), "k": len(columns), "worst": abs(float(worst["smd"])),
              "covariate": worst["covariate"], "arm": worst["trial_arm"], "level": conf_level}  # fmt: skip
    note = Sentence("trial.balanced" if fair else "trial.unbalanced", values)
    summary = one_row(len(record.rows), "standardised differences", conf_level)
    check = Check("balance", fair, note)
    return Estimate("balance", frame.drop(columns="far"), summary, note, (check,))


def _counts(record: TrialRecord, planned: Mapping[str, float] | None) -> dict[str, int]:
    """Return the customers of each arm, control first; an arm that was planned counts also if empty."""
    known, wanted = (CONTROL, *record.known_arms), planned or {}
    told = f" (arms: {', '.join(known)})"
    absent = [f"'{arm}'{nearest(arm, known) or told}" for arm in wanted if arm not in known]
    if absent:
        raise FitError(*(f"planned: no arm {one}" for one in absent))
    return {arm: record.n_in(arm) for arm in known if arm in wanted or record.n_in(arm)}
