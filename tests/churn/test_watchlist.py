"""The watch list and the calendar of renewals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.prediction import NOTICE, SILENT, forecast
from kamlib.churn.watchlist import account_people, renewals, watchlist
from kamlib.churn.worth import account_worth, worth_basis
from kamlib.glossary import Sentence, Style, columns, say


def told_of(one):
    return forecast(one.landmarks, one.rules, np.random.default_rng(1))


@pytest.fixture(scope="module")
def one(study):
    return study("telecom_lines", 0.25, due_months=1)


@pytest.fixture(scope="module")
def told(one):
    return told_of(one)


@pytest.fixture(scope="module")
def worth(one):
    return account_worth(ledger(one.book), one.book.as_of, months=12, discount_rate=0.1)


@pytest.fixture(scope="module")
def people(one):
    return account_people(one.book)


@pytest.fixture(scope="module")
def watched(told, worth, people, one):
    return watchlist(told, worth, people, one.rules)


def test_frame(watched, told, worth, one):
    frame = watched.frame
    assert set(frame.columns) <= set(columns())
    assert sorted(frame["account_id"]) == sorted(told.living["account_id"])
    assert frame["expected_loss"].is_monotonic_decreasing
    assert np.allclose(frame["expected_loss"], frame["p_leave"] * frame["value"])
    first = frame.iloc[0]
    value = worth.set_index("account_id").loc[first["account_id"], "value"]
    assert first["value"] == value
    place = int((told.living["account_id"] == first["account_id"]).to_numpy().argmax())
    assert first["p_leave"] == told.point.left[place, -1]
    assert first["p_leave_soon"] == told.point.left[place, 0]
    assert frame["reason_1"].notna().all()


def test_total_is_the_sum_with_its_interval(watched):
    values = watched.note.values
    assert values["total"] == pytest.approx(watched.frame["expected_loss"].sum())
    assert values["low"] < values["total"] < values["high"]
    for language in ("en", "zh"):
        assert say(watched.note, Style(language, "CNY"))
        assert all(say(check.note, Style(language)) for check in watched.checks)


def test_last_contact_is_the_day_of_the_visit(watched, one):
    visits = one.book["visits"]
    last = visits.group_by("account_id").agg(last=visits.date.max()).to_pandas()
    both = watched.frame.merge(last, on="account_id").dropna(subset=["last_contact_on", "last"])
    assert len(both) > 50
    assert (both["last_contact_on"] == pd.to_datetime(both["last"])).all()


def test_reasons_speak_the_readers_language(told, worth, people, one):
    found = watchlist(told, worth, people, one.rules, style=Style("zh", "CNY"))
    assert any("一" <= letter <= "龥" for letter in found.frame["reason_1"].iloc[0])


def test_unknown_value_stands_last_and_is_said(told, worth, people, one):
    first = worth["account_id"].iloc[0]
    living = told.living["account_id"]
    fewer = worth[worth["account_id"] != living.iloc[0]]
    found = watchlist(told, fewer, people, one.rules)
    assert found.frame["account_id"].iloc[-1] == living.iloc[0]
    assert next(c for c in found.checks if c.name == "value_known").passed is False
    assert first


def test_who_is_silent_or_gave_notice_is_told_first(study, watched, told):
    apart = watched.frame[watched.frame["account_state"] == NOTICE]
    assert len(apart) == int(told.living["is_apart"].sum())
    one = study("industrial_supplies", 0.3)
    worth = account_worth(ledger(one.book), one.book.as_of, months=12, discount_rate=0.1)
    found = watchlist(told_of(one), worth, account_people(one.book), one.rules)
    silent = found.frame[found.frame["account_state"] == SILENT]
    assert len(silent) > 5
    assert silent["reason_1"].str.startswith("no order for").all()
    usual = found.frame[found.frame["account_state"] != SILENT]
    assert silent["p_leave_soon"].mean() > 2 * usual["p_leave_soon"].mean()


def test_renewals_by_horizon(told, watched):
    found = renewals(told, watched)
    frame = found.frame
    assert set(frame.columns) <= set(columns())
    assert set(frame["months_ahead"]) <= {3, 6, 12}
    first, last = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-12-31")
    assert frame["contract_ends_on"].between(first, last).all()
    soon = frame[frame["months_ahead"] == 3]
    assert (soon["contract_ends_on"] <= "2026-03-31").all()
    # the chance within three months is that of the forecast
    place = told.living.set_index("account_id").index.get_indexer(soon["account_id"])
    assert np.allclose(soon["p_leave"], told.point.left[place, 0])
    assert np.allclose(frame["expected_loss"], frame["p_leave"] * frame["value"])
    assert say(found.note, Style("zh", "CNY"))


def test_without_contracts_there_is_no_calendar(study):
    one = study("industrial_supplies", 0.3)
    told = told_of(one)
    worth = account_worth(ledger(one.book), one.book.as_of, months=12, discount_rate=0.1)
    basis = worth_basis(ledger(one.book))
    watched = watchlist(told, worth, account_people(one.book), one.rules, basis=basis)
    assert renewals(told, watched).note.key == "watchlist.no_contracts"


def test_refused_forecast_is_passed_on(watched, worth, people, one):
    why = Sentence("prediction.nobody", {"as_of": one.book.as_of})
    assert watchlist(why, worth, people, one.rules).note.key == "prediction.nobody"
    assert renewals(why, watched).refused
