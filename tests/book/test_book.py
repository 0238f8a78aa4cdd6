"""A book from its files: what is kept, set aside, later; what was known on a day; what is refused."""

import csv
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.accounts import ledger, period
from kamlib.book import open_book
from kamlib.book.schemas import SCHEMAS, schema
from kamlib.book.simulate import simulate
from kamlib.errors import BookError
from kamlib.value.facts import account_facts

SALE = {"account_id": "A", "date": "2024-01-05", "amount": "10"}


def sale(account="A", day="2024-01-05", amount="10", **more):
    return {"account_id": account, "date": day, "amount": amount} | more


def kept(book, table, *columns):
    """Return kept rows as sorted tuples, unknown values as None."""
    rows = book[table].select(*columns) if columns else book[table]
    frame = rows.execute().astype(object)
    cells = frame.where(frame.notna(), None).itertuples(index=False, name=None)
    return sorted(cells, key=repr)


def counts(book, table="transactions"):
    """Return read, kept, set aside, later."""
    return book.counts.set_index("table").loc[table].tolist()


def faults(book):
    rows = book.faults[["table", "column", "rule", "n_rows"]]
    return [*rows.itertuples(index=False, name=None)]


def refusal(small, tables, **params):
    """Return the faults with which a book is refused."""
    with pytest.raises(BookError) as caught:
        small.open(tables, **params)
    return caught.value.faults


# What is read how


def test_a_file_as_it_comes(small):
    """GB18030, semicolons, headings of the firm's own, five ways to write a day, empty lines."""
    unit = small.unit(
        {"transactions": SALE["account_id"]},
        settings={
            "transactions": {
                "file": "销售.csv",
                "columns": {"account_id": "客户", "date": "日期", "amount": "金额（元）"},
            }
        },
    )
    text = (
        "客户;日期;金额（元）;备注\n"
        "大连;2024-01-05;1,234.00;\n\n"
        "大连;2024/1/6;¥1,000;\n"
        ";;;\n"
        "北京;２０２４年１月７日;－５００;退货\n"
        "北京;45299;1e2;\n"
        "北京;20240109;7;\n"
    )
    (unit.folder / "销售.csv").write_bytes(text.encode("gb18030"))
    book = open_book(unit)
    # 45299 is three days after 45296, which is 2024-01-05
    assert kept(book, "transactions", "account_id", "date", "amount") == [
        ("北京", pd.Timestamp("2024-01-07"), -500.0),
        ("北京", pd.Timestamp("2024-01-08"), 100.0),
        ("北京", pd.Timestamp("2024-01-09"), 7.0),
        ("大连", pd.Timestamp("2024-01-05"), 1234.0),
        ("大连", pd.Timestamp("2024-01-06"), 1000.0),
    ]
    assert counts(book) == [5, 5, 0, 0]
    assert book.as_of == date(2024, 1, 9)
    assert [check.passed for check in book.checks] == [True]


def test_a_decimal_comma_where_the_parameters_say_so(small):
    rows = [sale(amount="1.234,50"), sale(amount="1234.50", account="B")]
    book = small.open({"transactions": rows}, settings={"transactions": {"decimal": ","}})
    assert kept(book, "transactions", "amount") == [(1234.5,)]
    assert faults(book) == [("transactions", "amount", "not_a_number", 1)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_blanks_that_nobody_sees_make_no_second_account(small, kind):
    """No-break, full-width and zero-width blanks, as they come from web pages and spreadsheets."""
    ids = ["A01", "A01\u00a0", "\u3000A01", "A01 ", "\ufeffA01\u200b"]
    book = small.open(
        {
            "transactions": [sale(one, order_id=f"\u00a0{n}") for n, one in enumerate(ids)],
            "accounts": [
                {"account_id": "A01\u3000", "parent_id": "\u200bP", "name": "Alpha\u00a0AG"}
            ],
        },
        kind=kind,
    )
    assert kept(book, "accounts", "account_id", "parent_id", "name") == [
        ("A01", "P", "Alpha\u00a0AG")
    ]
    assert kept(book, "transactions", "account_id", "order_id") == [
        ("A01", str(n)) for n in range(len(ids))
    ]
    assert all(check.passed for check in book.checks)


def test_the_same_line_twice(small):
    rows = [
        sale(line_id="1"),
        sale(line_id="1"),
        sale(line_id="1", amount=" 10.00 "),
        sale(line_id="2", amount="20"),
        sale(line_id="2", amount="21"),
        sale(line_id=""),
        sale(line_id=""),
        sale(line_id="3", amount="5"),
    ]
    book = small.open({"transactions": rows})
    # of three times line 1 one is kept; of line 2 none; lines without a number are no copies
    assert kept(book, "transactions", "line_id", "amount") == [
        ("1", 10.0),
        ("3", 5.0),
        (None, 10.0),
        (None, 10.0),
    ]
    assert counts(book) == [8, 4, 4, 0]
    assert faults(book) == [
        ("transactions", "line_id", "contradicting", 2),
        ("transactions", "line_id", "repeated", 2),
    ]
    assert str(book.checks[-1].note).startswith("4 of 8 rows were set aside")


def test_rows_later_than_the_day_are_counted_apart(small):
    rows = [sale(), sale(day="2024-01-06"), sale(day="2024-01-07", amount="x"), sale(day="soon")]
    book = small.open({"transactions": rows}, as_of="2024-01-05")
    assert counts(book) == [4, 1, 1, 2]
    # at the end of the day: what happened on it is known
    book = small.open({"transactions": rows}, as_of="2024-01-06")
    assert counts(book) == [4, 2, 1, 1]


def test_without_a_day_the_last_usable_sale_counts(small):
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    rows = [sale(), sale(day="2024-03-01"), sale(day="2024-04-01", amount="x"), sale(day=tomorrow)]
    book = small.open({"transactions": rows})
    assert book.as_of == date(2024, 3, 1)
    # the row that cannot be read is dated later, and counts as later
    assert counts(book) == [4, 2, 0, 2]


def test_required_columns_that_are_missing(small):
    tables = {
        "transactions": [{"customer": "A", "day": "2024-01-05", "amount": "1"}],
        "visits": [{"account_id": "A", "when": "2024-01-05"}],
    }
    assert refusal(small, tables) == (
        "transactions: transactions.csv lacks the required columns account_id, date; columns found: "
        "customer, day, amount; name them under book.tables.transactions.columns, e.g. "
        "account_id: customer",
        "visits: visits.csv lacks the required column date; columns found: account_id, when; name "
        "them under book.tables.visits.columns, e.g. date: account_id",
    )


def test_a_column_map_that_does_not_fit(small):
    columns = {"acount_id": "customer", "date": "dya", "account_id": "customer"}
    rows = [{"customer": "A", "day": "2024-01-05", "amount": "1"}]
    assert refusal(
        small, {"transactions": rows}, settings={"transactions": {"columns": columns}}
    ) == (
        "book.tables.transactions.columns: 'acount_id' is not a column – did you mean 'account_id'?",
        "transactions.date: transactions.csv has no column 'dya' – did you mean 'day'?",
    )


# Set aside, and where it stands


NASTY = [
    "", " ", "NULL", "n/a", "-", "0", "00", "-0", "1e15", "1e999", "9" * 400, "NaN", "inf", "ten",
    "1,234.00", "1.234,00", "¥5", "(5)", "５", "01/02/2024", "24-01-05", "2024-02-30", "45296",
    "2024-01-05T10:00:00Z", "2024-01-05 25:00", "0001-01-01", "9999-12-31", "=1+1", "@x", "'x",
    '"', 'a"b', "a,b", "a\nb", "a;b", "\t", "\u3000", "\u202e", "🙂", "é", "大连", "<b>", "a$b",
    "../..", "true", "platinum", "competitor", "2024-01-05", "2024-06-30", "2025-01-01", "3.5",
]  # fmt: skip


def dirtied(good):
    """Rows like `good`, any of whose cells may hold something nasty."""
    cells = {c: st.one_of(st.just(v), st.just(v), st.sampled_from(NASTY)) for c, v in good.items()}
    return st.lists(st.fixed_dictionaries(cells), max_size=12)


LINE = sale(line_id="1", quantity="2", cost="4", currency="CNY")
CONTRACT = {"contract_id": "C", "account_id": "A", "starts_on": "2024-01-01", "ends_on": "2024-12-31",
            "value_per_year": "9", "ended_on": "2024-06-30", "end_reason": "price",
            "renewed_by": "C", "recorded_on": "2024-01-02"}  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    lines=dirtied(LINE),
    contracts=dirtied(CONTRACT),
    as_of=st.sampled_from(["", "2024-01-05", "2024-06-29", "2025-12-31"]),
)
def test_every_row_is_kept_set_aside_or_later(small, lines, contracts, as_of):
    """The three counts add up, the kept rows keep the contract, those set aside have a reason."""
    # strange currencies would stop the unit: that is another test's
    lines = [line | {"currency": "CNY"} for line in lines]
    tables = {"transactions": [sale(line_id="first"), *lines], "contracts": [CONTRACT, *contracts]}
    blank = {name: sum(not any(v.strip(" ") for v in row.values()) for row in rows)
             for name, rows in tables.items()}  # fmt: skip
    book = small.open(tables, as_of=as_of, currency="CNY")
    aside = book.rejected.execute()
    for name, rows in tables.items():
        n_read, n_kept, n_set_aside, n_later = counts(book, name)
        assert n_read == len(rows) - blank[name]
        assert n_read == n_kept + n_set_aside + n_later
        assert book[name].count().execute() == n_kept
        reasons = aside[aside["table"] == name]
        assert reasons.row.nunique() == n_set_aside
        assert reasons["rule"].notna().all()
        if n_kept:  # pandera 0.35 takes a table without rows for one full of nulls
            schema(name).validate(book[name], lazy=True)


# As it was known on a day


def test_a_row_recorded_later_is_not_there_yet(small):
    rows = [sale(recorded_on=""), sale(account="B", recorded_on="2024-02-01")]
    assert len(kept(small.open({"transactions": rows}, as_of="2024-01-31"), "transactions")) == 1
    assert len(kept(small.open({"transactions": rows}, as_of="2024-02-01"), "transactions")) == 2


def test_a_copy_that_comes_later_does_not_touch_what_stood_before(small):
    rows = [sale(line_id="1"), sale(line_id="1", amount="99", recorded_on="2024-02-01")]
    before = small.open({"transactions": rows}, as_of="2024-01-31")
    assert kept(before, "transactions", "amount") == [(10.0,)]
    assert counts(before) == [2, 1, 0, 1]
    # from February on nobody can tell which of the two is right
    with pytest.raises(BookError, match="different contents"):
        small.open({"transactions": rows}, as_of="2024-02-01")


def test_two_states_of_one_contract_are_the_same_until_they_differ(small):
    """The export of a later day repeats the row with its end; before that end both say the same."""
    first = {"contract_id": "C", "account_id": "A", "starts_on": "2024-01-01", "ends_on": "2024-12-31",
             "value_per_year": "9", "ended_on": "", "end_reason": ""}  # fmt: skip
    second = first | {"ended_on": "2024-06-30", "end_reason": "price"}
    tables = {"transactions": [SALE], "contracts": [first, second]}
    before = small.open(tables, as_of="2024-06-29")
    assert counts(before, "contracts") == [2, 1, 1, 0]
    assert faults(before) == [("contracts", "contract_id", "repeated", 1)]
    after = small.open(tables, as_of="2024-06-30")
    assert counts(after, "contracts") == [2, 0, 2, 0]


OUTCOMES = {
    "contracts": (
        {"contract_id": "C", "account_id": "A", "starts_on": "2024-01-01", "ends_on": "2024-12-31",
         "value_per_year": "9"},
        {"ended_on": "2024-06-30", "end_reason": "price", "renewed_by": "C"},
    ),
    "service_events": (
        {"event_id": "E", "account_id": "A", "kind": "complaint", "stage": "in_sale",
         "opened_at": "2024-01-05 09:00", "category": "engine"},
        {"resolved_at": "2024-06-30 23:00", "minutes": "5", "cost": "6", "billed_amount": "7",
         "compensation": "8", "customer_score": "9", "handovers": "1"},
    ),
    "assignments": (
        {"account_id": "A", "manager_id": "M", "starts_on": "2024-01-01", "part": "sponsor"},
        {"ends_on": "2024-06-30", "ended_because": "left_company"},
    ),
    "programme": (
        {"account_id": "A", "level": "2", "enrolled_on": "2024-01-01"},
        {"left_on": "2024-06-30"},
    ),
    "contacts": (
        {"contact_id": "K", "account_id": "A", "from": "2024-01-01", "part": "decides"},
        {"to": "2024-06-30"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("day", ["2024-06-29", "2024-06-30"])
def test_an_outcome_is_unknown_until_its_day(small, day):
    """The row stands; the outcome and what goes with it is not there before its own day."""
    tables = {name: [row | outcome] for name, (row, outcome) in OUTCOMES.items()}
    book = small.open({"transactions": [SALE]} | tables, as_of=day)
    for name, (row, outcome) in OUTCOMES.items():
        (found,) = book[name].execute().to_dict("records")
        assert all(pd.notna(found[column]) for column in row), name
        known = {column for column in outcome if pd.notna(found[column])}
        assert known == (set(outcome) if day == "2024-06-30" else set()), name


def test_outcomes_that_stand_alone(small):
    event = {"event_id": "E", "account_id": "A", "kind": "complaint", "stage": "in_sale",
             "opened_at": "2024-01-05", "first_response_at": "2024-02-01",
             "resolved_at": "2024-01-20", "reopened_at": "2024-03-01", "minutes": "5"}  # fmt: skip
    contract = OUTCOMES["contracts"][0] | {"notice_on": "2024-02-01", "ended_on": "2024-03-01"}
    tables = {"transactions": [SALE], "service_events": [event], "contracts": [contract]}
    book = small.open(tables, as_of="2024-01-31")
    found = book["service_events"].execute().iloc[0]
    assert pd.isna(found.first_response_at)
    assert pd.isna(found.reopened_at)
    assert (found.resolved_at, found.minutes) == (pd.Timestamp("2024-01-20"), 5.0)
    found = small.open(tables, as_of="2024-02-15")["contracts"].execute().iloc[0]
    assert found.notice_on == pd.Timestamp("2024-02-01")
    assert pd.isna(found.ended_on)


def test_planned_dates_stay(small):
    invoice = {"invoice_id": "I", "account_id": "A", "issued_on": "2024-01-05",
               "due_on": "2024-03-05", "amount": "5"}  # fmt: skip
    tables = {
        "transactions": [SALE],
        "contracts": [OUTCOMES["contracts"][0]],
        "invoices": [invoice],
        "payments": [{"invoice_id": "I", "date": "2024-02-01", "amount": "5"}],
    }
    book = small.open(tables, as_of="2024-01-31")
    assert kept(book, "contracts", "ends_on") == [(pd.Timestamp("2024-12-31"),)]
    assert kept(book, "invoices", "due_on") == [(pd.Timestamp("2024-03-05"),)]
    # a payment is an outcome with a row of its own
    assert counts(book, "payments") == [1, 0, 0, 1]


def cut(frames, day):
    """Return what an export at the end of `day` would have held: no later row, no later outcome."""
    end = pd.Timestamp(day) + pd.Timedelta(days=1)
    known = {}
    for name, frame in frames.items():
        about = SCHEMAS[name].metadata
        for column in (about["own_date"], "recorded_on"):
            if column in frame:
                frame = frame[~(pd.to_datetime(frame[column]) >= end)]
        frame = frame.copy()
        for outcome, companions in about["until"].items():
            if outcome in frame:
                late = pd.to_datetime(frame[outcome]) >= end
                for column in {outcome, *companions} & set(frame):
                    frame[column] = frame[column].astype(object).where(~late, None)
        if "renewed_by" in frame:
            there = frame.renewed_by.isin(frame.contract_id)
            frame["renewed_by"] = frame.renewed_by.where(there, None)
        known[name] = frame
    return known


def same_book(one, other):
    """Assert that two books hold the same rows and say the same of every account."""
    assert one.as_of == other.as_of
    for name in one.tables:
        assert kept(one, name) == kept(other, name), name
    frames = []
    for book in (one, other):
        entries = ledger(book)
        facts = account_facts(book, entries, period(book))
        frames.append([entries.table.order_by("account_id", "month").execute(),
                       facts.order_by("account_id").execute()])  # fmt: skip
    for found, expected in zip(*frames, strict=True):
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


def test_a_demo_unit_on_an_earlier_day_is_what_was_known_then(small):
    frames = simulate("commercial_vehicles", size=0.1).tables
    day = "2023-08-15"
    unit = {"as_of": day, "kind": "parquet"}
    whole = small.open(frames, **unit)
    # the cut must have had something to hide
    assert counts(whole)[3] > 0
    assert whole["contracts"].ended_on.max().execute() <= pd.Timestamp(day)
    same_book(whole, small.open(cut(frames, day), **unit))


DAYS = st.dates(date(2023, 1, 1), date(2024, 12, 31)).map(str)


@settings(max_examples=6, deadline=None)
@given(
    lines=st.lists(st.tuples(st.sampled_from("ABC"), DAYS, st.integers(-5, 20)), max_size=12),
    contracts=st.lists(st.tuples(st.sampled_from("ABC"), DAYS, DAYS | st.none()), max_size=5),
    managers=st.lists(st.tuples(st.sampled_from("ABC"), DAYS, DAYS | st.none()), max_size=5),
    day=DAYS,
)
def test_any_book_on_an_earlier_day_is_what_was_known_then(
    small, lines, contracts, managers, day
):  # fmt: skip
    """Truncation: the future of a book changes nothing of its past."""
    frames = {
        "transactions": pd.DataFrame([sale(day="2023-01-01", line_id="0"), *(
            sale(a, d, str(n), line_id=str(i % 9 + 1)) for i, (a, d, n) in enumerate(lines))]),
        "contracts": pd.DataFrame(
            [{"contract_id": str(i), "account_id": a, "starts_on": start, "ends_on": "2025-12-31",
              "value_per_year": "5", "ended_on": end, "end_reason": "price", "renewed_by": str(i + 1)}
             for i, (a, start, end) in enumerate(contracts)] or None,
            columns=["contract_id", "account_id", "starts_on", "ends_on", "value_per_year",
                     "ended_on", "end_reason", "renewed_by"]),
        "assignments": pd.DataFrame(
            [{"account_id": a, "manager_id": f"M{i}", "starts_on": start, "ends_on": end}
             for i, (a, start, end) in enumerate(managers)] or None,
            columns=["account_id", "manager_id", "starts_on", "ends_on"]),
    }  # fmt: skip
    text = {name: frame.to_csv(index=False) for name, frame in frames.items()}
    then = {name: frame.to_csv(index=False) for name, frame in cut(frames, day).items()}
    same_book(small.open(text, as_of=day), small.open(then, as_of=day))


# What cannot be used, said so that somebody who does not program can mend it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "transactions: the file transactions.csv is empty; export it again, with a header line",
        ),
        (
            "account_id,date,amount\n",
            "transactions: transactions.csv has no rows below its header; export it again",
        ),
    ],
)
def test_an_empty_file(small, text, message):
    assert refusal(small, {"transactions": text}) == (message,)


def test_all_rows_set_aside(small):
    rows = [sale(amount="ten"), sale(amount="", day="01/02/2024"), sale(amount="1e15")]
    assert refusal(small, {"transactions": rows}) == (
        "transactions: none of the 3 rows read can be used",
        "transactions.amount: 1 of 3 rows – larger than `book.max_amount`, so taken for a slip; raise "
        'that parameter if the amount is real (first: row 4, "1e15")',
        "transactions.amount: 1 of 3 rows – nothing stands where a value is required; fill it in at "
        "the source (first: row 3)",
        "transactions.amount: 1 of 3 rows – not a number; expected e.g. 1234.50 – where the decimal "
        "mark is a comma, say `decimal: ','` for the table (first: row 2, \"ten\")",
        "transactions.date: 1 of 3 rows – day and month cannot be told apart; say `date_order: dmy` "
        'or `mdy` for the table (first: row 3, "01/02/2024")',
    )


def test_no_line_is_a_record(small):
    """A separator that was guessed wrong must not read as an empty file."""
    text = "account_id,date,amount\nA;2024-01-05;10\nA;2024-01-06;10\n"
    first, second = refusal(small, {"transactions": text})
    assert first == "transactions: none of the 2 rows read can be used"
    assert second == (
        "transactions: 2 of 2 rows – the line has too many or too few columns, or a quotation mark "
        'that is never closed (first: row 2, "A;2024-01-05;10")'
    )


def test_all_rows_contradict_each_other(small):
    rows = [sale(line_id="1"), sale(line_id="1", amount="11")]
    assert any("different contents" in fault for fault in refusal(small, {"transactions": rows}))


def test_a_day_before_the_records(small):
    rows = [sale(), sale(day="2024-02-01"), sale(day="2024-03-01")]
    assert refusal(small, {"transactions": rows}, as_of="2023-12-31") == (
        "transactions: none of the 3 rows read can be used",
        "transactions.date: 3 of 3 rows lie after as_of 2023-12-31, the first of them on 2024-01-05; "
        "give a later as_of",
    )


def test_amounts_beyond_what_is_taken_for_real(small):
    tables = {"transactions": [sale(), sale(amount="1e15"), sale(amount="-1e15")]}
    book = small.open(tables)
    assert counts(book) == [3, 1, 2, 0]
    assert faults(book) == [("transactions", "amount", "beyond_max_amount", 2)]
    raised = small.open(tables, book={"max_amount": "2e15"})
    assert sorted(raised["transactions"].amount.execute()) == [-1e15, 10.0, 1e15]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_amounts_that_no_integer_holds(small, kind):
    """1e20 is more than an engine's whole numbers hold; it must be set aside, not stop the unit."""
    rows = [sale(amount=1.0), sale(amount=1e20), sale(amount=-1e99)]
    book = small.open({"transactions": rows}, kind=kind)
    assert faults(book) == [("transactions", "amount", "beyond_max_amount", 2)]


@pytest.mark.parametrize(
    "rows",
    [
        [SALE],
        [sale(amount="0"), sale("B", amount="0")],
        [sale(amount="-5"), sale("B", amount="-1")],
        [sale(day=f"2023-{m:02d}-01") for m in range(1, 13)],
    ],
    ids=["one row", "all zero", "all returns", "one account"],
)
def test_thin_books_open_and_add_up(small, rows):
    book = small.open({"transactions": rows})
    assert counts(book) == [len(rows), len(rows), 0, 0]
    facts = account_facts(book, ledger(book), period(book)).execute()
    assert len(facts) == len({row["account_id"] for row in rows})
    assert facts.revenue.sum() == sum(float(row["amount"]) for row in rows)


def test_other_currencies_are_converted(small):
    rows = [
        sale(currency="CNY", list_amount="20", quantity="3"),
        sale("B", currency=" usd ", list_amount="20", quantity="3"),
        sale("C", currency="", list_amount="20", quantity="3"),
    ]
    book = small.open({"transactions": rows}, currency="CNY", rates={"USD": "7.1"})
    # 10 USD at 7.1 are 71 CNY; a number of pieces is no money; an empty cell is the unit's currency
    found = kept(
        book, "transactions", "account_id", "amount", "list_amount", "quantity", "currency"
    )
    assert found == [
        ("A", 10.0, 20.0, 3.0, "CNY"),
        ("B", 71.0, 142.0, 3.0, "CNY"),
        ("C", 10.0, 20.0, 3.0, None),
    ]
    assert book.currency == "CNY"


def test_hostile_names_are_data(small, tmp_path):
    names = ["<script>alert(1)</script>", '=HYPERLINK("http://x")', "a$b$c", "../../x", "'; drop"]
    rows = [sale(name) for name in names] + [sale(name, amount=name) for name in names]
    book = small.open({"transactions": rows})
    assert {account for account, *_ in kept(book, "accounts", "account_id")} == set(names)
    (path,) = book.write_rejected(tmp_path / "out")
    assert path.parent == tmp_path / "out"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        found = {row["record"]: row["value"] for row in csv.DictReader(stream)}
    safe = {n: f"'{n}" if n.startswith("=") else n for n in names}
    assert found == {shown: shown for shown in safe.values()}


def test_two_files_with_different_columns(small):
    unit = small.unit({"transactions": "account_id,date,amount\nA,2024-01-05,1\n"},
                      settings={"transactions": {"file": "*.csv"}})  # fmt: skip
    (unit.folder / "more.csv").write_text("amount,cost,account_id,date\n2,1,B,2024-01-06\n")
    # a lock of a spreadsheet program is no table
    (unit.folder / "~$lock.csv").write_text("x")
    book = open_book(unit)
    assert kept(book, "transactions", "account_id", "amount", "cost") == [
        ("A", 1.0, None),
        ("B", 2.0, 1.0),
    ]
    (unit.folder / "less.csv").write_text("account_id,date\nC,2024-01-06\n")
    with pytest.raises(BookError, match=r"less\.csv lacks the required column amount"):
        open_book(unit)


def test_the_book_says_what_it_lacks(small):
    book = small.open({"transactions": [sale(cost="")]})
    assert book.has("transactions", "cost", "amount")
    assert not book.has("transactions", "list_amount")
    assert not book.has("visits")
    assert book["visits"].count().execute() == 0
    assert set(book["visits"].columns) == set(schema("visits").columns)


def test_the_fingerprint_is_that_of_the_files(small):
    one, same = (small.open({"transactions": [SALE]}).fingerprint for _ in range(2))
    other = small.open({"transactions": [sale(amount="10.0")]}).fingerprint
    assert one == same
    assert one != other
    assert len(one) == 64


def test_a_fault_of_ours_is_not_dressed_up_as_the_user_s(small, monkeypatch):
    monkeypatch.setattr("kamlib.book.book.settle", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small.open({"transactions": [SALE]})
