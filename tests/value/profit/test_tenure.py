"""The cost to serve within account: by hand and against what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.value.profit import tenure
from kamlib.value.profit.facts import COSTS


def panel_of(slope: float, rng: np.random.Generator, n: int = 60) -> pd.DataFrame:
    """Return accounts that become cheaper as they stay; old accounts are dear ones."""
    rows = []
    for number in range(n):
        first = int(rng.integers(0, 8))
        for year in range(first, first + 3):
            revenue = float(rng.lognormal(3, 1))
            rate = 0.1 + 0.02 * first + slope * (year - first) + rng.normal(0, 0.002)
            rows.append((str(number), year, 12, revenue, revenue * rate))
    frame = pd.DataFrame(
        rows, columns=["account_id", "tenure_years", "n_months", "revenue", "cost_to_serve"]
    )
    parts = {name: np.nan for name in COSTS if name != "cost_to_serve"}
    return frame.assign(**parts)


def test_the_slope_within_account_comes_back_and_the_pooled_one_does_not():
    panel = panel_of(-0.01, np.random.default_rng(3))
    found = tenure.cost_by_tenure(panel, conf_level=0.95)
    assert float(found["slope_low"]) < -0.01 < float(found["slope_high"]) < 0
    pooled = np.polyfit(found.frame["tenure_years"], found.frame["pooled_rate"], 1)[0]
    assert pooled > 0
    within = np.polyfit(found.frame["tenure_years"], found.frame["within_rate"], 1)[0]
    assert within == pytest.approx(-0.01, abs=0.002)
    assert found.note.key == "returns.tenure_falls"


def test_within_rates_have_the_mean_of_the_unit():
    panel = panel_of(0.0, np.random.default_rng(4))
    frame = tenure.cost_by_tenure(panel, conf_level=0.95).frame
    weight = panel.groupby(panel["tenure_years"].clip(frame["tenure_years"].min(),
                           frame["tenure_years"].max()))["revenue"].sum()  # fmt: skip
    mean = float(panel["cost_to_serve"].sum() / panel["revenue"].sum())
    assert float(frame["within_rate"] @ weight.to_numpy() / weight.sum()) == pytest.approx(mean)
    assert (frame["rate_low"] <= frame["within_rate"]).all()


def test_two_accounts_by_hand():
    # within account the rate rises by 0.1 in each: weights cancel
    rows = [(str(k), year, 12, 10.0, 10 * (0.1 * year + k)) for k in range(12) for year in (0, 1)]
    panel = pd.DataFrame(
        rows, columns=["account_id", "tenure_years", "n_months", "revenue", "cost_to_serve"]
    )
    found = tenure.cost_by_tenure(panel, conf_level=0.95)
    assert float(found["slope"]) == pytest.approx(0.1)
    assert float(found["slope_high"] - found["slope_low"]) == pytest.approx(0, abs=1e-9)
    turned = tenure.cost_by_tenure(panel.iloc[::-1], conf_level=0.95)
    pd.testing.assert_frame_equal(found.frame, turned.frame)
    few = tenure.cost_by_tenure(panel.head(6), conf_level=0.95)
    assert few.refused
    assert "at least 10 accounts" in str(few.note)


def test_rows_without_revenue_are_counted():
    panel = panel_of(0.0, np.random.default_rng(4))
    panel.loc[0, "revenue"] = 0.0
    [check] = tenure.cost_by_tenure(panel, conf_level=0.95).checks
    assert check.passed is False
    assert "1 of 180" in str(check.note)
