"""Contracts become chains: what is linked, what is known on a day, and where a course begins."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from kamlib.params import LifetimeParams
from kamlib.value.lifetime.contract_courses import courses
from kamlib.value.lifetime.contract_facts import contract_terms, relation_of

DAY = date(2024, 6, 30)


def contract(id, who, start, end, value=100.0, **more):
    return {"contract_id": id, "account_id": who, "starts_on": start, "ends_on": end,
            "value_per_year": value} | more  # fmt: skip


CONTRACTS = [
    # a: two linked years, and one that runs; known before the records began
    contract("a1", "a", "2022-01-01", "2022-12-31", ended_on="2022-12-31", renewed_by="a2"),
    contract("a2", "a", "2023-01-01", "2023-12-31", ended_on="2023-12-31", renewed_by="a3"),
    contract("a3", "a", "2024-01-01", "2024-12-31"),
    # b: the link is missing, the next one begins ten days on
    contract("b1", "b", "2022-03-01", "2023-02-28", ended_on="2023-02-28"),
    contract("b2", "b", "2023-03-11", "2024-03-10", ended_on="2024-03-10", end_reason="price"),
    # c: lost half-way; d: ends after the day, which is not known yet
    contract("c1", "c", "2023-01-01", "2023-12-31", ended_on="2023-06-30", end_reason="competitor"),
    contract("d1", "d", "2023-09-01", "2024-08-31", ended_on="2024-07-15", end_reason="price"),
    # e: begins after the day; f: written down after the day
    contract("e1", "e", "2024-07-01", "2025-06-30"),
    contract("f1", "f", "2024-01-01", "2024-12-31", recorded_on="2024-07-02"),
    # g: from a month to a year
    contract("g1", "g", "2023-05-01", "2023-05-31", ended_on="2023-05-31", renewed_by="g2"),
    contract("g2", "g", "2023-06-01", "2024-05-31", ended_on="2024-05-31", renewed_by="g3"),
    contract("g3", "g", "2024-06-01", "2025-05-31"),
    # h: two side by side
    contract("h1", "h", "2023-07-01", "2024-12-31", 300.0),
    contract("h2", "h", "2023-07-01", "2024-12-31", 100.0),
]
SALES = [
    {"account_id": who, "date": day, "amount": 10.0}
    for who in "abcdefgh"
    for day in ("2022-01-10", "2024-02-10")
]
TABLES = {
    "transactions": SALES,
    "contracts": CONTRACTS,
    "accounts": [{"account_id": "a", "onboarded_on": "2020-01-01"},
                 {"account_id": "b", "onboarded_on": None}],
}  # fmt: skip


@pytest.fixture(scope="module")
def book(small):
    return small.open(TABLES, as_of="2024-12-31")


@pytest.fixture(scope="module")
def found(book):
    return courses(contract_terms(book, DAY, grace_days=30)).set_index("chain_id")


def test_renewals_before_the_records_stand_behind_a_chain(found):
    a = found.loc["a1"]
    # won on 2020-01-01, first contract seen on 2022-01-01: two years, then two renewals seen
    assert (a["entry"], a["survived"], a["lost"], a["state"]) == (2, 4, 0, "running")
    assert a["renewals"] == 4
    assert a["ends_on"] == pd.Timestamp("2024-12-31")


def test_missing_link_is_made_by_nearness(found):
    b = found.loc["b1"]
    assert "b2" not in found.index
    assert (b["survived"], b["lost"], b["ended_early"], b["state"]) == (1, 1, 0, "lost")


def test_loss_within_a_term_is_early(found):
    c = found.loc["c1"]
    assert (c["lost"], c["ended_early"], c["months"]) == (1, 1, 6)


def test_nothing_after_the_day_is_known(found):
    assert found.loc["d1", "state"] == "running"
    assert found.loc["d1", "lost"] == 0
    assert not {"e1", "f1"} & set(found.index)


def test_another_kind_of_term_is_another_course(found):
    monthly = found[found["term_class"] == "monthly"]
    assert monthly.index.tolist() == ["g1"]
    assert (monthly["lost"].iloc[0], monthly["survived"].iloc[0]) == (0, 1)
    yearly = found.loc["g2"]
    assert (yearly["term_class"], yearly["state"], yearly["renewals"]) == ("yearly", "running", 1)
    # g3 began after the last day on which losses are known
    assert yearly["survived"] == 0


def test_parallel_contracts_share_the_account_by_value(found):
    assert found.loc[["h1", "h2"], "share"].tolist() == [0.75, 0.25]
    assert found.loc[["h1", "h2"], "beside"].tolist() == [False, True]


def test_relation_follows_the_revenue_under_contract(book, small):
    kind, why = relation_of(book, DAY, LifetimeParams())
    assert (kind, why.key) == ("contracts", "relation.contracts")
    # a, d, g and h hold a contract that was known; b, c, e and f bring as much
    assert why.values["share"] == pytest.approx(0.5)
    stated = LifetimeParams(relation="purchases")
    assert relation_of(book, DAY, stated)[0] == "purchases"
    bare = small.open({"transactions": SALES}, as_of="2024-12-31")
    assert relation_of(bare, DAY, LifetimeParams())[1].key == "relation.no_contracts"
