"""What comes back on what is spent, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import Ledger
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal
from kamlib.value.profit import returns

LIFE = (4.0, Sentence("returns.life_stated", {"years": 4.0}))


def test_customer_return_by_hand(facts, ledger):
    programme = pd.DataFrame({"account_id": ["a"], "programme_cost": [4.0]})
    acquisition = pd.DataFrame({"account_id": ["a", "c"], "acquisition_cost": [6.0, 3.0]})
    found = returns.customer_return(facts, programme, acquisition, ledger, life=LIFE)
    each = found.frame.set_index("account_id")
    # a: margin 40, spent 10 + 4 + 6 = 20; c: margin 10, spent 12 + 3 = 15
    assert each["customer_return"][["a", "c"]].tolist() == pytest.approx([1.0, -1 / 3])
    assert each["programme_cost"]["b"] == 0  # no member: nothing spent
    assert np.isnan(each["acquisition_cost"]["b"])  # in no record: unknown
    # margins 40 + 20 + 10 + 2 - 2 = 70, spent 20 + 5 + 15 + 2 + 1 = 43
    assert float(found["customer_return"]) == pytest.approx(27 / 43)
    assert {c.name: c.passed for c in found.checks}["acquisition_known"] is False


def test_no_cost_on_balance_has_no_return(facts, ledger):
    facts.loc[1, "cost_to_serve"] = -5.0
    found = returns.customer_return(facts, None, None, ledger, life=LIFE)
    assert np.isnan(found.frame.set_index("account_id")["customer_return"]["b"])
    assert int(found["n_no_cost"]) == 1
    assert "programme_costs" in str(
        next(c for c in found.checks if c.name == "programme_known").note
    )


def test_customer_return_needs_margin(facts):
    bare = Ledger(None, {"service": False}, {}, has_cost=False)  # type: ignore[arg-type]
    assert returns.customer_return(facts, None, None, bare, life=LIFE).refused


def test_expected_life(facts):
    # d had none, a to c and e bought; e returned more than it bought this year
    years, note = returns.expected_life(facts, stated=None)
    assert (years, note.key) == (4.0, "returns.life_found")
    assert returns.expected_life(facts, stated=7.0)[0] == 7.0
    assert np.isnan(returns.expected_life(facts.assign(revenue_before=np.nan), stated=None)[0])


def test_return_on_customer_by_hand(facts):
    def values(**clv):
        frame = pd.DataFrame({"account_id": list(clv), "clv": list(clv.values())})
        return Estimate("account_values", frame, one_row(2, "stated"), Sentence("returns.no_clv"))

    opening, closing = values(a=100.0, b=50.0), values(a=90.0, c=20.0)
    found = returns.return_on_customer(facts, opening, closing)
    each = found.frame.set_index("account_id")["return_on_customer"]
    # a: (30 + 90 - 100) / 100; b: (15 + 0 - 50) / 50; c had no value to begin with
    assert each[["a", "b"]].tolist() == pytest.approx([0.2, -0.7])
    assert np.isnan(each["c"])
    assert float(found["return_on_customer"]) == pytest.approx((20 - 35 - 2 + 20) / 150)
    assert returns.return_on_customer(
        facts, refusal("account_values", "returns.no_clv"), closing
    ).refused
