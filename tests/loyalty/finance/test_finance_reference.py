"""Finance against published and independently computed figures, to the printed digits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.finance.allocation import Response, allocate
from kamlib.loyalty.finance.cost import minute_rate
from kamlib.loyalty.finance.flows import internal_rate, payback, present_value, profitability_index
from kamlib.loyalty.finance.paid import return_on_cost
from kamlib.loyalty.finance.points import Promise, liability
from kamlib.loyalty.finance.programme import Programme, break_even_effect
from kamlib.loyalty.finance.ratio import fieller
from kamlib.loyalty.finance.retention import (
    affordable_spend,
    elasticity,
    lifetime_value,
    months_gained,
    worth_of_points,
)

REFERENCE = json.loads(Path(__file__).with_name("finance_reference.json").read_text("utf-8"))


def printed(values, digits=6):
    """What prints as these digits do: half of the last one, and a hair for a tie."""
    return pytest.approx(np.array(values), abs=0.51 * 10**-digits)


def test_flows():
    told = REFERENCE["flows"]
    flows, rate = told["flows"], told["rate"]
    assert present_value(flows, rate) == printed(told["npv"])
    assert internal_rate(flows) == printed(told["irr"])
    assert profitability_index(flows, rate) == printed(told["profitability_index"])
    assert payback(flows) == printed(told["payback"])
    assert payback(flows, rate) == printed(told["discounted_payback"])


def test_fieller():
    told = REFERENCE["fieller"]
    given = [told[k] for k in ("above", "below", "variance_above", "variance_below", "covariance")]
    found = fieller(*given)
    assert [found.low, found.high] == printed(told["interval"])
    # the delta interval, which is not used, for comparison
    a, b, va, vb, cab = given
    half = 1.959963985 * np.sqrt(va / b**2 + a**2 * vb / b**4 - 2 * a * cab / b**3)
    assert [a / b - half, a / b + half] == printed(told["delta"])


def test_hillstrom_return():
    told = REFERENCE["hillstrom"]
    gain, error = told["effect"] * told["margin"], told["error"] * told["margin"]
    assert gain == printed(told["incremental_margin"])
    found = return_on_cost(gain, error, told["cost"], n_accounts=21_307)
    roi = found.frame.set_index("term").loc["roi"]
    assert roi["estimate"] == printed(told["roi"])
    assert [roi["conf_low"], roi["conf_high"]] == printed(told["interval"], 4)
    assert found["chance_paid"] == printed(told["chance_paid"])
    one_mail = Programme(0.0, told["margin"], 1, 1, 1, set_up=told["cost"])
    assert break_even_effect(one_mail) == printed(told["break_even_effect"])


def test_hillstrom_from_its_records(data_folder):
    """The effect itself, from the 64,000 rows."""
    rows = pd.read_parquet(data_folder / "hillstrom" / "hillstrom.parquet")
    arms = rows.groupby(rows["segment"].str.lower())["spend"]
    mean, error = arms.mean(), arms.var() / arms.count()
    told = REFERENCE["hillstrom"]
    assert mean["mens e-mail"] - mean["no e-mail"] == printed(told["effect"])
    assert np.sqrt(error["mens e-mail"] + error["no e-mail"]) == printed(told["error"])


def test_lifetime_values():
    told = REFERENCE["clv"]
    assert lifetime_value(1.0, told["retention"], told["rate"]) == printed(told["value"])
    assert elasticity(0.8, told["rate"]) == printed(told["elasticity_at_08"])
    assert affordable_spend(12_000, 0.03, 0.8, 0.10) == pytest.approx(told["affordable"])
    for first_now, name in ((False, "five_points"), (True, "five_points_first_now")):
        found = worth_of_points(
            1.0, told["five_points_at"], told["rate"], points=[0.05], first_now=first_now
        )
        assert found.frame["clv_gain_share"].to_numpy() == printed(told[name], 3)


def test_months_gained():
    told = REFERENCE["hazard"]
    found = [months_gained(told["hazard"], ratio, told["months"]) for ratio in told["ratio"]]
    assert found == printed(told["gained"])


def test_points():
    told = REFERENCE["points"]
    promise = Promise(told["sales"], told["sales"], told["stand_alone"], 1.0, 0.0)
    assert promise.deferred == printed(told["deferred"], 4)
    assert promise.sales - promise.deferred == printed(told["goods"], 4)
    found = liability(promise, told["redeemed"], told["expected"]).frame
    assert found["points_revenue"].to_numpy() == printed(told["revenue"], 4)
    # the source adds rounded parts: 8,675.7991 − 4,109.5890 is 4,566.2101
    assert found["points_liability"].to_numpy() == pytest.approx(told["liability"], abs=1.5e-4)


def test_minutes():
    told = REFERENCE["minute_rate"]
    assert minute_rate(told["cost"], told["minutes"]) == told["rate"]


def test_allocation():
    told = REFERENCE["allocation"]
    curves = [
        Response(str(k), a, b)
        for k, (a, b) in enumerate(zip(told["ceiling"], told["pace"], strict=True))
    ]
    found = allocate(curves, told["budget"])
    assert found.frame["spend"].to_numpy() == printed(told["spend"])
    for name in ("shadow_price", "gain", "even_gain"):
        assert found[name] == printed(told[name]), name
