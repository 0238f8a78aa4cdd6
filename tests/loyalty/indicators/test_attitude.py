"""Attitude by hand: which answers count, how they are scaled, and how many there are."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.indicators.attitude import PARTS, attitude, attitude_facts, with_attitude

END = date(2024, 12, 31)
DAY = pd.Timestamp(END)
SALES = [{"account_id": "a", "date": "2024-05-01", "amount": 5}]
ITEMS = [
    {"item": "R", "construct": "recommend"}, {"item": "B", "construct": "repurchase"},
    {"item": "P", "construct": "perception"}, {"item": "S", "construct": "satisfaction"},
    {"item": "T", "construct": "price_tolerance"},
]  # fmt: skip


def answer(item: str, score: float | None, **more: Any) -> dict[str, Any]:
    row = {"response_id": "1", "account_id": "a", "wave": "w", "date": "2024-05-10", "competitor": None,
           "method": "phone", "item": item, "score": score, "scale_min": 1, "scale_max": 5,
           "recorded_on": None}  # fmt: skip
    return row | more


def answers(small, *rows: dict[str, Any], day: date = END) -> pd.DataFrame:
    tables = {"transactions": SALES, "survey_items": ITEMS, "surveys": list(rows)}
    book = small.open(tables, as_of="2025-12-31")
    return attitude_facts(book, [day]).execute().set_index("account_id")


def test_parts_by_hand(small):
    row = answers(
        small, answer("R", 5), answer("R", 3, response_id="2", method="interview"), answer("B", 2),
        answer("S", 1), answer("T", 1), answer("B", None, response_id="2"),
    ).loc["a"]  # fmt: skip
    # (5 - 1) / 4 and (3 - 1) / 4; (2 - 1) / 4; satisfaction and stated price tolerance are left out
    assert (row["recommend"], row["repurchase"]) == (75, 25)
    assert np.isnan(row["preference"])
    assert (row["n_responses"], row["n_interviews"]) == (2, 1)


def test_preference_compares_the_same_item_of_the_same_response(small):
    row = answers(
        small, answer("P", 4), answer("P", 2, competitor="X"), answer("P", 3, competitor="Y"),
        answer("P", 1, response_id="2"), answer("S", 5), answer("S", 1, competitor="X"),
        answer("R", 5), answer("R", 1, competitor="X"),
    ).loc["a"]  # fmt: skip
    # perception: 75 against the mean of 25 and 50; recommending: 100 against 0
    assert row["preference"] == pytest.approx(50 + (37.5 + 100) / 2 / 2)
    assert row["recommend"] == 100


def test_only_the_last_wave_known_within_two_years_counts(small):
    old = answer("R", 1, wave="v", date="2023-05-10")
    new = answer("R", 5)
    late = answer("R", 3, wave="x", date="2024-06-10", recorded_on="2025-02-01")
    assert answers(small, old, new, late)["recommend"].tolist() == [100]
    assert answers(small, old, new, late, day=date(2024, 4, 30))["recommend"].tolist() == [0]
    assert answers(small, old, new, late, day=date(2025, 3, 31))["recommend"].tolist() == [50]
    assert answers(small, old, day=date(2025, 5, 31)).empty


def test_without_surveys_nobody_has_an_attitude(small):
    book = small.open({"transactions": SALES}, as_of="2024-12-31")
    found = attitude_facts(book, [END]).execute()
    assert found.empty
    rows = pd.DataFrame({"account_id": ["a"], "evaluated_on": DAY})
    found["evaluated_on"] = pd.to_datetime(found["evaluated_on"])
    estimate = attitude(with_attitude(rows, found), DAY)
    assert estimate.refused
    assert "surveys and survey_items" in str(estimate.note)


def listed(n: int = 50, n_asked: int = 40) -> pd.DataFrame:
    ids = [f"a{i:02d}" for i in range(n)]
    said = pd.DataFrame(
        {
            "account_id": ids[:n_asked], "evaluated_on": DAY,
            "recommend": np.linspace(0, 100, n_asked), "repurchase": np.nan,
            "preference": np.nan, "n_responses": 1.0, "n_interviews": 0.0,
        }
    )  # fmt: skip
    return with_attitude(pd.DataFrame({"account_id": ids, "evaluated_on": DAY}), said)


def test_counts_and_means():
    found = attitude(listed(), DAY)
    frame = found.frame.set_index("indicator")
    assert frame.index.tolist() == [*PARTS, "attitude"]
    assert frame.loc["attitude", ["n_accounts", "n_unknown", "n_responses"]].tolist() == [
        40,
        10,
        40,
    ]
    # places among themselves: mean 50
    assert frame.loc["attitude", "score_mean"] == pytest.approx(50)
    # sd of 40 even steps from 0 to 100: 100 / 39 * sqrt(40 * 41 / 12); t(39) at 0.975 is 2.0227
    half = 2.022691 * 100 / 39 * np.sqrt(40 * 41 / 12) / np.sqrt(40)
    row = frame.loc["recommend"]
    assert row["score_to"] - row["score_mean"] == pytest.approx(half, rel=1e-6)
    assert [check.passed for check in found.checks] == [True, True]


def test_few_answers_and_interviews_are_pointed_out():
    rows = listed(50, 25)
    rows.loc[0, "n_interviews"] = 1.0
    found = attitude(rows, DAY)
    assert [check.passed for check in found.checks] == [False, False]
    assert "25 of 50" in str(found.checks[0].note)


def test_who_was_not_asked_to_compare_stands_no_higher():
    """Preference lies near 50 and recommending near 80: on frozen scales both have mean 50."""
    rng = np.random.default_rng(1)
    n = 200
    said = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)], "evaluated_on": DAY,
            "recommend": rng.uniform(70, 90, n), "repurchase": np.nan,
            "preference": np.where(np.arange(n) < 60, rng.uniform(45, 55, n), np.nan),
            "n_responses": 1.0, "n_interviews": 0.0,
        }
    )  # fmt: skip
    found = with_attitude(said[["account_id", "evaluated_on"]], said)["attitude"]
    # sd of a place is 29, of the difference of the means about 4; on plain scales it were 15
    assert abs(found[:60].mean() - found[60:].mean()) < 8
