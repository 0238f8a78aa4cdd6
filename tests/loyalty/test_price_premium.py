"""Price premium of service: by hand, where it was planted, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import write_demo
from kamlib.glossary import Style, columns, say
from kamlib.loyalty.price_premium import HELD, KEPT, PLAIN, VISITS, WITHIN, price_premium
from kamlib.loyalty.price_premium_facts import PremiumFacts, price_premium_facts
from kamlib.loyalty.price_premium_figures import plot_price_premium
from kamlib.params import unit_from


def made(seed: int, premium: float, n: int = 120, years: int = 4) -> PremiumFacts:
    """Draw accounts of which those with a deep discount are served worse.

    Price realisation of account i in year t, in points: 85 + a_i − 2 · size_i − t + mix + `premium` where the
    answers were better than usual + noise of 1; a_i has spread 3, and moves the chance of good answers.
    """
    rng = np.random.default_rng(seed)
    account, year = np.repeat(np.arange(n), years), np.tile(np.arange(years), n)
    own, size = rng.normal(size=n)[account], rng.normal(size=n)[account]
    kept = own + 1.5 * rng.normal(size=n * years)
    good = np.zeros(n * years, dtype=bool)
    for t in range(years):
        good[year == t] = kept[year == t] > np.median(kept[year == t])
    share = rng.random(n * years)
    points = 85 + 3 * own - 2 * size - year + 2 * share + premium * good
    points += rng.normal(size=n * years)
    rows = pd.DataFrame(
        {"account_id": [f"a{i}" for i in account], "price_realisation": points / 100,
         "year_ends_on": pd.to_datetime([f"{2020 + t}-12-31" for t in year]),
         "listed": np.exp(10 + size), "tier": np.where(size > 1, "gold", "iron"),
         "kept_share": kept, "response_hours": np.nan, "complaint_share": np.nan,
         "n_visits": np.nan, "n_cases": 1.0}
    )  # fmt: skip
    return PremiumFacts(rows, pd.DataFrame({"x": share}), True, True, True)


def of(found, approach, service=KEPT):
    frame = found.frame
    return frame[(frame["service_measure"] == service) & (frame["approach"] == approach)].iloc[0]


def test_by_hand():
    """Eight accounts pay 90 and are seen twice, eight pay 80 and are seen once; then half of them trade places."""
    rows = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(16)] * 2, "tier": "", "listed": 100.0,
         "year_ends_on": pd.to_datetime(["2023-12-31"] * 16 + ["2024-12-31"] * 16),
         "n_visits": [2.0] * 8 + [1.0] * 8 + [2.0] * 4 + [1.0] * 8 + [2.0] * 4,
         "kept_share": np.nan, "response_hours": np.nan, "complaint_share": np.nan}
    )  # fmt: skip
    # who trades places pays half a point more or less; noise that adds up to nothing on either side
    noise = np.tile([0.001, -0.001], 16)
    price = np.array([0.9] * 8 + [0.8] * 8 + [0.9] * 4 + [0.895] * 4 + [0.8] * 4 + [0.805] * 4)
    facts = PremiumFacts(
        rows.assign(price_realisation=price + noise), pd.DataFrame(index=rows.index), True, True, False
    )  # fmt: skip
    found = price_premium(facts)
    # seen twice: (8 · 90 + 4 · 90 + 4 · 80.5) ÷ 16 = 87.625; once: (8 · 80 + 4 · 89.5 + 4 · 80) ÷ 16
    assert of(found, PLAIN, VISITS)["premium_points"] == pytest.approx(87.625 - 82.375)
    assert of(found, WITHIN, VISITS)["premium_points"] == pytest.approx(0.5)
    assert of(found, WITHIN, VISITS)["n_changed"] == 8
    assert found.frame["service_measure"].unique().tolist() == [VISITS]
    # 16 · 100 in the last year
    assert found["point_worth"] == 16.0
    # no case, and so neither times nor complaints
    assert [check.passed for check in found.checks] == [False, None, None]


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_premium_is_found_within_the_account(seed):
    found = price_premium(made(seed, 2.0))
    within = of(found, WITHIN)
    assert within["premium_low"] <= 2.0 <= within["premium_high"]
    assert within["premium_low"] > 0
    # who is served well pays more anyway
    assert of(found, PLAIN)["premium_low"] > 2.0
    assert of(found, HELD)["premium_points"] > 2.5
    assert set(found.frame["evidence_grade"]) == {"D"}
    assert "not an effect" in str(found.note)


def test_without_a_premium_the_interval_holds_nothing():
    """95 % intervals of 100 draws hold 0 in at least 88: three binomial errors below 95."""
    held = 0
    for seed in range(100):
        row = of(price_premium(made(seed, 0.0, n=60)), WITHIN)
        held += row["premium_low"] <= 0 <= row["premium_high"]
    assert held >= 88


def within_demo(unit, size, seed, folder):
    demo = write_demo(unit, folder, size=size, seed=seed)
    tables = {path.stem: {"file": path.name} for path in demo.glob("*.parquet")}
    raw = {"book": {"tables": tables}, "as_of": "2025-12-31"}
    found = price_premium(price_premium_facts(open_book(unit_from(raw, name="demo", folder=demo))))
    rows = found.frame[found.frame["approach"] == WITHIN]
    return (rows["premium_low"] <= 0) & (rows["premium_high"] >= 0)


def test_service_of_a_demo_unit_earns_no_premium(tmp_path):
    """Prices are drawn without a look at service (kamlib.book.simulate)."""
    held = pd.concat([within_demo("industrial_supplies", 0.1, seed, tmp_path / str(seed))
                      for seed in range(2)])  # fmt: skip
    assert len(held) == 6
    assert held.sum() >= 5


@pytest.mark.slow
def test_service_of_demo_units_earns_no_premium(tmp_path):
    """Of 3 kinds of service in 12 books at least 31 of 36 intervals hold 0: three errors below 95 %."""
    held = pd.concat([within_demo("industrial_supplies", 0.2, seed, tmp_path / str(seed))
                      for seed in range(12)])  # fmt: skip
    assert held.sum() >= 31


def test_too_few_accounts_changed():
    facts = made(1, 0.0, n=30, years=2)
    steady = facts.rows.assign(
        kept_share=facts.rows.groupby("account_id")["kept_share"].transform("mean")
    )
    found = price_premium(replace(facts, rows=steady))
    assert found.frame["approach"].tolist() == [PLAIN, HELD]
    assert "too few accounts" in str(found.note)


def test_more_held_equal_than_there_are_accounts():
    facts = made(6, 0.0, n=20, years=1)
    lines = pd.DataFrame(np.random.default_rng(0).random((20, 19)))
    found = price_premium(replace(facts, mix=lines))
    assert found.frame["approach"].tolist() == [PLAIN]
    assert str(found.note).count("too few accounts") == 2


def test_the_middle_goes_where_sides_are_more_even():
    facts = made(2, 0.0, n=40, years=1)
    # 30 of 40 kept all of it: they are the better side, not nobody
    kept = np.where(np.arange(40) < 30, 1.0, 0.5)
    found = price_premium(replace(facts, rows=facts.rows.assign(kept_share=kept)))
    points = 100 * facts.rows["price_realisation"]
    assert of(found, PLAIN)["premium_points"] == pytest.approx(
        points[:30].mean() - points[30:].mean()
    )


def test_what_cannot_be_told():
    facts = made(3, 0.0, n=10, years=1)
    assert price_premium(replace(facts, has_list=False)).refused
    assert "list_amount" in str(price_premium(replace(facts, has_list=False)).note)
    assert "service_events" in str(price_premium(replace(facts, has_service=False)).note)
    few = price_premium(facts)
    assert few.refused
    assert "10 accounts" in str(few.note)
    nobody = price_premium(replace(facts, rows=facts.rows.head(0), mix=facts.mix.head(0)))
    assert nobody.refused


def test_both_languages_and_known_columns():
    found = price_premium(made(4, 1.0))
    assert set(found.frame.columns) | {"point_worth"} <= set(columns())
    for note in (found.note, *(check.note for check in found.checks)):
        assert say(note, Style("zh", "CNY"))


def test_what_is_drawn_is_what_the_frame_says():
    frame = price_premium(made(5, 1.0)).frame
    figure, ax = plt.subplots()
    before = dict(plt.rcParams)
    assert plot_price_premium(frame, ax=ax) is ax
    drawn = [float(x) for line in ax.lines[:3] for x in line.get_xdata()]
    assert drawn == frame["premium_points"].tolist()
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"{KEPT} (n = 120)"]
    assert "not an effect" in ax.get_title(loc="left")
    assert dict(plt.rcParams) == before
    plt.close(figure)
