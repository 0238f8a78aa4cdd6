"""A record without dates: who enters when, who left, and what it cannot carry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.curves import survival
from kamlib.churn.snapshot import beyond_snapshot, seen_to_leave, snapshot_rows, window_check
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.errors import FitError
from kamlib.glossary import LANGUAGES, Style, say

CUSTOMERS = pd.DataFrame(
    {
        "account_id": list("abcd"), "tenure_months": [0.0, 1, 2, 12],
        "left": [False, True, False, True], "plan": ["month", "year", "day", "month"],
    }
)  # fmt: skip


def test_every_customer_is_seen_in_his_last_month_only():
    rows = snapshot_rows(CUSTOMERS)
    # who began this month has not been at risk
    assert rows["account_id"].tolist() == ["b", "c", "d"]
    assert (rows["entry_days"] / MONTH_DAYS).tolist() == pytest.approx([0, 1, 11])
    assert (rows["duration_days"] / MONTH_DAYS).tolist() == pytest.approx([1, 2, 12])
    assert rows["event"].tolist() == [1, 0, 1]
    assert rows["event_type"].tolist() == ["churn", None, "churn"]
    assert rows["plan"].tolist() == ["year", "day", "month"]
    quarter = snapshot_rows(CUSTOMERS, window_months=3)
    assert (quarter["entry_days"] / MONTH_DAYS).tolist() == pytest.approx([0, 0, 9])
    with pytest.raises(FitError, match="must be above zero"):
        snapshot_rows(CUSTOMERS, window_months=0)


def test_who_left_is_counted_by_age():
    found = seen_to_leave(CUSTOMERS, window_months=1)
    # ages 1, 2 and 12 are the first year; two of three left
    assert found.frame[["age_from", "age_to", "n_accounts", "n_event"]].values.tolist() == [
        [0, 12, 3, 2]
    ]
    assert found.frame["share_left"].tolist() == pytest.approx([2 / 3])
    assert (found["n_obs"], found["n_event"], found["n_new"]) == (3, 2, 1)
    old = CUSTOMERS.assign(tenure_months=[13.0, 61, 100, 12])
    table = seen_to_leave(old, window_months=1).frame
    assert table["age_from"].tolist() == [0, 12, 60]
    assert table["n_accounts"].tolist() == [1, 1, 2]
    assert np.isnan(table["age_to"].iloc[-1])
    assert seen_to_leave(CUSTOMERS.head(1), window_months=1).refused


def test_what_it_cannot_carry_has_a_reason_and_a_remedy():
    refused = beyond_snapshot()
    assert [one.name for one in refused] == [
        "calendar", "value_over_time", "watch_list", "out_of_time", "managers", "reasons", "winback",
    ]  # fmt: skip
    for one in refused:
        assert one.refused
        assert all(say(one.note, Style(language)) for language in LANGUAGES)
        assert "would" in str(one.note)


def snapshot_of(hazard, months, rng):
    """Return a record of one day: as many begin every month, and each leaves at a monthly hazard."""
    age = np.repeat(np.arange(1, 61), 400)
    before = rng.random(age.size) < (1 - hazard) ** (age - 1)  # still there when the window began
    left = rng.random(age.size) < 1 - (1 - hazard) ** months
    rows = pd.DataFrame({"account_id": np.arange(age.size), "tenure_months": age, "left": left})
    return rows[before]


def test_late_entry_finds_what_following_from_the_start_misses():
    rows = snapshot_rows(snapshot_of(0.05, 1, np.random.default_rng(2)))
    right = survival(rows, horizon=24)
    # (1 - 0.05) to the power of 24
    assert right["remaining_low"] < 0.95**24 < right["remaining_high"]
    naive = survival(rows.assign(entry_days=0.0), horizon=24)
    assert naive["remaining_low"] > 0.5
    assert window_check(rows, right.frame).passed is True


def test_a_window_that_is_longer_than_stated_is_noticed():
    rows = snapshot_rows(snapshot_of(0.05, 12, np.random.default_rng(2)))
    check = window_check(rows, survival(rows, horizon=24).frame)
    assert check.passed is False
    assert check.note.key == "snapshot.window_odd"
