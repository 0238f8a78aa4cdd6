"""Accounts on either side of a day: what they brought afterwards, and their course before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kamlib.loyalty.effects.sample import Bools, Floats, Ints, Sample, Scale
from kamlib.loyalty.ladder.evidence import Evidence

BLOCK = 3
PATH = 12
POOL = 6
WINDOW = 12
_COHORT_MIN = 5
_SAME = 1e-7
_ALONE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One row per account and comparison.

    Attributes
    ----------
    sample
        Outcome: mean month afterwards (its logarithm where all are above zero, else on the scale of
        the evidence). Covariates: means
        of the quarters before, what is known of the account, and one column per further cohort.
    before
        Mean month of the year before, on the scale of the outcome.
    row
        Account of each row, shape (m,).
    zero
        Place of each row's first month afterwards.
    """

    sample: Sample
    before: Floats
    row: Ints
    zero: Ints


def section(
    evidence: Evidence, *, assigned: bool, early: int = 0, until_zero: bool = False,
    still_there: bool = True,
) -> Section:  # fmt: skip
    """Cut accounts at the day that counts for them.

    Parameters
    ----------
    evidence
        Accounts.
    assigned
        All accounts are cut at the day of assignment; else members at their own start, and those
        who had not joined by then at the start of each cohort they stand beside. Whoever joined later
        is among these: never to have joined may mean to have left first, which nobody knew. Where
        there are such, outcomes end after a year, before most of them join.
    early
        Months by which the cut is moved to the past.
    until_zero
        Outcomes end where the programme begins: of a start that never was (placebo).
    still_there
        Without an assignment, only accounts count that brought something just before their day: who
        joins has not left, and must not be compared with who had. False takes all.
    """
    width = evidence.amount.shape[1]
    if assigned:
        row = np.arange(len(evidence.start))
        zero = np.full(len(row), evidence.zero)
        treated, cohort = evidence.treated, np.zeros(len(row), dtype=np.int64)
    else:
        row, zero, treated, cohort = _stacked(evidence)
        there = _there(evidence, row, zero) if still_there else np.ones(len(row), dtype=bool)
        row, zero, treated, cohort = row[there], zero[there], treated[there], cohort[there]
    cut = np.maximum(zero - early, 0)
    end = zero if until_zero else np.full(len(zero), width)
    if not until_zero and not assigned and (evidence.start[row[~treated]] < width).any():
        end = np.minimum(end, zero + WINDOW)
    after = _means(evidence.amount[row], cut, end)
    path = _path(evidence.amount[row], cut, int(cut.min()))
    use_log = bool(np.nanmin(after) > 0) and not evidence.in_usual
    scale: Scale = "log" if use_log else evidence.scale
    before = _means(evidence.amount[row], np.maximum(cut - PATH, 0), cut)
    logs = use_log and bool(np.nanmin(path) > 0)
    same = use_log and bool(np.nanmin(before) > 0)
    dummies = (cohort[:, None] == np.unique(cohort)[1:]).astype(np.float64)
    covariates = np.column_stack(
        [np.log(path) if logs else path, evidence.covariates[row], dummies]
    )
    names = (
        *(f"quarter −{k}" for k in range(path.shape[1], 0, -1)),
        *evidence.records.covariates,
        *(f"cohort {k}" for k in range(1, dummies.shape[1] + 1)),
    )
    cluster = None if evidence.parent is None else evidence.parent[row]
    if cluster is None and len(np.unique(row)) < len(row):
        cluster = row
    outcome = np.log(after) if use_log else after
    known = np.isfinite(outcome) & np.isfinite(covariates).all(axis=1)
    found = Sample(outcome, treated, covariates, names, evidence.records.outcome, scale, cluster)
    return Section(
        _independent(found.rows(known)), (np.log(before) if same else before)[known], row[known],
        zero[known],
    )  # fmt: skip


def changes(cut: Section) -> Sample:
    """Return the same rows with the change since the year before as outcome, and no covariates."""
    return replace(
        cut.sample, outcome=cut.sample.outcome - cut.before,
        covariates=np.empty((cut.sample.n_obs, 0)), names=(),
    )  # fmt: skip


def _independent(sample: Sample) -> Sample:
    """Return the sample without covariates that follow from those before them on either side.

    Where all ordered every month, the quarters of the past are one and the same; where all but one
    did, a quarter tells that account from the others, and its figure would be that account's own.
    """
    kept: list[int] = []
    sides = (sample.treated, ~sample.treated)
    # orthonormal columns of each side, the constant first
    bases = [np.full((n, 1), n**-0.5) for n in (int(side.sum()) for side in sides)]
    for k in range(sample.covariates.shape[1]):
        columns = [sample.covariates[side, k] for side in sides]
        left = [c - q @ (q.T @ c) for c, q in zip(columns, bases, strict=True)]
        left = [c - q @ (q.T @ c) for c, q in zip(left, bases, strict=True)]
        sizes = [float(np.linalg.norm(one)) for one in left]
        if any(
            size <= _SAME * (1 + np.linalg.norm(of))
            for size, of in zip(sizes, columns, strict=True)
        ):
            continue
        wider = [
            np.column_stack([q, one / size])
            for q, one, size in zip(bases, left, sizes, strict=True)
        ]
        # of a row that the columns foretell wholly nothing is left to judge by
        if all((q**2).sum(axis=1).max() < 1 - _ALONE for q in wider):
            kept.append(k)
            bases = wider
    return replace(
        sample, covariates=sample.covariates[:, kept], names=tuple(sample.names[k] for k in kept)
    )


def _stacked(evidence: Evidence) -> tuple[Ints, Ints, Bools, Ints]:
    """Return rows of members by half-year of start, each beside all who had not joined by its end."""
    width = evidence.amount.shape[1]
    inside = np.flatnonzero(evidence.joined & (evidence.start >= min(BLOCK, evidence.zero)))
    bins = (evidence.start[inside] - evidence.zero) // POOL
    rows, zeros, treated, cohorts = [], [], [], []
    for k, cohort in enumerate(np.unique(bins)):
        own = inside[bins == cohort]
        starts = evidence.start[own]
        free = np.flatnonzero(evidence.start >= evidence.zero + POOL * (cohort + 1))
        if len(own) < _COHORT_MIN or np.median(starts) >= width:
            continue
        rows += [own, free]
        zeros += [starts, np.full(len(free), int(np.median(starts)))]
        treated += [np.ones(len(own), bool), np.zeros(len(free), bool)]
        cohorts += [np.full(len(own) + len(free), k)]
    if not rows:
        free = np.flatnonzero(~evidence.joined)
        rows, zeros = [inside, free], [evidence.start[inside], np.full(len(free), evidence.zero)]
        treated = [np.ones(len(inside), bool), np.zeros(len(free), bool)]
        cohorts = [np.zeros(len(inside) + len(free), dtype=np.int64)]
    return (np.concatenate(rows), np.concatenate(zeros), np.concatenate(treated),
            np.concatenate(cohorts))  # fmt: skip


def _there(evidence: Evidence, row: Ints, zero: Ints) -> Bools:
    """Return whether an account brought anything in the round of purchase before its day.

    With more rounds those count as there that have gone already, and members seem to stay longer.
    """
    recent = max(1, int(np.ceil(evidence.records.purchase_cycle)))
    at = np.arange(evidence.amount.shape[1])
    inside = (at >= zero[:, None] - recent) & (at < zero[:, None])
    amount = np.nan_to_num(evidence.amount[row])
    found: Bools = ((amount != 0) & inside).any(axis=1)
    return found


def _means(amount: Floats, begin: Ints, end: Ints) -> Floats:
    """Return each row's mean of what is known in its own months [begin, end)."""
    at = np.arange(amount.shape[1])
    inside = (at >= begin[:, None]) & (at < end[:, None]) & np.isfinite(amount)
    count = inside.sum(axis=1)
    sums = np.where(inside, amount, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def _path(amount: Floats, cut: Ints, months: int) -> Floats:
    """Return means of the quarters before the cut (of less where less is known), the oldest first."""
    size = min(BLOCK, max(months // 4, 1))
    blocks = min(PATH // BLOCK, max(months // size, 1))
    return np.column_stack(
        [_means(amount, cut - size * (k + 1), cut - size * k) for k in range(blocks - 1, -1, -1)]
    )
