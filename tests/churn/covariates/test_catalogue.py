"""What a unit lacks is named, and what leaks is marked."""

from __future__ import annotations

from kamlib.churn.covariates import COVARIATES, leaking, unknown


def test_a_unit_that_has_only_order_lines(small, built):
    book = small.open({"transactions": [{"account_id": "a", "date": "2023-01-01", "amount": 1}]})
    lacking = unknown(book)
    assert set(lacking) == {c.name for c in COVARIATES} - {
        "tenure_at_entry", "partial_loss", "log_revenue_12m", "revenue_trend", "days_since_last",
    }  # fmt: skip
    assert lacking["late_responses_6m"] == (
        "service_events.first_response_at + standards.first_response_h"
    )
    assert lacking["breadth"] == "transactions.product_line"
    [check] = built(book).checks
    assert check.passed is False
    assert check.frame["term"].tolist() == list(lacking)
    assert str(check.note).startswith(f"{len(lacking)} of {len(COVARIATES)} characteristics")
    assert "visits" in str(check.note)


def test_silence_shows_before_it_is_declared():
    assert leaking("fixed_months") == {"days_since_last", "partial_loss", "revenue_trend"}
    assert leaking("contracts") == {"notice_given"}
