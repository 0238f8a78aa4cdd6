"""How tables fit together: accounts, renewals and payments that lead nowhere, currencies that clash."""

from datetime import date

import pytest

from kamlib.errors import BookError

SALE = {"account_id": "A", "date": "2024-01-05", "amount": "10"}


def sale(account="A", day="2024-01-05", amount="10", **more):
    return {"account_id": account, "date": day, "amount": amount} | more


def kept(book, table, *columns):
    """Return kept rows as sorted tuples, unknown values as None."""
    frame = book[table].select(*columns).execute().astype(object)
    return sorted(frame.where(frame.notna(), None).itertuples(index=False, name=None), key=repr)


def refusal(small, tables, **params):
    """Return the faults with which a book is refused."""
    with pytest.raises(BookError) as caught:
        small.open(tables, **params)
    return caught.value.faults


def test_accounts_that_the_list_lacks(small):
    tables = {
        "transactions": [sale("A", amount="60"), sale("B", amount="30"), sale("C", amount="10")],
        "accounts": [{"account_id": "A", "name": "Alpha"}, {"account_id": "Z", "name": "Zeta"}],
        "visits": [{"account_id": "D", "date": "2024-01-05"}],
    }
    book = small.open(tables)
    assert kept(book, "accounts", "account_id", "name") == [
        ("A", "Alpha"),
        ("B", None),
        ("C", None),
        ("D", None),
        ("Z", "Zeta"),
    ]
    check = book.checks[0]
    # B and C hold 30 + 10 of 100; D has no revenue
    assert (check.name, check.passed) == ("accounts_known", False)
    assert check.note.values == {"n": 3, "revenue": 40.0, "share": 0.4}
    # without a list there is nothing to fail against
    del tables["accounts"]
    book = small.open(tables)
    assert [check.name for check in book.checks] == ["rows_set_aside"]
    assert len(kept(book, "accounts", "account_id")) == 4


def test_an_account_set_aside_is_made_anew_without_its_attributes(small):
    accounts = [{"account_id": "A", "name": "Alpha", "credit_score": "120"}]
    book = small.open({"transactions": [SALE], "accounts": accounts})
    assert kept(book, "accounts", "account_id", "name") == [("A", None)]
    assert book.checks[0].passed is False


INVOICE = {"invoice_id": "I1", "account_id": "A", "issued_on": "2024-01-05", "due_on": "2024-02-05",
           "amount": "100"}  # fmt: skip


def payment(invoice="I1", amount="100", day="2024-01-20"):
    return {"invoice_id": invoice, "date": day, "amount": amount}


def test_payments_whose_invoice_is_not_there(small):
    tables = {
        "transactions": [SALE],
        "invoices": [INVOICE, INVOICE | {"invoice_id": "I2", "amount": "many"}],
        # I2 is set aside, I3 is nowhere, the payment of February is not known yet
        "payments": [payment(amount="60"), payment("I3", "30"), payment("I2", "10"),
                     payment("I4", "900", "2024-02-20")],
    }  # fmt: skip
    check = small.open(tables, as_of="2024-01-31").checks[0]
    assert (check.name, check.passed) == ("invoices_known", False)
    # 30 + 10 of 60 + 30 + 10
    assert check.note.values == {
        "n": 2, "paid": 40.0, "share": 0.4, "as_of": date(2024, 1, 31), "one": "I2",
    }  # fmt: skip
    assert str(check.note).replace("\u00a0", " ") == (
        "2 payments worth 40 (40.0 % of what was paid) are left out: the table invoices does not "
        "hold their invoices as of 2024-01-31 (for example I2). Add them to that table, or correct the "
        "invoice numbers in payments."
    )


def test_payments_that_all_have_their_invoice(small):
    tables = {"transactions": [SALE], "invoices": [INVOICE], "payments": [payment(), payment()]}
    assert [check.passed for check in small.open(tables).checks] == [True, True]
    # a table that the unit lacks is no fault of its payments
    del tables["invoices"]
    assert [check.name for check in small.open(tables).checks] == ["rows_set_aside"]


def test_a_payment_before_its_invoice_counts_from_the_invoice_on(small):
    tables = {
        "transactions": [sale(day="2024-01-01")],
        "invoices": [INVOICE],
        "payments": [payment(day="2024-01-02")],
    }
    days = ("2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05")
    found = [small.open(tables, as_of=day).checks[0].passed for day in days]
    assert found == [True, False, False, True]


def test_a_renewal_that_is_not_there_yet_is_not_pointed_to(small):
    old, new = (
        {"contract_id": c, "account_id": "A", "starts_on": start, "ends_on": "2025-12-31",
         "value_per_year": "9", "ended_on": ended, "renewed_by": renewed}
        for c, start, ended, renewed in
        [("C1", "2023-01-01", "2023-12-31", "C2"), ("C2", "2024-01-01", "", "")]
    )  # fmt: skip
    tables = {"transactions": [sale(day="2023-01-05")], "contracts": [old, new]}
    on = lambda day: dict(  # noqa: E731
        kept(small.open(tables, as_of=day), "contracts", "contract_id", "renewed_by")
    )
    assert on("2023-12-30") == {"C1": None}
    assert on("2023-12-31") == {"C1": None}
    assert on("2024-01-01") == {"C1": "C2", "C2": None}


def test_mixed_currencies(small):
    tables = {
        "transactions": [sale(currency="CNY"), sale(currency="usd")],
        "invoices": [{"invoice_id": "I", "account_id": "A", "issued_on": "2024-01-05",
                      "due_on": "2024-02-05", "amount": "5", "currency": "EUR"}],
    }  # fmt: skip
    remedy = (
        "state `currency`, and under `rates` what one unit of each other currency is worth in it"
    )
    assert refusal(small, tables) == (
        "currencies are mixed (CNY in transactions, EUR in invoices, USD in transactions); "
        + remedy,
    )
    assert refusal(small, tables, currency="CNY", rates={"USD": "7"}) == (
        "currencies are mixed (EUR in invoices); " + remedy,
    )


def test_the_currency_that_the_records_name(small):
    assert small.open({"transactions": [sale(currency="eur")]}).currency == "EUR"
    assert small.open({"transactions": [SALE]}).currency == ""
