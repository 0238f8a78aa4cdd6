"""What is told of behaviour on a day: n, what is missing, and by tier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns, say
from kamlib.loyalty.indicators.behaviour import ALL, behaviour, by_tier, measured
from kamlib.loyalty.indicators.measures import EVERY, INDICATORS, Scored, score
from kamlib.loyalty.indicators.scales import Scales

DAY, NO_DAY = pd.Timestamp("2024-12-31"), pd.Timestamp("2020-12-31")


@pytest.fixture
def scored(people) -> Scored:
    rows = people(40).assign(**dict.fromkeys(EVERY, 0.5))
    rows.loc[rows["account_id"] < "a010", ["persistence", "kept_after_incident"]] = np.nan
    rows["behaviour"] = rows[list(INDICATORS)].mean(axis=1)
    rows["n_indicators"] = rows[list(INDICATORS)].notna().sum(axis=1)
    scales = Scales(dict.fromkeys(EVERY, np.full(40, 0.5)), dict.fromkeys(EVERY, DAY))
    return Scored(rows, scales, 3)


def test_counts_means_and_what_makes_the_differences(scored):
    found = behaviour(scored, DAY)
    frame = found.frame.set_index("indicator")
    then = scored.rows[scored.rows["evaluated_on"] == DAY]
    assert frame.loc["persistence", ["n_accounts", "n_unknown"]].tolist() == [30, 10]
    assert frame.loc["behaviour", "n_accounts"] == found["n_obs"] == 40
    assert frame.loc["regularity", "score_mean"] == pytest.approx(then["regularity"].mean())
    assert frame.loc["breadth_score", "score_low"] == then["breadth_score"].quantile(0.25)
    # the index is the sum of what the indicators add to it, and so is its variance
    assert frame["spread_share"].sum() == pytest.approx(1.0)
    assert found.checks[0].passed


def test_what_is_missing_for_everybody_is_named(scored):
    rows = scored.rows.assign(kept_after_incident=np.nan, persistence=np.nan)
    check = behaviour(Scored(rows, scored.scales, 3), DAY).checks[0]
    assert check.passed is False
    assert "service_events" in str(check.note)
    frame = measured(scored, DAY).frame
    assert frame["term"].tolist() == list(EVERY)
    assert frame.set_index("term").loc["kept_after_incident", "n_unknown"] == 10
    assert (frame["n_reference"] == 40).all()


def test_refused_where_too_little_is_known():
    facts = pd.DataFrame({"account_id": [f"a{i}" for i in range(20)], "evaluated_on": DAY,
                          "tier_in_force": None, "months_seen": 12.0, "buying_months": 9.0})  # fmt: skip
    found = behaviour(score(facts), DAY)
    assert found.refused
    assert "1 is known of these 20 accounts; an index needs 3" in str(found.note)
    assert "transactions.product_line, referrals" in str(found.note)
    few = behaviour(score(facts.head(19)), DAY)
    assert few.refused
    assert "made of 20 accounts" in str(few.note)
    for estimate in (behaviour, measured, by_tier):
        assert estimate(score(facts), NO_DAY).refused


def test_by_tier(scored):
    found = by_tier(scored, DAY)
    frame = found.frame.set_index("group")
    then = scored.rows[scored.rows["evaluated_on"] == DAY]
    assert frame.index.tolist() == ["gold", "lead", ALL]
    assert frame["n_accounts"].tolist() == [20, 20, 40]
    gold = then.loc[then["tier_in_force"] == "gold", "behaviour"].mean()
    assert frame.loc["gold", "behaviour"] == pytest.approx(gold)
    untold = Scored(scored.rows.assign(tier_in_force=None), scored.scales, 3)
    assert by_tier(untold, DAY).frame["group"].tolist() == [ALL]
    assert "tier_decisions" in str(by_tier(untold, DAY).note)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_readers_see_glossary_columns_and_whole_sentences(scored, language):
    for estimate in (behaviour(scored, DAY), measured(scored, DAY), by_tier(scored, DAY)):
        assert set(estimate.frame) <= set(columns())
        assert "{" not in say(estimate.note, Style(language))
