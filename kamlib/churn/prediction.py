"""The chance of each living account to leave, and how long it is expected to stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.landmarks import Landmarks
from kamlib.churn.leave_model import Course, LeaveModel, course, drawn, estimated, learn
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal

Floats = NDArray[np.float64]
AS_USUAL, NOTICE, SILENT = "as usual", "notice given", "silent"


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is to come of the living accounts of a day.

    Attributes
    ----------
    found
        Landmarks as of that day.
    model
        What was learnt from them.
    point
        As estimated.
    left_low, left_high
        Limits of the chance to have left within each horizon, shape (n, number of horizons).
    months_low, months_high
        Limits of the expected months, shape (n,).
    left
        Chance within the last horizon in each draw, shape (draws, n).
    mean_months
        Expected months of the mean account in each draw, shape (draws,).
    conf_level
        Of the limits.
    """

    found: Landmarks
    model: LeaveModel
    point: Course
    left_low: Floats
    left_high: Floats
    months_low: Floats
    months_high: Floats
    left: NDArray[np.float32]
    mean_months: Floats
    conf_level: float

    @property
    def living(self) -> pd.DataFrame:
        """The accounts, in the order of all arrays."""
        return self.found.living


def forecast(found: Landmarks, rules: ChurnParams, rng: np.random.Generator) -> Forecast | Sentence:
    """Learn who leaves and apply it to those who live; where that cannot be, return the reason.

    Parameters
    ----------
    found
        Landmarks as of today.
    rules
        `horizons`, `life_months`, `penalty`, `draws`, `conf_level`.
    rng
        Source of randomness of the intervals.

    Notes
    -----
    Limits are percentiles over draws in which accounts are redrawn whole (the estimating function
    bootstrap); they say how sure the chance is, not whether the account leaves.
    """
    if found.living.empty:
        return Sentence("prediction.nobody", {"as_of": found.as_of})
    model = learn(found, rules)
    if isinstance(model, Sentence):
        return model
    point = course(model, found.living, estimated(model))
    spread = [course(model, found.living, drawn(model, rng)) for _ in range(rules.draws)]
    tails = [(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2]
    left = np.stack([one.left for one in spread]).astype(np.float32)
    months = np.stack([one.months for one in spread])
    left_low, left_high = np.quantile(left, tails, axis=0)
    months_low, months_high = np.quantile(months, tails, axis=0)
    return Forecast(
        found, model, point, left_low, left_high, months_low, months_high, left[:, :, -1],
        months.mean(axis=1), rules.conf_level,
    )  # fmt: skip


def prediction(told: Forecast | Sentence) -> Estimate:
    """Chance of every living account to leave within each horizon, and its expected remaining life.

    Given that it lives today, with what is known of it today; chances count no other end (insolvency,
    merger, ended by us) as leaving, and allow for them. Remaining life is restricted to
    `life_months`: who stays longer counts with these.

    Parameters
    ----------
    told
        What `forecast` returns.

    Returns
    -------
    Estimate
        Frame: one row per living account and horizon: `account_id`, `tier_in_force`, `account_state`
        ("as usual"; held apart: "notice given" – or no contract in force – and "silent"),
        `months_ahead`, `p_leave` with `p_leave_low`, `p_leave_high`, `remaining_months` with
        `remaining_low`, `remaining_high`, `conf_level`. Refused where too few were lost, or nobody
        is left.

    References
    ----------
    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history analysis.
    Scandinavian Journal of Statistics 34, 70–85. doi:10.1111/j.1467-9469.2006.00529.x
    Booth, S., Riley, R. D., Ensor, J., Lambert, P. C. and Rutherford, M. J. (2020). Temporal
    recalibration for improving prognostic model development and risk predictions in settings where
    survival is improving over time. International Journal of Epidemiology 49, 1316–1325.
    doi:10.1093/ije/dyaa030
    """
    if isinstance(told, Sentence):
        return refusal("prediction", told.key, **told.values)
    living, model = told.living, told.model
    many = len(model.horizons)

    def each(values: Floats | pd.Series) -> NDArray[np.object_]:
        return np.repeat(np.asarray(values), many)

    frame = pd.DataFrame(
        {
            "account_id": each(living["account_id"]),
            "tier_in_force": each(living["tier_in_force"]),
            "account_state": each(account_state(told.found)),
            "months_ahead": np.tile(model.horizons, len(living)),
            "p_leave": told.point.left.ravel(),
            "p_leave_low": told.left_low.ravel(),
            "p_leave_high": told.left_high.ravel(),
            "remaining_months": each(told.point.months),
            "remaining_low": each(told.months_low),
            "remaining_high": each(told.months_high),
            "conf_level": told.conf_level,
        }
    )
    summary = one_row(
        model.n_accounts, "monthly hazards from landmarks, ridge", told.conf_level,
        n_event=model.n_event, as_of=told.found.as_of,
    )  # fmt: skip
    return Estimate("prediction", frame, summary, _note(told), _checks(told))


def account_state(found: Landmarks) -> pd.Series:
    """Return whether each living account does business as usual, and what shows where it does not."""
    name = NOTICE if found.definition == "contracts" else SILENT
    apart = found.living["is_apart"] == 1
    return pd.Series(np.where(apart, name, AS_USUAL), index=found.living.index)


def _note(told: Forecast) -> Sentence:
    model = told.model
    tails = [(1 - told.conf_level) / 2, (1 + told.conf_level) / 2]
    low, high = np.quantile(told.left.sum(axis=1, dtype=np.float64), tails)
    stay_low, stay_high = np.quantile(told.mean_months, tails)
    values = {
        "n": len(told.living), "months": model.horizons[-1],
        "expected": float(told.point.left[:, -1].sum()), "low": float(low), "high": float(high),
        "level": told.conf_level, "stay": float(told.point.months.mean()),
        "stay_low": float(stay_low), "stay_high": float(stay_high), "cap": model.life_months,
        "events": model.n_event, "accounts": model.n_accounts,
    }  # fmt: skip
    return Sentence("prediction.note", values)


def _checks(told: Forecast) -> tuple[Check, ...]:
    found, model = told.found, told.model
    shift = {"factor": float(np.exp(model.shift)), "n": model.n_recent}
    beyond = {"months": model.followed, "cap": model.life_months, "horizon": model.horizons[-1]}
    apart = {"n": int((found.living["is_apart"] == 1).sum()), "of": len(found.living)}
    key = "prediction.notice" if found.definition == "contracts" else "prediction.silent"
    steady = bool(abs(model.shift) < np.log(1.25))
    far = model.followed >= model.life_months
    return (
        Check(
            "leave_level", steady,
            Sentence("prediction.level" if steady else "prediction.level_moved", shift),
        ),
        Check(
            "leave_beyond", far,
            Sentence("prediction.seen_through" if far else "prediction.beyond", beyond),
        ),
        Check(
            "leave_apart", True, Sentence(key if apart["n"] else "prediction.none_apart", apart)
        ),
    )  # fmt: skip
