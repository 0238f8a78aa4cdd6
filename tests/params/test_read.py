"""YAML as it is read: values stay what they are, and what is given for one run comes on top."""

from datetime import date

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


def test_values_stay_what_they_are(load):
    """YAML would make NO a false, 007 a 7 and 1e3 a text; a column named `on` a true."""
    text = "title: NO\ntitle_zh: 007\nas_of: 2024-01-05\n"
    columns = "columns: {account_id: on, date: 2024-01-05, amount: 0x10}"
    unit = load(f"{text}book: {{tables: {{transactions: {{file: 1e3, {columns}}}}}}}\n")
    assert (unit.title, unit.title_zh, unit.as_of) == ("NO", "007", date(2024, 1, 5))
    source = unit.book.tables["transactions"]
    assert source.file == "1e3"
    assert source.columns == {"account_id": "on", "date": "2024-01-05", "amount": "0x10"}


def test_an_empty_value_means_the_default(load):
    unit = load(f"as_of:\ntitle: ''\nledger:\n  service_rate_per_hour:\n{BOOK}")
    assert unit.as_of is None
    assert unit.ledger.service_rate_per_hour is None


def test_overrides(load):
    more = {"ledger": {"financing_rate": "0.1"}, "customer_value.top_share": 0.1}
    unit = load(f"ledger: {{grain: parent_group}}\n{BOOK}", as_of="2024-06-30", overrides=more)
    assert unit.as_of == date(2024, 6, 30)
    assert (unit.ledger.grain, unit.ledger.financing_rate) == ("parent_group", 0.1)
    assert unit.customer_value.top_share == 0.1
    # plain papermill hands them over as text
    assert load(BOOK, overrides="{language: zh, as_of: 2024-01-05}").language == "zh"
    assert load(f"as_of: 2024-01-05\n{BOOK}", as_of=date(2024, 2, 1)).as_of == date(2024, 2, 1)
    assert load(BOOK, as_of="", overrides={}).as_of is None
