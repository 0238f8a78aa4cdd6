"""The parameters of a unit: defaults, the name that readers see, values that stay."""

import pytest

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


def test_a_file_that_says_little(load, root):
    unit = load(BOOK)
    assert unit.business_unit == unit.shown_title == "north"
    assert (unit.language, unit.currency, unit.as_of, unit.time_zone) == ("en", "", None, "UTC")
    assert unit.book.tables["transactions"].file == "sales.csv"
    assert unit.folder == root / "params"
    assert unit.customer_value.top_share == 0.2
    assert unit.ledger.financing_rate == 0.08


def test_a_unit_does_not_change(load):
    with pytest.raises(ValueError, match="frozen"):
        load(BOOK).language = "zh"


def test_the_title_that_readers_see(load):
    text = "title: North\ntitle_zh: 北方\n" + BOOK
    assert load(text).shown_title == "North"
    assert load("language: zh\n" + text).shown_title == "北方"
    assert load("language: zh\ntitle: North\n" + BOOK).shown_title == "North"
    assert load(BOOK, name="far_north").shown_title == "far north"
