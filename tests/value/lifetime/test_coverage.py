"""Intervals hold on held-out years of simulated units: rates drift and stall, contracts end."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kamlib.accounts import ledger
from kamlib.book.simulate import simulate
from kamlib.params import LifetimeParams
from kamlib.value.lifetime.facts import purchase_counts
from kamlib.value.lifetime.forecast import forecast_until
from kamlib.value.lifetime.noncontractual import forecast_purchases
from kamlib.value.lifetime.validation import holdout_total

DAY, END = "2024-12-31", "2025-12-31"
UNIT = "industrial_supplies"


@pytest.fixture(scope="module")
def held(history_of, came_since, no_economics):
    """Return a function: what simulated units' forecasts of 2025 held, one row per unit and term."""

    def run(n_units, level, *, size, rehearsed=365, seed=1000, **changed):
        found = []
        for unit in range(n_units):
            lines = simulate(UNIT, seed=seed + unit, size=size).tables["transactions"]
            days = lines.groupby(["account_id", "date"], as_index=False)["amount"].sum()
            history = history_of(days, DAY, rehearsed=rehearsed)
            params = LifetimeParams.model_validate({"draws": 1000} | changed)
            outlook = forecast_purchases(
                history, no_economics(1000, len(history.summary)), params, pools={},
                horizon_days=365.0, conf_level=level, rng=np.random.default_rng(unit),
            )  # fmt: skip
            frame = holdout_total(outlook, came_since(days, DAY, END), conf_level=0.95).frame
            frame = frame.assign(
                held=frame["actual"].between(frame["conf_low"], frame["conf_high"])
            )
            found.append(frame.set_index("term"))
        rows = {term: [one.loc[term] for one in found] for term in found[0].index}
        return {
            term: (np.mean([r["held"] for r in each]), np.mean([r["coverage"] for r in each]),
                   np.mean([r["error_share"] for r in each]))
            for term, each in rows.items()
        }  # fmt: skip

    return run


def test_intervals_hold_a_sample(held):
    """Eight units of 180 accounts: standard error of their accounts' coverage about 0.006."""
    found = held(8, 0.95, size=0.2)
    for unit, accounts, error in found.values():
        assert accounts >= 0.93
        assert unit >= 0.75  # six of eight
        assert abs(error) < 0.1


def test_without_a_rehearsal_they_do_not(held):
    """What is allowed for is needed: rates constant for life hold far too few accounts."""
    found = held(4, 0.95, size=0.2, rehearsed=0)
    assert found["expected_purchases"][1] < 0.9
    assert found["expected_revenue"][1] < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.80, 0.95])
@pytest.mark.parametrize(("model", "n_units"), [("auto", 300), ("Pareto/NBD", 100)])
def test_intervals_hold(held, level, model, n_units):
    """Accounts hold at least the level, totals within 3 points and two standard errors.

    Totals are not biased but for some 2 % too little revenue: large accounts of this unit leave less
    often than others, which no model here knows.
    """
    error = np.sqrt(level * (1 - level) / n_units)
    for unit, accounts, off in held(n_units, level, size=0.2, model=model).values():
        assert accounts >= level - 0.005
        assert unit == pytest.approx(level, abs=0.03 + 2 * error)
        assert abs(off) < 0.04


@pytest.fixture(scope="module")
def bound(small):
    """Return a function: what forecasts of 2025 of simulated units under contract held, by level."""

    def run(unit, seeds, levels, *, size):
        day, until = date.fromisoformat(DAY), date.fromisoformat(END)
        found = {level: [] for level in levels}
        for seed in seeds:
            tables = simulate(unit, seed=seed, size=size).tables
            tables = {name: tables[name] for name in ("accounts", "contracts", "transactions")}
            book = small.open(tables, kind="parquet", as_of=END)
            came = purchase_counts(book, day, until).execute()
            for level in levels:
                outlook = forecast_until(
                    book, ledger(book), "contracts", day=day, until=until, conf_level=level,
                    rng=np.random.default_rng(seed),
                )  # fmt: skip
                row = holdout_total(outlook, came, conf_level=0.95).frame.iloc[0]
                held = row["conf_low"] <= row["actual"] <= row["conf_high"]
                found[level].append((held, row["coverage"]))
        return {level: np.mean(each, axis=0) for level, each in found.items()}

    return run


def test_intervals_of_contracts_hold_a_sample(bound):
    """Two units of about 170 accounts: standard error of their accounts' coverage about 0.014."""
    _, accounts = bound("commercial_vehicles", (1, 2), [0.95], size=1.0)[0.95]
    assert accounts >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "size"), [("commercial_vehicles", 1.0), ("telecom_lines", 0.2)])
def test_intervals_of_contracts_hold(bound, unit, size):
    """Accounts hold at least the level, totals within 3 points and two standard errors."""
    n_units = 40
    found = bound(unit, range(1001, 1001 + n_units), [0.80, 0.95], size=size)
    for level, (total, accounts) in found.items():
        assert accounts >= level - 0.005
        assert total == pytest.approx(level, abs=0.03 + 2 * np.sqrt(level * (1 - level) / n_units))
