"""Rates, ages and exposure: by hand and as properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.value.collection import payment_delay
from kamlib.value.collection import receivables as c
from kamlib.value.collection.facts import BUCKETS


def accounts_of(rows: list[list[float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=BUCKETS)
    frame.insert(0, "account_id", [str(k) for k in range(len(frame))])
    frame["open_balance"] = frame[list(BUCKETS)].sum(axis=1)
    frame["overdue_balance"] = frame["open_balance"] - frame["not_due"]
    return frame.assign(disputed_balance=0.0, sales=10.0, billed=10.0, credited=0.0)


NAMES = pd.DataFrame({"account_id": ["0", "1"], "name": ["A", None], "manager_id": ["m", "m"]})


def test_rates_by_hand():
    days = pd.date_range("2023-12-31", periods=5, freq="QE")[::-1]
    rates = pd.DataFrame(
        {"evaluated_on": days, "sales": [200.0, 100, 100, 100, 0], "collected": 90.0,
         "fell_due": [50.0, 10, 10, 10, 20], "paid_due": [40.0, 10, 10, 10, 5]}
    )  # fmt: skip
    found = c.collection_rates(rates)
    last = found.frame.iloc[-1]
    assert (last["cash_rate"], last["due_rate"]) == (0.45, 0.8)
    assert np.isnan(found.frame["cash_rate"].iloc[0])  # no sales, no rate
    assert found.note.values["before"] == 0.25


def test_ageing_and_exposure_by_hand():
    rows = accounts_of([[50, 20, 0, 0, 10], [20, 0, 0, 0, 0]])
    aged = c.ageing(rows)
    assert aged.frame["open_balance"].tolist() == [70, 20, 0, 0, 10]
    assert aged.frame["n_accounts"].tolist() == [2, 1, 0, 0, 1]
    assert float(aged["overdue_balance"]) == 30
    exposed = c.exposure(rows, NAMES, top_share=0.5)
    assert exposed.frame["share_open"].tolist() == [0.8, 0.2]
    assert float(exposed["top_share_open"]) == pytest.approx(0.8)
    assert float(exposed["herfindahl"]) == pytest.approx(0.68)


def test_invoices_with_tax_are_noticed():
    rows = accounts_of([[1.0, 0, 0, 0, 0]]).assign(billed=11.3, credited=0.5)
    checks = {check.name: check.passed for check in c.ageing(rows).checks}
    assert checks == {"billed_as_sold": False, "no_credit_notes": False}


@pytest.mark.parametrize("missing", ["invoices, payments", "payments"])
def test_missing_tables_are_named(missing):
    refused = [
        c.collection_rates(pd.DataFrame(), missing=missing),
        c.ageing(pd.DataFrame(), missing=missing),
        c.exposure(pd.DataFrame(), NAMES, top_share=0.2, missing=missing),
        payment_delay.days_overdue(
            pd.DataFrame(),
            rng=np.random.default_rng(0),
            missing=missing,
            conf_level=0.95,
            draws=200,
        ),
    ]
    assert all(one.refused and f"hold no {missing}" in str(one.note) for one in refused)


def test_nobody_owes():
    rows = accounts_of([[0.0] * 5])
    assert c.ageing(rows).refused
    assert c.exposure(rows, NAMES, top_share=0.2).refused


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1e6), min_size=5, max_size=5), min_size=1, max_size=9))
def test_ages_partition_what_is_open(rows):
    table = accounts_of(rows)
    if table["open_balance"].sum() <= 0:
        return
    aged = c.ageing(table)
    assert aged.frame["open_balance"].sum() == pytest.approx(float(aged["open_balance"]))
    assert aged.frame["share_open"].sum() == pytest.approx(1)
    assert aged.frame["share_open"].between(0, 1).all()
    names = pd.DataFrame({"account_id": table["account_id"], "name": None, "manager_id": None})
    held = c.exposure(table, names, top_share=0.2)
    assert 0 < float(held["top_share_open"]) <= 1 + 1e-12
