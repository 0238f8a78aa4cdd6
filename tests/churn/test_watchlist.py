"""The watch list and the calendar of renewals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.prediction import AS_USUAL, NOTICE, SILENT, forecast
from kamlib.churn.watchlist import account_people, by_value, headline, renewals, visits, watchlist
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


def test_what_a_reader_sees_has_one_column_of_reasons(watched):
    seen = visits(watched)
    assert set(seen.columns) <= set(columns())
    first, row = seen.iloc[0], watched.frame.iloc[0]
    reasons = [row[f"reason_{n}"] for n in (1, 2, 3) if isinstance(row[f"reason_{n}"], str)]
    assert first["why"] == "; ".join(reasons)
    assert first["expected_loss"] == row["expected_loss"]
    assert headline(watched)["expected_loss"][0] == pytest.approx(
        watched.frame["expected_loss"].sum()
    )
    nameless = replace(watched, frame=watched.frame.assign(name=None))
    assert visits(nameless)["name"].tolist() == watched.frame["account_id"].tolist()


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
    # their chance comes from the silence alone
    assert silent[["reason_2", "reason_3"]].isna().all().all()
    assert usual["reason_2"].notna().any()


def test_open_complaints_are_those_of_today(watched, one):
    cases = one.book["service_events"].to_pandas()
    day = pd.Timestamp(one.book.as_of) + pd.Timedelta(days=1)
    mine = cases[(cases["kind"] == "complaint") & (cases["opened_at"] < day)]
    again = mine["reopened_at"].notna() & (mine["reopened_at"] > mine["resolved_at"])
    counted = mine[mine["resolved_at"].isna() | again].groupby("account_id").size()
    shown = watched.frame.set_index("account_id")["open_complaints"]
    assert shown.sum() > 0
    assert (shown == counted.reindex(shown.index).fillna(0)).all()


def test_it_is_one_flat_row_per_account(watched, tmp_path):
    from kamlib.show.csv import safe_csv

    frame = watched.frame
    assert frame["account_id"].is_unique
    plain = frame.map(lambda cell: pd.api.types.is_scalar(cell))
    assert plain.all().all()
    safe_csv(frame, tmp_path / "list.csv")
    again = pd.read_csv(
        tmp_path / "list.csv", encoding="utf-8-sig", parse_dates=["last_contact_on"]
    )
    assert list(again.columns) == list(frame.columns)
    pd.testing.assert_series_equal(again["expected_loss"], frame["expected_loss"])


def test_without_visits_no_contact_is_claimed_to_be_missing(told, worth, people, one):
    from dataclasses import replace

    living = told.living.assign(weeks_since_visit=np.nan)
    blind = replace(told, found=replace(told.found, living=living))
    found = watchlist(blind, worth, people, one.rules)
    check = next(c for c in found.checks if c.name == "watchlist_contact")
    assert check.note.key == "watchlist.no_visits"
    assert say(check.note, Style("zh"))


def test_chance_of_a_renewal_reaches_to_the_end_of_the_grace(told, watched):
    """Who does not renew in the third month is lost in the fourth, when the grace is over."""
    from dataclasses import replace

    ends = renewals(told, watched).frame
    third = ends[ends["contract_ends_on"].between("2026-03-01", "2026-03-31")]["account_id"]
    waited = replace(
        told.found, living=told.living.assign(wait_months=told.living["wait_months"] + 1)
    )
    frame = renewals(replace(told, found=waited), watched).frame
    mine = frame[frame["account_id"].isin(third)]
    assert len(mine) > 0
    assert (mine["months_ahead"] == 3).all()
    place = told.living.set_index("account_id").index.get_indexer(mine["account_id"])
    assert np.allclose(mine["p_leave"], told.point.left[place, 1])


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


def test_without_chances_accounts_stand_by_what_would_be_lost(one, told, worth, people, watched):
    found = by_value(one.landmarks, worth, people)
    assert set(found.frame.columns) <= set(columns())
    assert set(found.frame["account_id"]) == set(watched.frame["account_id"])
    usual = (found.frame["account_state"] == AS_USUAL).to_numpy()
    assert (np.diff(usual.astype(int)) >= 0).all()  # what shows already stands first
    assert found.frame.loc[usual, "value"].dropna().is_monotonic_decreasing
    same = watched.frame.set_index("account_id")["last_contact_on"]
    contact = found.frame.set_index("account_id")["last_contact_on"]
    assert contact.equals(same.reindex(contact.index))
    for language in ("en", "zh"):
        assert "{" not in say(found.note, Style(language))
    nobody = replace(one.landmarks, living=one.landmarks.living.head(0))
    assert by_value(nobody, worth, people).refused
