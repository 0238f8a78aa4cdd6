"""Rung B: accounts joined at different times, and those that had not joined show what would have been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.sample import Floats
from kamlib.loyalty.ladder.doubts import circumstances, siblings, sides
from kamlib.loyalty.ladder.evidence import Evidence
from kamlib.loyalty.ladder.placebo import placebo
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.rung import Rung
from kamlib.loyalty.ladder.sections import section
from kamlib.loyalty.panel.aggregation import aggregate
from kamlib.loyalty.panel.drift import breakdown
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.group_time import Control, group_time
from kamlib.loyalty.panel.placebo import placebo_in_time, recent_jump
from kamlib.loyalty.panel.pre_trend import Kind, erasing_slope, power, pre_trend
from kamlib.loyalty.panel.scores import Effects
from kamlib.loyalty.panel.staggered import TOP_SHARE, Scale, staggered
from kamlib.results import Check

BEFORE_MIN = 6
COHORT_MIN = 5
FREE_MIN = 10
FILLED_MIN = 0.80
JUMP_P = 0.01
SHIFT_P = 0.005
PRETREND_P = 0.10
POWER_MIN = 0.5
MBAR_MIN = 1.0
_DEALS = 199
_JOINED = 6


def by_start(evidence: Evidence, *, rng: np.random.Generator, conf_level: float = 0.95) -> Rung:
    """Effect on members against their own past and those who had not joined.

    Whether months before foretell trouble is judged on half-years: month by month, noise hides a
    drift that would matter, and feigns one that is none.

    Parameters
    ----------
    evidence
        Accounts and months.
    rng
        For deals of the starts, which judge fewer than 30 members.
    conf_level
        Of the interval.

    References
    ----------
    Borusyak, K., Jaravel, X. and Spiess, J. (2024). Revisiting event-study designs: robust and
    efficient estimation. Review of Economic Studies 91, 3253–3285. doi:10.1093/restud/rdae007
    """
    panel, scale = months(evidence)
    tried: list[Gate] = []
    for condition in (sides, _enough, siblings, _filled):
        tried.append(condition(evidence))
        if not tried[-1].holds:
            return Rung("B", tuple(tried))
    control: Control = "never" if (~evidence.joined).sum() >= FREE_MIN else "not_yet"
    tried.append(_jump(panel))
    if tried[-1].holds:
        shifted = _shifted(panel, evidence.zero)
        tried.append(replace(shifted, check=replace(shifted.check, name="shifted_start")))
    if tried[-1].holds:
        tried.append(placebo(evidence))
    if tried[-1].holds:
        tried += _course(half_years(panel, evidence.zero), control, evidence.needed)
    if not tried[-1].holds:
        return Rung("B", tuple(tried))
    found = staggered(
        panel, outcome=evidence.records.outcome, scale=scale, control=control,
        conf_level=conf_level, draws=_DEALS, rng=rng,
    )  # fmt: skip
    if found.refused:
        counts = {"before": evidence.zero, "smallest": 0, "free": int((~evidence.joined).sum())}
        tried.append(
            gate(Code.FEW_TO_FOLLOW, False, "loyalty_ladder.few_to_follow_holds", **counts)
        )
        return Rung("B", tuple(tried))
    passed = {check.name: check for check in found.checks}
    agree = passed["estimators_agree"].passed is not False
    tried.append(gate(Code.ESTIMATORS_DISAGREE, agree, "loyalty_ladder.agree"))
    if not agree:
        return Rung("B", tuple(tried))
    answer = replace(found, name="effect", frame=found.frame.head(1))
    rivals = replace(found, name="rivals", frame=found.frame.iloc[1:].reset_index(drop=True))
    row = answer.frame.iloc[0]
    doubts = (
        *circumstances(evidence), _lagged(evidence, row["conf_low"], row["conf_high"]),
        _top(passed["top_account"], row["conf_low"], row["conf_high"], int(evidence.joined.sum())),
    )  # fmt: skip
    shown = (passed["estimators_agree"], passed["joined_before"])
    return Rung("B", tuple(tried), answer, (rivals,), doubts, (), shown)


def months(evidence: Evidence) -> tuple[Panel, Scale]:
    """Return the months as a panel on the scale of the evidence."""
    amount, n = evidence.amount, len(evidence.start)
    use_log = evidence.scale == "log"
    cluster = np.arange(n) if evidence.parent is None else evidence.parent
    keep = evidence.start > 0
    panel = Panel(
        units=np.arange(n)[keep], periods=np.arange(amount.shape[1]), start=evidence.start[keep],
        outcome=(np.log(amount) if use_log else amount)[keep], covariates=np.empty((int(keep.sum()), 0)),
        weight=np.ones(int(keep.sum())),
        cluster=np.unique(cluster[keep], return_inverse=True)[1].astype(np.int64),
        n_always=int((~keep).sum()),
    )  # fmt: skip
    return panel, evidence.scale


def half_years(panel: Panel, zero: int) -> Panel:
    """Return a panel of means over half-years that begin with the first start, or less before it.

    A member's half-year in which it joined holds its months before; the effect counts from the next.
    """
    size = min(_JOINED, zero // 2)
    block = (np.arange(panel.n_periods) - zero) // size
    first = -(zero // size)
    last = (panel.n_periods - zero) // size
    start = np.ceil((panel.start - zero) / size).astype(np.int64)
    blocks = np.arange(first, last)
    columns = [_mean_of(panel, block == b, start > b) for b in blocks]
    begun = np.where(panel.treated & (start < last), start - first, len(blocks))
    return replace(panel, periods=blocks, start=begun, outcome=np.column_stack(columns))


def _mean_of(panel: Panel, inside: np.ndarray, still_outside: np.ndarray) -> Floats:
    """Return row means over some months; of who joins only later, those before its start."""
    use = inside & ~(panel.after & still_outside[:, None]) & panel.seen
    count = use.sum(axis=1)
    sums = np.where(use, panel.outcome, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def _enough(evidence: Evidence) -> Gate:
    free, joined = int((~evidence.joined).sum()), evidence.start[evidence.joined]
    pooled = np.bincount((joined - joined.min()) // _JOINED)
    smallest, cohorts = int(pooled[pooled > 0].min()), int((pooled > 0).sum())
    before = int(joined.min())
    holds = before >= BEFORE_MIN and smallest >= COHORT_MIN and (free >= FREE_MIN or cohorts >= 2)
    return gate(
        Code.FEW_TO_FOLLOW, holds, "loyalty_ladder.few_to_follow_holds", before=before,
        smallest=smallest, free=free,
    )  # fmt: skip


def _filled(evidence: Evidence) -> Gate:
    share = float(np.isfinite(evidence.amount).mean())
    return gate(
        Code.PANEL_HOLES, share >= FILLED_MIN, "loyalty_ladder.holes_holds", share=share,
        need=FILLED_MIN,
    )  # fmt: skip


def _jump(panel: Panel) -> Gate:
    try:
        found = recent_jump(panel).table().iloc[0]
    except FitError:
        return gate(Code.RECENT_JUMP, False, "loyalty_ladder.jump_holds", moved=np.nan, p=np.nan)
    p = float(found["p_value"])
    return gate(
        Code.RECENT_JUMP,
        p > JUMP_P,
        "loyalty_ladder.jump_holds",
        moved=float(found["estimate"]),
        p=p,
    )


def _shifted(panel: Panel, zero: int) -> Gate:
    shift = min(_JOINED, zero // 2)
    try:
        found = placebo_in_time(panel, shift).table().iloc[0]
    except FitError:
        return gate(Code.PLACEBO_FAIL, False, "loyalty_ladder.placebo_holds", effect=np.nan,
                    months=shift, p=np.nan)  # fmt: skip
    p = float(found["p_value"])
    return gate(
        Code.PLACEBO_FAIL, p > SHIFT_P, "loyalty_ladder.placebo_holds",
        effect=float(found["estimate"]), months=shift, p=p,
    )  # fmt: skip


def _course(panel: Panel, control: Control, needed: float) -> list[Gate]:
    """Return what the time before says: no course of their own, and a test that would have seen one."""
    try:
        cells = group_time(panel, control=control, base="universal")
        found = aggregate(panel, cells, "rel_period")
        study = found.only((found.frame["rel_period"] <= 1).to_numpy())
        p_value, kind = _test(study)
    except FitError:
        return [gate(Code.PRETREND_UNDERPOWERED, False, "loyalty_ladder.blind_holds", power=np.nan,
                     need=POWER_MIN)]  # fmt: skip
    told = [gate(Code.PRETREND_FAIL, p_value > PRETREND_P, "loyalty_ladder.pretrend_holds",
                 p=p_value)]  # fmt: skip
    if told[-1].holds:
        seen = power(study, erasing_slope(study, needed), kind=kind)
        told.append(gate(Code.PRETREND_UNDERPOWERED, seen >= POWER_MIN,
                         "loyalty_ladder.blind_holds", power=seen, need=POWER_MIN))  # fmt: skip
    if told[-1].holds:
        first = (study.frame["rel_period"].to_numpy()[study.frame["rel_period"] >= 0] == 0) * 1.0
        mbar = breakdown(study, needed=needed, loading=first)
        told.append(gate(Code.DRIFT, mbar >= MBAR_MIN, "loyalty_ladder.drift_holds", mbar=mbar,
                         year=breakdown(study, needed=needed)))  # fmt: skip
    return told


def _test(study: Effects) -> tuple[float, Kind]:
    test = pre_trend(study)
    if np.isnan(test.p_value):
        return float(test.slope_p_value), "slope"
    return float(test.p_value), "joint"


def _lagged(evidence: Evidence, low: float, high: float) -> Gate:
    """Return whether holding the past equal, instead of taking it off, finds about the same."""
    try:
        value = entropy_balanced(section(evidence, assigned=False).sample).value
    except FitError:
        value = np.nan
    return gate(Code.ESTIMATORS_DISAGREE, not (value < low or value > high), "loyalty_ladder.agree")


def _top(found: Check, low: float, high: float, of: int) -> Gate:
    """Return whether the effect stands without the account that moves it most, where one is claimed."""
    holds = found.passed is not False or low <= 0 <= high
    return gate(
        Code.TOP_ACCOUNT, holds, "loyalty_ladder.top_holds", most=TOP_SHARE, of=of,
        share=found.note.values.get("share", np.nan),
    )  # fmt: skip
