"""What a programme changed for those who joined at different times, by several estimators at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.panel.aggregation import simple
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.group_time import Control, group_time
from kamlib.loyalty.panel.imputation import imputation, two_stage
from kamlib.loyalty.panel.interaction_weighted import interaction_weighted
from kamlib.loyalty.panel.leave_out import without_largest
from kamlib.loyalty.panel.permutation import permutation_p_value
from kamlib.loyalty.panel.placebo import RECENT, recent_jump
from kamlib.loyalty.panel.scores import Effects, difference
from kamlib.loyalty.panel.two_way_effect import two_way_effect
from kamlib.results import Check, Estimate, one_row, refusal

Scale = Literal["money", "log", "share", "ratio"]
TERMS = {"money": "att", "log": "att_log", "share": "att_share", "ratio": "att_ratio"}
FEW_TREATED = 30
MIN_TREATED = 8
TOP_SHARE = 0.25
_LEVEL = 0.95


def staggered(
    panel: Panel,
    *,
    outcome: str,
    scale: Scale = "money",
    control: Control = "never",
    conf_level: float = 0.95,
    draws: int = 0,
    rng: np.random.Generator | None = None,
) -> Estimate:
    """Mean effect on the accounts that joined, per period, with estimators that must agree.

    The imputation is the answer. The mean of effects by cohort and period is the check: it compares
    with the last period before the start alone. The two-way regression is shown as the naive figure.

    Parameters
    ----------
    panel
        Of accounts; starts differ or not. Covariates adjust the check alone.
    outcome
        Name of the outcome's column, for the sentence.
    scale
        In which the outcome is: money, logarithm of money, share, or multiple of a usual month.
    control
        Who is compared with in the check.
    conf_level
        Of the intervals, by Student's t with the treated clusters less one.
    draws, rng
        Above zero, and with fewer than 30 treated clusters: the p-value of the imputation comes from
        that many deals of the starts.

    Returns
    -------
    Estimate
        One row per `estimator`: `term`, `estimate`, `std_error`, `conf_low`, `conf_high`,
        `conf_level`, `p_value`, `n_treated`. Checks: whether imputation and group-time effects
        agree; whether accounts moved just before they joined (then a comparison with before is no
        answer); whether one account makes more than a quarter of the effect; and whether accounts
        were left out since they had joined before the panel begins. An estimator that the panel
        cannot carry has no row. Refused with fewer than 8 treated or untreated accounts (parents,
        where these are the clusters), or where nothing is left untreated to compare with.

    Raises
    ------
    FitError
        Draws without a source of randomness.
    """
    if draws and rng is None:
        raise FitError("rng: draws need a source of randomness; give a numpy Generator")
    counts = {"n_treated": int(panel.treated.sum()), "n_control": int((~panel.treated).sum())}
    free = len(np.unique(panel.cluster[~panel.treated]))
    groups = {"n_treated": panel.n_treated_clusters, "n_control": free}
    others = free if control == "never" else len(np.unique(panel.cluster)) - 1
    if min(groups["n_treated"], others) < MIN_TREATED:
        return refusal("staggered", "effect.few", **groups, need=MIN_TREATED)
    try:
        answer = imputation(panel)
    except FitError:
        return refusal("staggered", "staggered.nobody_left", n=panel.n_units)
    rivals: dict[str, Callable[[], Effects]] = {
        "Group-time effects": lambda: simple(panel, group_time(panel, control=control)),
        "Two-stage regression": lambda: two_stage(panel),
        "Saturated regression": lambda: interaction_weighted(panel),
        "Two-way regression (naive)": lambda: two_way_effect(panel),
    }
    found = {"Imputation": answer} | _carried(rivals)
    frame = pd.concat([e.table(conf_level) for e in found.values()], ignore_index=True)
    frame = frame.rename(columns={"n_obs": "n_treated"})
    frame.insert(0, "estimator", list(found))
    frame.insert(1, "term", TERMS[scale])
    frame["conf_level"] = conf_level
    if draws and rng is not None and panel.n_treated_clusters < FEW_TREATED:
        frame.loc[0, "p_value"] = permutation_p_value(panel, imputation, draws=draws, rng=rng)
    first = frame.iloc[0]
    values = first[["estimate", "conf_low", "conf_high"]].to_numpy(np.float64)
    note = Sentence(
        "staggered.note",
        counts | {"outcome": outcome, "amount": amount(scale, values, conf_level)},
    )
    summary = one_row(panel.n_units, "imputation", conf_level, df=answer.df)
    checks = (_agreement(found, scale), _jump(panel, scale), _top(panel), _always(panel))
    return Estimate("staggered", frame, summary, note, checks)


def amount(scale: Scale, values: np.ndarray, conf_level: float) -> Sentence:
    """Return an effect and its limits in the words of the outcome's scale."""
    if scale == "share":
        key, numbers = "effect.points", 100 * values
    elif scale == "log":
        key, numbers = "effect.percent", np.expm1(values)
    elif scale == "ratio":
        key, numbers = "effect.of_usual", values
    else:
        key, numbers = "effect.money", values
    told = dict(zip(("value", "low", "high"), map(float, numbers), strict=True))
    return Sentence(key, told | {"level": conf_level})


def _carried(rivals: dict[str, Callable[[], Effects]]) -> dict[str, Effects]:
    found = {}
    for name, estimator in rivals.items():
        try:
            found[name] = estimator()
        except FitError:
            continue
    return found


def _agreement(found: dict[str, Effects], scale: Scale) -> Check:
    if "Group-time effects" not in found:
        return Check("estimators_agree", None, Sentence("staggered.alone"))
    gap = difference(found["Imputation"], found["Group-time effects"])
    values = gap.table(_LEVEL, normal=True)[["estimate", "conf_low", "conf_high"]].to_numpy()[0]
    agree = bool(values[1] <= 0 <= values[2])
    key = "staggered.agree" if agree else "staggered.disagree"
    return Check(
        "estimators_agree", agree, Sentence(key, {"amount": amount(scale, values, _LEVEL)})
    )


def _jump(panel: Panel, scale: Scale) -> Check:
    try:
        jump = recent_jump(panel).table(_LEVEL)
    except FitError:
        return Check("recent_jump", None, Sentence("staggered.jump_unseen", {"periods": RECENT}))
    values = jump[["estimate", "conf_low", "conf_high"]].to_numpy()[0]
    calm = bool(values[1] <= 0 <= values[2])
    told = {"amount": amount(scale, values, _LEVEL), "periods": RECENT}
    return Check(
        "recent_jump", calm, Sentence("staggered.calm" if calm else "staggered.jump", told)
    )


def _top(panel: Panel) -> Check:
    moved = without_largest(panel, imputation)
    if moved.empty:
        return Check("top_account", None, Sentence("staggered.top_unseen"))
    first = moved.iloc[0]
    whole = float(first["estimate"] + first["moved"])
    share = abs(float(first["moved"])) / abs(whole) if whole else float("inf")
    even = share <= TOP_SHARE
    told = {"first": moved["unit"].iloc[0], "share": share}
    return Check("top_account", even, Sentence("staggered.even" if even else "staggered.top", told))


def _always(panel: Panel) -> Check:
    n = panel.n_always
    key = "staggered.always" if n else "staggered.all_before"
    return Check("joined_before", n == 0, Sentence(key, {"n": n, "of": panel.n_units + n}))
