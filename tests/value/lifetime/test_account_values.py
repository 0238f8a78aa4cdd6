"""Values of accounts and of their unit are those of the forecast, told with their interval."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns, say
from kamlib.value.lifetime.account_values import account_values, value_parts
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.predict import Interval, Prediction

FACTS = pd.DataFrame({"account_id": ["a", "b", "c"], "name": ["A", None, "=C"]})


def outlook(values=(10.0, 60.0, -5.0), *, margin_known=True, alive=(1.0, 0.5, 0.2)):
    mean = np.array(values)
    each = {
        name: Interval(mean * k, mean * k - 4, mean * k + 4)
        for k, name in enumerate(("purchases", "revenue", "margin", "cost", "contribution"), 1)
    }
    each["contribution"] = Interval(mean, mean - 4, mean + 4)
    unit = {
        name: Interval(np.asarray(part.mean.sum()), np.asarray(50.0), np.asarray(80.0))
        for name, part in each.items()
    }
    accounts = pd.DataFrame(
        {"account_id": ["a", "b", "c"], "activity_class": ["1", "4+", "0"], "p_alive": alive}
    )
    prediction = Prediction(each, unit, {}, np.array([0.01, 0.0, 0.99]), 0.9)
    return Outlook(
        "purchases", "MBG/NBD", date(2025, 12, 31), 3 * 365.25, accounts, pd.DataFrame(), prediction,
        margin_known, (),
    )  # fmt: skip


def test_most_valuable_account_stands_first_and_shares_add_up():
    found = account_values(outlook(), FACTS, discount_rate=0.1)
    assert found.frame["account_id"].tolist() == ["b", "a", "c"]
    assert found.frame["clv"].tolist() == [60, 10, -5]
    assert found.frame["clv_share"].sum() == pytest.approx(1)
    assert set(found.frame.columns) <= set(columns())
    # without the first, 65 - 60 remain; c's interval is -9 to -1
    assert found["clv_without_first"] == pytest.approx(5)
    assert found["n_negative"] == 1
    assert (found["clv_low"], found["clv_high"]) == (50, 80)


def test_chance_that_a_model_must_not_show_is_no_column():
    hidden = account_values(outlook(alive=(np.nan,) * 3), FACTS, discount_rate=0.1)
    assert "p_alive" not in hidden.frame.columns


def test_sentence_says_revenue_where_costs_are_unknown():
    words = say(account_values(outlook(), FACTS, discount_rate=0.1).note, Style("en", "EUR"))
    assert "contribution of" in words
    assert "3.0 years" in words
    assert "10.0" in words
    words = say(
        account_values(outlook(margin_known=False), FACTS, discount_rate=0.1).note,
        Style("en", "EUR"),
    )
    assert "this is not contribution" in words


def test_parts_of_the_value_stand_apart():
    found = value_parts(outlook())
    assert found.frame["term"].tolist() == [
        "expected_revenue", "expected_margin", "expected_cost", "clv"
    ]  # fmt: skip
    # sums of the accounts' means: 65 × 2, × 3, × 4, × 1
    assert found.frame["estimate"].tolist() == [130, 195, 260, 65]
    assert set(found.frame["term"]) <= set(columns())


def test_unit_without_value_states_no_shares():
    found = account_values(outlook((-1.0, -2.0, -3.0)), FACTS, discount_rate=0.0)
    assert found.frame["clv_share"].isna().all()
    assert np.isnan(found["top_share"])
