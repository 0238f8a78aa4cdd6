"""Silence by hand: who counts as silent, who came back, and the roles held against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.engine import collect
from kamlib.churn.scenes import silences, silent_accounts
from kamlib.churn.spells import spells
from kamlib.glossary import LANGUAGES, Style, columns, say


@pytest.fixture(scope="module")
def tables(monthly):
    return {
        "accounts": [{"account_id": a, "role": "intermediary"} for a in "ab"]
        + [{"account_id": a, "role": "end_customer"} for a in "cdefg"],
        "transactions": [
            # silent January to April 2023
            *monthly("a", "2022-01-10", 12, amount=10), *monthly("a", "2023-05-10", 20, amount=10),
            *monthly("b", "2022-01-10", 18, amount=10),  # silent from July 2023 on
            # every fourth month
            *[{"account_id": "c", "date": f"{y}-{m:02}-01", "amount": 1} for y in (2022, 2023) for m in (1, 5, 9)],
            *monthly("d", "2022-01-10", 18, amount=10),  # insolvent while silent
            *monthly("e", "2022-01-10", 18, amount=10),  # known to be so before three months
            # silent for two months only
            *monthly("f", "2022-01-10", 12, amount=10), *monthly("f", "2023-03-10", 22, amount=10),
            *monthly("g", "2022-01-10", 33, amount=10),  # October to December 2024: only just silent
        ],
        "defections": [
            {"account_id": "d", "date": "2023-12-10", "extent": "whole", "reason": "insolvent"},
            {"account_id": "e", "date": "2023-08-10", "extent": "whole", "reason": "insolvent"},
        ],
    }  # fmt: skip


def found(small, tables, as_of="2024-12-31", **rules):
    book = small.open(tables, as_of=as_of, churn_survival=rules)
    return collect(silences(book, spells(book, book.unit.churn_survival), ledger(book)))


def test_who_is_silent_and_for_how_long(small, tables):
    rows = found(small, tables, definition="own_rhythm").set_index("account_id")
    assert rows.index.tolist() == ["a", "b", "d", "g"]
    # noticed at the end of March, back in May; noticed at the end of September 2023, 15 months ago
    assert rows["waited_months"].tolist() == [2, 15, 3, 0]
    kinds = rows["event_type"].where(rows["event_type"].notna(), None)
    assert kinds.tolist() == ["back", None, "ended", None]
    assert rows["revenue"].tolist() == [120, 120, 120, 120]
    assert rows["group"].tolist() == [
        "intermediary",
        "intermediary",
        "end customer",
        "end customer",
    ]
    assert rows["month"].dt.strftime("%Y-%m").tolist() == [
        "2022-12",
        "2023-06",
        "2023-06",
        "2024-09",
    ]


def test_a_month_that_is_not_over_is_not_empty(small, tables):
    rows = found(small, tables, as_of="2024-12-30", definition="own_rhythm")
    assert "g" not in set(rows["account_id"])


def test_whose_contract_has_run_out_is_lost_and_not_silent(small, tables):
    contracts = [
        {"contract_id": a, "account_id": a, "starts_on": "2022-01-01", "ends_on": ends, "value_per_year": 1}
        for a, ends in (("a", "2026-12-31"), ("b", "2023-06-30"))
    ]  # fmt: skip
    rows = found(small, tables | {"contracts": contracts}, definition="contracts")
    assert set(rows["account_id"]) == {"a", "d", "g"}


def times(*rows):
    names = ["waited_months", "event_type", "group"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(account_id=[f"a{i}" for i in range(len(frame))], revenue=100.0)


def told(estimate):
    assert set(estimate.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (estimate.note, *(check.note for check in estimate.checks)):
            assert "{" not in say(note, Style(language))
    return estimate


def test_shares_by_hand():
    rows = times(
        (1, "back", "x"), (2, "ended", "x"), (3, "back", "x"), (4, None, "x"), (0, None, "x")
    )
    estimate = told(silent_accounts(rows))
    # a quarter back at month 1, a quarter ended, a quarter back at month 3
    assert estimate["share"] == pytest.approx(0.5)
    assert estimate["horizon"] == 4
    assert (estimate["n_back"], estimate["n_silent"], estimate["revenue"]) == (2, 2, 200)
    assert estimate["waited_median"] == 2
    assert estimate.frame["group"].unique().tolist() == ["all accounts"]
    assert estimate.note.values["roles"].key == "scenes.one_role"
    assert estimate.checks[0].note.key == "scenes.just_silent"


def test_intermediaries_that_sell_from_stock_come_back():
    rng = np.random.default_rng(1)
    back = [(int(w), "back", "intermediary") for w in rng.integers(1, 4, 30)]
    gone = [(12, None, "end customer")] * 30 + [(2, "back", "end customer")] * 6
    estimate = told(silent_accounts(times(*back, *gone)))
    assert estimate["p_value"] < 1e-6
    roles = estimate.note.values["roles"]
    assert roles.key == "scenes.roles_differ"
    assert (roles.values["most"], roles.values["most_share"]) == ("intermediary", 1.0)
    assert roles.values["least_share"] == pytest.approx(6 / 36)


def test_once_all_are_back_the_share_stays():
    estimate = told(silent_accounts(times((1, "back", "x"), (3, "back", "x"))))
    assert (estimate["horizon"], estimate["share"]) == (12, 1)


def test_nobody_silent_and_nobody_back():
    assert (
        told(silent_accounts(times().astype({"waited_months": float}))).note.key
        == "scenes.no_silence"
    )
    none = told(silent_accounts(times((3, None, "x"), (5, "ended", "x"))))
    assert none.note.key == "scenes.none_back"
    # found out and nothing amiss: neither is a fault of the records
    assert none.checks[0].passed is True
    assert "100" in str(none.note)
