"""What was planted in the demo units comes back: costly accounts, prices, service by tenure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib import accounts
from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.params import unit_from
from kamlib.value import facts
from kamlib.value.collection import facts as collection_facts
from kamlib.value.collection import payment_delay
from kamlib.value.profit import bridge_facts, loss_makers, pricing, tenure
from kamlib.value.profit import facts as profit_facts

UNIT = "telecom_lines"


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """A third of the telecom unit: its truth, book, period, ledger and account facts."""
    made, folder = simulate(UNIT, size=0.3), tmp_path_factory.mktemp(UNIT)
    for name, table in made.tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    tables = {name: {"file": f"{name}.parquet"} for name in made.tables}
    raw = {"book": {"tables": tables}, "as_of": "2025-12-31"}
    book = open_book(unit_from(raw, name=UNIT, folder=folder))
    period, ledger = accounts.period(book), accounts.ledger(book)
    table = facts.collect(facts.account_facts(book, ledger, period))
    return made, book, period, ledger, table


def test_most_costly_accounts_are_found_and_few_others(unit):
    made, book, period, ledger, table = unit
    quarters = profit_facts.quarters(ledger, period.current)
    since = profit_facts.onboarding(book).execute()
    found = loss_makers.loss_makers(table, quarters, since, ledger, period.current, conf_level=0.95)
    sure = set(found.frame.loc[found.frame["verdict"] == loss_makers.LOSES, "account_id"])
    alive = set(table.loc[table["revenue"] > 0, "account_id"])
    costly = set(made.truth["costly_accounts"]) & alive
    assert len(costly) > 5
    assert len(sure & costly) > len(costly) / 2
    assert len(sure & costly) > 0.8 * len(sure)
    checks = {check.name: check.passed for check in found.checks}
    assert checks["losses_beyond_chance"] is True


def test_prices_erode_as_planted(unit):
    made, book, period, _, _ = unit
    cells = bridge_facts.collect(bridge_facts.bridge_facts(book, period))
    found = pricing.price_erosion(cells, period).frame.set_index("term")["estimate"]
    price = made.truth["price"]
    # list prices change by exp(list_drift) a year; of them (1 - discount) is realised, the discount
    # creeping up by discount_creep a year: from about 0.1 on, realisation falls by creep / 0.9
    assert found["list_price_change"] == pytest.approx(price["list_drift"], abs=0.003)
    expected = -price["discount_creep"] / 0.9
    assert found["realisation_change"] == pytest.approx(expected, abs=0.004)
    assert found["net_price_change"] < found["list_price_change"]


def test_service_falls_with_tenure_within_account(unit):
    made, book, period, ledger, _ = unit
    panel = profit_facts.tenure_facts(book, ledger, period.current).execute()
    # cases come at exp(tenure · min(years, 8)); against months, so that prices are out of it
    young = panel[panel["tenure_years"] < 8]
    found = tenure.cost_slopes(young, per="n_months", conf_level=0.95).frame.set_index("part")
    service = found.loc["service_cost"]
    assert service["slope_low"] < made.truth["service"]["tenure"] < service["slope_high"]
    assert service["slope"] < 0


def test_late_payers_pay_as_late_as_planted(unit):
    made, book, period, _, _ = unit
    cells = collection_facts.days_to_settle(book, period.current).execute()
    rows = cells.loc[cells.index.repeat(cells["n_invoices"]), ["event"]]
    assert rows["event"].mean() > 0.9
    found = payment_delay.days_overdue(
        cells, conf_level=0.95, draws=200, rng=np.random.default_rng(1)
    )
    days = payment_delay.settled_by(found.frame)
    plain = days[~days["is_disputed"] & days["share_settled"].eq(0.5)].iloc[0]
    # payment.days_mean is 2; what is paid in two parts settles later
    mean = made.truth["payment"]["days_mean"]
    assert mean - 2 < plain["days_overdue"] < mean + 4
    disputed = days[days["is_disputed"] & days["share_settled"].eq(0.5)]["days_overdue"]
    assert pd.notna(disputed.iloc[0])
    assert disputed.iloc[0] > 30
