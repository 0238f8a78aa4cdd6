"""One comparison and what was found of it, as effects, returns and actions read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence, Style, say
from kamlib.loyalty.comparisons import Comparison
from kamlib.loyalty.finance.uncertain import Uncertain
from kamlib.loyalty.ladder.evidence import Records
from kamlib.loyalty.ladder.grades import Grade, claims_effect, is_higher
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.results import Check, Estimate, one_row

NONE = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One comparison and what was found of it.

    Attributes
    ----------
    comparison
        Who was compared.
    records
        As the ladder was climbed with them, for what accounts bring.
    findings
        By outcome: "contribution", "revenue", what the level aims at ("n_orders" at the first,
        "n_interactions" at the second, revenue, and so the share of wallet, at the third) and
        "months_stayed".
    """

    comparison: Comparison
    records: Records
    findings: dict[str, Finding]

    @property
    def main(self) -> Finding:
        """Finding on what accounts bring."""
        return next(iter(self.findings.values()))


def best_of(judged: tuple[Judged, ...]) -> Judged | None:
    """Return the comparison of the highest grade on what accounts bring; the first of several."""
    if not judged:
        return None
    best = judged[0]
    for one in judged[1:]:
        if is_higher(one.main.grade, best.main.grade):
            best = one
    return best


def grade_of(one: Judged | None) -> Grade:
    """Return the grade on what accounts bring; R where nothing could be compared."""
    return "R" if one is None else one.main.grade


def in_percent(finding: Finding) -> tuple[float, float, float]:
    """Return effect and limits as a share, or in the units of the outcome; NaN where none is told."""
    if finding.answer is None:
        return NONE, NONE, NONE
    return as_share(finding.answer.frame.iloc[0])


def took_part(found: Comparison) -> float:
    """Return the share of the accounts drawn that joined because they were; 1 without a lot."""
    rows = found.accounts
    if found.assigned_on is None:
        return 1.0
    joined = rows["start"].notna()
    drawn = rows["assigned"].astype(bool)
    return float(joined[drawn].mean() - joined[~drawn].mean())


def with_it(found: Comparison) -> pd.DataFrame:
    """Return the accounts of a comparison that joined, or were drawn to."""
    rows = found.accounts
    inside = rows["start"].notna() if found.assigned_on is None else rows["assigned"].astype(bool)
    return rows[inside]


def usual_of_members(found: Comparison) -> float:
    """Return the mean month of accounts with it in their first year: revenue, in money."""
    rows = with_it(found)
    return float(rows["usual"].mean()) if len(rows) else NONE


def told(one: Judged) -> Estimate:
    """What was found of a comparison: the answer, rivals and naive figures, or why there is none.

    Returns
    -------
    Estimate
        Frame of the finding on what accounts bring; the note names the comparison and its grade.
    """
    found = one.main
    values = {"comparison": one.comparison.name, "note": found.note,
              "left": one.comparison.n_left_out}  # fmt: skip
    note = Sentence("programme_effect.finding", values)
    name = "finding_" + one.comparison.name.replace(" ", "_")
    rows = found.frame
    return Estimate(name, rows, one_row(len(one.comparison.accounts), "ladder of evidence"), note)


def conditions(one: Judged | None) -> tuple[Check, ...]:
    """Return every condition that was looked at for a comparison, on what accounts bring."""
    return () if one is None else one.main.checks


def conditions_of(judged: tuple[Judged, ...], style: Style) -> pd.DataFrame:
    """Return what each comparison had to pass, on what accounts bring, in the order looked at.

    Returns
    -------
    DataFrame
        One row per comparison and condition: `comparison`, `evidence_grade`, `held` ("yes", "no", "not
        judged"), `condition` (what was found, in the language of the style).
    """
    words = {True: "yes", False: "no", None: "not judged"}
    return pd.DataFrame(
        [
            (one.comparison.name, one.main.grade, words[check.passed], say(check.note, style))
            for one in judged
            for check in one.main.checks
        ],
        columns=["comparison", "evidence_grade", "held", "condition"],
    )


def baseline_share(one: Judged | None) -> float | None:
    """Return the share of members' purchases that would have been made anyway; None where no effect is told.

    With purchases higher by a share e because of the programme, 1 ÷ (1 + e) of them are not owed to it;
    an effect below zero leaves all.
    """
    if one is None or "revenue" not in one.findings:
        return None
    finding = one.findings["revenue"]
    value, part = in_percent(finding)[0], took_part(one.comparison)
    if not claims_effect(finding.grade) or np.isnan(value) or not part > 0:
        return None
    return 1 / (1 + max(value / part, 0.0))


def retention_rise(judged: tuple[Judged, ...]) -> Uncertain | None:
    """Return by how much the programme raises the share of members that stay a year; None: not told.

    Of the share still there at the end of the horizon, a year's part. The comparison of the highest
    grade on months stayed counts, the first of several.
    """
    best: tuple[Grade, Estimate, float] | None = None
    for one in judged:
        finding = one.findings["months_stayed"]
        share = next((e for e in finding.beside if e.name == "share_retained"), None)
        part = took_part(one.comparison)
        if finding.answer is None or share is None or share.refused or not part > 0:
            continue
        if best is None or is_higher(finding.grade, best[0]):
            best = finding.grade, share, part
    if best is None:
        return None
    row, part = best[1].frame.iloc[0], best[2]
    years = float(best[1].note.values["horizon"]) / 12
    return Uncertain(float(row["estimate"]) / years / part, float(row["std_error"]) / years / part)


def as_share(row: pd.Series) -> tuple[float, float, float]:
    """Return an effect and its limits as a share, or in the units of the outcome."""
    values = row[["estimate", "conf_low", "conf_high"]].to_numpy(np.float64)
    if str(row["term"]).endswith("_log"):
        values = np.expm1(values)
    return float(values[0]), float(values[1]), float(values[2])
