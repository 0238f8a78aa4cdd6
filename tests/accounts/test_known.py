"""What was known on each of several days, by hand."""

from __future__ import annotations

from datetime import date

from kamlib.accounts import dated_number, each_day, known_month, month_of, trailing


def test_sums_of_twelve_months_that_were_known(small):
    sales = [
        {"account_id": "a", "date": "2023-12-31", "amount": 1, "recorded_on": None},
        {"account_id": "a", "date": "2024-01-01", "amount": 2, "recorded_on": None},
        {"account_id": "a", "date": "2024-12-31", "amount": 4, "recorded_on": None},
        {"account_id": "a", "date": "2024-06-01", "amount": 8, "recorded_on": "2025-01-01"},
        # recorded before its own date: known on it
        {"account_id": "a", "date": "2025-01-02", "amount": 16, "recorded_on": "2024-12-01"},
    ]
    book = small.open({"transactions": sales}, as_of="2025-03-31")
    lines = book["transactions"]
    lines = lines.mutate(month=month_of(lines.date), known=known_month(lines, lines.date))
    days = each_day([date(2024, 12, 31), date(2025, 1, 31)])
    found = trailing(lines, days, "month", ["amount"]).execute().sort_values("evaluated_on")
    # the year to December: 2 + 4; to January: 4 + 8 + 16
    assert found["amount"].tolist() == [6, 28]


def test_the_last_number_that_was_known(small):
    row = {"account_id": "a", "attribute": "potential_per_year"}
    tables = {
        "transactions": [{"account_id": "a", "date": "2024-01-10", "amount": 1}],
        "account_history": [
            row | {"valid_from": "2024-01-01", "value": "100", "recorded_on": None},
            row | {"valid_from": "2024-02-01", "value": "much", "recorded_on": None},
            row | {"valid_from": "2024-03-01", "value": "300", "recorded_on": "2024-05-01"},
        ],
    }
    book = small.open(tables, as_of="2024-12-31")
    days = each_day([date(2023, 12, 31), date(2024, 4, 30), date(2024, 5, 31)])
    found = dated_number(book, days, "potential_per_year").execute().sort_values("evaluated_on")
    assert found["potential_per_year"].tolist() == [100, 300]
