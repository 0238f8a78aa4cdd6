"""What each arm of a trial changed, against nothing and against the other arms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import Effect, estimate
from kamlib.loyalty.effects.permutation import permutation_test
from kamlib.loyalty.effects.randomised import cuped, difference_in_means, own_slopes
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.grades import graded
from kamlib.loyalty.trial_draw import Draw
from kamlib.loyalty.trial_record import TrialRecord, pair
from kamlib.results import Check, Estimate, none_found, one_row, refusal

PLAIN, LIN, CUPED = (
    "difference of means", "with all known before held equal", "with past revenue held equal",
)  # fmt: skip
FEW = 100  # customers of an arm below which draws made anew judge, not Student's t
_ADJUSTED_FAR = 1.0
_NAMES = {"std_error": "error_each", "n_treated": "n_arm", "n_control": "n_other"}


def effects(
    record: TrialRecord,
    draw: Draw,
    *,
    conf_level: float = 0.95,
    deals: int = 4999,
    rng: np.random.Generator,
) -> Estimate:
    """Change of each outcome by each arm, against customers that got nothing.

    The answer is the difference of means, which rests on the draw alone. Beside it stand two that hold
    equal what was known before: all of it with slopes of their own for each arm (Lin), and the past of
    the first amount (CUPED). They tell the same where the draw was fair.

    Parameters
    ----------
    record, draw
        The trial and its draw, judged.
    conf_level
        Of the intervals, each for itself.
    deals, rng
        Draws made anew, and their source, where an arm has fewer than a hundred customers.

    Returns
    -------
    Estimate
        Frame: one row per arm, outcome and way: `trial_arm`, `term` (the outcome), `estimator`, `estimate`,
        `error_each` (standard error), `conf_low`, `conf_high`, `conf_level`, `p_value`, `p_holm`
        (Holm, over all arms and outcomes; only of the difference of means), `n_arm`, `n_other`,
        `evidence_grade`. Summary: `n_comparisons`, `n_standing` (adjusted p below 1 − `conf_level`). Refused with a
        grade that claims no effect.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70.
    """
    if draw.grade != "A":
        return draw.refuse("effects")
    parts, refused = [], []
    for arm in record.arms:
        for outcome in record.outcomes:
            found = {PLAIN: compared(pair(record, arm, outcome), conf_level, deals, rng)}
            if found[PLAIN].refused:
                refused.append(found[PLAIN])
                continue
            for name, way, held in _adjusted(record):
                rows = pair(record, arm, outcome, held)
                found[name] = estimate(rows, way, name, conf_level=conf_level)
            parts += [
                told(one).assign(trial_arm=arm, term=outcome, estimator=name)
                for name, one in found.items()
                if not one.refused
            ]
    if not any((part["term"] == record.money[0]).any() for part in parts):
        return refusal("effects", refused[0].note.key, **refused[0].note.values)
    frame = _ordered(pd.concat(parts, ignore_index=True), "trial_arm", "term", "estimator")
    plain = frame["estimator"] == PLAIN
    frame.loc[plain, "p_holm"] = holm(frame.loc[plain, "p_value"])
    frame["evidence_grade"] = draw.grade
    stands = int((frame.loc[plain, "p_holm"] < 1 - conf_level).sum())
    first = frame[plain & (frame["term"] == record.money[0])]
    counted = Sentence("trial.compared", {"n": int(plain.sum()), "stands": stands,
                                          "level": conf_level})  # fmt: skip
    note = listed([*(_arm(row, conf_level) for _, row in first.iterrows()), counted])
    summary = one_row(len(record.rows), PLAIN, conf_level, n_comparisons=int(plain.sum()),
                      n_standing=stands)  # fmt: skip
    checks = tuple(filter(None, (_agrees(frame, record.money[0]),)))
    return Estimate("effects", frame, summary, graded(draw.grade, note), checks)


def on_shares(record: TrialRecord, changed: Estimate) -> Estimate:
    """What each arm changed in the shares of customers that came and that bought.

    Parameters
    ----------
    record
        Of the trial.
    changed
        As `effects` returns it.

    Returns
    -------
    Estimate
        Frame: the rows of `changed` that are differences of shares. Refused where there are none.
    """
    if changed.refused:
        return refusal("on_shares", "trial.nothing_here")
    frame, conf_level = changed.frame, float(changed["conf_level"])
    chosen = frame["term"].isin(record.shares) & (frame["estimator"] == PLAIN)
    if not chosen.any():
        return refusal("on_shares", "trial.no_shares", n=len(record.rows))
    parts = []
    for _, row in frame[chosen].iterrows():
        points = {k: 100 * float(row[c]) for k, c in
                  (("value", "estimate"), ("low", "conf_low"), ("high", "conf_high"))}  # fmt: skip
        values = _figures(row, conf_level) | points | {"arm": row["trial_arm"]}
        parts.append(Sentence("trial.share", values | {"outcome": row["term"]}))
    note = graded(frame["evidence_grade"].iloc[0], listed(parts))
    summary = one_row(len(record.rows), PLAIN, conf_level)
    return Estimate("on_shares", frame[chosen].reset_index(drop=True), summary, note)


def between_arms(
    record: TrialRecord,
    draw: Draw,
    *,
    conf_level: float = 0.95,
    deals: int = 4999,
    rng: np.random.Generator,
) -> Estimate:
    """Difference of the first amount between arms that were sent something, two at a time.

    Parameters
    ----------
    record, draw, conf_level, deals, rng
        As for `effects`.

    Returns
    -------
    Estimate
        Frame: one row per two arms, the one first that brought more: `trial_arm`, `other_arm`, and the columns
        of `effects` from `term` on but for the ways. Refused where there are no two arms.
    """
    if draw.grade != "A":
        return refusal("between_arms", "trial.nothing_here")
    outcome, parts = record.money[0], []
    for one, two in combinations(record.arms, 2):
        found = compared(pair(record, one, outcome, other=two), conf_level, deals, rng)
        if not found.refused and found.frame["estimate"].iloc[0] < 0:
            one, two = two, one
            found = compared(pair(record, one, outcome, other=two), conf_level, deals, rng)
        if not found.refused:
            parts.append(told(found).assign(trial_arm=one, other_arm=two, term=outcome))
    if not parts:
        return none_found("between_arms", "trial.one_arm", n=len(record.arms))
    frame = _ordered(pd.concat(parts, ignore_index=True), "trial_arm", "other_arm", "term")
    frame["p_holm"] = holm(frame["p_value"])
    frame["evidence_grade"] = draw.grade
    row = frame.sort_values("p_value").iloc[0]
    sure = bool(row["p_holm"] < 1 - conf_level)
    values = _figures(row, conf_level) | {"arm": row["trial_arm"], "other": row["other_arm"],
                                          "pairs": len(frame)}  # fmt: skip
    note = Sentence("trial.arms_differ" if sure else "trial.arms_alike", values)
    summary = one_row(len(record.rows), PLAIN, conf_level)
    return Estimate("between_arms", frame, summary, graded(draw.grade, note))


def compared(rows: Sample, conf_level: float, deals: int, rng: np.random.Generator) -> Estimate:
    """Return the difference of means of two arms; where one is small, draws made anew judge it."""
    if min(rows.n_treated, rows.n_control) < FEW:
        return permutation_test(rows, PLAIN, draws=deals, rng=rng, conf_level=conf_level)
    return estimate(rows, difference_in_means, PLAIN, conf_level=conf_level)


def told(found: Estimate) -> pd.DataFrame:
    """Return the row of an estimate by the names of this study."""
    frame = found.frame.rename(columns=_NAMES)
    return frame.drop(columns=["statistic", "n_obs"])


def holm(p_values: Iterable[float]) -> NDArray[np.float64]:
    """Return p values that allow for how many were looked at.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03]).round(2).tolist()
    [0.06, 0.03, 0.06]
    """
    p = np.asarray(list(p_values), dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    found = np.empty_like(p)
    found[order] = np.minimum(raised, 1.0)
    return found


def listed(parts: list[Sentence]) -> Sentence:
    """Return sentences one after the other as one."""
    whole = parts[-1]
    for part in reversed(parts[:-1]):
        whole = Sentence("trial.then", {"one": part, "more": whole})
    return whole


def _adjusted(record: TrialRecord) -> list[tuple[str, Callable[[Sample], Effect], list[str]]]:
    ways: list[tuple[str, Callable[[Sample], Effect], list[str]]] = []
    if record.numbers:
        ways.append((LIN, own_slopes, list(record.numbers)))
    if record.past:
        ways.append((CUPED, cuped, [record.past]))
    return ways


def _ordered(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return frame[[*names, "estimate", "error_each", "conf_low", "conf_high", "conf_level",
                  "p_value", "n_arm", "n_other"]]  # fmt: skip


def _figures(row: pd.Series, conf_level: float) -> dict[str, object]:
    return {
        "value": row["estimate"], "low": row["conf_low"], "high": row["conf_high"],
        "level": conf_level, "n_arm": row["n_arm"], "n_other": row["n_other"],
    }  # fmt: skip


def _arm(row: pd.Series, conf_level: float) -> Sentence:
    return Sentence("trial.effect", {"arm": row["trial_arm"], **_figures(row, conf_level)})


def _agrees(frame: pd.DataFrame, outcome: str) -> Check | None:
    rows = frame[frame["term"] == outcome].set_index(["estimator", "trial_arm"])
    if LIN not in rows.index:
        return None
    plain, lin = rows.loc[PLAIN], rows.loc[LIN]
    far = ((lin["estimate"] - plain["estimate"]).abs() / plain["error_each"]).max()
    ratio = float((lin["error_each"] / plain["error_each"]).mean())
    near = bool(far <= _ADJUSTED_FAR)
    values = {"far": float(far), "ratio": ratio, "most": _ADJUSTED_FAR}
    key = "trial.adjusted_agrees" if near else "trial.adjusted_differs"
    return Check("adjusted_agrees", near, Sentence(key, values))
