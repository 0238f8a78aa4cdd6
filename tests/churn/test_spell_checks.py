"""What must hold of spells, seen to fail and to pass."""

from __future__ import annotations

import pytest

from kamlib.churn.spell_checks import spell_checks
from kamlib.churn.spells import spells


@pytest.fixture
def checks(small):
    """Return a function: tables and rules -> checks by name."""

    def call(tables, **rules):
        book = small.open(tables, as_of="2024-12-31", churn_survival=rules)
        found = spell_checks(book, book.unit.churn_survival, spells(book, book.unit.churn_survival))
        return {check.name: check for check in found}

    return call


def contract(number, account, starts, ends, ended=None, reason=None):
    return {"contract_id": number, "account_id": account, "starts_on": starts, "ends_on": ends,
            "value_per_year": 1, "ended_on": ended, "end_reason": reason}  # fmt: skip


LINES = [{"account_id": "a", "date": "2023-01-01", "amount": 75},
         {"account_id": "b", "date": "2023-06-01", "amount": 25}]  # fmt: skip


def test_accounts_outside_the_definition(checks):
    held = [contract("1", "a", "2022-01-01", "2025-12-31")]
    found = checks({"transactions": LINES, "contracts": held})
    assert found["accounts_covered"].passed is False
    assert "1 account with 25.0\u00a0% of revenue is never" in str(found["accounts_covered"].note)
    assert found["reasons_hold"].passed is None
    assert checks({"transactions": LINES})["accounts_covered"].passed is True


def test_accounts_of_unknown_age(checks):
    found = checks({"transactions": LINES})["starts_known"]
    assert found.passed is False
    assert str(found.note).startswith("1 of 2 accounts were customers already")
    people = [{"account_id": "a", "onboarded_on": "2020-01-01"},
              {"account_id": "b", "onboarded_on": None}]  # fmt: skip
    assert checks({"transactions": LINES, "accounts": people})["starts_known"].passed is True


def test_reasons_that_are_given_for_renewals_too(checks):
    held = [
        contract("1", "a", "2023-01-01", "2023-06-30", "2023-06-30", "other"),
        contract("2", "a", "2023-07-01", "2024-06-30", "2024-06-30", "price"),
    ]
    found = checks({"transactions": LINES, "contracts": held})["reasons_hold"]
    assert found.passed is False
    assert str(found.note).startswith(
        "Of 2 ends of contracts with a reason on record, 1 was followed"
    )
    alone = checks({"transactions": LINES, "contracts": held[1:]})["reasons_hold"]
    assert alone.passed is True
    assert "reasons_hold" not in checks(
        {"transactions": LINES, "contracts": held}, reason_declares=False
    )
