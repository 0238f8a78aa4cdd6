"""What each account, and the unit, is expected to bring: residual customer lifetime value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal
from kamlib.value.lifetime.outlook import Outlook

_CHANCES = ("p_alive", "p_order", "p_stay")
_PARTS = (
    ("expected_revenue", "revenue"), ("expected_margin", "margin"), ("expected_cost", "cost"),
    ("clv", "contribution"),
)  # fmt: skip


def account_values(
    outlook: Outlook | Estimate, facts: pd.DataFrame, *, discount_rate: float
) -> Estimate:
    """Residual customer lifetime value of each account, with its interval.

    The discounted expected contribution of the horizon: margin of what the account will buy less
    the cost to serve it while it lives. Where no cost of goods is known it is discounted revenue.

    Parameters
    ----------
    outlook
        The forecast, or its refusal; what it cannot know is in its checks.
    facts
        One row per account: `account_id`, `name`.
    discount_rate
        Yearly rate that the forecast used; it is told.

    Returns
    -------
    Estimate
        Frame: one row per account of the forecast, most valuable first: `account_id`, `name`,
        `activity_class`; chances as far as the model gives them (`p_alive`, `p_order`, `p_stay`);
        `expected_purchases`, `expected_revenue` (as invoiced), `clv`, `clv_low`, `clv_high`,
        `conf_level`, `p_negative` (chance that the value is below zero), `clv_share` of the unit's.
        Summary: `clv`, `clv_low`, `clv_high` of the unit (its own draws, not the sum of the
        accounts' limits), `top_share` (held by the ten most valuable), `clv_without_first`,
        `n_negative` (accounts whose whole interval lies below zero).

    References
    ----------
    Berger, P. and Nasr, N. (1998). Customer lifetime value: marketing models and applications.
    Journal of Interactive Marketing 12, 17–30.
    doi:10.1002/(SICI)1520-6653(199824)12:1<17::AID-DIR3>3.0.CO;2-K
    """
    if isinstance(outlook, Estimate):
        return refusal("account_values", outlook.note.key, **outlook.note.values)
    prediction = outlook.prediction
    value = prediction.accounts["contribution"]
    total = prediction.unit["contribution"]
    known = outlook.accounts
    chances = [name for name in _CHANCES if name in known and known[name].notna().any()]
    frame = known[["account_id", "activity_class", *chances]].assign(
        expected_purchases=prediction.accounts["purchases"].mean,
        expected_revenue=prediction.accounts["revenue"].mean,
        clv=value.mean,
        clv_low=value.low,
        clv_high=value.high,
        conf_level=prediction.conf_level,
        p_negative=prediction.negative,
        clv_share=value.mean / float(total.mean) if float(total.mean) > 0 else np.nan,
    )
    frame = frame.merge(facts[["account_id", "name"]], on="account_id", how="left")
    frame.insert(1, "name", frame.pop("name"))
    frame = frame.sort_values(["clv", "account_id"], ascending=[False, True], kind="stable")
    unit, low, high = (float(part) for part in (total.mean, total.low, total.high))
    top = float(frame["clv"].head(10).sum()) / unit if unit > 0 else float("nan")
    first = float(frame["clv"].iloc[0])
    n_negative = int((frame["clv_high"] < 0).sum())
    summary = one_row(
        len(frame), outlook.model, prediction.conf_level, clv=unit, clv_low=low, clv_high=high,
        top_share=top, clv_without_first=unit - first, n_negative=n_negative,
    )  # fmt: skip
    values = {
        "n": len(frame), "years": outlook.horizon_days / 365.25, "rate": discount_rate,
        "total": unit, "low": low, "high": high, "level": prediction.conf_level, "top": top,
        "without": unit - first,
    }  # fmt: skip
    key = "lifetime.values" if outlook.margin_known else "lifetime.values_revenue"
    return Estimate(
        "account_values", frame.reset_index(drop=True), summary, Sentence(key, values),
        outlook.checks,
    )  # fmt: skip


def value_parts(outlook: Outlook | Estimate) -> Estimate:
    """What the unit's value is made of: revenue, margin, cost to serve, and what remains.

    Returns
    -------
    Estimate
        Frame: one row per `term`: `expected_revenue` (as invoiced), `expected_margin`,
        `expected_cost` and `clv` (all three discounted), with `estimate`, `conf_low`, `conf_high`,
        `conf_level`, `n_obs`.
    """
    if isinstance(outlook, Estimate):
        return refusal("value_parts", outlook.note.key, **outlook.note.values)
    prediction = outlook.prediction
    rows = [
        {"term": term, "estimate": float(part.mean), "conf_low": float(part.low),
         "conf_high": float(part.high)}
        for term, name in _PARTS
        for part in [prediction.unit[name]]
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(conf_level=prediction.conf_level, n_obs=len(outlook.accounts))
    values = {"revenue": rows[0]["estimate"], "margin": rows[1]["estimate"],
              "cost": rows[2]["estimate"], "value": rows[3]["estimate"],
              "n": len(outlook.accounts)}  # fmt: skip
    key = "lifetime.parts" if outlook.margin_known else "lifetime.parts_revenue"
    summary = one_row(len(outlook.accounts), outlook.model, prediction.conf_level)
    return Estimate("value_parts", frame, summary, Sentence(key, values))


def headline(values: Estimate) -> dict[str, tuple[float, Sentence | None]]:
    """Return the unit's lifetime value for the top of the report; nothing where it was refused."""
    return {} if values.refused else {"clv": (float(values["clv"]), None)}
