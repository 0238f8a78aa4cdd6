"""A forecast of a year ago against what came: learnt from the past alone, and judged by what counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.covariates import MONTH
from kamlib.churn.leave_model import learn
from kamlib.churn.validation import (
    CHANCE,
    EXPECTED_LOSS,
    REVENUE,
    benefit,
    calibrated,
    captured,
    on_the_list,
    rehearse,
    told_apart,
)
from kamlib.churn.worth import account_worth
from kamlib.glossary import Sentence, Style, columns, say
from kamlib.stats.observed_share import observed_share


@pytest.fixture(scope="module")
def one(study):
    return study("telecom_lines", 0.25, due_months=1)


@pytest.fixture(scope="module")
def tried(one):
    return rehearse(one.landmarks, one.rules)


@pytest.fixture(scope="module")
def worth(one, tried):
    return account_worth(ledger(one.book), tried.day, months=12, discount_rate=0.1)


def test_it_knew_nothing_that_came_later(one, tried):
    """Whatever happened in the last year, the forecast of a year ago is the same."""
    later = one.landmarks.now - 12
    rows = one.landmarks.rows.copy()
    after = (rows[MONTH] + rows["followed"] >= later) & (rows["event"] > 0)
    shuffled = rows.assign(
        event=rows["event"].where(~after, 3 - rows["event"].clip(upper=2)),
        satisfaction=rows["satisfaction"].where(rows[MONTH] <= later, 0.0),
    )
    from dataclasses import replace

    other = rehearse(replace(one.landmarks, rows=shuffled), one.rules)
    np.testing.assert_allclose(other.chances, tried.chances, rtol=1e-9)


def test_outcomes_are_those_of_the_year(one, tried):
    rows = one.landmarks.rows
    then = rows[rows[MONTH] == one.landmarks.now - 12].set_index("account_id")
    told = tried.accounts.set_index("account_id")
    assert (told["left_months"].between(1, 12)).all()
    left = then.loc[told.index]
    assert (told["event"].to_numpy() == np.where(left["followed"] < 12, left["event"], 0)).all()


def test_a_silence_that_could_not_show_by_then_is_not_judged(study):
    # five years of records from 2021 on, four of them a year ago: a silence of up to five would not show
    long = study("industrial_supplies", 0.15, cap_days=1825)
    told = rehearse(long.landmarks, long.rules)
    assert isinstance(told, Sentence)
    assert told.key == "churn_validation.too_short"
    assert told.values["need"] > 60 > told.values["known"]
    assert on_the_list(captured(told, pd.DataFrame(), long.rules, np.random.default_rng(1))).empty


def test_the_list_against_lists_without_a_model(tried, worth, one):
    rules = one.rules.model_copy(update={"visits_per_month": 10})
    found = captured(tried, worth, rules, np.random.default_rng(1))
    assert set(found.frame.columns) <= set(columns())
    own = found.frame[(found.frame["term"] == "value_captured") & found.frame["against"].isna()]
    assert set(own["ranking"]) == {EXPECTED_LOSS, CHANCE, REVENUE, "drop of revenue"}
    assert sorted(own["listed"].unique()) == [10, 30, 60]
    seen = on_the_list(found)
    assert set(seen.columns) <= set(columns())
    assert seen["value_captured"].tolist() == own["estimate"].tolist()
    # by hand: value of those who left among the ten of largest revenue, of all that left
    rows = tried.accounts.merge(worth, on="account_id")
    rows["lost"] = rows["value"].clip(lower=0) * (rows["event"] == 1)
    top = rows.sort_values("revenue", ascending=False).head(10)
    by_hand = top["lost"].sum() / rows["lost"].sum()
    shown = own[(own["ranking"] == REVENUE) & (own["listed"] == 10)]["estimate"].iloc[0]
    assert shown == pytest.approx(by_hand, abs=0.02)  # weights for accounts that ended otherwise
    for language in ("en", "zh"):
        assert say(found.note, Style(language))
        assert say(found.checks[0].note, Style(language))


def test_expected_and_observed_by_tier(tried, one):
    found = calibrated(tried, one.rules)
    assert set(found.frame.columns) <= set(columns())
    assert found.frame["group"].iloc[0] == "all accounts"
    assert found.frame["n_obs"].iloc[1:].sum() == found.frame["n_obs"].iloc[0]
    rows = tried.accounts
    share = observed_share(rows["left_months"], rows["event"], 12, 0.95).share
    assert found.frame["observed"].iloc[0] == pytest.approx(share)
    assert found.frame["expected"].iloc[0] == pytest.approx(tried.chances[:, -1].mean())
    assert 0.5 < found.frame["estimate"].iloc[0] < 2
    assert {"churn_level", "churn_recalibrated", "churn_level_by_tier"} == {
        c.name for c in found.checks
    }


def test_net_benefit_and_order(tried, one):
    found = benefit(tried, one.rules)
    assert found.frame["threshold"].tolist() == list(one.rules.act_from)
    apart = told_apart(tried, one.rules)
    assert set(apart.frame.columns) <= set(columns())
    area = apart.frame[apart.frame["term"] == "auc"]
    assert area["time"].tolist() == [3, 6, 12]
    assert area["estimate"].iloc[-1] > 0.5
    assert set(apart.frame["term"]) == {"concordance_uno", "auc", "brier_scaled"}


def test_better_than_chance_alone_over_a_random_order(tried, worth, one):
    """A chance that is shuffled among accounts holds less of what left."""
    rng = np.random.default_rng(2)
    mixed = pd.DataFrame({"p": rng.permutation(tried.chances[:, -1])})
    event = (tried.accounts["event"] == 1).to_numpy()
    own = tried.chances[event, -1].mean() - tried.chances[~event, -1].mean()
    other = mixed.loc[event, "p"].mean() - mixed.loc[~event, "p"].mean()
    assert own > other


def test_refusals(study, one):
    small = study("commercial_vehicles", 0.08)
    tried = rehearse(small.landmarks, small.rules)
    assert isinstance(tried, Sentence)
    for found in (
        captured(tried, pd.DataFrame(), small.rules, np.random.default_rng(1)),
        calibrated(tried, small.rules),
        benefit(tried, small.rules),
        told_apart(tried, small.rules),
    ):
        assert found.refused
        assert "takes at least 10" in say(found.note)
        assert "至少需要 10 次" in say(found.note, Style("zh"))
    far = one.rules.model_copy(update={"horizons": (18, 24)})
    assert rehearse(one.landmarks, far).key == "churn_validation.too_far"


def test_short_records_are_refused(study):
    short = study("industrial_supplies", 0.1, "2021-10-31")
    tried = rehearse(short.landmarks, short.rules)
    assert tried.key == "churn_validation.not_learnt"


def test_learning_again_gives_the_same(one):
    first, second = (learn(one.landmarks, one.rules) for _ in range(2))
    np.testing.assert_array_equal(first.near.parameters, second.near.parameters)
