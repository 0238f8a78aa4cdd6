"""What a unit's accounts are expected to bring from a day on, whichever model says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from kamlib.results import Check
from kamlib.value.lifetime.predict import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """A forecast of one unit from the evening of `day` on.

    Attributes
    ----------
    relation
        "contracts" or "purchases": what kind of relation the model is of.
    model
        Name of the model, as it is printed.
    day
        Last day that was known to the forecast.
    horizon_days
        How far ahead.
    accounts
        One row per account of the forecast, in the order of `prediction`: `account_id`;
        `activity_class` (how often it bought, or how many renewals it has behind it, as a label);
        `p_alive` (chance to be a customer still; null where the model's must not be shown);
        `naive_revenue` (revenue to the horizon if the last twelve months went on);
        `days_since_last` (since the last order or, with contracts, null).
    path
        One row per month end up to the horizon, or per full horizon: `month`,
        `expected_purchases` (orders, or renewals), `expected_revenue`: cumulative since `day`,
        all accounts together, nothing discounted.
    prediction
        Purchases, revenue, margin, cost and contribution, with intervals.
    margin_known
        Whether margin and cost are known; else `contribution` is discounted revenue.
    checks
        What must hold for the forecast to be used.
    """

    relation: str
    model: str
    day: date
    horizon_days: float
    accounts: pd.DataFrame
    path: pd.DataFrame
    prediction: Prediction
    margin_known: bool
    checks: tuple[Check, ...]
