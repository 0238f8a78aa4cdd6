from __future__ import annotations

import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.loyalty.finance.cost import ITEMS, Points, minute_rate, programme_cost


def test_items_add_up_to_the_cent(said):
    """Rewards 123,457 points · 0.013 · 0.75 = 1,203.70575."""
    points = Points(123_457, 0.013, 0.25, on_baseline=0.8)
    found = programme_cost(set_up=15_000.01, points=points, service=4_000.02, communication=0.03)
    assert found.frame["cost"].sum() == found["cost"]
    assert found["cost"] == pytest.approx(15_000.01 + 1_203.70575 + 4_000.02 + 0.03)
    assert found["subsidy"] == pytest.approx(0.8 * 1_203.70575)
    assert found.frame["cost_share"].sum() == pytest.approx(1.0)
    assert set(found.frame["cost_item"]) == set(ITEMS) <= set(glossary.columns())
    assert set(found.frame.columns) <= set(glossary.columns())
    assert found.checks[0].passed is True
    assert all(said(found))


def test_what_is_booked_does_not_count_twice():
    """1,000 points of 2, a quarter never redeemed, a third booked: 1,000."""
    assert Points(1_000, 2.0, 0.25, booked=1 / 3).cost == pytest.approx(1_000.0)


def test_what_is_not_known_is_not_nothing(said):
    found = programme_cost(set_up=1_000, points=None, service=None, communication=0)
    assert found.frame["cost_item"].tolist() == ["set_up", "communication"]
    assert found.checks[0].passed is False
    assert "2 of 4 items" in said(found)[2]


def test_costs_that_cannot_be():
    with pytest.raises(FitError, match="no cost of the programme is known"):
        programme_cost(set_up=None, points=None, service=None, communication=None)
    with pytest.raises(FitError, match="service: a cost must not be below zero"):
        programme_cost(set_up=0, points=None, service=-1, communication=0)
    with pytest.raises(FitError, match="breakage and the shares"):
        programme_cost(set_up=0, points=Points(1, 1, 0.2, 2.0), service=0, communication=0)
    with pytest.raises(FitError, match="minutes of capacity"):
        minute_rate(100, 0)
