"""The tables of the book as the domain states them."""

from typing import get_args

import pytest

from kamlib.book.schemas import SCHEMAS, limits, schema, vocabulary
from kamlib.errors import KamError
from kamlib.params import TableName

# table: columns that must be there; then those that may
TABLES = {
    "accounts": "account_id; name segment region role parent_id served_by onboarded_on credit_score "
    "potential_per_year currency",
    "account_history": "account_id valid_from attribute value; recorded_on",
    "transactions": "account_id date amount; line_id order_id quantity list_amount cost product "
    "product_line currency recorded_on",
    "contracts": "contract_id account_id starts_on ends_on value_per_year; notice_on ended_on "
    "end_reason renewed_by currency recorded_on",
    "invoices": "invoice_id account_id issued_on due_on amount; disputed currency recorded_on",
    "payments": "invoice_id date amount; currency recorded_on",
    "service_events": "event_id account_id kind stage opened_at; first_response_at resolved_at "
    "reopened_at severity category initiated_by owner_id handovers end_customer_id minutes cost "
    "billed_amount compensation customer_score currency recorded_on",
    "standards": "valid_from; tier role stage kind severity first_response_h resolution_h "
    "visits_per_year training_per_year recorded_on",
    "tier_decisions": "account_id tier valid_from; recorded_on",
    "visits": "account_id date; visit_id planned_on manager_id contact_id channel minutes cost result "
    "currency recorded_on",
    "contacts": "contact_id account_id; part seniority from to recorded_on",
    "assignments": "account_id manager_id starts_on; ends_on part ended_because recorded_on",
    "survey_frame": "wave account_id invited_on method selection; contact_id recorded_on",
    "survey_items": "item construct; dimension value_part text_en text_zh",
    "surveys": "response_id account_id wave date method item score scale_min scale_max; competitor "
    "recorded_on",
    "programme": "account_id level enrolled_on; left_on recorded_on",
    "trials": "trial_id account_id arm assigned_on; cluster recorded_on",
    "programme_costs": "date kind amount; level account_id currency recorded_on",
    "points": "account_id date; issued redeemed expired recorded_on",
    "referrals": "referrer_id account_id date; recorded_on",
    "defections": "account_id date; extent competitor reason source recorded_on",
    "acquisition_costs": "date amount; account_id currency recorded_on",
}


def test_there_are_the_tables_that_parameters_may_name():
    assert set(SCHEMAS) == set(TABLES) == set(get_args(TableName))


@pytest.mark.parametrize("table", TABLES)
def test_columns_as_stated(table):
    must, may = (set(part.split()) for part in TABLES[table].split(";"))
    columns = schema(table).columns
    assert {name for name, spec in columns.items() if spec.required} == must
    assert set(columns) == must | may


@pytest.mark.parametrize("table", TABLES)
def test_what_a_table_says_of_its_columns_names_columns(table):
    contract = schema(table)
    about = contract.metadata
    named = {column for pair in about["order"] for column in pair}
    for outcome, companions in about["until"].items():
        named |= {outcome, *companions}
    named |= {name for name in (about["own_date"], about["key"]) if name}
    assert named <= set(contract.columns)


def test_outcomes_and_what_becomes_unknown_with_them():
    until = {t: SCHEMAS[t].metadata["until"] for t in SCHEMAS if SCHEMAS[t].metadata["until"]}
    assert until == {
        "contracts": {"ended_on": ("end_reason", "renewed_by"), "notice_on": ()},
        "service_events": {
            "first_response_at": (),
            "resolved_at": (
                "minutes", "cost", "billed_amount", "compensation", "customer_score", "handovers",
            ),
            "reopened_at": (),
        },
        "contacts": {"to": ()},
        "assignments": {"ends_on": ("ended_because",)},
        "programme": {"left_on": ()},
    }  # fmt: skip


def test_planned_dates_are_no_outcomes():
    assert "ends_on" not in schema("contracts").metadata["until"]
    assert "due_on" not in schema("invoices").metadata["until"]


def test_vocabularies_and_limits():
    reason = schema("contracts").columns["end_reason"]
    assert reason.checks == schema("defections").columns["reason"].checks
    assert vocabulary(reason) == [
        "competitor", "manager_left", "price", "service", "no_need", "insolvent", "merged",
        "ended_by_us", "other",
    ]  # fmt: skip
    assert vocabulary(schema("programme").columns["level"]) == [1, 2, 3]
    assert vocabulary(schema("accounts").columns["name"]) is None
    assert limits(schema("accounts").columns["credit_score"]) == (0, 100)
    assert limits(schema("contracts").columns["value_per_year"]) == (0, None)
    assert limits(schema("transactions").columns["amount"]) == (None, None)


def test_a_blank_value_where_a_column_must_be():
    # an item left out of a questionnaire has a row and no score
    score = schema("surveys").columns["score"]
    assert score.required
    assert score.nullable
    assert not schema("surveys").columns["item"].nullable


def test_an_unknown_table():
    with pytest.raises(
        KamError, match=r"'transacions' is not a table.*did you mean 'transactions'"
    ):
        schema("transacions")
