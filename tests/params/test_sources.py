"""Where the records are: short forms, and statements that clash."""

import pytest

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "book: is missing"),
        ("- a\n", "expected `name: value` lines, found list"),
        ("just words\n", "expected `name: value` lines, found str"),
        ("book:\n  demo:\n", "book: say where the records are: tables, database, adapter or demo"),
        ("book: sales.csv\n", "book: must be a block of `name: value` lines (found 'sales.csv')"),
        ("book: {demo: a, database: b}\n", "book: give only one of demo, adapter, database"),
        ("book: {adapter: a}\n", "book: an adapter needs the `file` that it reads"),
        (
            "book: {file: sales.csv}\n",
            "book: `file` belongs to an adapter; give your own files under `tables`",
        ),
        ("book: {tables: {accounts: a.csv}}\n", "book: tables.transactions is required"),
        (
            "book: {database: d, tables: {accounts: a}}\n",
            "book: tables.transactions is required",
        ),
        (
            "book: {tables: {transactions: a.csv, visits: {sheet: x}}}\n",
            "book: no `file` given for visits",
        ),
        (
            "book: {database: d, tables: {transactions: {file: x.csv}}}\n",
            "book: transactions: with a database give `table`, not `file`",
        ),
        (
            "book: {demo: d, tables: {transactions: a.csv}}\n",
            "book: `tables` goes with files or a database, not with a demo or an adapter",
        ),
        (
            "book: {tables: {transaktions: a.csv}}\n",
            "'book.tables.transaktions' is not a table – did you mean 'transactions'?",
        ),
        (
            "book: {tables: {transactions: {fiel: a.csv}}}\n",
            "'book.tables.transactions.fiel' is not a parameter – did you mean 'file'?",
        ),
        (
            "book: {tables: {transactions: {file: a.csv, decimal: x}}}\n",
            "book.tables.transactions.decimal: must be '.' or ',' (found 'x')",
        ),
        (
            "book: {max_amount: -1, tables: {transactions: a.csv}}\n",
            "book.max_amount: must be greater than 0 (found '-1')",
        ),
    ],
)
def test_one_fault_of_the_book(refused, text, fault):
    (found,) = refused(text)
    assert found.startswith(fault)


def test_short_forms_of_a_table(load):
    assert load(BOOK).book.tables["transactions"].file == "sales.csv"
    unit = load("book: {database: b.duckdb, tables: {transactions: sales}}\n")
    assert unit.book.tables["transactions"].table == "sales"
