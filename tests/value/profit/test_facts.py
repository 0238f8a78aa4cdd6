"""Facts of profit, collection and dependence: by hand, on both engines, and whatever came later."""

from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from kamlib import accounts
from kamlib.accounts import Period
from kamlib.book import Book, open_book
from kamlib.params import unit_from
from kamlib.value.collection import facts as collection_facts
from kamlib.value.dependence import facts as contact_facts
from kamlib.value.profit import bridge_facts
from kamlib.value.profit import facts as profit_facts
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    _same,
    server,  # noqa: F401 – a fixture
)
from tests.value.profit_rows import TABLES, with_later  # type: ignore[import-not-found]

END = "2024-12-31"


def all_facts(book: Book, period: Period) -> dict[str, ibis.Table]:
    ledger = accounts.ledger(book)
    window, end = period.current, period.current.end
    return {
        "bridge": bridge_facts.bridge_facts(book, period),
        "quarters": profit_facts.quarter_facts(ledger, window),
        "onboarding": profit_facts.onboarding(book),
        "tenure": profit_facts.tenure_facts(book, ledger, window),
        "programme": profit_facts.programme_facts(book, window),
        "acquisition": profit_facts.acquisition_facts(book, window, 4.0),
        "accounts": collection_facts.account_collection(book, window),
        "days": collection_facts.days_to_settle(book, window),
        "rates": collection_facts.rate_facts(book, period.records),
        "contacts": contact_facts.contact_facts(book, end),
        "history": contact_facts.history_facts(book, ledger, period.records, top_share=0.2),
    }


KEYS = {
    "bridge": bridge_facts.KEYS, "tenure": ["account_id", "tenure_years"],
    "days": ["account_id", "days_overdue"], "rates": ["evaluated_on"], "history": ["evaluated_on"],
}  # fmt: skip


@pytest.fixture(scope="module")
def book(small) -> Book:
    return small.open(TABLES, as_of=END)


@pytest.fixture(scope="module")
def found(book) -> dict[str, pd.DataFrame]:
    return {name: table.execute() for name, table in all_facts(book, accounts.period(book)).items()}


def row(frame: pd.DataFrame, **keys) -> pd.Series:
    for name, value in keys.items():
        frame = frame[frame[name].astype(str) == str(value)]
    [one] = [line for _, line in frame.iterrows()]
    return one


def test_window_is_the_last_calendar_year(book):
    period = accounts.period(book)
    assert str(period.current.start) == "2024-01-01"
    assert period.previous is not None


def test_cells_of_the_bridge(found):
    cells = found["bridge"]
    assert len(cells) == 7  # a: p, r, s and lines without a product; b, c, d: p
    sold = row(cells[cells["product"] == "p"], account_id="a")
    names = ["units", "units_before", "sales", "sales_before", "sales_margin", "n_listed"]
    assert [float(sold[name]) for name in names] == [12, 10, 108, 100, 30, 1]
    loose = cells[cells["product"].isna()].iloc[0]
    assert [float(loose[n]) for n in ("revenue", "revenue_before", "n_units")] == [8, 5, 0]


def test_quarters_are_sums_of_whole_quarters(found):
    beta = row(found["quarters"], account_id="b")
    # margin 15 in February 2024, less the cost of money tied up: 45 for 24 days, -5 from May on
    first = 15 - 45 * 0.08 * 24 / 365
    assert beta["q3"] == pytest.approx(first)
    assert beta["q0"] == pytest.approx(5 * 0.08 * 92 / 365)
    late = row(found["quarters"], account_id="c")
    assert (np.isnan(late["q2"]), late["q1"], late["n_months"]) == (True, 8.0, 6)
    # no row in the ledger before March 2023: the first quarter is not whole
    assert np.isnan(row(found["quarters"], account_id="a")["q7"])


def test_tenure_counts_while_the_account_bought(found):
    tenure = found["tenure"]
    # Alpha: since March 2022; sales from March 2023 to June 2024
    alpha = tenure[tenure["account_id"] == "a"].set_index("tenure_years")
    assert alpha["revenue"].to_dict() == {1: 135.0, 2: 156.0}
    assert alpha["n_months"].to_dict() == {1: 12, 2: 4}
    assert alpha["service_cost"].to_dict() == {1: 0.0, 2: 10.0}
    # Beta: onboarded in November 2022: November 2023 begins its second year
    beta = tenure[tenure["account_id"] == "b"].set_index("tenure_years")
    assert beta["n_months"].to_dict() == {0: 10, 1: 4}
    assert "d" not in set(tenure["account_id"])  # nobody knows since when


def test_programme_cost_follows_members_and_days(found):
    cost = found["programme"].set_index("account_id")["programme_cost"]
    # platform 365 over 183 days of a and 182 of b; level 1 is a's, 2 is named, 3 has no member
    assert cost.to_dict() == {"a": pytest.approx(183 + 6), "b": pytest.approx(182 + 2)}


def test_acquisition_is_spread_over_four_years(found):
    cost = found["acquisition"].set_index("account_id")["acquisition_cost"]
    # c: 183 of 1461 days fall in the window; a: 1461 days from 2020-01-01 end on 2023-12-31
    assert cost.to_dict() == {"c": pytest.approx(4 * 183 / 1461), "a": 0.0}


def test_what_is_owed(found):
    alpha = row(found["accounts"], account_id="a")
    assert alpha.drop("account_id").astype(float).to_dict() == {
        "sales": 156, "billed": 156, "credited": 5, "collected": 218, "fell_due": 156,
        "paid_due": 118, "open_balance": 38, "overdue_balance": 38, "disputed_balance": 8,
        "n_open": 2, "not_due": 0, "days_1_30": 30, "days_31_60": 0, "days_61_90": 0, "over_90": 8,
    }  # fmt: skip
    # 50 were paid on an invoice of 45: cash counts them, what is due does not
    beta = row(found["accounts"], account_id="b")
    assert [beta[c] for c in ("collected", "paid_due", "open_balance")] == [50, 45, 0]
    assert row(found["accounts"], account_id="c")["not_due"] == 20


def test_days_to_settle(found):
    days = found["days"].sort_values("days_overdue")
    listed = list(zip(days["days_overdue"], days["event"], days["disputed"], strict=True))
    assert listed == [(-5, 1, False), (10, 1, False), (20, 0, False), (183, 0, True)]


def test_rates_as_known_then(found):
    rates = found["rates"].assign(on=lambda f: f["evaluated_on"].astype(str).str[:10])
    first, last = row(rates, on="2023-12-31"), row(rates, on=END)
    assert list(first[["sales", "collected", "fell_due", "paid_due"]]) == [218, 0, 100, 0]
    # in January 2024 the invoice was paid, but it had fallen due in the year before
    assert list(last[["sales", "collected", "fell_due", "paid_due"]]) == [221, 268, 201, 163]
    assert len(rates) == 5


def test_people_in_force(found):
    contacts = found["contacts"].set_index("account_id")
    assert contacts["n_contacts"].to_dict() == {"a": 1, "b": 2, "c": 0, "d": 0}
    assert contacts["only_contact_id"].dropna().to_dict() == {"a": "k1"}
    assert contacts["only_holder_id"].dropna().to_dict() == {"a": "m1", "c": "m2", "d": "m1"}
    assert str(contacts["decider_met_on"]["a"])[:10] == "2024-11-15"
    assert pd.isna(contacts["decider_met_on"]["b"])  # k4 decides, k3 was met


def test_concentration_with_the_managers_of_the_day(found):
    history = found["history"].assign(on=lambda f: f["evaluated_on"].astype(str).str[:10])
    first, last = row(history, on="2023-12-31"), row(history, on=END)
    assert first["herfindahl"] == pytest.approx((135**2 + 50**2 + 33**2) / 218**2)
    assert (first["n_managers"], first["herfindahl_managers"]) == (1, 1.0)
    assert last["herfindahl_managers"] == pytest.approx((156**2 + 65**2) / 221**2)
    # a fifth of three accounts is 0.6 of the largest
    assert last["top_share_revenue"] == pytest.approx(0.6 * 156 / 221)
    assert last["share_unassigned"] == pytest.approx(0.0, abs=1e-12)


def test_what_came_later_changes_nothing(small, book):
    period = accounts.period(book)
    later = small.open(with_later(), as_of="2025-03-31")
    ours, theirs = all_facts(book, period), all_facts(later, period)
    for name, table in ours.items():
        known, then = table.execute(), theirs[name].execute()
        if "evaluated_on" in known:
            then = then[then["evaluated_on"].astype(str).str[:10] <= END]
        keys = KEYS.get(name, ["account_id"])
        then = then[~then[keys[0]].eq("e")]  # an account of later has nothing to tell
        _same(known, then.reset_index(drop=True), keys)


def test_both_engines_agree(book, server, monkeypatch):  # noqa: F811
    import psycopg

    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database profit")
        # compiling every query would take longer than a few rows do
        link.execute("alter database profit set jit = off")
    with psycopg.connect(**server, dbname="profit") as link:
        for name in TABLES:
            _copy(link, name, book[name].select(*book.present[name]).to_pyarrow())
    raw = {"book": {"database": _address(server, "profit")}, "as_of": END}
    remote = open_book(unit_from(raw, name="profit", folder=Path()))
    period = accounts.period(book)
    try:
        theirs = all_facts(remote, accounts.period(remote))
        for name, table in all_facts(book, period).items():
            _same(table, theirs[name], KEYS.get(name, ["account_id"]))
    finally:
        remote.con.disconnect()
