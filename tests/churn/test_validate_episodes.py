"""Faulty account-months are refused with all that is wrong."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
import pytest

from kamlib.churn.validate_episodes import check_episodes, check_truncation
from kamlib.errors import FitError

AS_OF = date(2023, 4, 15)


def rows():
    """One account, January to 15 April 2023, lost in a second spell of its own in February."""
    return pd.DataFrame(
        {
            "account_id": ["a"] * 4 + ["b"],
            "spell_no": [1, 1, 1, 1, 2],
            "month": pd.to_datetime(["2023-01-01", "2023-02-01", "2023-03-01", "2023-04-01", "2023-02-01"]),
            "ends_on": pd.to_datetime(["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-15", "2023-02-10"]),
            "entry_days": [10, 41, 69, 100, 0],
            "duration_days": [41, 69, 100, 115, 5],
            "event": [0, 0, 0, 0, 1],
            "event_type": [None, None, None, None, "churn"],
            "known_on": pd.to_datetime(["2022-12-31", None, "2023-02-28", "2023-03-31", "2023-01-31"]),
            "size": [1.0, 2.0, 3.0, 4.0, None],
        }
    )  # fmt: skip


def faults(frame):
    days = ["month", "ends_on", "known_on"]
    table = ibis.memtable(frame.assign(**{c: frame[c].dt.date for c in days}))
    table = table.mutate(**{c: table[c].cast("date") for c in days})
    try:
        check_episodes(table, AS_OF)
    except FitError as error:
        return list(error.faults)
    return []


def test_what_is_right_passes():
    assert faults(rows()) == []


@pytest.mark.parametrize(
    ("row", "column", "value", "told"),
    [
        (1, "entry_days", 42, "do not begin where the row before of their spell ended"),
        (0, "duration_days", 10, "end no later than they begin"),
        (1, "event_type", "insolvent", "and rows of it follow"),
        (4, "event_type", "left", "none of churn, insolvent, merged, ended_by_us"),
        (4, "event", 0, "event must be 1 where event_type is churn"),
        (3, "ends_on", pd.Timestamp("2023-04-16"), "end after 2023-04-15"),
        (2, "ends_on", pd.Timestamp("2023-02-27"), "end outside their month"),
        (
            3,
            "known_on",
            pd.Timestamp("2023-04-01"),
            "not known before the first day of their month",
        ),
        (1, "month", pd.Timestamp("2023-01-01"), "stand twice"),
    ],
)
def test_every_rule(row, column, value, told):
    frame = rows()
    frame.loc[row, column] = value
    assert any(told in fault for fault in faults(frame)), faults(frame)


def test_all_faults_are_told_at_once_with_the_first_row():
    frame = rows()
    frame.loc[1, "entry_days"] = 42
    frame.loc[2:, "known_on"] = frame.loc[2:, "month"]
    found = faults(frame)
    assert len(found) == 2
    assert found[0].startswith("episodes: 1 rows do not begin")
    assert "(first: account a, 2023-02)" in found[0]
    assert found[1].startswith("episodes: 3 rows hold what was not known")


def cut():
    """Return the same as of 10 March: February is whole, March was seen in part."""
    frame = rows()
    frame = frame[frame["month"] <= "2023-03-01"].reset_index(drop=True)
    frame.loc[2, ["ends_on", "duration_days"]] = [pd.Timestamp("2023-03-10"), 79]
    return frame


def test_one_past_at_every_as_of():
    check_truncation(cut(), rows(), date(2023, 3, 10))
    check_truncation(rows(), rows(), AS_OF)


def test_a_past_that_differs_is_told():
    wrong = cut()
    wrong.loc[2, "size"] = 9.0  # a covariate of a month that has begun
    wrong.loc[0, "entry_days"] = 9
    with pytest.raises(FitError) as caught:
        check_truncation(wrong, rows(), date(2023, 3, 10))
    assert caught.value.faults == (
        "episodes as of 2023-03-10: entry_days differs in 1 rows (first: account a, spell 1, 2023-01: "
        "9 then, 10 later)",
        "episodes as of 2023-03-10: size differs in 1 rows (first: account a, spell 1, 2023-03: 9.0 "
        "then, 3.0 later)",
    )
    with pytest.raises(FitError, match="1 rows are missing"):
        check_truncation(cut().drop(index=2), rows(), date(2023, 3, 10))
    with pytest.raises(FitError, match="1 rows are not there any more"):
        check_truncation(cut(), rows().drop(index=1), date(2023, 3, 10))
    early = cut()
    early.loc[2, ["event", "event_type"]] = [1, "churn"]
    with pytest.raises(FitError, match="a month that was not over has an end"):
        check_truncation(early, rows(), date(2023, 3, 10))
