from __future__ import annotations

from datetime import date

from kamlib.accounts import attributes, managers

SALES = [{"account_id": name, "date": "2024-01-10", "amount": 1} for name in ("a", "b")]


def test_dated_values_count_before_todays(small):
    book = small.open(
        {
            "transactions": SALES,
            "accounts": [{"account_id": "a", "segment": "now", "region": "north"}],
            "account_history": [
                {"account_id": "a", "valid_from": "2023-01-01", "attribute": "segment", "value": "old"},
                {"account_id": "a", "valid_from": "2024-02-01", "attribute": "segment", "value": "new"},
            ],
        },
        as_of="2024-12-31",
    )  # fmt: skip
    for day, segment in ((date(2024, 1, 31), "old"), (date(2024, 2, 1), "new")):
        found = attributes(book, day).execute().set_index("account_id")
        assert found["segment"]["a"] == segment
        assert found["region"]["a"] == "north"
        assert found["segment"].isna()["b"]


def test_before_its_history_begins_todays_value_counts(small):
    book = small.open(
        {
            "transactions": SALES,
            "accounts": [{"account_id": "a", "segment": "now"}],
            "account_history": [
                {"account_id": "a", "valid_from": "2024-06-01", "attribute": "segment", "value": "new"},
            ],
        },
        as_of="2024-12-31",
    )  # fmt: skip
    found = attributes(book, date(2024, 5, 31)).execute().set_index("account_id")
    assert found["segment"]["a"] == "now"


def test_the_manager_in_charge(small):
    book = small.open(
        {
            "transactions": SALES,
            "assignments": [
                {"account_id": "a", "manager_id": "m1", "starts_on": "2023-01-01", "ends_on": "2024-03-31"},
                {"account_id": "a", "manager_id": "m2", "starts_on": "2024-04-01", "ends_on": None},
                {"account_id": "a", "manager_id": "boss", "starts_on": "2024-05-01", "ends_on": None,
                 "part": "sponsor"},
            ],
        },
        as_of="2024-12-31",
    )  # fmt: skip
    held = {
        day: managers(book, day).execute().set_index("account_id")["manager_id"].to_dict()
        for day in (date(2022, 12, 31), date(2024, 3, 31), date(2024, 4, 1), date(2024, 12, 31))
    }
    # the last day of an assignment still counts; a sponsor is no account manager
    assert list(held.values()) == [{}, {"a": "m1"}, {"a": "m2"}, {"a": "m2"}]


def test_a_resignation_to_come_is_not_known(small):
    assignments = [
        {"account_id": "a", "manager_id": "m1", "starts_on": "2023-01-01", "ends_on": "2024-03-31",
         "ended_because": "left_company"},
    ]  # fmt: skip
    tables = {"transactions": SALES, "assignments": assignments}
    book = small.open(tables, as_of="2024-02-01")
    row = book["assignments"].execute().iloc[0]
    assert row[["ends_on", "ended_because"]].isna().all()
    assert len(managers(book, date(2024, 2, 1)).execute()) == 1
