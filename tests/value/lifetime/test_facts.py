"""Purchases and what models read of them: by hand, and on CDNOW against plain pandas."""

from __future__ import annotations

from datetime import date
from math import log

import ibis
import numpy as np
import pandas as pd
import pytest

from kamlib.value.lifetime.facts import (
    collect,
    occasions,
    purchase_counts,
    purchase_days,
    purchase_summary,
    trailing_revenue,
)
from kamlib.value.lifetime.purchases.summary import compress

DAY = date(2024, 3, 31)
LINES = [
    # a: 100 on 10 January in two lines; a day that is returned in full; 40 ten days on; then 60
    ("a", "2024-01-10", 70, None), ("a", "2024-01-10", 30, None),
    ("a", "2024-01-15", 50, None), ("a", "2024-01-15", -50, None),
    ("a", "2024-01-20", 45, None), ("a", "2024-01-20", -5, None),
    ("a", "2024-03-01", 60, "2024-03-02"),
    # written down only in April, and a day in April
    ("a", "2024-03-20", 1000, "2024-04-02"), ("a", "2024-04-05", 25, None),
    # b: one purchase and a return on another day; more came back than was ever bought
    ("b", "2024-02-01", 30, "2024-02-01"), ("b", "2024-02-10", -80, None),
    # c: nothing but a return; d: all of its purchases lie ahead, e: in the year before
    ("c", "2024-02-10", -5, None),
    ("d", "2024-04-10", 12, None),
    ("e", "2023-04-01", 8, None), ("e", "2023-04-02", 9, None),
]  # fmt: skip
TABLES = {
    "transactions": [
        dict(zip(("account_id", "date", "amount", "recorded_on"), line, strict=True))
        for line in LINES
    ],
    "accounts": [{"account_id": "b", "parent_id": "a"}, {"account_id": "e", "parent_id": None}],
}


@pytest.fixture(scope="module")
def book(small):
    return small.open(TABLES, as_of="2024-04-30")


def told(frame, *columns):
    """Return rows as tuples, days as text."""
    frame = frame.sort_values(["account_id", *columns[1:2]])
    rows = [frame[c].astype(str) if frame[c].dtype.kind in "OM" else frame[c] for c in columns]
    return list(zip(*rows, strict=True))


def days_of(table):
    return told(table.execute(), "account_id", "date", "amount")


def summary(book, **options):
    found = collect(purchase_summary(occasions(book, DAY), DAY, **options))
    return found.set_index("account_id")


def test_occasions_are_days_with_a_positive_net_amount_that_were_known(book):
    assert days_of(occasions(book, DAY)) == [
        ("a", "2024-01-10", 100), ("a", "2024-01-20", 40), ("a", "2024-03-01", 60),
        ("b", "2024-02-01", 30), ("e", "2023-04-01", 8), ("e", "2023-04-02", 9),
    ]  # fmt: skip


def test_a_row_is_known_from_the_day_it_is_recorded(book):
    before, after = (days_of(occasions(book, date(2024, 4, day))) for day in (1, 2))
    assert set(after) - set(before) == {("a", "2024-03-20", 1000)}
    # bought on 1 March, written down on the 2nd
    assert ("a", "2024-03-01", 60) not in days_of(occasions(book, date(2024, 3, 1)))


def test_nothing_before_since_counts(book):
    found = days_of(occasions(book, DAY, since=date(2024, 1, 20)))
    assert found == [("a", "2024-01-20", 40), ("a", "2024-03-01", 60), ("b", "2024-02-01", 30)]


def test_amounts_that_cancel_are_no_purchase_whatever_the_order_of_the_sum(small):
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in one order of the terms
    rows = [("a", "2024-01-01", x) for x in (0.1, 0.2, -0.3)] + [("a", "2024-01-02", 0.01)]
    lines = [dict(zip(("account_id", "date", "amount"), row, strict=True)) for row in rows]
    book = small.open({"transactions": lines})
    assert days_of(occasions(book, DAY)) == [("a", "2024-01-02", 0.01)]


def test_summary_by_hand(book):
    found = summary(book, with_gaps=True)
    assert list(found.index) == ["a", "b", "e"]
    a = found.loc["a"]
    # 10 January, 20 January, 1 March; 31 March is 81 days after the first (2024 has a 29 February)
    assert a[["frequency", "recency_days", "age_days"]].tolist() == [2, 51, 81]
    assert a[["monetary_value", "first_amount"]].tolist() == [50, 100]
    assert (a["first_order_on"], a["last_order_on"]) == tuple(
        pd.to_datetime(["2024-01-10", "2024-03-01"])
    )
    assert a["days_since_last"] == 30
    assert a["log_gaps"] == pytest.approx(log(10) + log(41))
    assert found.loc["e", "log_gaps"] == 0  # one gap of one day


def test_one_purchase_has_no_repeat_amount_and_no_gap(book):
    one = summary(book, with_gaps=True).loc["b"]
    # the return of 10 February makes b's revenue negative, but is no purchase
    assert one[["frequency", "recency_days", "age_days"]].tolist() == [0, 0, 59]
    assert np.isnan(one["monetary_value"])
    assert one[["first_amount", "log_gaps", "days_since_last"]].tolist() == [30, 0, 59]


def test_gaps_are_only_computed_on_request(book):
    plain, full = summary(book), summary(book, with_gaps=True)
    pd.testing.assert_frame_equal(plain, full.drop(columns="log_gaps"))


def test_collected_summary_is_what_models_read(book):
    found = collect(purchase_summary(occasions(book, DAY), DAY, with_gaps=True))
    dates = ["first_order_on", "last_order_on"]
    kinds = found.drop(columns=["account_id", *dates]).dtypes
    assert (kinds == "float64").all()
    assert (found[dates].dtypes == "datetime64[ns]").all()
    rows = compress(found["frequency"], found["recency_days"], found["age_days"])
    assert rows.n_obs == 3


def test_groups_count_together(small):
    book = small.open(TABLES, as_of="2024-04-30", ledger={"grain": "parent_group"})
    found = summary(book)
    # b's purchase of 1 February is a's
    assert list(found.index) == ["a", "e"]
    assert found.loc["a", ["frequency", "monetary_value"]].tolist() == [3, 130 / 3]
    trailing = collect(trailing_revenue(book, DAY)).set_index("account_id")
    assert trailing.loc["a", "revenue"] == 200 - 50


def test_counts_hold_all_that_came(book):
    found = purchase_counts(book, DAY, date(2024, 4, 30)).execute()
    columns = ("account_id", "month", "n_purchases", "revenue")
    assert told(found, *columns) == [("a", "2024-04-01", 1, 25), ("d", "2024-04-01", 1, 12)]
    # from 15 January on: the day returned in full lies outside, the 1,000 told in April are there
    found = purchase_counts(book, date(2024, 1, 15), DAY).execute()
    assert told(found, *columns) == [
        ("a", "2024-01-01", 1, 40), ("a", "2024-03-01", 2, 1060),
        ("b", "2024-02-01", 1, -50), ("c", "2024-02-01", 0, -5),
    ]  # fmt: skip


def test_trailing_revenue_is_of_365_days_and_what_was_known(book):
    found = collect(trailing_revenue(book, DAY)).set_index("account_id")
    # the 365 days up to 31 March 2024 begin on 2 April 2023
    assert found["revenue"].to_dict() == {"a": 200, "b": -50, "c": -5, "e": 9}
    assert found["days_since_first"].dropna().to_dict() == {"a": 81, "b": 59, "e": 365}
    assert np.isnan(found.loc["c", "days_since_first"])


def test_nobody_bought_yet(book):
    empty = collect(purchase_summary(occasions(book, date(2023, 3, 31)), DAY, with_gaps=True))
    assert len(empty) == 0
    assert empty["frequency"].dtype == "float64"


def test_as_pandas_on_cdnow(data_folder):
    """The first 39 weeks of CDNOW, once with every day and once with returns put in."""
    end = date(1997, 9, 30)
    raw = pd.read_parquet(data_folder / "cdnow" / "cdnow_sample.parquet")
    raw = raw.rename(columns={"sample_id": "account_id", "spend": "amount"})
    raw["account_id"] = raw["account_id"].astype(str)
    returned = raw.iloc[::7].assign(amount=lambda d: -d["amount"])
    for lines in (raw, pd.concat([raw, returned])):
        # the expression is given the lines of the period; pandas finds the same in its own way
        table = ibis.memtable(lines).mutate(date=ibis._.date.cast("date"))
        days = purchase_days(table.filter(table.date <= ibis.date(end)))
        found = collect(purchase_summary(days, end, with_gaps=True)).set_index("account_id")
        net = lines[lines["date"] <= str(end)].groupby(["account_id", "date"])["amount"].sum()
        net = net.round(6)[lambda s: s > 0].reset_index()
        each = net.groupby("account_id")
        first, last, n = (each["date"].agg(f) for f in ("min", "max", "size"))
        assert (found["frequency"] == n - 1).all()
        assert (found["recency_days"] == (last - first).dt.days).all()
        assert (found["age_days"] == (pd.Timestamp(end) - first).dt.days).all()
        assert (found["days_since_last"] == found["age_days"] - found["recency_days"]).all()
        again = net[net["date"] > net["account_id"].map(first)].groupby("account_id")["amount"]
        mean = again.mean().reindex(found.index)
        pd.testing.assert_series_equal(found["monetary_value"], mean, check_names=False)
        gaps = each["date"].diff().dt.days
        logs = np.log(gaps).groupby(net["account_id"]).sum()
        pd.testing.assert_series_equal(found["log_gaps"], logs, check_names=False)
        if lines is raw:
            # published: 2,357 customers, of whom 8 paid nothing on their only day; repeats, repeaters
            paid = raw[raw["date"] <= str(end)].groupby("account_id")["amount"].sum()
            assert (len(paid), (paid == 0).sum(), len(found)) == (2357, 8, 2349)
            assert found["frequency"].sum() == 2457
            assert (found["frequency"] > 0).sum() == 946
