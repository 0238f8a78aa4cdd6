"""Why this account: what raises its rate of leaving above that of accounts of its tier, in words.

The log rate of an account is a sum over characteristics of effect × value. Less the same sum at the
mean of the living accounts of its tier, every characteristic has its part, and the parts add up
exactly. The largest of them are the reasons. They say what speaks for a loss, not what would prevent it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.leave_model import LeaveModel
from kamlib.glossary import Sentence, Style, say

Floats = NDArray[np.float64]
SHOWN = 3
_SMALL = np.log(1.1)  # what raises the rate by less is no reason

# counts and flags, which are a reason where there is something to count
_RAISED = {
    "open_complaints": "prediction.open_complaints",
    "complaints_3m": "prediction.complaints_3m",
    "manager_left_6m": "prediction.manager_left_6m",
    "manager_rotated_6m": "prediction.manager_rotated_6m",
    "contract_due": "prediction.contract_due",
    "monthly_contract": "prediction.monthly_contract",
    "partial_loss": "prediction.partial_loss",
    "standard_broken": "prediction.standard_broken",
    "standard_broken_again": "prediction.standard_broken_again",
    "late_responses_6m": "prediction.late_responses_6m",
}
# numbers, which are one where they lie above (1) or below (-1) those of the tier, or anywhere (0):
# that somebody pays early or is content is no reason, whatever a few losses seem to say
_COMPARED = {
    "satisfaction": ("prediction.satisfaction", -1),
    "weeks_since_visit": ("prediction.weeks_since_visit", 1),
    "price_realisation": ("prediction.price_realisation", 0),
    "programme_level": ("prediction.programme_level", 0),
    "breadth": ("prediction.breadth", -1),
    "share_overdue": ("prediction.share_overdue", 1),
    "mean_days_overdue": ("prediction.mean_days_overdue", 1),
    "tenure_years": ("prediction.tenure_years", 0),
    "revenue_12m": ("prediction.revenue_12m", 0),
}
_TEXTS = {"role", "segment", "region"}


def parts(model: LeaveModel, living: pd.DataFrame) -> pd.DataFrame:
    """Return what each characteristic adds to the log rate of each account, against its tier.

    Parameters
    ----------
    model
        What was learnt.
    living
        Accounts as in `Landmarks.living`, with `tier_in_force`; accounts without a tier are held
        against each other.

    Returns
    -------
    DataFrame
        One row per account in their order, one column per characteristic; row sums are log rate
        less that of the mean account of the tier.
    """
    x = model.design.matrix(living)
    tier = living["tier_in_force"].astype(object).where(living["tier_in_force"].notna(), "")
    table = pd.DataFrame(x * model.near.slopes, columns=list(model.design.names))
    away = table - table.groupby(tier.to_numpy()).transform("mean")
    # what belongs to one characteristic is one reason: the value, and that it is unknown
    return away.T.groupby([c.factor.name for c in model.design.columns], sort=False).sum().T


def worded(
    model: LeaveModel, living: pd.DataFrame, style: Style = Style()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the reasons of each account in words, largest first, and by how much each multiplies.

    Parameters
    ----------
    model, living
        As in `parts`.
    style
        Language of the words.

    Returns
    -------
    tuple
        Texts and factors (rate of the account ÷ what it were at its tier's mean), each a frame of
        one row per account and columns 0, 1, 2; missing where there are fewer.
    """
    each = parts(model, living)
    told = living.assign(revenue_12m=np.exp(living["log_revenue_12m"].astype("float64")))
    told = told.reset_index(drop=True)
    tier = told["tier_in_force"].astype(object).where(told["tier_in_force"].notna(), "")
    usual = told[list(_COMPARED)].astype("float64").groupby(tier).transform("median")
    words = pd.DataFrame(index=each.index, columns=range(SHOWN), dtype=object)
    factors = pd.DataFrame(np.nan, index=each.index, columns=range(SHOWN))
    values = each.to_numpy()
    order = np.argsort(-values, axis=1, kind="stable")
    for row in range(len(each)):
        account, mates = told.iloc[row], usual.iloc[row]
        found = 0
        for place in order[row]:
            if found == SHOWN or values[row, place] < _SMALL:
                break
            reason = _reason(str(each.columns[place]), account, mates)
            if reason is not None:
                words.iat[row, found] = say(reason, style)
                factors.iat[row, found] = float(np.exp(values[row, place]))
                found += 1
    return words, factors


def _reason(name: str, account: pd.Series, usual: pd.Series) -> Sentence | None:
    """Return a characteristic in words; None where there is nothing to point at."""
    name = "revenue_12m" if name == "log_revenue_12m" else name
    value = account[name]
    if name in _TEXTS:
        return None if pd.isna(value) else Sentence("prediction.value", {"name": name, "is": value})
    if pd.isna(value):
        return Sentence("prediction.unknown", {"name": name})
    if name in _RAISED:
        return Sentence(_RAISED[name], {"n": float(value)}) if value > 0 else None
    if name in _COMPARED:
        if name == "programme_level" and value == 0:
            return Sentence("prediction.no_programme")
        key, side = _COMPARED[name]
        if side * (value - usual[name]) < 0 or (side and value == usual[name]):
            return None
        return Sentence(key, {"n": float(value), "usual": usual[name]})
    return None
