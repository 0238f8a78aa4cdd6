"""The parts of the bridge by hand, and that they add up to the change whatever was bought."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib import accounts
from kamlib.value import facts
from kamlib.value.profit import bridge_facts, pricing
from kamlib.value.profit.bridge import PARTS, bridge, by_account, effects
from tests.value.profit_rows import TABLES  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def made(small):
    """Cells, account facts, ledger and period of the book of two years."""
    book = small.open(TABLES, as_of="2024-12-31")
    period, ledger = accounts.period(book), accounts.ledger(book)
    cells = bridge_facts.collect(bridge_facts.bridge_facts(book, period))
    return cells, facts.collect(facts.account_facts(book, ledger, period)), ledger, period


def test_bridge_by_hand(made):
    cells, table, ledger, period = made
    found = bridge(cells, table, ledger, period, coverage=0.95).frame.set_index("term")
    # Alpha, line x: 10 units at 10 became 12 of p at 9 and 2 of r at 20.
    #   volume (14 - 10) · 10 = 40; quantities 2 · 10 + 40 = 60, so mix = 20; price 12 · (9 - 10) = -12
    # line y dropped: -30; without quantity 8 - 5 = 3. Beta: price 5 · (9 - 10) = -5.
    assert found["bridge_revenue"].to_dict() == {
        "the year before": 218, "new_accounts": 20, "lost_accounts": -33, "lost_lines": -30,
        "volume_effect": 40, "mix_effect": pytest.approx(20), "price_effect": -17,
        "cost_effect": 0, "not_split": 3, "serve_effect": 0, "this year": 221,
    }  # fmt: skip
    # unit margin 4: volume 4 · 4 = 16, quantities 2 · 4 + 20 = 28, mix 12; cost -12 · (6.5 - 6) = -6
    margin = found["bridge_margin"].to_dict()
    assert margin == {
        "the year before": 99, "new_accounts": 8, "lost_accounts": -15, "lost_lines": -20,
        "volume_effect": 16, "mix_effect": pytest.approx(12), "price_effect": -17,
        "cost_effect": pytest.approx(-6), "not_split": pytest.approx(2), "serve_effect": 0,
        "this year": 79,
    }  # fmt: skip


def test_contribution_ends_where_the_totals_do(made):
    cells, table, ledger, period = made
    found = bridge(cells, table, ledger, period, coverage=0.95).frame.set_index("term")
    known = found["bridge_contribution"]
    assert known["this year"] == pytest.approx(table["contribution"].sum())
    assert known["the year before"] == pytest.approx(table["contribution_before"].sum())
    assert known.drop("this year").sum() == pytest.approx(known["this year"])


def test_accounts_of_neither_margin_stand_outside(made):
    cells, table, ledger, period = made
    # half of Beta's volume of this year has no cost
    cells = cells.copy()
    cells.loc[cells["account_id"] == "b", "volume_costed"] /= 2
    found = bridge(cells, table, ledger, period, coverage=0.95)
    assert found.frame["bridge_margin"].iloc[-1] == 79 - 15
    [check] = [c for c in found.checks if c.name == "bridge_margin_known"]
    assert check.passed is False
    assert "1 account stands outside" in str(check.note)


def test_no_year_before_is_refused(made):
    cells, table, ledger, period = made
    alone = type(period)(period.current, None, period.records, ())
    assert bridge(cells, table, ledger, alone, coverage=0.95).refused
    assert pricing.price_erosion(cells, alone).refused
    assert pricing.concessions(cells, table, alone, fall=0.03, length=5).refused


def test_prices_at_constant_mix(made):
    cells, _, _, period = made
    found = pricing.price_erosion(cells, period).frame.set_index("term")["estimate"]
    # p of Alpha and Beta: 12 · 9 + 5 · 9 = 153 against 170 at last year's prices
    assert found["net_price_change"] == pytest.approx(153 / 170 - 1)
    assert found["net_price_change_before"] == pytest.approx(135 / 150 - 1)
    assert found["list_price_change"] == pytest.approx(0, abs=1e-12)
    assert found["realisation_change"] == pytest.approx(-0.1)


def test_only_a_concession_without_volume_is_listed(made):
    cells, table, _, period = made
    found = pricing.concessions(cells, table, period, fall=0.1, length=5)
    [listed] = found.frame.to_dict("records")
    # Alpha's prices fell as much, but it bought 168 at old prices after 135
    assert (listed["account_id"], listed["given_away"]) == ("b", 5)
    assert listed["volume_change"] == pytest.approx(0)
    assert pricing.concessions(cells, table, period, fall=0.11, length=5).refused


def test_without_quantities_nothing_is_split(made):
    cells, table, ledger, period = made
    bare = cells.copy()
    for name in ("n_units", "units", "sales", "sales_margin", "list_sales", "n_listed"):
        bare[name], bare[f"{name}_before"] = 0, 0
    found = bridge(bare, table, ledger, period, coverage=0.95)
    parts = found.frame.set_index("term")["bridge_revenue"]
    assert set(parts.index) == {"the year before", "new_accounts", "lost_accounts", "not_split",
                                "serve_effect", "this year"}  # fmt: skip
    assert parts["not_split"] == 3 - parts["new_accounts"] - parts["lost_accounts"]
    assert {c.name: c.passed for c in found.checks}["bridge_split"] is False
    assert "transactions.quantity" in str(pricing.price_erosion(bare, period).note)


NUMBER = st.one_of(st.just(0.0), st.floats(-50, 500, allow_nan=False).map(lambda v: round(v, 2)))
CELL = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.lists(NUMBER, min_size=8, max_size=8),
    st.booleans(), st.booleans(),
)  # fmt: skip


def cells_of(drawn) -> pd.DataFrame:
    rows = []
    for number, (account, line, values, sold, costed) in enumerate(drawn):
        row = {"account_id": account, "product_line": line, "product": str(number)}
        for end, part in (("", values[:4]), ("_before", values[4:])):
            units, sales, gain, loose = part
            here = int(sold or end == "")
            row |= {
                f"units{end}": units * here, f"sales{end}": sales * here,
                f"sales_margin{end}": gain * here, f"revenue{end}": (sales + loose) * here,
                f"margin{end}": gain * here, f"n_lines{end}": 2 * here, f"n_units{end}": here,
                f"n_units_costed{end}": here * int(costed), f"n_listed{end}": 0,
                f"volume{end}": abs(sales) * here, f"volume_costed{end}": abs(sales) * here,
                f"list_sales{end}": 0.0,
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).astype({"product_line": object})


@settings(max_examples=30, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=6))
def test_parts_add_up_and_rows_have_no_order(drawn):
    cells = cells_of(drawn)
    found = effects(cells)
    names = [part for part in PARTS if part != "serve_effect"]
    for ending, total in (("", "revenue"), ("_m", "margin")):
        change = cells[total] - cells[f"{total}_before"]
        parts = found[[f"{name}{ending}" for name in names]].sum(axis=1)
        np.testing.assert_allclose(parts, change, atol=1e-5)
    turned = effects(cells.iloc[::-1]).iloc[::-1]
    pd.testing.assert_frame_equal(found, turned)


def test_by_account_is_the_unit(made):
    cells, table, ledger, period = made
    each = by_account(cells, table, ledger, coverage=0.95)
    whole = bridge(cells, table, ledger, period, coverage=0.95)
    assert each["change"].sum() == pytest.approx(float(whole["change"]))
    assert each["change"].abs().is_monotonic_decreasing
