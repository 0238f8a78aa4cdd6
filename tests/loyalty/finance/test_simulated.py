from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.loyalty.finance.flows import payback
from kamlib.loyalty.finance.programme import break_even_effect, course
from kamlib.loyalty.finance.simulated import simulated_return, tornado
from kamlib.loyalty.finance.uncertain import Uncertain, draw


def test_only_the_effect_uncertain_is_a_normal_return(shop, said):
    """Net 1,100 ± 20 · 0.3 · 120 = 720: chance Φ(1,100 ÷ 720) = 0.9367; 95 % ± 1,411."""
    found = simulated_return(
        shop, {"effect": Uncertain(100, 20)}, draws=40_000, rng=np.random.default_rng(3)
    )
    row = found.frame.set_index(["term", "conf_level"]).loc[("net_value", 0.95)]
    # four errors of a median and of tails of 40,000 draws
    assert row["estimate"] == pytest.approx(1_100, abs=4 * 1.2533 * 720 / 200)
    assert row["conf_high"] == pytest.approx(1_100 + 1.96 * 720, abs=60)
    assert found["chance_paid"] == pytest.approx(0.9367, abs=0.005)
    assert found["chance_npv"] < found["chance_paid"]
    assert found["break_even_effect"] == pytest.approx(2_500 / 36)
    assert set(found.frame.columns) <= set(glossary.columns())
    assert set(found.frame["term"]) <= set(glossary.columns())
    assert all("EUR" in text for text in said(found))


def test_narrower_levels_lie_within(shop):
    known = {"effect": Uncertain(100, 40), "breakage": Uncertain(0.25, 0.05, "share")}
    found = simulated_return(shop, known, draws=2_000, rng=np.random.default_rng(4))
    few, many = (found.frame[found.frame["conf_level"] == v].set_index("term") for v in (0.8, 0.95))
    assert (many["conf_low"] <= few["conf_low"]).all()
    assert (few["conf_high"] <= many["conf_high"]).all()


def test_payback_of_draws_is_that_of_each(shop):
    known = {"effect": Uncertain(60, 40)}
    drawn = draw(known, draws=300, rng=np.random.default_rng(5))
    paths = course(shop, drawn)
    slowly = np.sort([payback(row) for row in paths.gain - paths.cost])
    found = simulated_return(shop, known, draws=300, rng=np.random.default_rng(5))
    row = found.frame.set_index(["term", "conf_level"]).loc[("payback_months", 0.95)]
    assert np.isinf(slowly).any()
    assert row["estimate"] == np.quantile(slowly, 0.5, method="lower")


def test_knowing_is_worth_nothing_where_it_changes_nothing(shop):
    sure = simulated_return(shop, {}, draws=10, rng=np.random.default_rng(6))
    assert sure["value_of_knowing"] == 0.0
    assert sure["chance_paid"] == 1.0
    # at break-even on average, half of all draws lose: E max(X, 0) of a normal figure is 0.3989 σ
    even = replace(shop, effect=break_even_effect(shop), discount_rate=0.0)
    known = {"effect": Uncertain(even.effect, 20)}
    found = simulated_return(even, known, draws=40_000, rng=np.random.default_rng(7))
    assert found["value_of_knowing"] == pytest.approx(0.3989 * 720, rel=0.05)


def test_a_tornado_names_what_moves_most(shop, said):
    """Effect 100 ± 20 moves gains by 25.6 % either way, breakage 0.25 ± 0.02 costs by a little."""
    known = {"breakage": Uncertain(0.25, 0.02, "share"), "effect": Uncertain(100, 20)}
    found = tornado(replace(shop, discount_rate=0.0), known)
    assert found.frame["driver"].tolist() == ["effect", "breakage"]
    # net 1,100 ∓ 1.28155 · 720
    assert found.frame.loc[0, ["npv_low", "npv_high"]].tolist() == pytest.approx(
        [1_100 - 922.717, 1_100 + 922.717], abs=0.01
    )
    assert found.frame["turns"].tolist() == [False, False]
    assert set(found.frame.columns) <= set(glossary.columns())
    assert set(found.frame["driver"]) <= set(glossary.columns())
    assert all(said(found))
    with pytest.raises(FitError, match="nothing uncertain"):
        tornado(shop, {})
