"""Losses by year, by hand from order lines, and the change between two years."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.spells import spells
from kamlib.churn.yearly import headline, year_facts, yearly
from kamlib.glossary import LANGUAGES, Style, columns, say

FACTS = pd.DataFrame(
    {
        "year": [2023, 2024], "days_seen": [36525, 36525], "n_event": [10, 30], "n_competing": [1, 0],
        "revenue_lost": [50.0, 60.0], "revenue": [100.0, 0.0], "in_full": True,
    }
)  # fmt: skip


def test_years_of_a_book_by_hand(small, monthly):
    lines = [
        *monthly("a", "2022-01-10", 36, amount=2),
        *monthly("b", "2022-01-10", 6, amount=10),  # last order 10 June, lost on 30 September 2022
    ]
    ended = [{"account_id": "c", "date": "2023-07-01", "reason": "merged", "extent": "whole"}]
    tables = {"transactions": lines + monthly("c", "2022-01-10", 18, amount=1), "defections": ended}
    book = small.open(tables, as_of="2024-12-31",
                      churn_survival={"definition": "fixed_months", "silent_months": 3})  # fmt: skip
    found = spells(book, book.unit.churn_survival)
    facts = year_facts(book, book.unit.churn_survival, found, ledger(book)).set_index("year")
    assert facts.index.tolist() == [2022, 2023, 2024]
    assert facts["n_event"].tolist() == [1, 0, 0]
    assert facts["n_competing"].tolist() == [0, 1, 0]
    # records begin on 10 January 2022, and three silent months can first end in April
    assert facts["in_full"].tolist() == [False, True, True]
    # b brought 60 in the twelve months up to June; all together 24 + 60 + 12
    assert facts["revenue_lost"].tolist() == [60.0, 0.0, 0.0]
    assert facts.loc[2022, "revenue"] == 96.0
    # all three from 10 January 2022 on, b to the end of September, c to 1 July 2023
    assert facts.loc[2022, "days_seen"] == 2 * 356 + 264
    assert facts.loc[2023, "days_seen"] == 365 + 182
    assert facts.loc[2024, "days_seen"] == 366


def test_rates_and_change_by_hand():
    found = yearly(FACTS)
    assert set(found.frame.columns) <= set(columns())
    # 36,525 days are 100 years: 10 and 30 losses in them
    assert found.frame["churn_rate"].tolist() == pytest.approx([0.1, 0.3])
    # exact Poisson limits of 10 events: 4.795 to 18.39
    assert found.frame.loc[0, ["rate_low", "rate_high"]].tolist() == pytest.approx(
        [0.04795, 0.1839], rel=1e-3
    )
    assert found.frame["revenue_share_lost"].isna().tolist() == [False, True]
    assert found["rate_ratio"] == pytest.approx(3)
    assert found.note.values["trend"].key == "yearly.rises"
    assert [check.passed for check in found.checks] == [True, False]
    assert headline(found)["churn_rate"][0] == pytest.approx(0.3)
    for language in LANGUAGES:
        assert "{" not in say(found.note, Style(language))


@pytest.mark.parametrize(
    ("events", "key"),
    [([30, 10], "yearly.falls"), ([20, 22], "yearly.no_change"), ([0, 5], "yearly.unknown_change")],
)
def test_a_change_is_judged(events, key):
    found = yearly(FACTS.assign(n_event=events))
    assert found.note.values["trend"].key == key
    assert found.checks[1].passed is True


def test_a_year_in_which_a_silence_could_not_show_has_no_rate():
    found = yearly(FACTS.assign(in_full=[False, True]))
    assert found.frame["churn_rate"].isna().tolist() == [True, False]
    assert found.note.values["trend"].key == "yearly.one_year"
    assert "declared in 2023 and before" in str(found.checks[0].note)
    assert yearly(FACTS.assign(in_full=False)).note.key == "yearly.too_short"


def test_a_short_last_year_is_not_judged():
    found = yearly(FACTS.assign(days_seen=[36525, 3000]))
    assert found["churn_rate"] == pytest.approx(0.1)
    assert found.note.values["trend"].key == "yearly.one_year"


def test_nobody_there():
    found = yearly(FACTS.assign(days_seen=0))
    assert found.refused
    assert headline(found) == {}
