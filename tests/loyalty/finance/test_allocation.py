from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.glossary import Style, say
from kamlib.loyalty.finance.allocation import Response, allocate

CURVES = [Response("1", 100, 0.02), Response("2", 60, 0.05), Response("3", 30, 0.10)]


@given(
    shape=st.lists(st.tuples(st.floats(10, 1e5), st.floats(1e-4, 1.0)), min_size=2, max_size=6),
    budget=st.floats(1, 1e5),
)
def test_marginal_gains_are_equal_where_money_goes(shape, budget):
    curves = [Response(str(k), a, b) for k, (a, b) in enumerate(shape)]
    found = allocate(curves, budget)
    frame = found.frame
    assert frame["spend"].sum() == pytest.approx(budget, rel=1e-6)
    some = frame["spend"] > 1e-9 * budget
    price = found["shadow_price"]
    assert frame.loc[some, "marginal_gain"].to_numpy() == pytest.approx(price, rel=1e-5)
    assert (frame.loc[~some, "marginal_gain"] <= price * (1 + 1e-5)).all()
    assert found["gain"] >= found["even_gain"] * (1 - 1e-9)


def test_the_shadow_price_is_the_gain_of_one_more():
    one, more = allocate(CURVES, 100), allocate(CURVES, 100.001)
    assert (more["gain"] - one["gain"]) / 0.001 == pytest.approx(one["shadow_price"], rel=1e-4)


def test_limits_hold():
    bound = [replace(CURVES[0], high=40), replace(CURVES[1], low=35), CURVES[2]]
    found = allocate(bound, 100)
    assert found.frame["spend"][0] == 40
    assert found.frame["spend"][1] >= 35
    assert found["spent"] == pytest.approx(100)


def test_money_that_would_bring_nothing_is_left():
    found = allocate([replace(curve, high=20) for curve in CURVES], 100)
    assert found.frame["spend"].tolist() == [20, 20, 20]
    assert found["shadow_price"] == 0.0
    assert found["spent"] == 60


def test_nothing_to_spend():
    assert np.abs(allocate(CURVES, 0.0).frame["spend"]).max() < 1e-6


def test_words_and_columns():
    found = allocate(CURVES, 100)
    assert set(found.frame.columns) <= set(glossary.columns())
    text = say(found.note, Style("en", "EUR")).replace("\u00a0", " ")
    assert "EUR 137 in all, against EUR 126" in text
    assert say(found.note, Style("zh"))


@pytest.mark.parametrize(
    ("curves", "told"),
    [
        ([], "at least one tier"),
        ([replace(CURVES[0], levels=1)], "1: spend was tried at 1 level"),
        ([replace(CURVES[0], pace=0.0)], "ceiling and pace"),
        ([replace(CURVES[0], low=30, high=20)], "below zero or above the most"),
        ([replace(CURVES[0], low=200)], "least spends come to 200"),
    ],
)
def test_what_identifies_no_curve(curves, told):
    with pytest.raises(FitError, match=told):
        allocate(curves, 100)
