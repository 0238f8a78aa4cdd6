"""The effect in each tier, level or other group of accounts, by the design that carried it over all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import Effect, estimate
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.randomised import own_slopes
from kamlib.loyalty.effects.sample import Bools, Floats, Sample
from kamlib.loyalty.ladder.by_likeness import ANSWER
from kamlib.loyalty.ladder.by_start import months
from kamlib.loyalty.ladder.evidence import ARM_MIN, Evidence, Records, evidence_of
from kamlib.loyalty.ladder.grades import claims_effect, graded
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.loyalty.ladder.pooling import drawn, pooled, told_amount
from kamlib.loyalty.ladder.sections import Section, section
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.imputation import imputation
from kamlib.results import Check, Estimate, refusal

NAME = "effects_by_group"
_DRAWS = 200
_COHORT = "cohort "
Limits = tuple[float, float, float]
Design = Callable[[Bools], Limits]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a design is applied: laid out once over all accounts, so that all groups share a scale."""

    evidence: Evidence
    rng: np.random.Generator
    conf_level: float

    def by_chance(self) -> Design:
        cut = section(self.evidence, assigned=True)
        return lambda inside: self._of(_varying(cut.sample.rows(inside[cut.row])), own_slopes, 0)

    def by_likeness(self) -> Design:
        cut = section(self.evidence, assigned=False)
        return lambda inside: self._of(_own_cohorts(cut, inside), entropy_balanced, _DRAWS)

    def by_start(self) -> Design:
        panel, _ = months(self.evidence)

        def found(inside: Bools) -> Limits:
            row = imputation(_rows(panel, inside[panel.units])).table(self.conf_level).iloc[0]
            return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])

        return found

    def _of(self, sample: Sample, way: Callable[[Sample], Effect], draws: int) -> Limits:
        found = estimate(sample, way, NAME, conf_level=self.conf_level, draws=draws, rng=self.rng)
        if found.refused:
            raise FitError(str(found.note))
        row = found.frame.iloc[0]
        return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])


_WAYS: dict[str, Callable[[_Way], Design]] = {
    "Assignment by chance": _Way.by_chance, "Imputation": _Way.by_start, ANSWER: _Way.by_likeness,
}  # fmt: skip


def effects_by_group(
    records: Records, groups: pd.Series, finding: Finding, *, rng: np.random.Generator,
    conf_level: float = 0.95,
) -> Estimate:  # fmt: skip
    """Effect in each group of accounts, drawn towards the mean of the groups.

    Parameters
    ----------
    records
        Those that the finding came from.
    groups
        Name of the group of each account, by `unit`, as it was before anybody joined: a tier that the
        programme may have changed is a result of it. Accounts that are missing here are left out and
        counted. Rows come by name, or in the order of the categories where there is one.
    finding
        Of `ladder.climb`; its design is applied to the accounts of each group by themselves.
    rng
        Of accounts drawn anew, where the design is likeness.
    conf_level
        Of the intervals, each by itself.

    Returns
    -------
    Estimate
        One row per group: `group`, `evidence_grade` (the finding's), `term`, and the columns
        of `pooling.pooled`. A group with fewer than 8 accounts on either side, or in which the
        estimator refuses, has no figure of its own and stands at the mean with the interval of a
        group yet to be seen; a check names it. Summary: that of `pooled`, where `mean`, `conf_low` and
        `conf_high` are over members (each account counts alike), and `mean_by_money`, `money_low`,
        `money_high`, in which members count by what they brought before; NaN where that is not known
        or not above zero. Refused at grades D and R, or with fewer than two groups with a figure.

    Notes
    -----
    Conditions of the design were judged over all accounts; groups are too small to judge them again.
    By likeness the weights are those of `entropy_balanced`, whatever estimator the ladder was given.
    Errors are widened so that normal limits lie where Student's t puts them. Accounts of one parent in
    several groups make groups less independent than is assumed.
    """
    if finding.answer is None or not claims_effect(finding.grade):
        return refusal(NAME, "loyalty_groups.no_effect", why=finding.note)
    first = finding.answer.frame.iloc[0]
    way = _WAYS.get(str(first["estimator"]))
    if way is None:
        return refusal(NAME, "loyalty_groups.no_design", estimator=str(first["estimator"]))
    evidence = evidence_of(records)
    units = pd.Index(np.unique(records.panel["unit"]))
    group = groups.reindex(units)
    treated = evidence.treated if way is _Way.by_chance else evidence.joined
    design = way(_Way(evidence, rng, conf_level))
    # an error for which normal limits are those of the design, which allow for few accounts
    width = 2 * float(ndtri((1 + conf_level) / 2))
    rows, money = [], []
    for name in _names(group):
        inside = (group == name).to_numpy(bool)
        counts = int((inside & treated).sum()), int((inside & ~treated).sum())
        value, low, high = _figure(design, inside, counts)
        rows.append((str(name), *counts, value, (high - low) / width))
        money.append(float(evidence.usual[inside & treated].sum()))
    columns = ["group", "n_treated", "n_control", "estimate", "std_error"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(1, "evidence_grade", finding.grade)
    frame.insert(2, "term", first["term"])
    found = pooled(frame, conf_level=conf_level)
    if found.refused:
        return replace(found, name=NAME)
    by_money = np.full(3, np.nan)
    if min(money) >= 0 and sum(money) > 0:
        law = drawn(*frame[["estimate", "std_error"]].to_numpy(np.float64).T)
        by_money = law.told(np.array([money]) / sum(money), conf_level)[0]
    columns = ["mean_by_money", "money_low", "money_high"]
    summary = found.summary.assign(**dict(zip(columns, by_money, strict=True)))
    note = _note(found, finding, by_money, conf_level)
    checks = (_small(found.frame), _left_out(int(group.isna().sum()), len(units)))
    return Estimate(NAME, found.frame, summary, note, checks)


def _names(group: pd.Series) -> list[str]:
    names = group.dropna().unique()
    if isinstance(group.dtype, pd.CategoricalDtype):
        return [name for name in group.cat.categories if name in names]
    return sorted(names, key=str)


def _figure(design: Design, inside: Bools, counts: tuple[int, int]) -> Limits:
    """Return a group's own figure with its limits; NaN where it is too small for one."""
    if min(counts) >= ARM_MIN:
        try:
            found = design(inside)
        except FitError:
            found = (np.nan, np.nan, np.nan)
        if found[2] > found[1]:
            return found
    return np.nan, np.nan, np.nan


def _rows(panel: Panel, keep: Bools) -> Panel:
    part = replace(
        panel, units=panel.units[keep], start=panel.start[keep], outcome=panel.outcome[keep],
        covariates=panel.covariates[keep], weight=panel.weight[keep],
        cluster=np.unique(panel.cluster[keep], return_inverse=True)[1].astype(np.int64),
    )  # fmt: skip
    clusters = part.n_treated_clusters, len(np.unique(part.cluster[~part.treated]))
    if min(clusters) < ARM_MIN:
        raise FitError(f"{min(clusters)} independent accounts on a side; {ARM_MIN} are needed")
    return part


def _own_cohorts(cut: Section, inside: Bools) -> Sample:
    """Return the rows of a group; accounts outside stand beside the group's own cohorts alone."""
    sample = cut.sample.rows(inside[cut.row])
    of_cohort = np.array([name.startswith(_COHORT) for name in sample.names], dtype=bool)
    cohort = sample.covariates[:, of_cohort] @ np.arange(1.0, of_cohort.sum() + 1)
    beside = np.isin(cohort, cohort[sample.treated])
    further = np.unique(cohort[beside])[1:]
    columns = (cohort[:, None] == further).astype(np.float64)
    names = tuple(n for n in sample.names if not n.startswith(_COHORT))
    sample = replace(
        sample, covariates=np.column_stack([sample.covariates[:, ~of_cohort], columns]),
        names=(*names, *(f"{_COHORT}{k:g}" for k in further)),
    )  # fmt: skip
    return _varying(sample.rows(beside))


def _varying(sample: Sample) -> Sample:
    """Return a sample without covariates that are the same for all on one side."""
    arms = (sample.covariates[sample.treated], sample.covariates[~sample.treated])
    keep = np.all([np.ptp(arm, axis=0) > 0 for arm in arms], axis=0)
    names = tuple(name for name, kept in zip(sample.names, keep, strict=True) if kept)
    return replace(sample, covariates=sample.covariates[:, keep], names=names)


def _note(found: Estimate, finding: Finding, by_money: Floats, conf_level: float) -> Sentence:
    values = {"outcome": finding.outcome, "pooled": found.note}
    if not np.isfinite(by_money[0]):
        return graded(finding.grade, Sentence("loyalty_groups.by_group", values))
    values["money"] = told_amount(found.frame, by_money, conf_level)
    return graded(finding.grade, Sentence("loyalty_groups.by_group_money", values))


def _small(frame: pd.DataFrame) -> Check:
    small = frame[frame["estimate"].isna()]
    values = {
        "n": len(small),
        "of": len(frame),
        "need": ARM_MIN,
        "names": ", ".join(small["group"]),
    }
    key = "loyalty_groups.some_small" if len(small) else "loyalty_groups.none_small"
    rows = small[["group", "n_treated", "n_control", "pooled", "pooled_low", "pooled_high", "term"]]
    return Check("small_groups", not len(small), Sentence(key, values), rows)


def _left_out(n: int, of: int) -> Check:
    key = "loyalty_groups.some_nowhere" if n else "loyalty_groups.all_somewhere"
    return Check("accounts_without_group", n == 0, Sentence(key, {"n": n, "of": of}))
