"""Spells by hand: contracts, gaps, reasons, where they begin and where the records do."""

from __future__ import annotations

import pytest

from kamlib.churn.spells import definition_of, spells
from kamlib.errors import BookError, FitError

# the records begin on 1 January 2023, with an account that has no contract
FIRST = [{"account_id": "z", "date": "2023-01-01", "amount": 1}]


def contract(number, starts, ends, ended=None, reason=None, account="a", **more):
    return {
        "contract_id": number, "account_id": account, "starts_on": starts, "ends_on": ends,
        "value_per_year": 100, "ended_on": ended, "end_reason": reason,
    } | more  # fmt: skip


@pytest.fixture
def of(spells_of):
    """Return a function: contracts -> spells as tuples of start, end, silence and kind."""

    def call(*contracts, more=None, **rules):
        tables = {"transactions": FIRST, "contracts": list(contracts)} | (more or {})
        found = spells_of(tables, definition="contracts", **rules)
        names = ["started_on", "ended_on", "silent_since", "event_type"]
        return [tuple(row) for row in found[names].to_numpy()]

    return call


def test_parallel_contracts_are_one_spell(of):
    # the second one runs to 31 May; 30 days of grace are over at the end of 30 June
    assert of(
        contract("1", "2023-01-01", "2023-12-31"), contract("2", "2023-06-01", "2024-05-31")
    ) == [("2023-01-01", "2024-07-01", "2024-05-31", "churn")]


def test_a_gap_as_long_as_the_grace_does_not_end_a_spell(of):
    # 1 to 30 July are 30 days without a contract
    assert of(
        contract("1", "2023-01-01", "2023-06-30"), contract("2", "2023-07-31", "2025-12-31")
    ) == [("2023-01-01", None, None, None)]


def test_a_gap_longer_than_the_grace_does(of):
    # on 31 July no contract has been in force for 31 days
    assert of(
        contract("1", "2023-01-01", "2023-06-30"), contract("2", "2023-08-01", "2025-12-31")
    ) == [
        ("2023-01-01", "2023-07-31", "2023-06-30", "churn"),
        ("2023-08-01", None, None, None),
    ]


def test_a_renewal_that_was_recorded_late_is_a_new_spell(of, spells_of):
    renewed = contract("2", "2023-07-10", "2025-12-31", recorded_on="2023-09-01")
    first = contract("1", "2023-01-01", "2023-06-30", recorded_on=None)
    assert of(first, renewed) == [
        ("2023-01-01", "2023-07-31", "2023-06-30", "churn"),
        ("2023-09-01", None, None, None),
    ]
    in_time = contract("2", "2023-07-10", "2025-12-31", recorded_on="2023-07-31")
    assert of(first, in_time) == [("2023-01-01", None, None, None)]


def test_a_contract_known_only_afterwards_is_no_spell_that_ever_was(of):
    assert of(contract("1", "2023-01-01", "2023-02-28", recorded_on="2023-06-01")) == []


def test_within_the_grace_nothing_is_declared(of):
    assert of(contract("1", "2023-01-01", "2024-12-01")) == [("2023-01-01", None, None, None)]
    # a day earlier the 31 days are over with the last one that is known
    assert of(contract("1", "2023-01-01", "2024-11-30"))[0][1] == "2024-12-31"


def test_a_reason_declares_the_end_on_its_day(of):
    left = contract("1", "2023-01-01", "2023-12-31", "2023-06-30", "competitor")
    assert of(left) == [("2023-01-01", "2023-06-30", "2023-06-30", "churn")]
    assert of(left, reason_declares=False) == [("2023-01-01", "2023-07-31", "2023-06-30", "churn")]


def test_an_earlier_lapse_does_not_hold_an_account_that_left_for_a_reason(of):
    # monthly contracts: the one before lapsed on 31 May into the one that was ended
    assert of(
        contract("1", "2023-05-01", "2023-05-31", "2023-05-31"),
        contract("2", "2023-06-01", "2023-06-30", "2023-06-20", "price"),
    ) == [("2023-05-01", "2023-06-20", "2023-06-20", "churn")]


def test_a_contract_that_ran_on_is_out_of_force_after_its_planned_end(of):
    assert of(contract("1", "2023-01-01", "2023-06-30", "2023-12-31", "price")) == [
        ("2023-01-01", "2023-07-31", "2023-06-30", "churn")
    ]


def test_other_ends_are_no_churn(of, spells_of):
    broke = contract("1", "2023-01-01", "2024-12-31", "2023-06-30", "insolvent")
    assert of(broke)[0][3] == "insolvent"
    # stated on 20 May while a contract is in force; the silence begins no later than the end
    merged = {"account_id": "a", "date": "2023-05-10", "extent": "whole", "reason": "merged",
              "competitor": None, "recorded_on": "2023-05-20"}  # fmt: skip
    running = contract("1", "2023-01-01", "2025-12-31")
    assert of(running, more={"defections": [merged]}) == [
        ("2023-01-01", "2023-05-20", "2023-05-20", "merged")
    ]
    partial = merged | {"extent": "partial"}
    assert of(running, more={"defections": [partial]}) == [("2023-01-01", None, None, None)]


def test_a_new_contract_after_another_end_is_a_new_spell(of):
    ended = {"account_id": "a", "date": "2023-05-10", "reason": "ended_by_us"}
    assert of(
        contract("1", "2023-01-01", "2025-12-31"), contract("2", "2023-09-01", "2025-12-31"),
        more={"defections": [ended]},
    ) == [
        ("2023-01-01", "2023-05-10", "2023-05-10", "ended_by_us"),
        ("2023-09-01", None, None, None),
    ]  # fmt: skip


def test_reasons_come_from_contracts_else_from_defections_known_by_the_day(spells_of):
    def told(account, recorded):
        return {"account_id": account, "date": "2023-06-30", "reason": "price",
                "competitor": "Rival", "recorded_on": recorded}  # fmt: skip

    found = spells_of(
        {
            "transactions": FIRST,
            "contracts": [
                contract("1", "2023-01-01", "2023-12-31", "2023-06-30", "service", "a"),
                contract("2", "2023-01-01", "2023-06-30", None, None, "b"),
                contract("3", "2023-01-01", "2023-06-30", None, None, "c"),
            ],
            # b was lost on 31 July
            "defections": [
                told("a", "2023-06-30"),
                told("b", "2023-07-31"),
                told("c", "2023-08-01"),
            ],
        },
        definition="contracts",
    )
    assert found[["reason", "competitor"]].values.tolist() == [
        ["service", "Rival"], ["price", "Rival"], [None, None],
    ]  # fmt: skip
    assert set(found["event_type"]) == {"churn"}


def test_the_age_counts_from_the_day_on_which_the_account_was_won(spells_of):
    found = spells_of(
        {
            "transactions": FIRST,
            "accounts": [
                {"account_id": "old", "onboarded_on": "2015-05-01"},
                {"account_id": "prospect", "onboarded_on": "2023-01-10"},
                {"account_id": "new", "onboarded_on": "2023-06-01"},
                {"account_id": "odd", "onboarded_on": "2024-01-01"},
            ],
            "contracts": [
                contract("1", "2021-01-01", "2025-12-31", account="old"),
                contract("2", "2023-08-01", "2025-12-31", account="prospect"),
                contract("3", "2023-06-20", "2025-12-31", account="new"),
                contract("4", "2023-06-20", "2025-12-31", account="odd"),
                # over before the records begin
                contract("5", "2018-01-01", "2020-12-31", account="gone"),
            ],
        },
        definition="contracts",
    )
    days = found.set_index("account_id")[["started_on", "entered_on"]].T.to_dict("list")
    assert days == {
        "old": ["2015-05-01", "2023-01-01"],  # left truncation
        "prospect": ["2023-08-01", "2023-08-01"],  # months without a contract lie between
        "new": ["2023-06-01", "2023-06-20"],
        "odd": ["2023-06-20", "2023-06-20"],
    }


def test_where_no_reason_is_kept_no_loss_can_come_before_the_grace(spells_of):
    rows = [{k: v for k, v in contract("1", "2023-03-01", "2025-12-31").items()
             if k not in ("ended_on", "end_reason")}]  # fmt: skip
    found = spells_of({"transactions": FIRST, "contracts": rows}, definition="contracts")
    assert found["at_risk_from"].tolist() == ["2023-04-01"]  # 31 days on
    found = spells_of(
        {"transactions": FIRST, "contracts": [contract("1", "2023-03-01", "2025-12-31")]},
        definition="contracts",
    )
    assert found["at_risk_from"].tolist() == ["2023-03-01"]


def test_accounts_of_a_group_count_together(spells_of):
    accounts = [{"account_id": "a", "parent_id": "g"}, {"account_id": "b", "parent_id": "g"}]
    rows = [contract("1", "2023-01-01", "2023-06-30"),
            contract("2", "2023-07-15", "2025-12-31", account="b")]  # fmt: skip
    found = spells_of(
        {"transactions": FIRST, "contracts": rows, "accounts": accounts},
        definition="contracts", unit={"ledger": {"grain": "parent_group"}},
    )  # fmt: skip
    assert found[["account_id", "ended_on"]].values.tolist() == [["g", None]]


def test_contracts_are_the_definition_where_they_carry_the_business(small):
    lines = [{"account_id": "a", "date": "2023-01-01", "amount": 60},
             {"account_id": "b", "date": "2023-01-01", "amount": 40}]  # fmt: skip
    held = [contract("1", "2023-01-01", "2025-12-31")]
    book = small.open({"transactions": lines, "contracts": held})
    assert definition_of(book, book.unit.churn_survival) == "contracts"
    held = [contract("1", "2023-01-01", "2025-12-31", account="b")]
    book = small.open({"transactions": lines, "contracts": held})
    assert definition_of(book, book.unit.churn_survival) == "own_rhythm"
    assert spells(book, book.unit.churn_survival).definition == "own_rhythm"


def test_what_cannot_be_done_is_refused_with_the_reason(small):
    book = small.open({"transactions": FIRST}, churn_survival={"definition": "contracts"})
    with pytest.raises(FitError, match="needs the table contracts"):
        spells(book, book.unit.churn_survival)
    book = small.open({"transactions": FIRST}, churn_survival={"records_from": "2024-05-01"})
    with pytest.raises(FitError, match=r"begin on 2024-05-01 .* looks at 2023-01-01"):
        spells(book, book.unit.churn_survival)
    with pytest.raises(BookError, match="2022-12-31"):
        small.open({"transactions": FIRST}, as_of="2022-12-31")
