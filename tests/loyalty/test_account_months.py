"""Months of accounts: by hand, with zeros where nothing was bought, and the same from both engines."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.loyalty.account_months import account_months
from tests.loyalty.effect_rows import AS_OF, LATER, TABLES  # type: ignore[import-not-found]

FIRST, LAST = date(2022, 1, 1), date(2023, 12, 31)


def months_of(book, first=FIRST, last=LAST):
    return account_months(book, ledger(book), first, last)


def of(frame, account, column):
    """Return the months of an account that are not zero; an unknown one as None."""
    rows = frame[frame["account_id"] == account]
    values = {str(m)[:7]: v for m, v in zip(rows["month"], rows[column], strict=True)}
    return {m: None if np.isnan(v) else v for m, v in values.items() if v != 0}


@pytest.fixture(scope="module")
def book(small):
    return small.open(TABLES, as_of=AS_OF)


def test_who_ordered_within_the_first_year_has_all_months(book):
    found = months_of(book)
    # c came in the second year, d was only credited in the first
    assert found["account_id"].unique().tolist() == ["a", "b", "e"]
    assert len(found) == 3 * 24
    assert found["month"].dtype == "datetime64[ns]"
    assert not found.duplicated(["account_id", "month"]).any()
    assert found["month"].min() == pd.Timestamp(FIRST)
    assert found["month"].max() == pd.Timestamp(2023, 12, 1)


def test_amounts_by_hand(book):
    found = months_of(book)
    assert of(found, "a", "revenue") == {"2022-01": 150.0, "2022-03": 120.0, "2023-12": 200.0}
    # 60 − the visit of 5; unknown where 20 of 120 have no cost; 80
    assert of(found, "a", "contribution") == {"2022-01": 55.0, "2022-03": None, "2023-12": 80.0}
    assert of(found, "a", "n_orders") == {"2022-01": 2.0, "2022-03": 2.0, "2023-12": 1.0}
    # b was visited before it bought, and brings nothing after its last order
    assert of(found, "b", "contribution") == {"2022-02": -3.0, "2022-05": 20.0, "2023-02": 20.0}
    assert of(found, "e", "revenue") == {"2022-12": 60.0}
    assert not np.signbit(found["revenue"]).any()


def test_visits_and_service_that_was_no_complaint(book):
    found = months_of(book)
    assert of(found, "a", "n_interactions") == {"2022-01": 2.0}
    assert of(found, "b", "n_interactions") == {"2022-02": 1.0, "2023-12": 1.0}


def test_unknown_is_not_nothing(small):
    bare = {name: TABLES[name] for name in ("accounts", "transactions")}
    found = months_of(small.open(bare, as_of=AS_OF))
    assert found["n_interactions"].isna().all()
    # without any part of the cost to serve there is no contribution, also in months without trade
    assert found["contribution"].isna().all()
    assert found["revenue"].sum() == 150 + 120 + 200 + 40 + 40 + 60


def test_where_too_few_costs_are_known_no_month_has_a_contribution(small):
    # 20 of 610 have no cost; asked for are all
    strict = small.open(TABLES, as_of=AS_OF, ledger={"min_cost_coverage": 1.0})
    assert months_of(strict)["contribution"].isna().all()
    # 96.7 % is enough to be known in the months whose costs are
    lax = small.open(TABLES, as_of=AS_OF, ledger={"min_cost_coverage": 0.96})
    assert months_of(lax)["contribution"].isna().sum() == 1


def test_the_first_year_is_that_of_the_months_asked_for(book):
    found = months_of(book, date(2022, 3, 1), date(2023, 6, 30))
    # a bought before them; c and d came by February 2023
    assert found["account_id"].unique().tolist() == ["a", "b", "c", "d", "e"]
    assert len(found) == 5 * 16
    assert of(found, "a", "revenue") == {"2022-03": 120.0}
    assert of(found, "d", "revenue") == {"2022-03": -20.0, "2023-02": 80.0}


def test_what_comes_later_changes_nothing(book, small):
    more = TABLES | {name: [*TABLES[name], *rows] for name, rows in LATER.items()}
    pd.testing.assert_frame_equal(months_of(small.open(more, as_of=AS_OF)), months_of(book))
    # known by then, but after the last month asked for
    later = small.open(more, as_of="2024-03-31")
    pd.testing.assert_frame_equal(months_of(later), months_of(book))


def test_groups_count_together(small):
    grouped = small.open(TABLES, as_of=AS_OF, ledger={"grain": "parent_group"})
    found = months_of(grouped)
    assert found["account_id"].unique().tolist() == ["e", "g"]
    assert of(found, "g", "revenue") == {
        "2022-01": 150.0, "2022-03": 120.0, "2022-05": 40.0, "2023-02": 40.0, "2023-12": 200.0,
    }  # fmt: skip
    assert of(found, "g", "n_interactions") == {"2022-01": 2.0, "2022-02": 1.0, "2023-12": 1.0}
