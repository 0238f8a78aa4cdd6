"""What accounts that stay bring, from years put together by hand."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kamlib.value.lifetime.revenue_level import (
    draw_growth,
    draw_ratios,
    revenue_level,
    under_contract,
)

DAY = pd.Timestamp("2024-12-31")


def unit(*accounts):
    """Return terms, chains and revenue of (name, first day, last day or None, value, revenue by year).

    Revenue begins with the last year; years are of 365 days.
    """
    names, first, last, value, _ = zip(*accounts, strict=True)
    stopped = pd.to_datetime(pd.Series(last, dtype=object))
    frame = pd.DataFrame(
        {
            "account_id": names,
            "starts_on": pd.to_datetime(pd.Series(first)),
            "stopped_on": stopped,
            "ends_on": pd.Timestamp("2030-12-31"),
            "value_per_year": value,
            "outcome": np.where(stopped.isna(), "running", "lost"),
        }
    )
    chains = frame.rename(columns={"starts_on": "begins_on", "outcome": "state"})
    rows = [
        {"account_id": name, "years_ago": k, "revenue": float(amount),
         "first_order_on": DAY - pd.Timedelta(days=365 * (k + 1) - 1)}
        for name, *_, years in accounts for k, amount in enumerate(years) if amount
    ]  # fmt: skip
    terms = SimpleNamespace(frame=frame, day=DAY.date(), grace_days=30)
    return terms, chains, pd.DataFrame(rows)


def levelled(*accounts, ask=None):
    ask = pd.Series(
        [name for name, _, last, *_ in accounts if last is None] if ask is None else ask
    )
    return revenue_level(ask, *unit(*accounts))


def test_who_bought_before_the_first_contract_was_there():
    found = levelled(
        ("a", "2024-10-20", None, 50, [30, 40]), ("b", "2020-01-01", None, 50, [30, 40])
    )
    assert found.is_new.tolist() == [False, False]


# 73 days before the evening of DAY: a fifth of a year
NEW = "2024-10-20"


def levels_by_hand(*accounts):
    """Return the level of each account; of those that came on NEW the first order is of that day."""
    terms, chains, revenue = unit(*accounts)
    begun = revenue["account_id"].map(chains.set_index("account_id")["begins_on"])
    revenue["first_order_on"] = revenue["first_order_on"].where(begun < NEW, begun)
    found = revenue_level(chains["account_id"], terms, chains, revenue)
    assert found.is_new.tolist() == [first == NEW for _, first, *_ in accounts]
    return found.base.tolist()


def test_levels_by_hand():
    """Nine tenths of the year, a newcomer's filled in, and a tenth of what contracts usually bring."""
    found = levels_by_hand(
        ("a", "2020-01-01", None, 100, [120]),
        ("b", "2020-01-01", None, 300, [240]),
        ("c", NEW, None, 200, [30]),
        ("d", "2020-01-01", None, 0, [50]),
        ("e", NEW, None, 0, [10]),
    )
    # those with a contract value that were there all year brought (120 + 240) / (100 + 300) = 0.9 of it
    assert found == pytest.approx([
        0.9 * 120 + 0.1 * 90,
        0.9 * 240 + 0.1 * 270,
        0.9 * (30 + 0.8 * 180) + 0.1 * 180,  # four fifths of the year are filled in from its 0.9 · 200
        50,  # no contract value to draw it to
        10 / 0.2,
    ])  # fmt: skip


def test_levels_where_all_are_new():
    """80 in a fifth of a year from contracts of 400 a year: they bring what they are worth."""
    found = levels_by_hand(("a", NEW, None, 100, [30]), ("b", NEW, None, 300, [50]))
    assert found == pytest.approx([0.9 * (30 + 80) + 0.1 * 100, 0.9 * (50 + 240) + 0.1 * 300])


def test_level_is_not_below_zero():
    # of 200 in contracts 40 came, 20 each: 0.9 · -60 + 2 is below zero
    found = levels_by_hand(
        ("a", "2020-01-01", None, 100, [100]), ("b", "2020-01-01", None, 100, [-60])
    )
    assert found == pytest.approx([0.9 * 100 + 0.1 * 20, 0])


def test_times_under_contract_are_merged():
    chains = pd.DataFrame(
        {
            "account_id": ["a", "a", "a", "b"],
            "begins_on": pd.to_datetime(["2020-01-01", "2020-06-01", "2022-03-01", "2021-01-01"]),
            "stopped_on": pd.to_datetime(["2021-12-31", "2021-01-31", "2022-12-31", None]),
            "state": ["lost", "lost", "lost", "running"],
        }
    )
    spells = under_contract(chains, DAY, 30)
    # 59 days lie between the end of 2021 and 1 March 2022
    assert spells["first"].dt.year.tolist() == [2020, 2022, 2021]
    assert spells["last"].tolist() == list(pd.to_datetime(["2021-12-31", "2022-12-31", DAY]))
    assert len(under_contract(chains, DAY, 59)) == 2


def steady(n, rate=1.1, years=5):
    amounts = [100 * rate ** (years - k) for k in range(years)]
    return [
        (f"a{i:03}", "2015-01-01", None, 100 + i, [(100 + i) / 100 * v for v in amounts])
        for i in range(n)
    ]


def test_common_growth_is_carried_on():
    found = levelled(*steady(40))
    np.testing.assert_allclose(np.exp(found.growth), 1.1)
    rng = np.random.default_rng(2)
    ahead = draw_growth(found, 3, 4000, rng)
    np.testing.assert_allclose(np.median(ahead, axis=0), [1.1, 1.21, 1.331], rtol=0.01)
    # each year's step adds to what is not known
    assert (np.diff(np.log(ahead).std(axis=0)) > 0).all()
    ratios = draw_ratios(found, slice(0, 40), 3, 50, rng)
    assert all(year == pytest.approx(1.0) for year in ratios)


def test_growth_that_changed_is_known_less_well():
    calm = levelled(*steady(40))
    restless = [
        (*one, [v * f for v, f in zip(years, (1.3, 1.0, 1.25, 1.0, 1.2), strict=True)])
        for *one, years in steady(40)
    ]
    rng = np.random.default_rng(3)
    spread = [np.log(draw_growth(levelled(*u), 1, 4000, rng)).std() for u in (steady(40), restless)]
    assert spread[1] > 3 * spread[0]
    assert calm.base.sum() > 0


def noisy(n, rng, sd=0.4, years=5):
    size = np.exp(rng.normal(5, 1, n))
    return [
        (f"a{i:03}", "2015-01-01", None, size[i], size[i] * np.exp(rng.normal(0, sd, years)))
        for i in range(n)
    ]


def test_totals_are_those_of_the_past():
    """Σ base × expected ratio is what the past years brought after the same bases, growth apart."""
    found = levelled(*noisy(200, np.random.default_rng(4)))
    donors = found.settled
    first = donors.window(np.arange(len(donors.sizes)))
    mean = np.array([donors.ratios[f : f + donors.width, 0].mean() for f in first])
    assert donors.sizes @ mean / donors.sizes.sum() == pytest.approx(1.0, abs=0.02)


def test_spread_is_that_of_the_past():
    """Next year's revenue differs from this year's by √2 · 0.4, nearly, on the log scale."""
    found = levelled(*noisy(300, np.random.default_rng(5)))
    drawn = np.log(draw_ratios(found, slice(0, 300), 1, 200, np.random.default_rng(6))[0])
    assert drawn.std() == pytest.approx(0.9 * 0.4 * np.sqrt(2), rel=0.15)


def test_the_last_year_known_goes_on():
    found = levelled(*noisy(60, np.random.default_rng(7), years=3))
    # two years after the oldest level are known; the latest level has but one
    assert found.settled.ratios.shape[1] == 2
    one, two, three = draw_ratios(found, slice(0, 60), 3, 20, np.random.default_rng(8))
    assert (two == three).all()
    assert (one != two).any()


def test_a_short_year_is_not_looked_at():
    """Records of 500 days hold one whole year; what came before it is no year."""
    terms, chains, revenue = unit(*steady(30, years=2))
    revenue["first_order_on"] = revenue["first_order_on"].clip(lower=DAY - pd.Timedelta(days=499))
    assert date(2024, 12, 31) == terms.day
    found = revenue_level(chains["account_id"], terms, chains, revenue)
    assert found.settled is None
