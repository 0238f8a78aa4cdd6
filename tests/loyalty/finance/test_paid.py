from __future__ import annotations

import numpy as np
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.loyalty.finance.paid import break_even, return_on_cost
from kamlib.loyalty.finance.programme import Programme


def test_a_return_by_hand(said):
    """Gain 150 ± 20, cost 100 for sure: net 50, return 0.5 ± 0.392, chance Φ(2.5) = 0.99379."""
    found = return_on_cost(150, 20, 100, n_accounts=40)
    frame = found.frame.set_index("term")
    assert set(found.frame.columns) <= set(glossary.columns())
    assert frame.loc["net_value"].tolist() == pytest.approx([50, 50 - 39.19928, 50 + 39.19928])
    assert frame.loc["roi"].tolist() == pytest.approx([0.5, 0.5 - 0.3919928, 0.5 + 0.3919928])
    assert found["chance_paid"] == pytest.approx(0.99379, abs=1e-5)
    assert found.checks[0].passed is True
    assert "paid with a chance of 99.4 %" in said(found)[0]
    assert all(said(found))


def test_a_lumpy_cost_has_a_net_value_and_no_return(said):
    """Cost 10 ± 8 cannot be told from zero: 1.96² · 64 ÷ 100 = 2.46."""
    found = return_on_cost(50, 10, 10, 8, n_accounts=15)
    frame = found.frame.set_index("term")
    assert frame.loc["roi", ["conf_low", "conf_high"]].isna().all()
    assert frame.loc["net_value", "conf_low"] == pytest.approx(
        40 - 1.959964 * np.sqrt(164), rel=1e-6
    )
    assert found.checks[0].passed is False
    assert "2.459" in said(found)[2]
    assert "not stated" in said(found)[0]


def test_what_gain_and_cost_share_narrows_the_net_value():
    alone = return_on_cost(50, 10, 40, 6, n_accounts=15)
    shared = return_on_cost(50, 10, 40, 6, covariance=50, n_accounts=15)
    # 100 + 36 − 100 = 36
    half = np.diff(shared.frame.loc[0, ["conf_low", "conf_high"]].to_numpy(float))[0] / 2
    assert half == pytest.approx(1.959964 * 6, rel=1e-6)
    assert shared.frame.loc[0, "conf_low"] > alone.frame.loc[0, "conf_low"]


def test_without_a_cost_or_with_a_wrong_error_there_is_no_return():
    with pytest.raises(FitError, match="cost of the programme must be above zero"):
        return_on_cost(10, 1, 0, n_accounts=3)
    with pytest.raises(FitError, match="errors must not be below zero"):
        return_on_cost(10, -1, 5, n_accounts=3)


def test_certainty_is_certain():
    assert return_on_cost(10, 0, 5, n_accounts=3)["chance_paid"] == 1.0
    assert return_on_cost(5, 0, 10, n_accounts=3)["chance_paid"] == 0.0


def coverage(draws, n, rng):
    """Arms of n accounts, gain 2 and cost 1 per account with a spread of 2 and 0.5; true return 1."""
    held = paid = 0
    for _ in range(draws):
        gain = rng.normal(2.0, 2.0, n) - rng.normal(0.0, 2.0, n)
        cost = rng.normal(1.0, 0.5, n)
        cov = np.cov(gain, cost) / n
        found = return_on_cost(
            gain.mean(), np.sqrt(cov[0, 0]), cost.mean(), np.sqrt(cov[1, 1]), covariance=cov[0, 1],
            n_accounts=n, df=n - 1,
        )  # fmt: skip
        row = found.frame.loc[1]
        held += row["conf_low"] <= 1.0 <= row["conf_high"]
        paid += found["chance_paid"] > 0.5
    return held / draws, paid / draws


def test_the_true_return_lies_within_sample():
    """Three binomial errors of 400 draws below .95 is .917."""
    held, _ = coverage(400, 30, np.random.default_rng(1))
    assert held >= 0.917


def test_break_even_claims_nothing(said):
    """(1,000 + 12 · 100) ÷ (0.3 · 10 · 12) = 61.11, whatever the effect is said to be."""
    for effect in (0.0, 500.0):
        found = break_even(Programme(effect, 0.3, 10, 12, 12, set_up=1_000, running=100))
        assert found.frame["estimate"][0] == pytest.approx(61.1111, abs=1e-4)
        assert "cannot be told" in said(found)[0]
        assert "EUR 61" in said(found)[0]
