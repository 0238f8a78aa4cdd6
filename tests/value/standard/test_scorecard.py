"""Scores by hand and in general: parts sum, weights re-scale, the reference stays frozen."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.book.schemas import TIERS
from kamlib.params import EvaluationStandardParams
from kamlib.value.standard import pyramid, scorecard
from kamlib.value.standard.effective_weights import effective_weights
from kamlib.value.standard.facts import CRITERIA
from kamlib.value.standard.sensitivity import ALL, survival

DAYS = pd.to_datetime(["2023-12-31", "2024-03-31"])
PARAMS = EvaluationStandardParams()


def facts(n=20, days=DAYS, seed=1, **columns):
    """Accounts 0 … n − 1 at each date; criteria not given are drawn."""
    rng = np.random.default_rng(seed)
    parts = []
    for day in days:
        drawn = {c: rng.permutation(n).astype(float) for c in CRITERIA} | columns
        known = {"account_id": [f"{i:03d}" for i in range(n)], "evaluated_on": day, "name": None}
        parts.append(pd.DataFrame(known | drawn | {"contribution": drawn["revenue"]}))
    return pd.concat(parts, ignore_index=True)


def params(**changes):
    return EvaluationStandardParams.model_validate(changes)


def computed(frame, using=PARAMS):
    frozen = scorecard.freeze(frame, using)
    return scorecard.computed_tiers(frame, frozen, using), frozen


def test_mid_distribution_by_hand():
    reference = np.array([1.0, 2.0, 2.0, 4.0])
    found = scorecard.mid_distribution(pd.Series([0.0, 1.0, 2.0, 3.0, 4.0, 9.0, np.nan]), reference)
    # 2 has one account below it and two beside it: (1 + 2 ÷ 2) ÷ 4
    assert found[:6].tolist() == [0.0, 12.5, 50.0, 75.0, 87.5, 100.0]
    assert np.isnan(found[6])


def test_a_score_by_hand_with_one_criterion_missing():
    using = params(weights={"contract_volume": 0, "price_realisation": 0, "revenue": 3,
                            "collection_rate": 0, "credit": 1})  # fmt: skip
    frame = facts(10, DAYS[:1], revenue=np.arange(10.0), credit=np.arange(10.0)[::-1])
    frame.loc[9, "credit"] = np.nan
    frame = pd.concat([frame, frame.tail(1).assign(account_id="x")])  # keeps ten known of credit
    frame.loc[frame["account_id"] == "x", "credit"] = 0.0
    scored, frozen = computed(frame, using)
    assert dict(frozen.weights) == {"revenue": 0.75, "credit": 0.25}
    by_id = scored.set_index("account_id")
    # revenue 0 of 0…9, 9: 0.5 ÷ 11; credit 9 is the largest of ten known: 9.5 ÷ 10
    assert by_id["score"]["000"] == pytest.approx(75 * 0.5 / 11 + 25 * 0.95)
    assert by_id["part_credit"]["000"] == pytest.approx(25 * 0.95)
    # 9 twice of eleven: (9 + 1) ÷ 11, with the whole weight
    assert by_id["score"]["009"] == pytest.approx(100 * 10 / 11)
    assert (by_id["weight_known"]["009"], by_id["weight_known"]["000"]) == (0.75, 1.0)
    assert np.isnan(by_id["part_credit"]["009"])


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.lists(st.floats(0, 5), min_size=5, max_size=5), st.data())
def test_scores_lie_in_0_to_100_and_are_the_sum_of_their_parts(seed, weights, data):
    if not any(weights):
        weights[2] = 1.0
    frame = facts(seed=seed)
    holes = data.draw(
        st.lists(st.tuples(st.integers(0, 39), st.sampled_from(CRITERIA)), max_size=15)
    )
    for row, criterion in holes:
        frame.loc[row, criterion] = np.nan
    using = params(weights=dict(zip(CRITERIA, weights, strict=True)))
    scored, frozen = computed(frame, using)
    if frozen is None:
        return
    known = scored["score"].notna()
    assert scored.loc[known, "score"].between(0, 100 + 1e-9).all()
    parts = scored.loc[known, list(scorecard.PARTS)].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(scored.loc[known, "score"].to_numpy(), abs=1e-9)
    assert sum(frozen.weights.values()) == pytest.approx(1.0)
    assert scored.loc[known, "tier"].isin(TIERS).all()
    assert scored.loc[~known, "tier"].isna().all()


def test_peers_that_grow_demote_nobody():
    frame = facts()
    later = frame["evaluated_on"] == DAYS[1]
    same = frame[~later].assign(evaluated_on=DAYS[1])
    for criterion in CRITERIA:  # all but the first account grow tenfold
        same.loc[same["account_id"] != "000", criterion] *= 10
    scored, _ = computed(pd.concat([frame[~later], same], ignore_index=True))
    mine = scored[scored["account_id"] == "000"]
    assert mine["score"].nunique() == 1
    assert mine["tier"].nunique() == 1


def test_the_reference_is_the_next_evaluation_date_and_nothing_before_it_is_scored():
    frame = facts()
    scored, frozen = computed(frame, params(reference_date=date(2024, 2, 1)))
    assert frozen.reference_on == DAYS[1]
    assert scored["evaluated_on"].unique().tolist() == [DAYS[1]]
    assert scorecard.freeze(frame, params(reference_date=date(2025, 1, 1))) is None


def test_a_criterion_without_data_is_left_out_and_named():
    frame = facts(contract_volume=np.nan)
    tiers, frozen = computed(frame)
    assert "contract_volume" not in frozen.weights
    assert frozen.weights["revenue"] == pytest.approx(0.30 / 0.75)
    found = effective_weights(tiers, frozen, PARAMS)
    [check] = [c for c in found.checks if c.name == "criterion_contract_volume"]
    assert check.passed is None
    assert "Contract volume (weight 25.0\u00a0%) is left out" in str(check.note)
    assert found.frame.set_index("criterion")["weight_used"]["contract_volume"] == 0.0


def test_effective_weights_are_shares_of_the_variance():
    # revenue and volume are the same, credit is constant: it decides nothing
    up = np.arange(20.0)
    tiers, frozen = computed(facts(revenue=up, contract_volume=up, credit=50.0))
    found = effective_weights(tiers, frozen, PARAMS)
    frame = found.frame.set_index("criterion")
    assert frame["weight_effective"].sum() == pytest.approx(1.0)
    assert frame["weight_effective"]["credit"] == pytest.approx(0.0, abs=1e-12)
    ratio = frame["weight_effective"]["revenue"] / frame["weight_effective"]["contract_volume"]
    assert ratio == pytest.approx(0.30 / 0.25)
    [twins] = [c for c in found.checks if c.name == "volume_and_revenue"]
    assert twins.passed is False
    assert "1.00" in str(twins.note)


def test_a_criterion_that_works_against_the_rest_is_named():
    up = np.arange(20.0)
    tiers, frozen = computed(facts(revenue=up, contract_volume=up, credit=up, collection_rate=up,
                                   price_realisation=-up))  # fmt: skip
    checks = {c.name: c for c in effective_weights(tiers, frozen, PARAMS).checks}
    assert checks["works_against_price_realisation"].passed is False


def test_nothing_to_score_is_refused():
    empty = facts().head(0)
    tiers, frozen = computed(empty)
    assert frozen is None
    assert tiers.empty
    assert effective_weights(tiers, frozen, PARAMS).refused
    assert pyramid.pyramid(tiers, PARAMS).refused
    assert pyramid.best(tiers, length=5).empty
    assert survival(tiers, frozen, PARAMS, conf_level=0.9, rng=np.random.default_rng(1))[0].refused


def test_tiers_by_contribution_by_hand():
    frame = facts(10, DAYS[:1], revenue=np.array([60.0, 20, 10, 5, 2, 1, 1, 1, 0, -5]))
    tiers, _ = computed(frame, params(tier_basis="contribution"))
    # larger accounts make 0, 60, 80, 90, 95, 97, 98 … of 100: bounds at 50, 80, 95
    expected = ["platinum", "gold", "iron", "iron", *["lead"] * 6]
    assert tiers["tier"].tolist() == expected
    unknown, _ = computed(frame.assign(contribution=np.nan), params(tier_basis="contribution"))
    found = pyramid.pyramid(unknown, params(tier_basis="contribution"))
    assert found.refused
    assert "transactions.cost" in str(found.note)


def test_pyramid_by_hand():
    tiers = pd.DataFrame({"account_id": list("abc"), "evaluated_on": DAYS[0], "revenue": [6.0, 3.0, 1.0],
                          "tier": ["gold", "iron", "iron"], "contribution": [1.0, np.nan, 2.0]})  # fmt: skip
    found = pyramid.pyramid(tiers, PARAMS)
    assert found.frame["tier"].tolist() == list(TIERS)
    assert found.frame["n_accounts"].tolist() == [0, 1, 2, 0]
    assert found.frame["share_revenue"].tolist() == pytest.approx([0, 0.6, 0.4, 0])
    assert (found["n_key"], found["share_key"]) == (1, pytest.approx(0.6))
    assert "1 of 3 accounts" in str(found.note)


def test_computed_beside_in_force_by_hand():
    tiers = pd.DataFrame({"account_id": list("abcd"), "evaluated_on": DAYS[0], "score": [9, 8, 7, 6.0],
                          "tier": ["gold", "gold", "iron", "lead"]})  # fmt: skip
    decided = pd.DataFrame({"account_id": list("abcz"), "tier": ["gold", "lead", "gold", "iron"]})
    found = pyramid.beside(tiers, decided)
    assert (found["n_obs"], found["n_agree"], found["n_undecided"]) == (3, 1, 1)
    assert found.frame["n_accounts"].sum() == 3
    apart = pyramid.disagreements(tiers, decided).frame
    assert apart[["account_id", "steps"]].to_numpy().tolist() == [["b", 2.0], ["c", -1.0]]
    assert pyramid.beside(tiers, decided.head(0)).refused


def survived(**changes):
    using = params(**changes)
    tiers, frozen = computed(facts(60, seed=4), using)
    rng = np.random.default_rng(7)
    return survival(tiers, frozen, using, conf_level=0.9, rng=rng), tiers


def test_tiers_survive_weights_that_stay_put_and_not_those_that_roam():
    (still, _), _ = survived(concentration=1e9)
    (near, _), _ = survived(concentration=200)
    (far, accounts), tiers = survived(concentration=5)
    assert still["survival"] == 1.0
    assert still["survival"] > near["survival"] > far["survival"]
    frame = far.frame.set_index("group")
    # the whole is the mean of its tiers by their accounts, and of its accounts
    parts = frame.drop(ALL)
    weighted = (parts["survival"] * parts["n_accounts"]).sum() / 60
    assert frame["survival"][ALL] == pytest.approx(weighted)
    assert accounts["survival"].mean() == pytest.approx(weighted)
    assert accounts["survival"].is_monotonic_increasing
    assert (frame["share_low"] <= frame["survival"]).all()
    assert (frame["survival"] <= frame["share_high"]).all()
    assert len(accounts) == 60
    assert tiers["account_id"].nunique() == 60


def test_other_weights_say_nothing_where_they_count_for_nothing():
    (by_contribution, nothing), _ = survived(tier_basis="contribution")
    assert by_contribution.refused
    assert nothing.empty
    only = dict.fromkeys(CRITERIA, 0) | {"revenue": 1}
    (alone, _), _ = survived(weights=only)
    assert "Only Revenue has records" in str(alone.note)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"weights": dict.fromkeys(CRITERIA, 0)}, "above 0"),
        ({"score_bounds": (50, 60, 40)}, "must fall"),
        ({"score_bounds": (99, 60, 40)}, "between 0 and 100"),
        ({"share_bounds": (0.5, 0.4, 0.9)}, "must rise"),
        ({"share_bounds": (0.01, 0.4, 0.9)}, "between 0 and 1"),
        ({"key_tiers": ("gold",)}, "best tiers"),
        ({"key_tiers": TIERS}, "best tiers"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        params(**wrong)
