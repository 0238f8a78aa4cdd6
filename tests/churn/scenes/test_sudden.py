"""Large accounts lost to a competitor: by hand from order lines, and what the sentence may say."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.engine import collect
from kamlib.churn.scenes import large_accounts, sudden_losses
from kamlib.churn.spells import spells
from kamlib.glossary import LANGUAGES, Style, columns, say


@pytest.fixture(scope="module")
def found(small, monthly):
    lines = [
        # the last order of both in October 2023: one as ever, one after three months at a third
        *monthly("a", "2022-01-10", 22, amount=1000),
        *monthly("b", "2022-01-10", 18, amount=900), *monthly("b", "2023-07-10", 4, amount=300),
        *monthly("c", "2022-01-10", 36, amount=950),
        *(line for small_one in "def" for line in monthly(small_one, "2022-01-10", 36, amount=10)),
        # large, but only seen for ten months
        *monthly("g", "2023-01-10", 10, amount=5000),
    ]  # fmt: skip
    said = {"date": "2023-10-31", "extent": "whole", "reason": "competitor", "competitor": "Rival"}
    tables = {
        "accounts": [{"account_id": a, "name": a.upper()} for a in "abcdefg"],
        "transactions": lines,
        "defections": [said | {"account_id": a} for a in "abg"],
    }
    book = small.open(tables, as_of="2024-12-31",
                      churn_survival={"definition": "fixed_months", "silent_months": 3})  # fmt: skip
    chosen = large_accounts(
        book, spells(book, book.unit.churn_survival), ledger(book), top_share=0.5
    )
    return [collect(table) for table in chosen]


def test_who_was_lost_with_how_much_and_how_much_notice(found):
    lost = found[0].set_index("account_id")
    # of six accounts with fifteen months of records the first three are large
    assert lost.index.tolist() == ["a", "b"]
    assert lost["revenue"].tolist() == [12_000, 8 * 900 + 4 * 300]
    # July to September against a quarter of July 2022 to June 2023
    assert lost["order_level"].tolist() == pytest.approx([1.0, 1 / 3])
    assert lost["name"].tolist() == ["A", "B"]
    assert lost["month"].dt.strftime("%Y-%m").tolist() == ["2023-10"] * 2
    # declared at the end of the third month without an order
    assert lost["ended_on"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-31"] * 2


def test_who_stayed_in_the_same_month(found):
    stayed = found[1].set_index("month")
    assert stayed.loc["2023-10-01", ["n_accounts", "n_fell"]].tolist() == [1, 0]
    # in September all three were there, and b had fallen in July and August:
    # (900 + 300 + 300) · 4 / (12 · 900) = 0.56
    assert stayed.loc["2023-09-01", ["n_accounts", "n_fell"]].tolist() == [3, 1]


def told(estimate):
    assert set(estimate.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (estimate.note, *(check.note for check in estimate.checks)):
            assert "{" not in say(note, Style(language))
    return estimate


def test_the_scene(found):
    estimate = told(sudden_losses(*found))
    assert estimate.frame["account_id"].tolist() == ["a", "b"]
    assert estimate["revenue"] == 12_000 + 8_400
    assert estimate["share_lost"] == 1
    assert (estimate["n_fell"], estimate["share_fell"], estimate["share_stayed"]) == (1, 0.5, 0)
    assert estimate["level_median"] == pytest.approx(2 / 3)
    assert estimate.note.values["verdict"].key == "scenes.notice"


def some(**changes):
    rows = {
        "account_id": ["a", "b", "c"], "name": ["A", "B", "C"], "ended_on": pd.Timestamp("2024-01-31"),
        "silent_since": pd.Timestamp("2023-10-31"), "month": pd.Timestamp("2023-10-01"),
        "reason": ["competitor", "price", None], "competitor": ["Rival", None, None],
        "order_level": [0.9, 0.2, 1.0], "revenue": [100.0, 300.0, 600.0], "contribution": [None] * 3,
    } | changes  # fmt: skip
    return pd.DataFrame(rows)


def stayed(n, fell):
    return pd.DataFrame(
        {"month": [pd.Timestamp("2023-10-01")], "n_accounts": [n], "n_fell": [fell]}
    )


def test_shares_are_of_what_is_explained():
    estimate = told(sudden_losses(some(), stayed(40, 4)))
    # 100 of 400 with a reason; the reason of 400 of 1,000 is known
    assert estimate["share_lost"] == pytest.approx(0.25)
    assert estimate["share_stayed"] == pytest.approx(0.1)
    [check] = estimate.checks
    assert check.note.key == "scenes.reasons_unknown"
    assert check.note.values["share"] == pytest.approx(0.4)
    assert estimate.note.values["verdict"].key == "scenes.no_notice"


def test_without_anybody_who_stayed_there_is_no_comparison():
    estimate = told(sudden_losses(some(), stayed(0, 0)))
    assert estimate.note.values["verdict"].key == "scenes.notice_unknown"


@pytest.mark.parametrize(
    ("lost", "key"),
    [(some().head(0), "scenes.no_large_loss"), (some(reason=None), "scenes.no_reason"),
     (some(reason="price"), "scenes.no_competitor")],
)  # fmt: skip
def test_nothing_to_tell(lost, key):
    estimate = told(sudden_losses(lost, stayed(1, 0)))
    assert estimate.refused
    assert estimate.note.key == key
