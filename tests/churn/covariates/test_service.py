"""Complaints and promises as they stood before July 2023: see RICH in conftest."""

from __future__ import annotations

import numpy as np


def test_open_complaints(rich, july):
    # case 1 is resolved on 5 July; case 3 comes to be known on 2 July, case 4 opens on 1 July
    assert july["open_complaints"] == 1
    rows = rich[rich["account_id"] == "a"].set_index("month")["open_complaints"]
    assert rows["2023-05-01"] == 0
    assert rows["2023-06-01"] == 1
    assert rows["2023-08-01"] == 2  # cases 3 and 4 are never resolved


def test_complaints_of_three_calendar_months(rich, july):
    assert july["complaints_3m"] == 1  # case 1; case 2 is of March, case 5 a grumble
    rows = rich[rich["account_id"] == "a"].set_index("month")["complaints_3m"]
    assert rows["2023-06-01"] == 2  # March and May
    assert rows["2023-08-01"] == 3  # May, June, July


def test_responses_later_than_promised(rich, july):
    # case 0: promised 4 h, answered after 5; case 1: gold since February, 2 h, answered after 3;
    # case 2: answered within 2 h
    assert july["late_responses_6m"] == 2
    assert (july["standard_broken"], july["standard_broken_again"]) == (1, 1)
    rows = rich[rich["account_id"] == "a"].set_index("month")
    assert rows.loc["2023-02-01", ["late_responses_6m", "standard_broken"]].tolist() == [1, 1]
    assert rows.loc["2023-02-01", "standard_broken_again"] == 0
    # January is out of the six months; case 3 broke on 30 June and is known since July, case 4 in July
    assert rows.loc["2023-08-01", "late_responses_6m"] == 3


def test_what_service_never_saw_is_none_at_all(rich):
    rows = rich[rich["account_id"] == "b"]
    assert (rows[["open_complaints", "late_responses_6m", "standard_broken"]] == 0).all(axis=None)
    assert not np.isnan(rows["complaints_3m"]).any()


def test_a_case_that_was_reopened_is_open_again(small, built):
    base = {"account_id": "a", "kind": "complaint", "stage": "in_sale"}
    book = small.open(
        {
            "transactions": [{"account_id": "a", "date": f"2023-{m:02d}-01", "amount": 1}
                             for m in range(1, 13)],
            "service_events": [base | {"event_id": "1", "opened_at": "2023-05-01 09:00",
                                       "resolved_at": "2023-05-03 09:00",
                                       "reopened_at": "2023-07-10 09:00"}],
        },
        churn_survival={"definition": "fixed_months"},
    )  # fmt: skip
    found = built(book).table.execute().set_index("month")["open_complaints"].sort_index()
    assert found.tolist()[-6:] == [0, 1, 1, 1, 1, 1]  # from August on
