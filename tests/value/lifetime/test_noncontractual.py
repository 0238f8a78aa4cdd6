"""Forecasts of accounts that simply buy: refusals by name, the model chosen, what is told of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import LANGUAGES, Sentence, Style, columns, say
from kamlib.params import LifetimeParams
from kamlib.results import Estimate
from kamlib.value.lifetime import noncontractual
from kamlib.value.lifetime.noncontractual import forecast_purchases, month_ends
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.pooling import Pool
from kamlib.value.lifetime.purchases.bg_nbd import MBG_NBD

DAY, HORIZON = "2024-12-31", 365.0


def orders(n=120, *, seed=1, k=1, spend=50.0):
    """Return days of purchase of accounts that buy about every 30 days and may leave."""
    rng = np.random.default_rng(seed)
    rate, leave = rng.gamma(2.0, 1 / 60, n), rng.beta(0.4, 20, n)
    end, rows = pd.Timestamp("2025-12-31"), []
    for i in range(n):
        day = pd.Timestamp("2022-12-31") + pd.Timedelta(days=int(rng.integers(1, 365)))
        while day <= end:
            rows.append((f"a{i:03}", day, spend * rng.gamma(4.0) / 4))
            if rng.random() < leave[i]:
                break
            day += pd.Timedelta(days=max(1, round(rng.gamma(k, 1 / (k * rate[i])))))
    return pd.DataFrame(rows, columns=["account_id", "date", "amount"])


@pytest.fixture(scope="module")
def days():
    return orders()


@pytest.fixture(scope="module")
def history(days, history_of):
    return history_of(days, DAY)


@pytest.fixture(scope="module")
def ask(no_economics):
    def make(history, *, pools=None, horizon=HORIZON, level=0.95, seed=3, **changed):
        params = LifetimeParams.model_validate({"draws": 300} | changed)
        known = no_economics(params.draws, len(history.summary))
        return forecast_purchases(
            history, known, params, pools=pools or {}, horizon_days=horizon, conf_level=level,
            rng=np.random.default_rng(seed),
        )  # fmt: skip

    return make


# What is refused, and why


def refused(found, key, reason=None):
    assert isinstance(found, Estimate)
    assert found.refused
    assert found.note.key == key
    if reason:
        assert found.note.values["reason"].key == reason
    for language in LANGUAGES:
        assert say(found.note, Style(language))


def test_nobody_bought(ask, history, days, history_of):
    refused(ask(history_of(days.head(0), DAY)), "noncontractual.no_purchases")


def test_nobody_bought_again(ask, history_of, days):
    once = days.drop_duplicates("account_id")
    refused(ask(history_of(once, DAY)), "noncontractual.no_repeat")


def test_too_few_bought_again(ask, history_of, days):
    few = days[days["account_id"].isin([f"a{i:03}" for i in range(9)])]
    once = days.drop_duplicates("account_id")
    both = pd.concat([few, once]).drop_duplicates(["account_id", "date"])
    found = ask(history_of(both, DAY))
    refused(found, "noncontractual.trouble", "purchases.too_few_repeat")


@pytest.mark.parametrize("value", [0.0, -5.0, np.nan])
def test_no_positive_average(ask, history, value):
    none = replace(history, summary=history.summary.assign(monetary_value=value))
    refused(ask(none), "noncontractual.no_spend")


def test_too_few_with_a_positive_average(ask, history):
    spend = history.summary["monetary_value"].where(history.summary.index < 9)
    few = replace(history, summary=history.summary.assign(monetary_value=spend))
    refused(ask(few), "noncontractual.trouble", "spend.too_few")


def test_no_fit_converged(ask, history, monkeypatch):
    why = Sentence("purchases.not_converged", {"model": "any", "n": 120})
    real = noncontractual.fit
    monkeypatch.setattr(noncontractual, "fit", lambda *a, **o: replace(real(*a, **o), trouble=why))
    refused(ask(history), "noncontractual.trouble", "purchases.not_converged")


# What is forecast


def test_forecast_tells_of_every_account(ask, history):
    found = ask(history)
    assert isinstance(found, Outlook)
    assert (found.relation, found.day, found.horizon_days) == (
        "purchases", date(2024, 12, 31), 365.0,
    )  # fmt: skip
    known = found.accounts
    assert known["account_id"].tolist() == history.summary["account_id"].tolist()
    assert known["p_alive"].between(0, 1).all()
    assert known["p_order"].between(0, 1).all()
    assert known["days_since_last"].tolist() == history.summary["days_since_last"].tolist()
    shown = {*known.columns, *found.path.columns} - {"naive_revenue"}
    assert shown <= set(columns())
    assert {check.passed for check in found.checks} <= {True, False, None}
    assert len({check.name for check in found.checks}) == len(found.checks)
    for check in found.checks:
        for language in LANGUAGES:
            assert say(check.note, Style(language))


def test_naive_revenue_is_that_of_the_last_year_over_the_horizon(ask, history):
    naive = ask(history, horizon=730.0).accounts.set_index("account_id")["naive_revenue"]
    last = history.trailing.set_index("account_id")["revenue"]
    # who bought nothing in the last year is expected to go on so
    assert naive.to_dict() == pytest.approx((2 * last).reindex(naive.index).fillna(0).to_dict())


def test_path_ends_at_the_totals(ask, history):
    found = ask(history)
    assert found.path["month"].iloc[-1] == pd.Timestamp("2025-12-31")
    assert len(found.path) == 12
    for column, name in (("expected_purchases", "purchases"), ("expected_revenue", "revenue")):
        assert found.path[column].is_monotonic_increasing
        assert found.path[column].iloc[-1] == pytest.approx(
            float(found.prediction.unit[name].mean), rel=1e-9
        )


def test_without_costs_the_contribution_is_discounted_revenue(ask, history):
    found = ask(history, discount_rate=0.0)
    unit = found.prediction.unit
    assert found.margin_known is False
    assert float(unit["contribution"].mean) == pytest.approx(float(unit["revenue"].mean))
    paid = ask(history, discount_rate=0.2).prediction.unit["contribution"]
    # over a year, 20 % a year takes about 9 % off
    assert float(paid.mean) == pytest.approx(0.913 * float(unit["revenue"].mean), rel=0.02)


def test_same_numbers_from_the_same_start_and_input_left_alone(ask, history):
    before = history.summary.copy()
    one, two = ask(history), ask(history)
    pd.testing.assert_frame_equal(one.accounts, two.accounts)
    np.testing.assert_array_equal(one.prediction.draws["revenue"], two.prediction.draws["revenue"])
    pd.testing.assert_frame_equal(history.summary, before)


def test_without_a_rehearsal_the_forecast_says_so(ask, days, history_of):
    found = ask(history_of(days, DAY, rehearsed=0))
    steady = next(check for check in found.checks if check.name == "rates_steady")
    assert (steady.passed, steady.note.key) == (None, "rehearsal.none")


# Which model


def test_chance_to_be_alive_of_bg_nbd_is_not_given_out(ask, history):
    known = ask(history, model="BG/NBD").accounts
    assert known["p_alive"].isna().all()
    assert known["p_order"].between(0, 1).all()
    # who has just ordered is likelier to order again than who has been silent longest
    by_silence = known.sort_values("days_since_last")["p_order"].to_numpy()
    assert by_silence[:20].mean() > by_silence[-20:].mean()


@pytest.mark.parametrize("name", ["BG/NBD", "Pareto/NBD"])
def test_a_model_that_is_asked_for_is_used(ask, history, name):
    assert ask(history, model=name).model == name


def test_regular_buyers_get_a_regular_model(ask, history_of):
    found = ask(history_of(orders(seed=2, k=3), DAY, rehearsed=0))
    assert found.model.startswith("MBG/CNBD-")


def test_the_likeliest_is_taken(ask, history):
    found = ask(history)
    chosen = next(check for check in found.checks if check.name == "purchase_model")
    assert chosen.note.values["model"] == found.model
    assert chosen.note.values["gain"] >= 0


def test_comparable_units_are_asked_where_they_know_the_model(ask, history, history_of):
    unit = MBG_NBD.coordinates(np.array([2.0, 60.0, 0.4, 20.0]))
    pools = {"MBG/NBD": Pool("MBG/NBD", unit, 0.04 * np.eye(4), tuple("abcdef"), 3)}
    found = ask(history, pools=pools, model="MBG/CNBD-k")
    prior = next(check for check in found.checks if check.name == "purchase_prior")
    assert (found.model, prior.note.key) == ("MBG/NBD", "pooling.used")
    # a prior of random buyers is not one of regular buyers, and does not hide that they are
    regular = ask(history_of(orders(seed=2, k=3), DAY, rehearsed=0), pools=pools)
    prior = next(check for check in regular.checks if check.name == "purchase_prior")
    assert regular.model.startswith("MBG/CNBD-")
    assert prior.note.key == "pooling.none"
    # what units of that rhythm share does
    own = regular.model
    pools |= {own: Pool(own, unit, 0.04 * np.eye(4), tuple("abcdef"), 3)}
    again = ask(history_of(orders(seed=2, k=3), DAY, rehearsed=0), pools=pools)
    prior = next(check for check in again.checks if check.name == "purchase_prior")
    assert (again.model, prior.note.key) == (own, "pooling.used")


@pytest.mark.parametrize(
    ("day", "horizon", "months", "last"),
    [
        ("2024-12-31", 365, 12, "2025-12-31"),
        ("2025-01-15", 30, 2, "2025-02-14"),
        ("2024-01-31", 29, 1, "2024-02-29"),
    ],
)
def test_month_ends(day, horizon, months, last):
    found = month_ends(date.fromisoformat(day), horizon)
    assert len(found) == months
    assert found["month"].iloc[-1] == pd.Timestamp(last)
    assert found["days"].iloc[-1] == horizon
