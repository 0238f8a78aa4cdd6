"""Two programmes that came to the same accounts together: the effect of both, never split between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.sample import Bools
from kamlib.loyalty.ladder.evidence import Records, evidence_of
from kamlib.loyalty.ladder.grades import graded
from kamlib.loyalty.ladder.ladder import Finding, climb
from kamlib.loyalty.ladder.refusals import Code, Refusal, Refused
from kamlib.loyalty.ladder.rung import Estimator
from kamlib.loyalty.ladder.sections import BLOCK
from kamlib.results import Check


def joint_effect(
    records: Records, *, rng: np.random.Generator, conf_level: float = 0.95, draws: int = 200,
    estimator: Estimator = entropy_balanced,
) -> Finding:  # fmt: skip
    """Effect of being in both programmes against being in neither, and its grade.

    Parameters
    ----------
    records
        Which `climb` refuses with OVERLAPPING_PROGRAMMES; `other_start` says when the other programme
        reached an account.
    rng, conf_level, draws, estimator
        As for `climb`.

    Returns
    -------
    Finding
        Of both together, from the first month of either; its note and that of its answer say so.
        OVERLAPPING_PROGRAMMES stays the first of its reasons: a part of the effect may not be given to
        either, and a return needs the costs of both. R with OVERLAPPING_PROGRAMMES and
        NO_TREATED_MIN where too few accounts are in both, or in neither.

    Raises
    ------
    FitError
        Programmes that `climb` can tell apart, or records that it refuses for another reason.

    Notes
    -----
    Left out, and counted, are accounts in one programme only, and those that the second reached more
    than a quarter after the first: to be in both they had to stay until then. If that leaves out
    anybody, an assignment by chance no longer holds for who is left, and the climb goes on without it.
    """
    shared = _shared(records)
    treated, alone, lot = _sides(records)
    found = climb(
        _joint(records, alone, lot), rng=rng, conf_level=conf_level, draws=draws,
        estimator=estimator,
    )  # fmt: skip
    values = {"n": int(treated.sum()), "others": int((~treated & ~alone).sum()),
              "alone": int(alone.sum())}  # fmt: skip
    told = Sentence("loyalty_retained.joint", values | {"note": found.note.values["note"]})
    note = graded(found.grade, told)
    check = Check(shared.code.lower(), False, shared.sentence)
    # the other programme is part of what is judged here, and no doubt about it
    checks = (check, *(c for c in found.checks if c.name != Code.OTHER_PROGRAMME.lower()))
    answer = None if found.answer is None else replace(found.answer, note=note)
    return replace(
        found, answer=answer, refusals=(shared, *found.refusals), checks=checks, note=note
    )


def _shared(records: Records) -> Refusal:
    """Return why the programmes cannot be told apart."""
    try:
        evidence_of(records)
    except Refused as error:
        if error.refusal.code == Code.OVERLAPPING_PROGRAMMES:
            return error.refusal
        raise FitError(
            f"joint effect: the records are refused with {error.refusal.code}; mend that first"
        ) from None
    raise FitError("joint effect: these programmes can be told apart; climb finds that of one")


def _sides(records: Records) -> tuple[Bools, Bools, bool]:
    """Return who is in both, who in one alone or much later in the other, and whether a lot stands."""
    accounts, last = records.accounts, records.panel["period"].max()
    start, other = (accounts[c].to_numpy(np.float64) for c in ("start", "other_start"))
    lot = "assigned" in accounts and bool(accounts["assigned"].notna().all())
    first = accounts["assigned"].to_numpy(bool) if lot else start <= last
    second = other <= last
    both: Bools = first & second & ~(np.abs(start - other) > BLOCK)
    alone: Bools = (first | second) & ~both
    return both, alone, lot and not alone.any()


def _joint(records: Records, alone: Bools, lot: bool) -> Records:
    """Return records of accounts in both or in neither, as of one programme."""
    accounts = records.accounts
    start = accounts[["start", "other_start"]].min(axis=1).where(accounts["start"].notna())
    accounts = accounts.assign(start=start)
    out = records.panel["unit"].isin(accounts["unit"][alone])
    dropped = ["other_start"] if lot else ["other_start", "assigned"]
    return replace(
        records, panel=records.panel[~out],
        accounts=accounts[~alone].drop(columns=dropped, errors="ignore"),
        assigned_on=records.assigned_on if lot else None,
    )  # fmt: skip
