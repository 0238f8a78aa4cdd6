"""A forecast beside what came: totals, coverage, path, classes, and the simple way."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.params import LifetimeParams
from kamlib.results import refusal
from kamlib.value.lifetime.baselines import baselines
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.predict import NAMES, Interval, Prediction
from kamlib.value.lifetime.validation import (
    holdout_classes,
    holdout_day,
    holdout_path,
    holdout_total,
)

N = 40


def outlook(expected, *, relation="purchases", naive=None, spread=10.0):
    """Return a forecast of these revenues, one order per 10 of revenue, for January and February."""
    mean = np.asarray(expected, dtype=float)
    each = {name: Interval(mean, mean - spread, mean + spread) for name in NAMES}
    each["purchases"] = Interval(mean / 10, mean / 10 - 1, mean / 10 + 1)
    unit = {
        name: Interval(*(np.asarray(part.mean.sum() * k) for k in (1, 0.9, 1.1)))
        for name, part in each.items()
    }
    accounts = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(len(mean))],
         "activity_class": np.where(np.arange(len(mean)) < len(mean) // 2, "10+", "0"),
         "naive_revenue": mean if naive is None else naive,
         "days_since_last": np.arange(len(mean), dtype=float),
         "p_order": np.linspace(0.9, 0.1, len(mean))}
    )  # fmt: skip
    path = pd.DataFrame(
        {"month": pd.to_datetime(["2025-01-31", "2025-02-28"]),
         "expected_purchases": mean.sum() / 10 * np.array([0.5, 1]),
         "expected_revenue": mean.sum() * np.array([0.5, 1])}
    )  # fmt: skip
    prediction = Prediction(each, unit, {}, np.zeros(len(mean)), 0.9)
    return Outlook(
        relation, "MBG/NBD", date(2024, 12, 31), 59.0, accounts, path, prediction, True, ()
    )


def came(revenue):
    """Return what came: half of it in each of two months, one order per 10."""
    rows = [
        {"account_id": f"a{i}", "month": pd.Timestamp(month), "n_purchases": r / 20,
         "revenue": r / 2}
        for i, r in enumerate(revenue)
        for month in ("2025-01-01", "2025-02-01")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_totals_errors_and_coverage_by_hand():
    actual = np.full(N, 100.0)
    actual[:4] = 150.0  # four accounts lie outside 100 ± 10
    found = holdout_total(outlook(np.full(N, 100.0)), came(actual), conf_level=0.95)
    money = found.frame.set_index("term").loc["expected_revenue"]
    assert (money["forecast"], money["actual"]) == (4000, 4200)
    assert money["error_share"] == pytest.approx(-200 / 4200)
    assert money["coverage"] == pytest.approx(0.9)
    assert {check.name: check.passed for check in found.checks} == {
        "holdout_total": True, "holdout_accounts": True,
    }  # fmt: skip
    assert set(found.frame.columns) <= set(columns())


def test_total_outside_and_narrow_intervals_fail_their_checks():
    found = holdout_total(outlook(np.full(N, 100.0)), came(np.full(N, 150.0)), conf_level=0.95)
    assert [check.passed for check in found.checks] == [False, False]


def test_contracts_are_compared_by_revenue_alone():
    forecast = outlook(np.full(N, 100.0), relation="contracts")
    actual = came(np.full(N, 100.0))
    assert holdout_total(forecast, actual, conf_level=0.9).frame["term"].tolist() == [
        "expected_revenue"
    ]
    assert "n_purchases" not in holdout_path(forecast, actual).frame
    assert holdout_classes(forecast, actual).frame["actual_mean"].tolist() == [100, 100]


def test_who_bought_nothing_counts_as_nothing_and_strangers_do_not_count():
    actual = pd.concat([came([100.0]), came([0.0] * 50 + [999.0]).tail(2)])
    found = holdout_total(outlook(np.full(N, 100.0)), actual, conf_level=0.95)
    assert found.frame.set_index("term")["actual"]["expected_revenue"] == 100


def test_path_adds_up_and_its_error_is_the_mean_over_months():
    found = holdout_path(outlook(np.full(N, 110.0)), came(np.full(N, 100.0)))
    assert found.frame["revenue"].tolist() == [2000, 4000]
    assert found["mape"] == pytest.approx(0.1)


def test_classes_stand_in_order_with_their_means():
    found = holdout_classes(outlook(np.full(N, 100.0)), came(np.full(N, 80.0))).frame
    assert found["activity_class"].tolist() == ["0", "10+"]
    assert found["expected_mean"].tolist() == [10, 10]
    assert found["actual_mean"].tolist() == [8, 8]


def test_better_forecast_is_called_better_and_worse_worse():
    rng = np.random.default_rng(1)
    actual = rng.uniform(50, 500, N)
    off = actual * rng.uniform(0.4, 1.6, N)
    kw = {"draws": 200, "conf_level": 0.95, "rng": rng}
    good = baselines(outlook(actual, naive=off), came(actual), **kw)
    bad = baselines(outlook(off, naive=actual), came(actual), **kw)
    same = baselines(outlook(off, naive=off), came(actual), **kw)
    assert (good["verdict"], bad["verdict"], same["verdict"]) == ("model", "naive", "undecided")
    rows = good.frame.set_index("term")
    assert rows["model_value"]["error_mean"] == 0
    assert rows["model_value"]["rank_correlation"] == pytest.approx(1)
    assert set(good.frame.columns) <= set(columns())
    assert set(good.frame["term"]) <= set(columns())


def test_silence_is_the_rival_of_the_chance_to_order():
    actual = np.r_[np.full(N // 2, 100.0), np.zeros(N // 2)]
    kw = {"draws": 200, "conf_level": 0.9, "rng": np.random.default_rng(2)}
    rows = baselines(outlook(np.full(N, 50.0)), came(actual), **kw).frame.set_index("term")
    # both order the accounts alike: who was silent longest has the smallest chance
    assert rows.loc["auc_bought_again", ["model_value", "naive_value"]].tolist() == [1, 1]


def test_too_few_accounts_are_not_compared():
    kw = {"draws": 200, "conf_level": 0.9, "rng": np.random.default_rng(2)}
    assert baselines(outlook([1.0]), came([1.0]), **kw).refused


def test_refused_forecast_is_not_checked():
    no = refusal("outlook", "holdout.too_short")
    empty = came([])
    kw = {"draws": 200, "conf_level": 0.9, "rng": np.random.default_rng(2)}
    for found in (
        holdout_total(no, empty, conf_level=0.9), holdout_path(no, empty),
        holdout_classes(no, empty), baselines(no, empty, **kw),
    ):  # fmt: skip
        assert found.refused
        assert found.note.key == "holdout.too_short"


@pytest.mark.parametrize(
    ("first", "as_of", "changed", "expected"),
    [
        ("2021-01-01", "2025-12-31", {}, "2024-12-31"),
        ("2024-01-01", "2025-12-31", {}, "2025-06-30"),  # a quarter of two years
        ("2025-01-01", "2025-12-31", {}, "2025-09-30"),
        ("2025-04-01", "2025-12-31", {}, None),  # a quarter of nine months is too short
        ("2009-12-01", "2011-12-09", {"holdout_from": "2011-06-01"}, "2011-05-31"),
        ("2009-12-01", "2011-12-09", {"holdout_from": "2011-12-01"}, None),
        ("2009-12-01", "2011-12-09", {"holdout_from": "2001-06-01"}, None),
    ],
)  # fmt: skip
def test_the_day_of_the_forecast_that_is_checked(first, as_of, changed, expected):
    days = (date.fromisoformat(first), date.fromisoformat(as_of))
    found = holdout_day(*days, LifetimeParams.model_validate(changed))
    assert found == (date.fromisoformat(expected) if expected else None)
