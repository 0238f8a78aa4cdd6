"""The chance of each living account to leave, and how long it is expected to stay."""

from __future__ import annotations

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


def prediction(
    found: Landmarks,
    model: LeaveModel | Sentence,
    rules: ChurnParams,
    rng: np.random.Generator,
) -> Estimate:
    """Chance of every living account to leave within each horizon, and its expected remaining life.

    Given that it lives today, with what is known of it today; chances count no other end (insolvency,
    merger, ended by us) as leaving, and allow for them. Remaining life is restricted to
    `life_months`: who stays longer counts with these.

    Parameters
    ----------
    found
        Landmarks as of today.
    model
        What `leave_model.learn` returns for them.
    rules
        `horizons`, `life_months`, `draws`, `conf_level`.
    rng
        Source of randomness of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per living account and horizon: `account_id`, `tier_in_force`, `account_state`
        ("as usual"; held apart: "notice given" – or no contract in force – and "silent"),
        `months_ahead`, `p_leave` with `p_leave_low`, `p_leave_high`, `remaining_months` with
        `remaining_low`, `remaining_high`, `conf_level`. Refused where too few were lost, or nobody
        is left.

    Notes
    -----
    Limits are percentiles over draws in which accounts are redrawn whole (the estimating function
    bootstrap); they say how sure the chance is, not whether the account leaves.

    References
    ----------
    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history analysis.
    Scandinavian Journal of Statistics 34, 70–85. doi:10.1111/j.1467-9469.2006.00529.x
    Booth, S., Riley, R. D., Ensor, J., Lambert, P. C. and Rutherford, M. J. (2020). Temporal
    recalibration for improving prognostic model development and risk predictions in settings where
    survival is improving over time. International Journal of Epidemiology 49, 1316–1325.
    doi:10.1093/ije/dyaa030
    """
    if isinstance(model, Sentence):
        return refusal("prediction", model.key, **model.values)
    living = found.living
    if living.empty:
        return refusal("prediction", "prediction.nobody", as_of=found.as_of)
    point = course(model, living, estimated(model))
    spread = [course(model, living, drawn(model, rng)) for _ in range(rules.draws)]
    left_low, left_high = _limits([one.left for one in spread], rules.conf_level)
    stay_low, stay_high = _limits([one.months for one in spread], rules.conf_level)
    many = len(model.horizons)

    def each(values: Floats | pd.Series) -> Floats:
        return np.repeat(np.asarray(values), many)

    frame = pd.DataFrame(
        {
            "account_id": each(living["account_id"]),
            "tier_in_force": each(living["tier_in_force"]),
            "account_state": each(state(found)),
            "months_ahead": np.tile(model.horizons, len(living)),
            "p_leave": point.left.ravel(),
            "p_leave_low": left_low.ravel(),
            "p_leave_high": left_high.ravel(),
            "remaining_months": each(point.months),
            "remaining_low": each(stay_low),
            "remaining_high": each(stay_high),
            "conf_level": rules.conf_level,
        }
    )
    note = _note(found, model, point, spread, rules)
    summary = one_row(
        model.n_accounts, "monthly hazards from landmarks, ridge", rules.conf_level,
        n_event=model.n_event, as_of=found.as_of,
    )  # fmt: skip
    return Estimate("prediction", frame, summary, note, _checks(found, model))


def state(found: Landmarks) -> pd.Series:
    """Return whether each living account does business as usual, and what shows where it does not."""
    name = NOTICE if found.definition == "contracts" else SILENT
    apart = found.living["is_apart"] == 1
    return pd.Series(np.where(apart, name, AS_USUAL), index=found.living.index)


def foretell(found: Landmarks, rules: ChurnParams, rng: np.random.Generator) -> Estimate:
    """Learn from landmarks and foretell their living accounts: `learn` and `prediction` in one."""
    return prediction(found, learn(found, rules), rules, rng)


def _limits(drawn_values: list[Floats], level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(np.stack(drawn_values), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _note(
    found: Landmarks, model: LeaveModel, point: Course, spread: list[Course], rules: ChurnParams
) -> Sentence:
    expected = float(point.left[:, -1].sum())
    low, high = _limits([one.left[:, -1].sum() for one in spread], rules.conf_level)
    mean = float(point.months.mean())
    stay = _limits([one.months.mean() for one in spread], rules.conf_level)
    values = {
        "n": len(found.living), "months": model.horizons[-1], "expected": expected,
        "low": float(low), "high": float(high), "level": rules.conf_level, "stay": mean,
        "stay_low": float(stay[0]), "stay_high": float(stay[1]), "cap": model.life_months,
        "events": model.n_event, "accounts": model.n_accounts,
    }  # fmt: skip
    return Sentence("prediction.note", values)


def _checks(found: Landmarks, model: LeaveModel) -> tuple[Check, ...]:
    shift = {"factor": float(np.exp(model.shift)), "n": model.n_recent}
    beyond = {"months": model.followed, "cap": model.life_months, "horizon": model.horizons[-1]}
    apart = {"n": int((found.living["is_apart"] == 1).sum()), "of": len(found.living)}
    key = "prediction.notice" if found.definition == "contracts" else "prediction.silent"
    none = "prediction.none_apart"
    steady = abs(model.shift) < np.log(1.25)
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
        Check("leave_apart", True, Sentence(key if apart["n"] else none, apart)),
    )  # fmt: skip
