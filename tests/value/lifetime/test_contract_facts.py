"""Chains of contracts put together by hand, as they were known on a day."""

from datetime import date

import pandas as pd
import pytest

from kamlib.value.lifetime.contract_courses import courses
from kamlib.value.lifetime.contract_facts import contract_terms, relation_of, yearly_revenue

DAY = date(2024, 12, 31)


def contract(name, account, starts, ends, ended=None, *, value=100, by=None, why=None, **more):
    return {
        "contract_id": name, "account_id": account, "starts_on": starts, "ends_on": ends,
        "value_per_year": value, "ended_on": ended, "end_reason": why, "renewed_by": by, **more,
    }  # fmt: skip


def line(account, day, amount=10):
    return {"account_id": account, "date": day, "amount": amount}


@pytest.fixture
def read(small):
    """Return a function that opens a book of contracts and links them."""

    def opened(*rows, accounts=None, day=DAY, grace=30, **params):
        # a contract that ended early makes the records begin early
        tables = {"transactions": [line("z", "2021-01-01")], "contracts": list(rows)}
        if accounts:
            tables["accounts"] = accounts
        book = small.open(tables, as_of="2025-12-31", **params)
        return contract_terms(book, day, grace_days=grace)

    return opened


def outcomes(terms):
    return terms.frame.set_index("contract_id")["outcome"].to_dict()


def test_a_chain_that_names_its_links(read):
    terms = read(
        contract("c2", "a", "2023-01-01", "2023-12-31", "2023-12-31", by="c3"),
        contract("c1", "a", "2022-01-01", "2022-12-31", "2022-12-31", by="c2"),
        contract("c3", "a", "2024-01-01", "2025-12-31"),
    )
    # the term grew from one year to two: another class, so that c3 begins a chain of its own
    assert terms.frame["chain_id"].tolist() == ["c1", "c1", "c3"]
    assert terms.frame["renewals"].tolist() == [0, 1, 0]
    assert terms.frame["term_months"].tolist() == [12, 12, 24]
    assert outcomes(terms) == {"c1": "renewed", "c2": "switched", "c3": "running"}
    old, new = courses(terms).to_dict("records")
    # survived both its renewals, the second of them into another class; 730 days are 24 months
    assert (old["survived"], old["months"], old["lost"], old["state"]) == (2, 24, 0, "switched")
    assert (new["entry"], new["survived"], new["lost"], new["state"]) == (0, 0, 0, "running")
    assert (old["share"], new["share"]) == (0, 1)


@pytest.mark.parametrize(("starts", "found"), [("2024-01-30", "renewed"), ("2024-01-31", "lost")])
def test_a_missing_link_is_found_within_the_grace(read, starts, found):
    """The first ended on 31 December; thirty days later is 30 January."""
    terms = read(
        contract("c1", "a", "2023-01-01", "2023-12-31", "2023-12-31"),
        contract("c2", "a", starts, "2024-12-31"),
        contract("c3", "b", "2024-01-01", "2024-12-31"),  # of another account
    )
    assert outcomes(terms) == {"c1": found, "c2": "running", "c3": "running"}
    late = terms.frame.set_index("contract_id").loc["c2"]
    # a term signed late counts from the day after the one that it prolongs
    assert late["starts_on"] == pd.Timestamp("2024-01-01" if found == "renewed" else starts)
    assert late["renewals"] == (found == "renewed")
    assert terms.frame.set_index("contract_id")["waited"].to_dict()["c1"]


def test_one_contract_renews_one(read):
    """Two of the account end together: the nearest start goes to one of them, no start to two."""
    terms = read(
        contract("c1", "a", "2023-01-01", "2023-12-31", "2023-12-31"),
        contract("c2", "a", "2023-02-01", "2024-01-05", "2024-01-05"),
        contract("c3", "a", "2024-01-06", "2024-12-31"),
        contract("d1", "b", "2023-01-01", "2023-12-31", "2023-12-31", by="d3", value=50),
        contract("d2", "b", "2023-01-01", "2023-12-31", "2023-12-31", by="d3", value=80),
        contract("d3", "b", "2024-01-01", "2024-12-31"),
        contract("e1", "c", "2023-01-01", "2023-12-31", "2023-12-31", by="d3"),
    )
    found = outcomes(terms)
    assert (found["c1"], found["c2"]) == ("lost", "renewed")
    assert (found["d1"], found["d2"]) == ("switched", "renewed")
    assert found["e1"] == "switched"  # goes on with another account
    chains = terms.frame.set_index("contract_id")["chain_id"]
    assert (chains["c3"], chains["d3"]) == ("c2", "d2")


def test_what_came_later_is_not_known(read):
    rows = [
        contract("c1", "a", "2024-01-01", "2024-12-31", "2024-09-30", why="price"),
        contract("c2", "b", "2024-01-01", "2024-12-31", recorded_on="2024-10-01"),
        contract("c3", "b", "2025-01-01", "2025-12-31"),
        contract("c4", "c", "2023-10-01", "2024-09-30", "2024-09-30", by="c5"),
        contract("c5", "c", "2024-10-05", "2025-09-30"),
    ]
    before = read(*rows, day=date(2024, 9, 29))
    assert outcomes(before) == {"c1": "running", "c4": "running"}
    then = read(*rows, day=date(2024, 9, 30))
    # c4 is in force on its last day: whether it is renewed is not late yet
    assert outcomes(then) == {"c1": "lost", "c4": "running"}
    after = read(*rows, day=date(2024, 10, 1))
    # its successor starts in four days: it is over without a word
    assert outcomes(after) == {"c1": "lost", "c2": "running", "c4": "waiting"}
    assert outcomes(read(*rows)) == {
        "c1": "lost", "c2": "running", "c4": "renewed", "c5": "running",
    }  # fmt: skip
    # a contract that nobody prolonged waits for the grace, and is lost after it
    one = rows[3] | {"renewed_by": None}
    assert outcomes(read(one, day=date(2024, 10, 30))) == {"c4": "waiting"}
    assert outcomes(read(one, day=date(2024, 10, 31))) == {"c4": "lost"}


def test_a_contract_that_runs_out_without_a_word_is_out_of_force(read):
    terms = read(
        contract("c1", "a", "2022-01-01", "2022-12-31"),
        contract("c2", "b", "2022-01-01", "2022-12-31", by="c3"),
        contract("c3", "b", "2022-11-01", "2025-10-31"),
    )
    assert outcomes(terms) == {"c1": "lost", "c2": "switched", "c3": "running"}
    # one whose successor has begun was over the day before
    ended = terms.frame.set_index("contract_id")["stopped_on"]
    assert ended["c2"] == pd.Timestamp("2022-12-31")


def test_courses_before_and_after_the_records_begin(read):
    """Records begin with the first order line on 1 January 2021; the last known loss is of 30 November."""
    accounts = [{"account_id": "a", "onboarded_on": "2015-01-10"}, {"account_id": "b"}]
    terms = read(
        contract("a1", "a", "2020-01-10", "2022-01-09", "2022-01-09", by="a2"),
        contract("a2", "a", "2022-01-10", "2024-01-09", "2023-01-09", why="price"),
        contract("b1", "b", "2020-07-01", "2023-06-30", "2023-06-30", by="b2"),
        contract("b2", "b", "2023-07-01", "2026-06-30"),
        accounts=accounts,
    )
    assert (terms.opens, terms.closes) == (date(2021, 1, 1), date(2024, 11, 30))
    a, b = courses(terms).to_dict("records")
    # five years of two-year terms before a1: 2.5, rounded to 2; a1 began 357 days before the records,
    # that is 11.7 months: 48 + 12 behind it. Lost a year into the term after a1: 48 + 36 months.
    assert (a["entry"], a["entry_months"], a["survived"], a["months"]) == (2, 60, 3, 84)
    assert (a["lost"], a["ended_early"], a["state"]) == (1, 1, "lost")
    # won at an unknown time: counted from its first contract, six months before the records; seen for
    # 1,613 days until 30 November, 53 months
    assert (b["entry"], b["entry_months"], b["survived"], b["months"]) == (0, 6, 1, 53)
    assert (b["lost"], b["renewals"]) == (0, 1)
    assert b["months_behind"] == pytest.approx(1644 / 30.4375)
    assert b["ends_on"] == pd.Timestamp("2026-06-30")


def test_a_loss_within_the_grace_is_not_counted_as_one_yet(read):
    """Else losses of the last weeks would count and renewals signed late would not."""
    terms = read(
        contract("c1", "a", "2022-01-01", "2023-12-31", "2023-12-31", by="c2"),
        contract("c2", "a", "2024-01-01", "2025-12-31", "2024-12-15", why="price"),
    )
    (row,) = courses(terms).to_dict("records")
    assert (row["lost"], row["survived"], row["state"], row["share"]) == (0, 1, "lost", 0)
    assert row["months"] == 35  # until 30 November 2024


def test_chains_side_by_side(read):
    terms = read(
        contract("c1", "a", "2021-02-01", "2024-01-31", "2023-06-30", value=300, why="price"),
        contract("c2", "a", "2021-08-01", "2024-07-31", "2023-07-10", value=100, why="price"),
        contract("d1", "b", "2021-02-01", "2024-01-31", "2024-01-31", value=300, by="d2"),
        contract("d2", "b", "2024-02-01", "2027-01-31", value=300),
        contract("d3", "b", "2024-03-01", "2027-02-28", value=100),
        contract("e1", "c", "2021-02-01", "2024-01-31", "2024-01-31", value=300, why="price"),
        contract("e2", "c", "2023-03-01", "2026-02-28", value=100),
    )
    rows = courses(terms).set_index("chain_id")
    assert rows["beside"].to_dict() == {
        "c1": False, "c2": True, "d1": False, "d3": True, "e1": False, "e2": True,
    }  # fmt: skip
    # c2 ended within ten days of the larger one, e2 outlived it, d3's larger one lives
    assert rows["followed"].dropna().to_dict() == {"c2": 1, "e2": 0}
    assert rows["share"].to_dict() == {
        "c1": 0, "c2": 0, "d1": 0.75, "d3": 0.25, "e1": 0, "e2": 1,
    }  # fmt: skip


def test_without_value_chains_share_evenly(read):
    terms = read(
        contract("c1", "a", "2023-02-01", "2026-01-31", value=0),
        contract("c2", "a", "2023-03-01", "2026-01-31", value=0),
    )
    assert courses(terms)["share"].tolist() == [0.5, 0.5]


def test_groups_count_together(read):
    accounts = [
        {"account_id": "p", "onboarded_on": "2022-12-01"},
        {"account_id": "a", "parent_id": "p"}, {"account_id": "b", "parent_id": "p"},
    ]  # fmt: skip
    terms = read(
        contract("c1", "a", "2023-01-01", "2023-12-31", "2023-12-31"),
        contract("c2", "b", "2024-01-10", "2024-12-31"),
        accounts=accounts, ledger={"grain": "parent_group"},
    )  # fmt: skip
    assert set(terms.frame["account_id"]) == {"p"}
    assert outcomes(terms) == {"c1": "renewed", "c2": "running"}


def test_no_contracts(small):
    book = small.open({"transactions": [line("a", "2024-03-01")]}, as_of="2024-12-31")
    terms = contract_terms(book, DAY, grace_days=30)
    assert terms.frame.empty
    assert courses(terms).empty


def test_yearly_revenue_counts_back_from_the_day(small):
    lines = [
        line("a", "2024-12-31", 5), line("a", "2024-01-02", 7), line("a", "2024-01-01", 11),
        line("b", "2023-06-01", 2) | {"recorded_on": "2025-02-01"}, line("a", "2025-01-01", 100),
    ]  # fmt: skip
    book = small.open({"transactions": lines}, as_of="2025-12-31")
    found = yearly_revenue(book, DAY).execute().sort_values("years_ago")
    # 2 January 2024 lies 364 days before, 1 January 365
    assert found[["account_id", "years_ago", "revenue"]].values.tolist() == [
        ["a", 0, 12], ["a", 1, 11],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "relation"), [(40, "contracts"), (39, "purchases")], ids=["half", "less"]
)
def test_relation(small, amount, relation):
    tables = {
        "transactions": [
            line("a", "2024-05-01", amount), line("b", "2024-05-01", 40), line("a", "2023-01-01", 900),
        ],
        "contracts": [
            contract("c1", "a", "2024-01-01", "2025-12-31"),
            contract("c2", "b", "2024-01-01", "2025-12-31", "2024-06-30", why="price"),
        ],
    }  # fmt: skip
    book = small.open(tables, as_of="2025-12-31")
    params = book.unit.customer_value.lifetime
    found, why = relation_of(book, DAY, params)
    assert found == relation
    assert why.values["share"] == pytest.approx(amount / (amount + 40))
    assert "%" in str(why)
    for stated in ("contracts", "purchases"):
        found, why = relation_of(book, DAY, params.model_copy(update={"relation": stated}))
        assert found == stated
        assert "parameters" in str(why)


def test_relation_without_contracts(small):
    book = small.open({"transactions": [line("a", "2024-05-01")]}, as_of="2025-12-31")
    found, why = relation_of(book, DAY, book.unit.customer_value.lifetime)
    assert found == "purchases"
    assert "no contracts" in str(why)
