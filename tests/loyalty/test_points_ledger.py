"""Points by hand: earned − redeemed − expired = outstanding, and what is owed for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib import glossary
from kamlib.glossary import Style, say
from kamlib.loyalty.points_ledger import breakage, points_ledger
from kamlib.loyalty.programme_facts import programme_facts
from kamlib.params import LoyaltyRoiParams
from tests.loyalty.programme_rows import AS_OF, TABLES, points  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def facts(small):
    return programme_facts(small.open(TABLES, as_of=AS_OF))


def opened(small, *rows):
    tables = {name: TABLES[name] for name in ("transactions", "programme")}
    return programme_facts(small.open(tables | {"points": list(rows)}, as_of=AS_OF))


def checks(found):
    told = [found.note, *(check.note for check in found.checks)]
    assert all(say(s, Style(language, "EUR")) for s in told for language in ("en", "zh"))
    assert set(found.frame.columns) <= set(glossary.columns())
    return {check.name: check.passed for check in found.checks}


def test_balance(facts):
    found = points_ledger(facts, LoyaltyRoiParams())
    frame = found.frame
    assert frame["points_earned"].tolist() == [400, 100, 0]
    assert frame["points_used"].tolist() == [0, 70, 0]
    assert frame["points_expired"].tolist() == [0, 0, 50]
    assert frame["points_outstanding"].tolist() == [400, 430, 380]
    assert frame[["redemption_cost", "points_liability"]].isna().all(axis=None)
    assert "unknown until loyalty_roi.point_cost" in str(found.note)
    # c redeemed ten points that nobody gave it
    assert checks(found) == {
        "points_add_up": True, "points_from_the_start": False, "breakage_known": None,
    }  # fmt: skip
    [shown] = [c.frame for c in found.checks if c.name == "points_from_the_start"]
    assert shown.to_numpy().tolist() == [["c", -10.0]]


def test_what_outstanding_points_cost_and_what_is_owed(facts):
    found = points_ledger(facts, LoyaltyRoiParams(point_cost=0.5))
    # a tenth has expired: 360, 450, 450 will be redeemed in all, 0, 70, 70 have been
    assert found.frame["redemption_cost"].tolist() == pytest.approx([180.0, 190.0, 190.0])
    # January: points worth 400 × 0.9 × 0.5 = 180 beside goods for 400
    # later: 500 × 0.9 × 0.5 = 225 beside goods for 500, of which 380 of 450 points are open
    owed = [400 * 180 / 580, 500 * 225 / 725 * 380 / 450, 500 * 225 / 725 * 380 / 450]
    assert found.frame["points_liability"].tolist() == pytest.approx(owed)
    assert found["points_liability"] == pytest.approx(131.034483)


def test_a_point_may_be_worth_more_than_it_costs(facts):
    rules = LoyaltyRoiParams(point_cost=0.25, point_value=0.5)
    found = points_ledger(facts, rules)
    assert found["redemption_cost"] == pytest.approx(95.0)
    assert found["points_liability"] == pytest.approx(131.034483)


@pytest.mark.parametrize(
    ("stated", "taken", "passed"),
    # 50 of 500 have expired and 70 were redeemed: from 10 % to 86 %
    [(None, 0.1, None), (0.05, 0.05, False), (0.3, 0.3, True), (0.9, 0.9, False)],
)
def test_breakage_that_the_records_bear(facts, stated, taken, passed):
    share, check = breakage(facts.points, LoyaltyRoiParams(breakage=stated))
    assert share == pytest.approx(taken)
    assert check.passed is passed
    text = str(check.note)
    assert "10.0" in text
    assert "86.0" in text


def test_more_redeemed_than_the_stated_share_allows_leaves_no_liability(facts):
    found = points_ledger(facts, LoyaltyRoiParams(point_cost=0.5, breakage=0.9))
    # 50 of 500 points may be redeemed, 70 were
    assert np.isnan(found["points_liability"])
    assert found["redemption_cost"] == 0.0
    assert checks(found)["breakage_known"] is False


def test_months_without_points_keep_the_balance(small):
    found = points_ledger(
        opened(small, points("a", "2023-01-31", 10, 0, 0), points("a", "2023-03-05", 0, 4, 0)),
        LoyaltyRoiParams(point_cost=1.0),
    )
    assert found.frame["points_outstanding"].tolist() == [10, 10, 6]
    assert found.frame["month"].dt.month.tolist() == [1, 2, 3]


def test_all_points_expired(small):
    rows = points("a", "2023-01-31", 10, 0, 0), points("a", "2023-02-28", 0, 0, 10)
    found = points_ledger(opened(small, *rows), LoyaltyRoiParams(point_cost=1.0))
    assert found["redemption_cost"] == 0.0
    assert found["points_liability"] == pytest.approx(0.0, abs=0.02)


def test_nothing_issued_is_refused(small):
    found = points_ledger(opened(small, points("a", "2023-01-31", 0, 5, 0)), LoyaltyRoiParams())
    assert found.refused
    assert "No points were given" in str(found.note)


def test_expiry_that_is_not_recorded_is_said(small):
    row = points("a", "2023-01-31", 10, 1, 0)
    del row["expired"]
    found = points_ledger(opened(small, row), LoyaltyRoiParams())
    assert checks(found)["expiry_known"] is None
    assert found["points_outstanding"] == 9


def test_a_month_that_is_lost_is_found(facts):
    lost = replace(facts.points, by_month=facts.points.by_month.iloc[:-1])
    found = checks(points_ledger(replace(facts, points=lost), LoyaltyRoiParams()))
    assert found["points_add_up"] is False
