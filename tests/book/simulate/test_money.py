"""What is bought: concentration, prices, orders, the cost of serving, the programme's effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book.simulate import DEMO_UNITS, Simulated
from kamlib.book.simulate.clock import MONTH_DAYS, MONTHS
from kamlib.book.simulate.orders import arrivals


def by_account(book: Simulated) -> pd.DataFrame:
    """Return revenue, margin and cost to serve of every account over the five years."""
    lines = book.tables["transactions"]
    events, visits = book.tables["service_events"], book.tables["visits"]
    served = events[["cost", "compensation"]].fillna(0).sum(axis=1)
    served -= events["billed_amount"].fillna(0)
    out = lines.groupby("account_id")[["amount", "cost"]].sum()
    out["margin"] = out["amount"] - out.pop("cost")
    out["serve"] = served.groupby(events["account_id"]).sum()
    out["serve"] = out["serve"].fillna(0) + visits.groupby("account_id")["cost"].sum()
    return out.fillna(0.0)


def monthly(book: Simulated) -> pd.DataFrame:
    """Return revenue of account x month, zero where nothing was bought."""
    lines = book.tables["transactions"]
    return lines.pivot_table(
        index="account_id", columns=lines["date"].dt.to_period("M"), values="amount",
        aggfunc="sum", fill_value=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("unit", DEMO_UNITS)
@pytest.mark.parametrize("seed", [None, 11])
def test_a_fifth_of_the_accounts_holds_most_of_the_revenue(unit, seed, book):
    simulated = book(unit, None, seed)
    revenue = simulated.tables["transactions"].groupby("account_id")["amount"].sum()
    fifth = round(0.2 * len(simulated.tables["accounts"]))
    assert 0.55 < revenue.nlargest(fifth).sum() / revenue.sum() < 0.90


def test_serving_costs_a_few_percent_and_costly_accounts_cost_more_than_they_bring(book):
    for unit in DEMO_UNITS:
        simulated = book(unit, 1.0)
        money = by_account(simulated)
        share = money["serve"] / money["amount"].where(money["amount"] > 0)
        assert 0.01 < share.median() < 0.08
        assert 0.01 < money["serve"].sum() / money["amount"].sum() < 0.06
        brought = (money["margin"] - money["serve"]).reindex(simulated.truth["costly_accounts"])
        assert len(brought) >= 3
        assert (brought.dropna() < 0).mean() > 0.85
        # the whale curve: a peak above the whole, and a tail behind it
        contribution = money["margin"] - money["serve"]
        assert contribution.clip(lower=0).sum() / contribution.sum() > 1.01
        assert 0.01 < (contribution < 0).mean() < 0.15


def test_orders_come_with_the_planted_gaps():
    # 400 accounts, 5 orders a month: counts have mean 300; a renewal process with gamma gaps of
    # shape k has variance near mean / k
    first = np.tile(MONTH_DAYS[:-1], (400, 1))
    last = np.tile(MONTH_DAYS[1:], (400, 1))
    for shape in (1.0, 2.0):
        account, day = arrivals(
            np.full((400, MONTHS), 5.0), first, last, shape, np.random.default_rng(3)
        )
        many = np.bincount(account, minlength=400)
        assert many.mean() == pytest.approx(300, abs=4 * np.sqrt(300 / shape / 400))
        # the sd of a variance ratio over 400 accounts is sqrt(2/399) = 0.07; four of them
        assert many.var(ddof=1) / 300 == pytest.approx(1 / shape, rel=0.30)
        assert day.min() >= 0
        assert day.max() < MONTH_DAYS[-1]


def test_orders_fall_only_on_days_on_which_an_account_lives():
    first = np.tile(MONTH_DAYS[:-1], (2, 1))
    last = first.copy()
    last[1, 10] = first[1, 10] + 5  # account 1 lives for five days of month 10
    rate = np.zeros((2, MONTHS))
    rate[1, 10] = 50.0
    account, day = arrivals(rate, first, last, 1.0, np.random.default_rng(0))
    assert set(account) == {1}
    assert set(day - MONTH_DAYS[10]) <= {0, 1, 2, 3, 4}


def test_prices_margins_and_returns_are_as_planted(book):
    for unit in DEMO_UNITS:
        simulated = book(unit)
        lines, price = simulated.tables["transactions"], simulated.truth["price"]
        back = lines["amount"] < 0
        # binomial with n over 20,000 lines and p at most 0.02: sd below 0.001
        assert back.mean() == pytest.approx(price["return_rate"], abs=0.004)
        for column in ("quantity", "list_amount", "cost"):
            assert (lines[column][back] < 0).all()
            assert (lines[column][~back] > 0).all()
        # cost over list moves by exp((cost_drift - list_drift) t) from its share of 2021
        sold = lines[~back]
        years = (sold["date"].dt.year - 2021) + (sold["date"].dt.month - 1) / 12
        drift = price["cost_drift"] - price["list_drift"]
        planted = price["cost_share"] * np.exp(drift * years)
        # prices are in cents, so that a list price of 2.00 may be off by a quarter of a percent
        assert (sold["cost"] / sold["list_amount"] / planted - 1).abs().max() < 0.005


def test_an_order_number_stands_for_one_account_and_day(small):
    orders = small.tables["transactions"].groupby("order_id")
    assert orders["account_id"].nunique().max() == 1
    assert orders["date"].nunique().max() == 1
    assert (orders.size() > 1).any()


def test_destocking_is_a_pause_and_no_loss(book):
    unit = book("industrial_supplies", 1.0)
    paused = unit.truth["destocked_accounts"]
    revenue = monthly(unit).reindex(paused).dropna()
    months = pd.period_range("2023-05", "2023-05", freq="M")
    before, after = pd.Period("2022-12", "M"), pd.Period("2023-10", "M")
    # month 28 (May 2023) lies in every pause: they begin in March to May and last three or more
    assert (revenue[months].to_numpy() <= 0).all()
    assert (revenue.loc[:, :before].iloc[:, -12:].sum(axis=1) > 0).mean() > 0.5
    assert (revenue.loc[:, after:].sum(axis=1) > 0).any()


def test_members_look_far_better_than_the_programme_made_them(book):
    for unit in DEMO_UNITS:
        simulated = book(unit, 1.0)
        bought = monthly(simulated).loc[:, "2024-01":"2024-12"].sum(axis=1)
        drawn = simulated.tables.get("trials", pd.DataFrame({"account_id": []}))["account_id"]
        bought = bought[(bought > 0) & ~bought.index.isin(drawn)]
        joined = simulated.tables["programme"].query("enrolled_on < '2024-01-01'")
        member = bought.index.isin(joined["account_id"])
        naive = np.log(bought[member].mean() / bought[~member].mean())
        # three times what even the highest level does
        assert naive > 3 * simulated.truth["programme"]["spend_level_3"]


@pytest.mark.slow
def test_the_trial_returns_the_effect_that_the_naive_number_misses(book):
    simulated = book("telecom_lines", 4.0, 5)
    truth = simulated.truth
    revenue = monthly(simulated)
    arm = simulated.tables["trials"].astype({"account_id": object}).set_index("account_id")["arm"]
    before = revenue.loc[:, "2022-07":"2022-12"].reindex(arm.index)
    after = revenue.loc[:, "2023-04":"2024-12"].reindex(arm.index)
    lives = (before > 0).all(axis=1) & (after > 0).all(axis=1)
    gain = np.log(after[lives].mean(axis=1)) - np.log(before[lives].mean(axis=1))
    one, none = gain[arm[lives] == "1"], gain[arm[lives] == "control"]
    effect = one.mean() - none.mean()
    error = np.sqrt(one.var() / len(one) + none.var() / len(none))
    # intention to treat: the effect of level 1 on those who take it up, less the crossover
    planted = truth["programme"]["spend_level_1"] * (
        truth["trial"]["compliance"] - truth["trial"]["crossover"]
    )
    assert effect == pytest.approx(planted, abs=4 * error)
    assert error < planted / 2
    # balanced before: the arms were drawn
    size = np.log(before[lives].mean(axis=1))
    gap = size[arm[lives] == "1"].mean() - size[arm[lives] == "control"].mean()
    assert abs(gap) < 4 * size.std() * np.sqrt(1 / len(one) + 1 / len(none))
