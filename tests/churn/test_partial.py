"""Partial losses by hand: spending that fell, a line that was dropped, one on record."""

from __future__ import annotations

import pytest

from kamlib.churn.engine import collect

NAMES = ["account_id", "declared_on", "kind", "product_line"]


@pytest.fixture
def partial(small, built):
    """Return a function: order lines -> partial losses, as tuples."""

    def call(lines, more=None, **rules):
        book = small.open(
            {"transactions": lines} | (more or {}), as_of="2024-12-31",
            churn_survival={"definition": "fixed_months"} | rules,
        )  # fmt: skip
        found = built(book)
        frame = collect(found.partial)[NAMES]
        frame["declared_on"] = frame["declared_on"].dt.strftime("%Y-%m-%d")
        return [tuple(row) for row in frame.to_numpy()], collect(found.table)

    return call


def test_spending_that_fell_for_two_months(partial, monthly):
    lines = [
        *monthly("a", "2023-01-15", 12, amount=100),
        *monthly("a", "2024-01-15", 12, amount=20),
    ]
    # end of February: 140 × 4 is above a half of 1040; of March: 60 × 4 = 240 below a half of 960,
    # and so is April
    found, table = partial(lines)
    assert found == [("a", "2024-04-30", "spend", None)]
    rows = table.set_index("month")["partial_loss"]
    # by the end of September the own level has followed: twelve months are 480
    assert rows["2024-04-01":"2024-10-01"].tolist() == [0, 1, 1, 1, 1, 1, 0]
    assert partial(lines, partial_share=0.2)[0] == []


def test_the_first_year_has_no_level(partial, monthly):
    lines = [*monthly("a", "2024-01-15", 4, amount=100), *monthly("a", "2024-05-15", 8, amount=1)]
    assert partial(lines)[0] == []


def test_silence_is_no_partial_loss(partial, monthly):
    # nothing at all from 2024 on is what full losses are made of
    assert (
        partial(monthly("a", "2023-01-15", 12, amount=100))[0]
        == [
            # 100 of February alone: 400 against a half of 1000, in January against 1100
        ]
    )


def two_lines(monthly, n_x, amount=100):
    return [*monthly("a", "2023-01-05", n_x, amount=amount, product_line="x"),
            *monthly("a", "2023-01-15", 24, amount=100, product_line="y")]  # fmt: skip


def test_a_product_line_that_was_dropped(partial, monthly):
    # 5 gaps of 30.2 days on average: lost on 5 June + 90 + 1 days, 4 September
    found, table = partial(two_lines(monthly, 6))
    assert found == [("a", "2023-09-30", "line", "x")]
    rows = table.set_index("month")["partial_loss"]
    # for twelve months: October 2023 to September 2024
    assert rows["2023-09-01":"2023-10-01"].tolist() == [0, 1]
    assert rows["2024-09-01":"2024-10-01"].tolist() == [1, 0]


def test_a_line_of_little_weight_does_not_count(partial, monthly):
    # 120 of 720 is a sixth
    assert partial(two_lines(monthly, 6, amount=20))[0] == []
    assert partial(two_lines(monthly, 6, amount=20), line_share=0.15)[0] != []


def test_two_orders_of_a_line_have_no_rhythm(partial, monthly):
    assert partial(two_lines(monthly, 2))[0] == []


def test_a_line_that_comes_back(partial, monthly):
    again = [{"account_id": "a", "date": "2023-12-20", "amount": 100, "product_line": "x"}]
    found, table = partial([*two_lines(monthly, 6), *again])
    # seven orders in 349 days: 3 × 58.2 days after 20 December, in June
    assert found == [("a", "2023-09-30", "line", "x"), ("a", "2024-06-30", "line", "x")]
    rows = table.set_index("month")["partial_loss"]
    assert rows["2023-12-01":"2024-01-01"].tolist() == [1, 0]


def test_lines_of_an_account_that_left_altogether(partial, monthly):
    lines = [*monthly("a", "2023-01-05", 6, amount=100, product_line="x"),
             *monthly("a", "2023-01-15", 6, amount=100, product_line="y")]  # fmt: skip
    # it bought nothing since the next order of x was due
    assert partial(lines)[0] == []


def test_partial_losses_on_record(partial, monthly):
    lines = monthly("a", "2023-01-15", 24, amount=100)
    told = [{"account_id": "a", "date": "2023-05-10", "extent": "partial", "reason": "price",
             "recorded_on": "2023-06-20"},
            {"account_id": "b", "date": "2023-05-10", "extent": "partial", "reason": "price",
             "recorded_on": None}]  # fmt: skip
    found, table = partial(lines, {"defections": told})
    assert found == [("a", "2023-06-20", "recorded", None)]
    rows = table.set_index("month")["partial_loss"]
    assert rows["2023-06-01":"2023-07-01"].tolist() == [0, 1]
    assert rows["2023-07-01":].min() == 1
