"""The book keeps its contract: columns, types, vocabularies, references, dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book import schemas
from kamlib.book.simulate import DEMO_UNITS
from kamlib.book.simulate.columns import COLUMNS

FIRST, LAST = pd.Timestamp("2021-01-01"), pd.Timestamp("2025-12-31")
PLANNED = {"ends_on", "due_on"}
KEYS = {
    "accounts": "account_id", "transactions": "line_id", "contracts": "contract_id",
    "invoices": "invoice_id", "service_events": "event_id", "visits": "visit_id",
    "contacts": "contact_id", "survey_items": "item",
}  # fmt: skip
# column -> the table and column that it refers to
REFERENCES = {
    "account_id": ("accounts", "account_id"), "parent_id": ("accounts", "account_id"),
    "served_by": ("accounts", "account_id"), "end_customer_id": ("accounts", "account_id"),
    "referrer_id": ("accounts", "account_id"), "cluster": ("accounts", "account_id"),
    "renewed_by": ("contracts", "contract_id"), "contact_id": ("contacts", "contact_id"),
    "item": ("survey_items", "item"), "invoice_id": ("invoices", "invoice_id"),
}  # fmt: skip
SORTED_BY = {
    "transactions": "date", "contracts": "starts_on", "invoices": "issued_on",
    "payments": "date", "service_events": "opened_at", "visits": "date", "points": "date",
    "tier_decisions": "valid_from", "assignments": "starts_on", "programme": "enrolled_on",
    "programme_costs": "date", "defections": "date", "referrals": "date", "surveys": "date",
    "acquisition_costs": "date", "account_history": "valid_from", "survey_frame": "invited_on",
}  # fmt: skip


def test_every_table_of_the_contract_is_in_some_unit(book):
    made = {name for unit in DEMO_UNITS for name in book(unit).tables}
    assert made == set(schemas.SCHEMAS) == set(COLUMNS)


def test_only_what_has_no_meaning_in_a_unit_is_left_out(book):
    assert {unit: set(COLUMNS) - set(book(unit).tables) for unit in DEMO_UNITS} == {
        "commercial_vehicles": {"trials"},
        "telecom_lines": set(),
        "industrial_supplies": {"contracts", "trials"},
    }


def test_columns_are_those_of_the_contract(small):
    # currency and recorded_on may stand in many tables; recorded_on stands in defections
    for name, frame in small.tables.items():
        contract = set(schemas.SCHEMAS[name].columns) - {"currency", "recorded_on"}
        extra = {"recorded_on"} if name == "defections" else set()
        assert set(frame.columns) == contract | extra, name
        assert tuple(frame.columns) == COLUMNS[name]


def test_required_values_are_there_and_words_are_known(small):
    for name, frame in small.tables.items():
        for column, spec in schemas.SCHEMAS[name].columns.items():
            if column not in frame:
                continue
            if not spec.nullable:
                assert frame[column].notna().all(), (name, column)
            words = schemas.vocabulary(spec)
            if words is not None:
                assert set(frame[column].dropna().unique()) <= set(words), (name, column)
            low, high = schemas.limits(spec)
            if low is not None:
                assert (frame[column].dropna() >= low).all(), (name, column)
            if high is not None:
                assert (frame[column].dropna() <= high).all(), (name, column)


def test_references_lead_somewhere(small):
    for name, frame in small.tables.items():
        for column in frame.columns.intersection(list(REFERENCES)):
            table, key = REFERENCES[column]
            known = set(small.tables[table][key])
            assert set(frame[column].dropna()) <= known, (name, column)


def test_keys_are_unique(small):
    for name, key in KEYS.items():
        if name in small.tables:
            assert small.tables[name][key].is_unique, name


def test_rows_stand_in_order_of_time(small):
    for name, column in SORTED_BY.items():
        if name in small.tables:
            assert small.tables[name][column].is_monotonic_increasing, name


@pytest.mark.parametrize("unit", DEMO_UNITS)
def test_no_date_lies_before_onboarding_or_after_the_records(unit, book):
    tables = book(unit, 1.0).tables  # whole, since the last weeks hold few rows
    onboarded = tables["accounts"].set_index("account_id")["onboarded_on"]
    for name, frame in tables.items():
        for column in frame.select_dtypes("datetime").columns:
            day = frame[column].dt.normalize()
            if column not in PLANNED:
                assert not (day > LAST).any(), (name, column)
            if "account_id" in frame and name != "accounts":
                known = frame["account_id"].notna()
                since = frame.loc[known, "account_id"].map(onboarded)
                assert not (day[known] < since).any(), (name, column)


def test_events_begin_with_the_records(small):
    states = {"accounts", "contracts", "assignments", "contacts"}  # in force on the first day
    for name in set(SORTED_BY) - states:
        if name in small.tables:
            assert small.tables[name][SORTED_BY[name]].min() >= FIRST, name


def test_intervals_do_not_run_backwards(small):
    pairs = [
        ("contracts", "starts_on", "ends_on"), ("contracts", "starts_on", "ended_on"),
        ("contracts", "ended_on", "ends_on"), ("contracts", "starts_on", "notice_on"),
        ("contracts", "notice_on", "ended_on"), ("assignments", "starts_on", "ends_on"),
        ("programme", "enrolled_on", "left_on"), ("contacts", "from", "to"),
        ("invoices", "issued_on", "due_on"), ("service_events", "opened_at", "first_response_at"),
        ("service_events", "first_response_at", "resolved_at"),
        ("service_events", "first_response_at", "reopened_at"),
        ("service_events", "reopened_at", "resolved_at"), ("visits", "planned_on", "date"),
        ("defections", "date", "recorded_on"),
    ]  # fmt: skip
    for name, first, then in pairs:
        if name in small.tables:
            frame = small.tables[name]
            assert not (frame[first] > frame[then]).any(), (name, first, then)


def test_accounts_older_than_the_records_are_three_in_five(book):
    # binomial, n = 900 + 375 + 144 accounts: sd of the share 0.013; four of them
    onboarded = pd.concat([book(u).tables["accounts"]["onboarded_on"] for u in DEMO_UNITS])
    assert (onboarded < FIRST).mean() == pytest.approx(0.60, abs=4 * 0.015)
    assert onboarded.min() >= FIRST - pd.DateOffset(years=10, months=1)


def test_names_are_half_chinese_unique_and_some_are_hard(book):
    names = book("commercial_vehicles").tables["accounts"]["name"]
    chinese = names.str.contains("[一-鿿]")
    # binomial with n = 144: sd 0.042, four of them
    assert chinese.mean() == pytest.approx(0.5, abs=0.17)
    assert names.is_unique
    for hard in ("A$AP Haulage & Söhne <Nord>", "_Underline Logistik"):
        assert hard in set(names)


def test_served_accounts_are_served_by_intermediaries(small):
    accounts = small.tables["accounts"].set_index("account_id")
    served = accounts[accounts["served_by"].notna()]
    assert len(served)
    assert (served["role"] == "end_customer").all()
    assert (accounts.loc[served["served_by"], "role"] == "intermediary").all()


def test_one_account_manager_at_a_time(small):
    held = small.tables["assignments"]
    held = held[held["part"] == "account_manager"].sort_values(["account_id", "starts_on"])
    same = held["account_id"].eq(held["account_id"].shift(-1))
    assert (held["ends_on"][same] < held["starts_on"].shift(-1)[same]).all()
    assert {"left_company", "rotated", "other"} == set(held["ended_because"].dropna())


def test_the_last_word_of_the_history_is_what_accounts_shows(small):
    history = small.tables["account_history"]
    last = history.groupby(["account_id", "attribute"])["value"].last().unstack()
    accounts = small.tables["accounts"].set_index("account_id")
    for attribute in ("segment", "region", "role"):
        assert (last[attribute] == accounts[attribute]).all(), attribute
    read = last["credit_score"].astype(float)
    # an account won after January 2025 was read on that day, all others in January 2025
    assert (read == accounts["credit_score"]).all()


def test_a_renewed_contract_is_over_and_its_successor_follows(book):
    for unit in ("commercial_vehicles", "telecom_lines"):
        contracts = book(unit).tables["contracts"]
        renewed = contracts[contracts["renewed_by"].notna()]
        then = contracts.set_index("contract_id").loc[renewed["renewed_by"]]
        gap = (then["starts_on"].to_numpy() - renewed["ended_on"].to_numpy()) / np.timedelta64(
            1, "D"
        )
        assert gap.min() == 1
        assert 3 < gap.max() <= 26  # late signatures
        assert (then["account_id"].to_numpy() == renewed["account_id"].to_numpy()).all()
        assert renewed["end_reason"].isna().all()


def test_contracts_tell_who_left_and_defections_why(book):
    small = book("telecom_lines")
    ends = small.risk_truth[small.risk_truth["end"] != ""]
    contracts = small.tables["contracts"]
    told = contracts[contracts["end_reason"].notna()]
    assert set(told["account_id"]) == set(ends["account_id"])
    why = told.groupby("account_id")["end_reason"].agg(set)
    lost = small.tables["defections"].query("extent == 'whole'")
    assert all(reason in why[account] for account, reason in zip(lost["account_id"],
               lost["reason"], strict=True))  # fmt: skip


def test_payments_never_exceed_their_invoice(small):
    paid = small.tables["payments"].groupby("invoice_id")["amount"].sum()
    owed = small.tables["invoices"].set_index("invoice_id")["amount"]
    assert (paid <= owed.loc[paid.index] + 0.005).all()
    assert 0.85 < paid.sum() / owed.sum() < 1.0


def test_what_is_known_when_a_case_closes_is_unknown_while_it_is_open(small):
    events = small.tables["service_events"]
    still = events[events["resolved_at"].isna()]
    assert len(still)
    for column in ("minutes", "cost", "billed_amount", "compensation", "customer_score"):
        assert still[column].isna().all(), column
