"""What foretold: areas by hand, out of time, and nothing claimed where nothing is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns, say
from kamlib.loyalty.indicators.foretold import TOGETHER, foretold
from kamlib.loyalty.indicators.measures import INDICATORS

DAY, BEFORE = pd.Timestamp("2024-12-31"), pd.Timestamp("2023-12-31")


def world(people, slope: float, n: int = 1500, seed: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return accounts and what became of them: log odds 2 + slope × (regularity − 50) ÷ 10."""
    rows = people(n, seed)
    rng = np.random.default_rng(seed + 1)
    odds = 2.0 + slope * (rows["regularity"] - 50) / 10
    stays = (rng.random(len(rows)) < 1 / (1 + np.exp(-odds))).astype(float)
    return rows, rows[["account_id", "evaluated_on"]].assign(still_buying=stays)


def test_what_is_planted_is_found(people):
    rows, outcome = world(people, 0.3)
    found = foretold(rows, outcome, rng=np.random.default_rng(1), draws=200)
    frame = found.frame.set_index("indicator")
    row = frame.loc["regularity"]
    assert row["odds_low"] < np.exp(0.3) < row["odds_high"]
    assert row["told_low"] > 0.5
    others = frame.loc[[name for name in INDICATORS if name != "regularity"]]
    assert (others["odds_low"] < 1).all()
    assert (others["odds_high"] > 1).all()
    assert (found.note.values["best"], found.note.values["k"]) == ("regularity", 1)
    # what was learnt the year before does about as well as the one that matters
    assert frame.loc[TOGETHER, "told_apart"] == pytest.approx(row["told_apart"], abs=0.03)
    assert found.checks[0].passed
    assert set(found.frame) <= set(columns())


def test_where_nothing_foretells_nothing_is_claimed(people):
    rows, outcome = world(people, 0.0)
    found = foretold(rows, outcome, rng=np.random.default_rng(1), draws=20)
    assert found.note.key == "loyalty.nothing_foretold"
    assert found.checks[0].passed is False
    assert found["evaluated_on"] == DAY


def test_the_area_by_hand(people):
    rows, _ = world(people, 0.0, n=40)
    stays = np.r_[[0.0] * 10, [1.0] * 30]
    then = rows["evaluated_on"] == DAY
    # of those that left five have the lowest values and five the highest: half of all pairs agree
    rows.loc[then, "regularity"] = np.r_[np.arange(5), 95 + np.arange(5), 10 + np.arange(30)]
    rows.loc[then, "resistance"] = np.r_[np.arange(10), 10 + np.arange(30)]
    outcome = rows.loc[then, ["account_id", "evaluated_on"]].assign(still_buying=stays)
    found = foretold(rows, outcome, rng=np.random.default_rng(1))
    area = found.frame.set_index("indicator")["told_apart"]
    assert (area["regularity"], area["resistance"]) == (0.5, 1.0)
    # there is no year before to learn from
    assert TOGETHER not in area
    assert found.checks[0].passed is None
    assert found.frame["odds_ratio"].isna().all()


def test_only_whole_years_before_are_learnt_from(people):
    """A date within the year would know what became of the accounts that are judged."""
    rows, outcome = world(people, 0.3, n=300)
    between = pd.Timestamp("2024-09-30")
    spoilt = [part[part["evaluated_on"] == BEFORE].assign(evaluated_on=between)
              for part in (rows, outcome)]  # fmt: skip
    spoilt[1]["still_buying"] = 1 - spoilt[1]["still_buying"]
    both = [
        pd.concat([a, b], ignore_index=True) for a, b in zip((rows, outcome), spoilt, strict=True)
    ]
    plain, mixed = (foretold(*given, rng=np.random.default_rng(1), draws=20).frame
                    for given in ((rows, outcome), both))  # fmt: skip
    pd.testing.assert_frame_equal(plain, mixed)


def test_gaps_are_filled_and_flagged(people):
    rows, outcome = world(people, 0.3, n=600)
    rows.loc[np.arange(len(rows)) % 3 == 0, "persistence"] = np.nan
    rows["referral"] = np.nan
    frame = foretold(rows, outcome, rng=np.random.default_rng(1), draws=50).frame
    frame = frame.set_index("indicator")
    assert frame.loc["persistence", "n_accounts"] == 400
    assert "referral" not in frame.index
    assert frame.loc["persistence", "odds_low"] < 1 < frame.loc["persistence", "odds_high"]


def test_where_hardly_anybody_differs_there_is_no_interval(people):
    rows, outcome = world(people, 0.3, n=600)
    # a few referrers, none of whom left: an interval from them would be far too short
    rows["referral"] = np.where(
        (outcome["still_buying"] == 1) & (np.arange(len(rows)) % 50 == 0), 98.0, 48.0
    )
    frame = foretold(rows, outcome, rng=np.random.default_rng(1), draws=20).frame
    assert frame.set_index("indicator").loc["referral", ["told_apart", "odds_ratio"]].isna().all()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refusals(people, language):
    rows, outcome = world(people, 0.0, n=40)
    few = outcome.assign(still_buying=(np.arange(len(outcome)) % 40 >= 9).astype(float))
    found = foretold(rows, few, rng=np.random.default_rng(1))
    assert found.refused
    assert "9" in say(found.note, Style(language))
    assert foretold(rows, outcome.iloc[:0], rng=np.random.default_rng(1)).refused
    unknown = outcome.assign(still_buying=np.nan)
    assert foretold(rows, unknown, rng=np.random.default_rng(1)).note.key == "loyalty.no_year"
