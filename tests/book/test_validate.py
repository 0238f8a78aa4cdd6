"""Every rule by name: what breaks it, and where the row stands that does."""

from datetime import date

import ibis
import pytest

from kamlib.book import validate
from kamlib.book.aside import Aside
from kamlib.book.engine import embedded
from kamlib.book.raw import FAULT, ROW, Raw
from kamlib.glossary import sentences

SALE = {"account_id": "A", "date": "2024-01-05", "amount": "10"}
EVENT = {"event_id": "E1", "account_id": "A", "kind": "complaint", "stage": "in_sale",
         "opened_at": "2024-01-05 09:00"}  # fmt: skip
CONTRACT = {"contract_id": "C1", "account_id": "A", "starts_on": "2024-01-01",
            "ends_on": "2024-12-31", "value_per_year": "100"}  # fmt: skip
ANSWER = {"response_id": "R1", "account_id": "A", "wave": "W", "date": "2024-01-05",
          "method": "phone", "item": "I", "score": "4", "scale_min": "1", "scale_max": "5"}  # fmt: skip


def listed(book):
    """Return the rows set aside as (row, column, rule, value)."""
    rows = book.rejected.order_by("row", "column").execute()
    return [*rows[["row", "column", "rule", "value"]].itertuples(index=False, name=None)]


@pytest.mark.parametrize(
    ("table", "good", "dirty"),
    [
        (
            "transactions",
            SALE,
            {
                3: ("account_id", "", "missing", None),
                4: ("date", "", "missing", None),
                5: ("amount", "", "missing", None),
                6: ("amount", "ten", "not_a_number", "ten"),
                7: ("amount", "1e15", "beyond_max_amount", "1e15"),
                8: ("date", "01/02/2024", "order_not_stated", "01/02/2024"),
                9: ("date", "24-01-05", "two_digit_year", "24-01-05"),
                10: ("date", "2024-02-30", "no_such_day", "2024-02-30"),
                11: ("date", "1066-10-14", "implausible_year", "1066-10-14"),
                12: ("date", "soon", "not_a_date", "soon"),
                13: ("quantity", "many", "not_a_number", "many"),
                14: ("cost", "-2e12", "beyond_max_amount", "-2e12"),
            },
        ),
        (
            "service_events",
            EVENT,
            {
                3: ("kind", "anger", "not_allowed", "anger"),
                4: ("opened_at", "2024-01-05 25:00", "no_such_time", "2024-01-05 25:00"),
                5: ("resolved_at", "2024-01-04", "before_its_start", "2024-01-04"),
                6: ("first_response_at", "2024-01-05 08:59", "before_its_start", "2024-01-05 08:59"),
                7: ("minutes", "-5", "too_small", "-5"),
                8: ("handovers", "1.5", "not_whole", "1.5"),
                9: ("stage", "", "missing", None),
            },
        ),
        (
            "contracts",
            CONTRACT,
            {
                3: ("ends_on", "2023-12-31", "before_its_start", "2023-12-31"),
                4: ("end_reason", "bored", "not_allowed", "bored"),
                5: ("value_per_year", "-1", "too_small", "-1"),
            },
        ),
        (
            "accounts",
            {"account_id": "A"},
            {
                3: ("credit_score", "101", "too_large", "101"),
                4: ("credit_score", "-1", "too_small", "-1"),
                5: ("role", "friend", "not_allowed", "friend"),
            },
        ),
        (
            "invoices",
            {"invoice_id": "I", "account_id": "A", "issued_on": "2024-01-05",
             "due_on": "2024-02-05", "amount": "5"},
            {3: ("disputed", "perhaps", "not_yes_or_no", "perhaps")},
        ),
        (
            "surveys",
            ANSWER,
            {
                3: ("score", "0", "before_its_start", "0"),
                4: ("scale_max", "3", "before_its_start", "3"),
            },
        ),
        (
            "programme",
            {"account_id": "A", "level": "1", "enrolled_on": "2024-01-05"},
            {3: ("level", "4", "not_allowed", "4"), 4: ("level", "x", "not_a_number", "x")},
        ),
    ],
)  # fmt: skip
def test_each_rule_names_row_column_and_value(small, table, good, dirty):
    rows = [good]
    for number, (column, text, _, _) in dirty.items():
        own = {"event_id": f"E{number}", "contract_id": f"C{number}", "account_id": f"A{number}",
               "invoice_id": f"I{number}"}  # fmt: skip
        rows.append(good | {k: v for k, v in own.items() if k in good} | {column: text})
    tables = {"transactions": [SALE], table: rows}
    book = small.open(tables, as_of="2024-12-31")
    assert listed(book) == [
        (row, column, rule, value) for row, (column, _, rule, value) in dirty.items()
    ]
    count = book.counts.set_index("table").loc[table]
    assert count.tolist() == [1 + len(dirty), 1, len(dirty), 0]


def test_a_row_may_break_several_rules_and_is_counted_once(small):
    bad = {"account_id": "", "date": "soon", "amount": "ten"}
    book = small.open({"transactions": [SALE, bad]})
    assert listed(book) == [
        (3, "account_id", "missing", None),
        (3, "amount", "not_a_number", "ten"),
        (3, "date", "not_a_date", "soon"),
    ]
    assert book.counts[["n_read", "n_kept", "n_set_aside"]].values.tolist() == [[2, 1, 1]]


def test_words_are_taken_however_they_are_written(small):
    rows = [EVENT | {"stage": stage, "event_id": str(n)} for n, stage in
            enumerate(["In sale", "IN-SALE", " in_sale ", "in  sale"])]  # fmt: skip
    book = small.open({"transactions": [SALE], "service_events": rows})
    assert book["service_events"].stage.execute().tolist() == ["in_sale"] * 4


def test_an_answer_left_out_is_kept_without_a_score(small):
    book = small.open({"transactions": [SALE], "surveys": [ANSWER | {"score": ""}, ANSWER]})
    assert sorted(book["surveys"].score.execute().fillna(-1)) == [-1, 4]


def test_every_rule_has_its_sentence():
    """All codes that the source can write stand in the glossary, so that a reader sees no code."""
    known = {key.removeprefix("rule.") for key in sentences() if key.startswith("rule.")}
    assert known == {
        "missing", "not_a_number", "not_whole", "not_a_date", "order_not_stated", "two_digit_year",
        "no_such_day", "no_such_time", "implausible_year", "not_yes_or_no", "not_allowed",
        "too_small", "too_large", "beyond_max_amount", "before_its_start", "not_a_record",
        "repeated", "contradicting", "on_two_sheets", "not_goods",
    }  # fmt: skip


def test_what_is_not_known_yet_breaks_no_rule(small):
    """A row is not set aside for a fault in an outcome that lies after `as_of`."""
    late = EVENT | {"resolved_at": "2024-02-01", "minutes": "-5", "cost": "1e15", "handovers": "x"}
    wrong = CONTRACT | {"ended_on": "2024-02-01", "end_reason": "bored"}
    tables = {"transactions": [SALE], "service_events": [late], "contracts": [wrong]}
    before = small.open(tables, as_of="2024-01-31")
    assert before.faults.empty
    assert before["service_events"].minutes.execute().isna().all()
    after = small.open(tables, as_of="2024-02-01")
    assert [row[1:3] for row in listed(after)] == [
        ("cost", "beyond_max_amount"), ("end_reason", "not_allowed"), ("handovers", "not_a_number"),
        ("minutes", "too_small"),
    ]  # fmt: skip


def test_an_adapter_s_own_rule(small):
    con = embedded("UTC")
    rows = ibis.memtable([SALE | {ROW: 7, FAULT: "product:not_goods", "product": "POST"},
                          SALE | {ROW: 8, FAULT: None, "product": "X"}])  # fmt: skip
    raw = Raw("transactions", con.create_table("t", rows), "record.csv")
    judged = validate.judge(raw, small.unit({"transactions": [SALE]}), date(2024, 12, 31))
    aside = Aside(con)
    aside.add_rejected(judged, judged.rejected(date(2024, 12, 31)))
    assert aside.table.execute().to_dict("records") == [
        {"table": "transactions", "source": "record.csv", "row": 7, "record": "A",
         "column": "product", "rule": "not_goods", "value": "POST"}
    ]  # fmt: skip
    assert judged.known(date(2024, 12, 31)).count().execute() == 1


def test_repeated_rows_are_told_from_contradicting_ones():
    con = embedded("UTC")
    rows = [
        # key, content, row: one alone, three times the same, two that differ, two without a key
        ("a", 1, 1), ("b", 2, 2), ("b", 2, 3), ("b", 2, 4), ("c", 3, 5), ("c", 4, 6), ("c", 3, 7),
        (None, 5, 8), (None, 5, 9), ("d", None, 10), ("d", None, 11),
    ]  # fmt: skip
    table = con.create_table("t", ibis.memtable(rows, columns=["key", "x", ROW]))
    usable, doubles = validate.repeated(table, "key")
    assert sorted(usable[ROW].execute()) == [1, 2, 8, 9, 10]
    assert dict(doubles.select(ROW, "rule").execute().values) == {
        3: "repeated", 4: "repeated", 11: "repeated",
        5: "contradicting", 6: "contradicting", 7: "contradicting",
    }  # fmt: skip
