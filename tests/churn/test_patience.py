"""How long a silence is waited for, as known before each month."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.churn.clock import month_count, month_number
from kamlib.churn.covariates import MONTH
from kamlib.churn.engine import collect
from kamlib.churn.patience import PATIENCE, patience
from kamlib.churn.spells import spells


@pytest.fixture
def known(small, orders):
    """Return a function: rules -> patience of account a, month by month; it orders every 20 days."""
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2023-06-30", freq="20D")]
    book = small.open({"transactions": orders("a", *days)}, as_of="2023-12-31")

    def call(**rules):
        changed = book.unit.churn_survival.model_copy(update=rules)
        lines = book["transactions"]
        months = lines.select("account_id", **{MONTH: month_number(lines.date) + 1}).distinct()
        found = patience(book, changed, spells(book, changed), months)
        return collect(found).set_index(MONTH).sort_index()

    return call


def test_three_usual_gaps_once_there_are_three_orders(known):
    found = known(definition="own_rhythm")
    january = month_count(pd.Timestamp("2023-01-01"))
    # two orders in January (1st, 21st): too few for a rhythm, so the cap; from February on 3 × 20
    assert found.loc[january + 1, PATIENCE] == 365 + 1
    assert found.loc[january + 2 :, PATIENCE].tolist() == [60 + 1] * 5


def test_whole_months_where_the_definition_counts_them(known):
    found = known(definition="fixed_months", silent_months=3)
    january = month_count(pd.Timestamp("2023-01-01"))
    # last order of January on the 21st: lost at the end of April, 99 days later
    assert found.loc[january + 1, PATIENCE] == 99
