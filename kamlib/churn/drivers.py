"""What goes with leaving: how much more often accounts leave that differ in one thing, all else alike.

These are associations. Visits go to accounts in trouble, and so do discounts: that accounts which were
visited leave more often does not say that visits drive them away.

How far effects that were planted are found again (`tests/churn/test_recovery.py`): on ten draws of the
demo unit telecom_lines 95 % intervals held 152 of 160 where covariates stand as they were, attitude and
size among them, and 95 of 100 where they are read from the records, which hold neither. What is not
seen hardly shrinks the ratios of what is; but tiers take its part, since large accounts get the high
ones: without revenue beside it their intervals hold planted ratios in 5 to 9 of 10 draws. On ten draws
of commercial_vehicles, some sixty losses each, 40 of 47: what is left out for want of losses shows in
what stays, and a second contract that runs out counts as due, which was not planted. Where losses are
declared late see `driver_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from kamlib.churn.effects import (
    Effect,
    contrast,
    handled,
    in_time,
    proportional_check,
    stratum,
    told,
)
from kamlib.churn.factors import FACTORS, Design, Factor, learn_design, usable
from kamlib.churn.spells import Definition
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.cox import CoxFit, fit_cox
from kamlib.stats.cox_data import CoxData, cox_data
from kamlib.stats.cox_opinion import second_opinion
from kamlib.stats.preflight import PER_COVARIATE, Preflight, preflight


def drivers(
    rows: pd.DataFrame,
    definition: Definition,
    rules: ChurnParams,
    factors: Sequence[Factor] = FACTORS,
) -> Estimate:
    """Hazard ratios of what was known of accounts before each month, by Cox regression.

    Efron's ties on a clock of months since the spell began, with late entry; errors by cluster. Where
    losses are few the last of the factors go first, each whole, ten losses being asked of each column;
    no factor enters that says what a loss under this definition is made of. Where hazards of a factor
    are not proportional (score test; Holm's rule over all effects at 5 %), accounts are parted by it if
    it is an attribute (tier, role, segment, region), else it has two effects, before and after the
    month at which half of the losses had come; where that cannot be fitted the effects stay as they
    are, and the check says that they change.

    Parameters
    ----------
    rows
        As `driver_rows.driver_rows` returns them.
    definition
        When an account is lost.
    rules
        `strata`, `conf_level`.
    factors
        What is looked at, in order of importance.

    Returns
    -------
    Estimate
        Frame: one row per effect, in order of importance: `term`, `category` (of an attribute, with
        `base_category`; "unknown": the value is not known), `months_from`, `months_to` (since the
        spell began; null: throughout), `per` (step of the factor), `hazard_ratio` with `ratio_low`,
        `ratio_high`, `std_error` (of its logarithm), `p_value`, `proportional_p` (chance of as much
        change over time, were there none), `n_event` (losses where it holds; of a number all),
        `conf_level`. Refused where losses are too few for even one factor.

    References
    ----------
    Andersen, P. K. and Gill, R. D. (1982). Cox's regression model for counting processes: a large
    sample study. Annals of Statistics 10, 1100–1120. doi:10.1214/aos/1176345976
    """
    if rows.empty:
        return refusal("drivers", "drivers.no_rows")
    asked = [factor for factor in factors if factor.name not in rules.strata]
    design = learn_design(rows, usable(definition, rows, asked), based=True)
    if not design.columns:
        return refusal("drivers", "drivers.nothing_known")
    strata: tuple[str, ...] = tuple(name for name in rules.strata if name in rows)
    parted = strata
    looked = preflight(_data(rows, design, strata), order=design.names)
    if looked.trouble is not None:
        return refusal("drivers", looked.trouble.key, **looked.trouble.values)
    effects = {column.name: Effect(column.name, column) for column in design.columns}
    data, dropped = _whole(looked, effects)
    if not data.names:
        none = refusal("drivers", "drivers.none_left", n=len(dropped), events=looked.n_event)
        return replace(none, checks=_left_out(dropped, effects, data, looked.n_event))
    cluster = rows["cluster"].to_numpy()
    fit = fit_cox(data, cluster=cluster)
    if fit.trouble is not None:
        trouble = told(fit.trouble, effects)
        return refusal("drivers", trouble.key, **trouble.values)
    tested, moving = in_time(fit, data, effects)
    carried = looked.checks
    if moving:
        names, both, halves = handled(rows, data, effects, moving, strata)
        # half an effect, or one among accounts that are alike in more, may have no bound
        again = preflight(both, order=both.names)
        apart = fit_cox(again.data, cluster=cluster)
        if again.kept and again.trouble is None and apart.trouble is None:
            fit, data, parted, effects = apart, again.data, names, effects | halves
            dropped, carried = dropped | again.dropped, again.checks
    frame = _frame(fit, data, effects, rules.conf_level)
    by_column = dict(zip(tested.names, tested.p_value, strict=True))
    frame["proportional_p"] = [by_column.get(effects[n].column.name, np.nan) for n in data.names]
    checks = (
        *(Check(check.name, check.passed, told(check.note, effects)) for check in fit.checks),
        *(check for check in carried if check.name != "preflight_covariates"),
        *_left_out(dropped, effects, data, looked.n_event), _other(fit, data, effects),
        proportional_check(tested, moving, len(parted) - len(strata)), *_lasting(rows, definition),
        Check("drivers_are_associations", None, Sentence("drivers.associations")),
    )  # fmt: skip
    summary = one_row(
        fit.n_obs, "Cox regression, Efron's ties", rules.conf_level, n_event=fit.n_event,
        n_accounts=rows["account_id"].nunique(), n_clusters=fit.n_clusters,
    )  # fmt: skip
    return Estimate("drivers", frame, summary, _note(frame, fit, rows, rules), checks)


def _data(rows: pd.DataFrame, design: Design, strata: Sequence[str]) -> CoxData:
    return cox_data(
        design.matrix(rows), rows["exit_months"], rows["event"], names=design.names,
        entry=rows["entry_months"], strata=stratum(rows, strata),
    )  # fmt: skip


def _whole(looked: Preflight, effects: Mapping[str, Effect]) -> tuple[CoxData, dict[str, Sentence]]:
    """Return the data, and what was dropped, where losses suffice for a factor or they do not.

    Of a factor that only some columns could be had of, the others would be compared with the wrong
    accounts.
    """
    cut = {
        effects[name].factor: why
        for name, why in looked.dropped.items()
        if why.key == "preflight.too_many"
    }
    more = {n: cut[effects[n].factor] for n in looked.kept if effects[n].factor in cut}
    return looked.data.only([n for n in looked.kept if n not in more]), looked.dropped | more


def _frame(fit: CoxFit, data: CoxData, effects: Mapping[str, Effect], level: float) -> pd.DataFrame:
    low, high = fit.interval(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(fit.std_error > 0, fit.coefficients / fit.std_error, 0.0)
    is_flag = ((data.covariates == 0) | (data.covariates == 1)).all(axis=0)
    held = (data.covariates != 0)[data.event].sum(axis=0)
    shown = [effects[name] for name in data.names]
    return pd.DataFrame(
        {
            "term": [e.factor for e in shown],
            "category": [e.column.category for e in shown],
            "base_category": [e.column.base for e in shown],
            "months_from": pd.Series([e.after for e in shown], dtype="float64"),
            "months_to": pd.Series([e.until for e in shown], dtype="float64"),
            "per": [np.nan if e.column.category else e.column.factor.step for e in shown],
            "hazard_ratio": np.exp(fit.coefficients),
            "ratio_low": np.exp(low),
            "ratio_high": np.exp(high),
            "std_error": fit.std_error,
            "p_value": 2 * ndtr(-np.abs(z)),
            "proportional_p": np.nan,
            "n_event": np.where(is_flag, held, fit.n_event).astype("int64"),
            "conf_level": level,
        }
    )


def _note(frame: pd.DataFrame, fit: CoxFit, rows: pd.DataFrame, rules: ChurnParams) -> Sentence:
    # who was unknown is no finding
    known = frame[frame["category"].ne("unknown") | frame["category"].isna()]
    sure = known[(known["ratio_low"] > 1) | (known["ratio_high"] < 1)]
    values: dict[str, object] = {
        "k": known["term"].nunique(), "events": fit.n_event, "n": fit.n_obs,
        "level": rules.conf_level, "accounts": rows["account_id"].nunique(),
        "sure": sure["term"].nunique(),
    }  # fmt: skip
    if sure.empty:
        return Sentence("drivers.none_sure", values)
    strength = np.log(sure["hazard_ratio"]).abs() / sure["std_error"]
    top = sure.loc[strength.idxmax()]
    values |= {"what": contrast(top), "ratio": top["hazard_ratio"], "low": top["ratio_low"],
               "high": top["ratio_high"]}  # fmt: skip
    return Sentence("drivers.note", values)


def _other(fit: CoxFit, data: CoxData, effects: Mapping[str, Effect]) -> Check:
    check = second_opinion(fit, data)
    return Check(check.name, check.passed, told(check.note, effects), check.frame)


def _left_out(
    dropped: Mapping[str, Sentence], effects: Mapping[str, Effect], data: CoxData, n_event: int
) -> tuple[Check, ...]:
    """Return what is left out, and why; what is so for want of losses in one check."""
    stay = {effects[name].factor for name in data.names}
    gone = [(effects[name], why) for name, why in dropped.items()]
    few = list(dict.fromkeys(e.factor for e, why in gone if why.key == "preflight.too_many"))
    checks, parts = [], []
    for effect, why in gone:
        if effect.factor in few:
            continue
        if effect.column.category is None and effect.after is None:
            checks.append(Check(f"without_{effect.name}", False, told(why, effects)))
        else:
            parts.append((effect, why))
    if parts:
        frame = pd.DataFrame({"term": [e.factor for e, _ in parts],
                              "category": [e.column.category for e, _ in parts]})  # fmt: skip
        lost = {e.factor for e, _ in parts} - stay
        values = {"n": len(parts), "first": told(parts[0][1], effects)}
        note = Sentence("drivers.without_values", values)
        checks.append(Check("without_values", None if not lost else False, note, frame))
    if few:
        values = {"n": len(few), "events": n_event, "need": PER_COVARIATE}
        frame = pd.DataFrame({"term": few})
        note = Sentence("drivers.few_losses", values)
        checks.append(Check("without_for_few_losses", False, note, frame))
    return tuple(checks)


def left_out(found: Estimate) -> pd.DataFrame:
    """Return the characteristics that went for want of losses, most important first: `term`."""
    frames = [check.frame for check in found.checks if check.name == "without_for_few_losses"]
    return frames[0] if frames else pd.DataFrame()


def _lasting(rows: pd.DataFrame, definition: Definition) -> tuple[Check, ...]:
    """Under silence: how many losses that were declared lasted; only those count."""
    if definition == "contracts":
        return ()
    values = {"n": int(rows["event"].sum())}
    return (Check("drivers_dated_back", None, Sentence("drivers.dated_back", values)),)
