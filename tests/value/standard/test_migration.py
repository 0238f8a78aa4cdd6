"""Moves by hand; rows that sum to one; own and peers that sum to the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.book.schemas import TIERS
from kamlib.params import EvaluationStandardParams
from kamlib.value.standard import scorecard
from kamlib.value.standard.facts import CRITERIA
from kamlib.value.standard.migration import migration, moves, split_moves, year_before

START, END = pd.Timestamp("2023-12-31"), pd.Timestamp("2024-12-31")
states = st.sampled_from([*TIERS, None])


def rows(then, now):
    """Return tiers of accounts a, b, … at both dates; None: not listed."""
    parts = [
        pd.DataFrame(
            {"account_id": [f"{i:02d}" for i in range(len(t))], "evaluated_on": d, "tier": t}
        )
        for d, t in ((START, then), (END, now))
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["tier"].notna()]


def test_by_hand():
    found = migration(rows(["gold", "gold", "iron", "lead", None],
                           ["platinum", None, "iron", "lead", "iron"]), START)  # fmt: skip
    names = ("n_promoted", "n_demoted", "n_stayed", "n_new", "n_lost")
    assert [int(found[name]) for name in names] == [1, 0, 2, 1, 1]
    share = found.frame.set_index(["tier_then", "tier_now"])["share_accounts"]
    assert share["gold", "platinum"] == 0.5
    assert share["gold", "lost"] == 0.5
    assert share["new", "iron"] == 1.0
    assert np.isnan(share["platinum", "gold"])  # nobody was platinum
    assert "Of 4 accounts with a tier" in str(found.note)


@settings(max_examples=50)
@given(st.lists(st.tuples(states, states), min_size=1, max_size=30))
def test_shares_of_a_tier_sum_to_one_and_accounts_are_conserved(pairs):
    then, now = zip(*pairs, strict=True)
    frame = rows(then, now)
    if not (frame["evaluated_on"] == END).any():
        return
    found = migration(frame, START)
    sums = found.frame.groupby("tier_then")["share_accounts"].sum(min_count=1).dropna()
    assert sums.to_numpy() == pytest.approx(1.0)
    assert found.frame["n_accounts"].sum() == sum(pair != (None, None) for pair in pairs)
    names = ("n_promoted", "n_demoted", "n_stayed", "n_lost")
    assert sum(int(found[name]) for name in names) == sum(t is not None for t in then)


def test_no_year_before_is_refused():
    late = rows([None], ["gold"])
    assert year_before(late) is None
    assert year_before(rows(["gold"], ["gold"])) == START
    found = migration(late, None)
    assert found.refused
    assert "two full years" in str(found.note)


def judged(seed=0, n=30, basis="score", grow=None):
    rng = np.random.default_rng(seed)
    parts = []
    for day in (START, END):
        drawn = {c: rng.lognormal(size=n).round(3) for c in CRITERIA}
        frame = pd.DataFrame(
            {"account_id": [f"{i:02d}" for i in range(n)], "evaluated_on": day} | drawn
        )
        parts.append(frame.assign(contribution=rng.normal(1, 2, n).round(2)))
    if grow is not None:
        parts[1] = grow(parts[0].assign(evaluated_on=END))
    params = EvaluationStandardParams(tier_basis=basis)
    facts = pd.concat(parts, ignore_index=True)
    frozen = scorecard.freeze(facts, params)
    return scorecard.computed_tiers(facts, frozen, params), frozen, params


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from(["score", "contribution"]))
def test_own_and_peers_sum_to_the_whole_move(seed, basis):
    tiers, frozen, params = judged(seed, basis=basis)
    split = split_moves(tiers, START, frozen, params)
    total = split["own_change"] + split["peers_change"]
    assert total.to_numpy() == pytest.approx(split["standing_change"].to_numpy())
    # by contribution the whole is the change of the standing that tiers rest on
    if basis == "contribution":
        wide = tiers.pivot(index="account_id", columns="evaluated_on", values="standing")
        change = 100 * (wide[END] - wide[START]).reindex(split["account_id"])
        assert split["standing_change"].to_numpy() == pytest.approx(change.to_numpy(), abs=1e-9)
    listed = moves(tiers, START, frozen, params).frame
    assert listed.empty or (listed["tier_then"] != listed["tier_now"]).all()


@pytest.mark.parametrize("basis", ["score", "contribution"])
def test_who_stands_still_is_moved_by_peers_alone(basis):
    def all_but_the_first(frame):
        others = frame["account_id"] != "00"
        frame.loc[others, [*CRITERIA, "contribution"]] *= 3
        return frame

    tiers, frozen, params = judged(3, basis=basis, grow=all_but_the_first)
    split = split_moves(tiers, START, frozen, params).set_index("account_id")
    assert split["own_change"]["00"] == pytest.approx(0.0, abs=1e-9)
    if tiers["standing"].iloc[0] > 0:
        assert split["peers_change"]["00"] < 0


@pytest.mark.parametrize("basis", ["score", "contribution"])
def test_who_alone_moves_owes_it_to_itself(basis):
    def only_the_first(frame):
        frame.loc[frame["account_id"] == "00", [*CRITERIA, "contribution"]] = 1000.0
        return frame

    tiers, frozen, params = judged(3, basis=basis, grow=only_the_first)
    split = split_moves(tiers, START, frozen, params).set_index("account_id")
    assert split["own_change"]["00"] > 0
    others = split.drop("00")
    assert others["own_change"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert (others["peers_change"] <= 1e-9).all()


def test_the_criterion_that_moved_most_is_named():
    def less_revenue(frame):
        frame.loc[:, "revenue"] = 0.0
        frame.loc[:, "credit"] *= 1.01
        return frame

    tiers, frozen, params = judged(5, grow=less_revenue)
    listed = moves(tiers, START, frozen, params).frame
    assert len(listed) > 3
    assert set(listed["criterion"]) == {"revenue"}
    points = tiers.pivot(index="account_id", columns="evaluated_on", values="part_revenue")
    first = listed.iloc[0]
    assert first["criterion_change"] == pytest.approx(
        (points[END] - points[START])[first["account_id"]]
    )
    assert moves(tiers, None, frozen, params).refused


def test_moves_count_who_left_the_key_tiers():
    def falls(frame):
        frame.loc[frame["account_id"] == "00", [*CRITERIA, "contribution"]] = 1000.0
        return frame

    tiers, frozen, params = judged(3, grow=falls)
    found = moves(tiers, START, frozen, params)
    rose = found.frame.set_index("account_id")
    assert "00" in rose.index
    assert found["n_promoted"] + found["n_demoted"] == len(found.frame)
    left = rose["tier_then"].isin(params.key_tiers) & ~rose["tier_now"].isin(params.key_tiers)
    assert found["n_key_lost"] == left.sum()
