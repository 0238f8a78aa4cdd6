"""Silence by hand: the own rhythm, months without an order, what is recorded late."""

from __future__ import annotations

import pytest

TEN = ("2023-01-01", "2023-01-11", "2023-01-21")  # usual gap 10 days


@pytest.fixture
def of(spells_of):
    """Return a function: order lines -> spells as tuples of start, end, silence and kind."""

    def call(lines, definition="own_rhythm", more=None, **rules):
        found = spells_of({"transactions": lines} | (more or {}), definition=definition, **rules)
        names = ["started_on", "ended_on", "silent_since", "event_type"]
        return [tuple(row) for row in found[names].to_numpy()]

    return call


def test_silence_longer_than_the_rhythm_allows(of, orders):
    # 3 × 10 days is the floor of 30: on 21 February it has been silent for 31 days
    lost = ("2023-01-01", "2023-02-21", "2023-01-21", "churn")
    assert of(orders("a", *TEN)) == [lost]
    # 5 × 10 days: silent for 51 days on 13 March
    assert of(orders("a", *TEN), k=5)[0][1] == "2023-03-13"
    assert of(orders("a", *TEN), floor_days=60)[0][1] == "2023-03-23"
    assert of(orders("a", *TEN), k=20, cap_days=100)[0][1] == "2023-05-02"


def test_an_order_on_the_last_day_keeps_the_account(of, orders):
    # gaps 10, 10, 31: the usual gap is 17 days, the next loss comes after 3 × 17 days
    assert of(orders("a", *TEN, "2023-02-21")) == [
        ("2023-01-01", "2023-04-14", "2023-02-21", "churn")
    ]


def test_an_order_after_a_declared_loss_opens_a_new_spell(of, orders):
    # gaps 10, 10, 32 over four orders: 52 days in 3 gaps, 3 × 17.33 = 52
    assert of(orders("a", *TEN, "2023-02-22")) == [
        ("2023-01-01", "2023-02-21", "2023-01-21", "churn"),
        ("2023-02-22", "2023-04-16", "2023-02-22", "churn"),
    ]


def test_fewer_than_three_orders_wait_for_the_cap(of, orders):
    # 365 days after the only order are over at the end of 1 January 2024
    assert of(orders("a", "2023-01-01")) == [("2023-01-01", "2024-01-02", "2023-01-01", "churn")]
    assert of(orders("a", "2023-01-01", "2023-01-05"))[0][1] == "2024-01-06"
    assert of(orders("a", "2024-01-02")) == [("2024-01-02", None, None, None)]


def test_several_lines_of_a_day_are_one_order(of, orders):
    assert of(orders("a", *TEN, "2023-01-21", "2023-01-21")) == of(orders("a", *TEN))


def test_a_return_is_no_sign_of_life(of, orders):
    back = orders("a", "2023-02-10", amount=-50.0)
    assert of([*orders("a", *TEN), *back]) == of(orders("a", *TEN))


def test_a_silence_that_was_a_loss_is_no_part_of_the_rhythm(of, orders):
    later = ("2024-06-01", "2024-06-11", "2024-06-21")
    found = of(orders("a", *TEN, *later))
    # 497 days lie between, more than the cap: the usual gap stays 10 days
    assert found[1] == ("2024-06-01", "2024-07-22", "2024-06-21", "churn")
    # of a shorter absence the rhythm knows: 10, 10, 141, 10, 10 are 36.2 on average
    found = of(orders("a", *TEN, "2023-06-11", "2023-06-21", "2023-07-01"))
    assert found[1] == ("2023-06-11", "2023-10-18", "2023-07-01", "churn")


def test_no_loss_can_come_before_the_floor(spells_of, orders):
    found = spells_of({"transactions": orders("a", *TEN)}, definition="own_rhythm")
    assert found["at_risk_from"].tolist() == ["2023-02-01"]
    found = spells_of({"transactions": orders("a", *TEN)}, definition="fixed_months")
    assert found["at_risk_from"].tolist() == ["2023-04-30"]


def test_orders_recorded_late_do_not_undo_a_loss(of, orders):
    lines = orders("a", *TEN, ("2023-02-15", "2023-03-10"))
    # declared on 21 February, as known then; on 10 March four orders in 45 days are known, the last
    # one 23 days ago: 3 × 15 days of patience
    assert of(lines) == [
        ("2023-01-01", "2023-02-21", "2023-01-21", "churn"),
        ("2023-03-10", "2023-04-02", "2023-02-15", "churn"),
    ]


def test_an_old_order_recorded_late_does_not_bring_an_account_back(of, orders):
    lines = orders("a", *TEN, ("2023-01-25", "2023-06-01"))
    assert of(lines) == [("2023-01-01", "2023-02-21", "2023-01-21", "churn")]


def test_what_is_recorded_late_can_end_a_spell(of, orders):
    # gaps 10, 10, 52 days: patience 72; orders of 1, 5, 10, 15, 20, 25 February, recorded in May,
    # say that the account used to order every 7 days and has been silent for too long already
    early = ("2023-01-01", "2023-01-11", "2023-01-21", "2023-02-21")
    late = [(f"2023-02-{day:02d}", "2023-04-20") for day in (1, 5, 10, 15, 18, 20)]
    # 10 orders in 51 days: 3 × 5.67 is below the floor, over since 24 March
    assert of(orders("a", *early[:3], ("2023-02-21", None), *late)) == [
        ("2023-01-01", "2023-04-14", "2023-02-21", "churn")
    ]
    late = [(on, "2023-04-10") for on, _ in late]
    assert of(orders("a", *early[:3], ("2023-02-21", None), *late)) == [
        ("2023-01-01", "2023-04-10", "2023-02-21", "churn")
    ]


def test_months_without_an_order(of, orders):
    # February to April are empty
    assert of(orders("a", "2023-01-15"), "fixed_months") == [
        ("2023-01-15", "2023-04-30", "2023-01-15", "churn")
    ]
    kept = of(orders("a", "2023-01-15", "2023-04-30"), "fixed_months")
    assert [spell[1] for spell in kept] == ["2023-07-31"]
    back = of(orders("a", "2023-01-15", "2023-05-01"), "fixed_months")
    assert [spell[1] for spell in back] == ["2023-04-30", "2023-08-31"]
    assert of(orders("a", "2023-01-15"), "fixed_months", silent_months=1)[0][1] == "2023-02-28"


def test_insolvency_ends_a_spell_when_it_is_known(of, orders):
    broke = {"account_id": "a", "date": "2023-02-01", "reason": "insolvent",
             "recorded_on": "2023-02-03"}  # fmt: skip
    for definition in ("own_rhythm", "fixed_months"):
        assert of(orders("a", *TEN), definition, {"defections": [broke]}) == [
            ("2023-01-01", "2023-02-03", "2023-01-21", "insolvent")
        ]


def test_an_end_between_orders_of_a_month(of, orders):
    broke = {"account_id": "a", "date": "2023-01-05", "reason": "merged"}
    assert of(orders("a", *TEN), "fixed_months", {"defections": [broke]}) == [
        ("2023-01-01", "2023-01-05", "2023-01-01", "merged"),
        ("2023-01-11", "2023-04-30", "2023-01-21", "churn"),
    ]


def test_an_end_known_after_the_loss_changes_nothing(of, orders):
    broke = {"account_id": "a", "date": "2023-03-01", "reason": "insolvent"}
    assert of(orders("a", *TEN), more={"defections": [broke]}) == [
        ("2023-01-01", "2023-02-21", "2023-01-21", "churn")
    ]


def test_accounts_older_than_the_records(spells_of, orders):
    lines = [*orders("z", "2023-01-01"), *orders("a", "2023-01-21", "2023-02-01")]
    accounts = [{"account_id": "a", "onboarded_on": "2012-03-01"},
                {"account_id": "z", "onboarded_on": None}]  # fmt: skip
    found = spells_of({"transactions": lines, "accounts": accounts}, definition="own_rhythm")
    names = ["started_on", "entered_on", "at_risk_from"]
    # it is seen from its first order on, not from the first day of the records
    assert found[names].values.tolist() == [
        ["2012-03-01", "2023-01-21", "2023-02-21"],
        ["2023-01-01", "2023-01-01", "2023-02-01"],
    ]
