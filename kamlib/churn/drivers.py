"""What goes with leaving: how much more often accounts leave that differ in one thing, all else alike.

These are associations. Visits go to accounts in trouble, and so do discounts: that accounts which were
visited leave more often does not say that visits drive them away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from kamlib.churn.factors import FACTORS, Column, Design, learn_design, usable
from kamlib.churn.spells import Definition
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.cox import CoxFit, fit_cox
from kamlib.stats.cox_data import CoxData, cox_data
from kamlib.stats.cox_opinion import second_opinion
from kamlib.stats.cox_zph import ProportionalHazards, proportional_hazards
from kamlib.stats.preflight import PER_COVARIATE, Preflight, preflight

Floats = NDArray[np.float64]
_CHANCE = 0.05  # that any of several effects that do not change seems to
_ATTRIBUTES = ("tier_in_force", "role", "segment", "region")


@dataclass(frozen=True, slots=True)
class _Term:
    """One effect: a column, throughout or in some months since the spell began."""

    name: str
    column: Column
    after: float | None = None
    until: float | None = None


def drivers(rows: pd.DataFrame, definition: Definition, rules: ChurnParams) -> Estimate:
    """Hazard ratios of what was known of accounts before each month, by Cox regression.

    Efron's ties on a clock of months since the spell began, with late entry; errors by cluster. Where
    losses are few the last factors of `factors.FACTORS` go first, ten losses being asked of each; no
    factor enters that says what a loss under this definition is made of. Where hazards of a factor
    are not proportional (score test; Holm's rule over all factors at 5 %), accounts are parted by it
    if it is an attribute (tier, role, segment, region), else it has two effects, before and after the
    month at which half of the losses had come.

    Parameters
    ----------
    rows
        As `driver_rows.driver_rows` returns them.
    definition
        When an account is lost.
    rules
        `strata`, `conf_level`.

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
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70.
    """
    if rows.empty:
        return refusal("drivers", "drivers.no_rows")
    asked = [factor for factor in FACTORS if factor.name not in rules.strata]
    design = learn_design(rows, usable(definition, rows, asked), based=True)
    if not design.columns:
        return refusal("drivers", "drivers.nothing_known")
    strata = tuple(name for name in rules.strata if name in rows)
    looked = preflight(_data(rows, design, strata), order=design.names)
    if looked.trouble is not None:
        return refusal("drivers", looked.trouble.key, **looked.trouble.values)
    columns = {column.name: column for column in design.columns}
    left_out = _left_out(looked, columns)
    if not looked.kept:
        return Estimate(*_nothing_left(looked), left_out)
    terms = [_Term(name, columns[name]) for name in looked.kept]
    data = looked.data
    fit = fit_cox(data, cluster=rows["cluster"].to_numpy())
    if fit.trouble is not None:
        return refusal("drivers", fit.trouble.key, **_told(fit.trouble, columns).values)
    tested = _tested(fit, data, terms)
    moving = _moving(tested)
    handled = [term for term in terms if term.name in moving]
    if handled:
        parted, data, terms = _handled(rows, data, terms, handled, strata)
        fit = fit_cox(data, cluster=rows["cluster"].to_numpy())
        if fit.trouble is not None:
            return refusal("drivers", fit.trouble.key, **_told(fit.trouble, columns).values)
    else:
        parted = strata
    first = dict(zip(tested.names, tested.p_value, strict=True))
    frame = _frame(fit, data, terms, first, rules.conf_level)
    checks = (
        *(Check(check.name, check.passed, _told(check.note, columns)) for check in fit.checks),
        *looked.checks, *left_out, _told_check(second_opinion(fit, data), columns),
        _proportional(tested, handled, parted, strata), *_lasting(rows, definition),
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
        entry=rows["entry_months"], strata=_strata(rows, strata),
    )  # fmt: skip


def _strata(rows: pd.DataFrame, names: Sequence[str]) -> NDArray[np.object_] | None:
    if not names:
        return None
    parts = [rows[name].astype(object).fillna("unknown").astype(str) for name in names]
    joined: NDArray[np.object_] = pd.concat(parts, axis=1).agg(" / ".join, axis=1).to_numpy(object)
    return joined


def _tested(fit: CoxFit, data: CoxData, terms: list[_Term]) -> ProportionalHazards:
    """Test proportional hazards; where unknown values stand in the way, without their columns."""
    tested = proportional_hazards(fit, data)
    known = [term.name for term in terms if term.column.category != "unknown"]
    if tested.trouble is None or not known or len(known) == len(terms):
        return tested
    fewer = data.only(known)
    again = fit_cox(fewer)
    return tested if again.trouble is not None else proportional_hazards(again, fewer)


def _moving(tested: ProportionalHazards) -> set[str]:
    """Return the effects that change over time, by Holm's rule."""
    if tested.trouble is not None:
        return set()
    order = np.argsort(tested.p_value, kind="stable")
    allowed = _CHANCE / (len(order) - np.arange(len(order)))
    passed = tested.p_value[order] > allowed
    many = int(np.argmax(passed)) if passed.any() else len(order)
    return {tested.names[place] for place in order[:many]}


def _handled(
    rows: pd.DataFrame,
    data: CoxData,
    terms: list[_Term],
    moving: list[_Term],
    strata: tuple[str, ...],
) -> tuple[tuple[str, ...], CoxData, list[_Term]]:
    """Return strata, data and terms in which no effect is taken for constant that is not."""
    parted = {t.column.factor.name for t in moving} & set(_ATTRIBUTES)
    kept = [t for t in terms if t.column.factor.name not in parted]
    room = int(data.event.sum()) // PER_COVARIATE - len(kept)
    halved = [t for t in kept if t in moving][: max(room, 0)]
    cut = float(np.median(data.exit[data.event]))
    late = data.exit > cut
    found, values = [], []
    for term in kept:
        x = data.covariates[:, data.names.index(term.name)]
        if term not in halved:
            found.append(term)
            values.append(x)
            continue
        for is_late, after, until in ((False, 0.0, cut), (True, cut, None)):
            inside = late == is_late
            events = x[inside & data.event]
            # without a difference among those who left, half an effect has no bound
            if len(events) and events.min() < events.max():
                name = f"{term.name} {'after' if is_late else 'until'}"
                found.append(_Term(name, term.column, after, until))
                values.append(np.where(inside, x, 0.0))
    names = tuple(s for s in (*strata, *sorted(parted)))
    both = cox_data(
        np.column_stack(values) if values else np.empty((data.n_obs, 0)), data.exit, data.event,
        names=[t.name for t in found], entry=data.entry, strata=_strata(rows, names),
    )  # fmt: skip
    return names, both, found


def _frame(
    fit: CoxFit, data: CoxData, terms: list[_Term], tested: dict[str, float], level: float
) -> pd.DataFrame:
    low, high = fit.interval(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(fit.std_error > 0, fit.coefficients / fit.std_error, 0.0)
    is_flag = ((data.covariates == 0) | (data.covariates == 1)).all(axis=0)
    held = (data.covariates != 0)[data.event].sum(axis=0)
    return pd.DataFrame(
        {
            "term": [t.column.factor.name for t in terms],
            "category": [t.column.category for t in terms],
            "base_category": [t.column.base for t in terms],
            "months_from": pd.Series([t.after for t in terms], dtype="float64"),
            "months_to": pd.Series([t.until for t in terms], dtype="float64"),
            "per": [np.nan if t.column.category else t.column.factor.step for t in terms],
            "hazard_ratio": np.exp(fit.coefficients),
            "ratio_low": np.exp(low),
            "ratio_high": np.exp(high),
            "std_error": fit.std_error,
            "p_value": 2 * ndtr(-np.abs(z)),
            "proportional_p": [tested.get(t.column.name, np.nan) for t in terms],
            "n_event": np.where(is_flag, held, fit.n_event).astype("int64"),
            "conf_level": level,
        }
    )


def _note(frame: pd.DataFrame, fit: CoxFit, rows: pd.DataFrame, rules: ChurnParams) -> Sentence:
    sure = (frame["ratio_low"] > 1) | (frame["ratio_high"] < 1)
    # who was unknown is no finding
    known = frame["category"].ne("unknown") | frame["category"].isna()
    values: dict[str, object] = {"k": len(frame), "events": fit.n_event, "n": fit.n_obs, "level": rules.conf_level,
              "accounts": rows["account_id"].nunique(), "sure": int(sure.sum())}  # fmt: skip
    if not (sure & known).any():
        return Sentence("drivers.none_sure", values)
    strength = np.log(frame["hazard_ratio"]).abs() / frame["std_error"]
    top = frame.iloc[int(np.nanargmax(strength.where(sure & known).to_numpy(dtype=np.float64)))]
    values |= {"what": contrast(top), "ratio": top["hazard_ratio"], "low": top["ratio_low"],
               "high": top["ratio_high"]}  # fmt: skip
    return Sentence("drivers.note", values)


def contrast(row: pd.Series) -> Sentence:
    """Return what the hazard ratio of a row of the frame compares, in words."""
    factor = next(f for f in FACTORS if f.name == row["term"])
    category, base = (None if pd.isna(row[c]) else row[c] for c in ("category", "base_category"))
    what = Column(factor.name, factor, category, base).contrast
    if pd.notna(row["months_from"]):
        if pd.isna(row["months_to"]):
            return Sentence("drivers.later", {"what": what, "months": row["months_from"]})
        return Sentence("drivers.earlier", {"what": what, "months": row["months_to"]})
    return what


def _told(note: Sentence, columns: dict[str, Column]) -> Sentence:
    """Return a sentence that names columns as readers know them."""
    values = {
        key: columns[value].contrast
        if isinstance(value, str) and value in columns and columns[value].category
        else value
        for key, value in note.values.items()
    }
    return Sentence(note.key, values)


def _told_check(check: Check, columns: dict[str, Column]) -> Check:
    return Check(check.name, check.passed, _told(check.note, columns), check.frame)


def _left_out(looked: Preflight, columns: dict[str, Column]) -> tuple[Check, ...]:
    """Return which factors are left out, and why; those for want of losses in one check."""
    whole = {name: why for name, why in looked.dropped.items() if columns[name].category is None}
    few = [name for name, why in whole.items() if why.key == "preflight.too_many"]
    checks = [
        Check(f"without_{name}", False, _told(why, columns))
        for name, why in whole.items()
        if name not in few
    ]
    if few:
        values = {"n": len(few), "events": looked.n_event, "need": PER_COVARIATE}
        frame = pd.DataFrame({"term": few})
        note = Sentence("drivers.few_losses", values)
        checks.append(Check("without_for_few_losses", False, note, frame))
    return tuple(checks)


def _nothing_left(looked: Preflight) -> tuple[str, pd.DataFrame, pd.DataFrame, Sentence]:
    empty = refusal("drivers", "drivers.none_left", n=len(looked.dropped), events=looked.n_event)
    return empty.name, empty.frame, empty.summary, empty.note


def _proportional(
    tested: ProportionalHazards,
    moving: list[_Term],
    parted: tuple[str, ...],
    strata: tuple[str, ...],
) -> Check:
    if tested.trouble is not None:
        return Check("drivers_proportional", None, tested.trouble)
    values = {"p": tested.global_p_value, "k": len(tested.names), "n": len(moving)}
    if not moving:
        return Check("drivers_proportional", True, Sentence("drivers.proportional", values))
    frame = pd.DataFrame(
        {
            "term": [t.column.factor.name for t in moving],
            "category": [t.column.category for t in moving],
            "proportional_p": [float(tested.p_value[tested.names.index(t.name)]) for t in moving],
        }
    )
    note = Sentence("drivers.not_proportional", values | {"parted": len(parted) - len(strata)})
    return Check("drivers_proportional", False, note, frame)


def _lasting(rows: pd.DataFrame, definition: Definition) -> tuple[Check, ...]:
    """Under silence: how many of the losses that were declared did not last, and do not count."""
    if definition == "contracts":
        return ()
    values = {"n": int(rows["event"].sum())}
    return (Check("drivers_dated_back", None, Sentence("drivers.dated_back", values)),)
