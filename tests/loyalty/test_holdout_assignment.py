"""The list of a trial: whole groups, alike sides, the same for ever, and taken back by the book."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns, say
from kamlib.loyalty.holdout_assignment import _drawn, _groups, assignment, lot
from kamlib.loyalty.holdout_facts import in_trial
from kamlib.params import LoyaltyRoiParams
from kamlib.show.csv import safe_csv
from tests.loyalty.holdout_rows import facts_of, years  # type: ignore[import-not-found]

RULES = LoyaltyRoiParams(trial_starts_on=date(2026, 1, 15))


def rules(**more):
    return RULES.model_copy(update=more)


@pytest.fixture(scope="module")
def frame():
    return years(np.random.default_rng(1))


def groups_of(found):
    return found.frame.groupby("cluster").agg(arm=("arm", "first"), stratum=("stratum", "first"),
                                              tier=("tier_in_force", "first"))  # fmt: skip


def test_whole_groups_in_pairs(frame):
    found = assignment(facts_of(frame), RULES)
    assert found.frame.groupby("cluster")["arm"].nunique().eq(1).all()
    blocks = groups_of(found).groupby("stratum")["arm"]
    # 140 groups are 70 pairs, each of which gives one to either side
    assert blocks.size().tolist() == [2] * 70
    assert (blocks.nunique() == 2).all()
    assert [c.passed for c in found.checks] == [True, True, True]
    assert set(found.frame.columns) <= set(columns())
    assert set(found.checks[1].frame.columns) <= set(columns())
    for sentence in (found.note, *(c.note for c in found.checks)):
        assert say(sentence, Style("zh"))


def test_pairs_are_neighbours_in_tier_and_size():
    # one account a group, sizes 1 … 40, tiers in turn: ten of each, five pairs
    n = 40
    frame = pd.DataFrame({"account_id": [f"a{i:02d}" for i in range(n)], "first": 1.0,
                          "cluster": [f"g{i:02d}" for i in range(n)],
                          "second": np.arange(1.0, n + 1)})  # fmt: skip
    found = assignment(facts_of(frame), RULES).frame
    sizes = found["account_id"].str[1:].astype(int) + 1
    spans = sizes.groupby(found["stratum"]).agg(["min", "max"])
    # neighbours of a tier are four apart
    assert (spans["max"] - spans["min"] == 4).all()
    assert found.groupby("stratum")["tier_in_force"].nunique().eq(1).all()


def test_the_same_for_a_seed_whatever_the_order_of_rows(frame):
    found = assignment(facts_of(frame), RULES)
    turned = facts_of(frame).accounts.sample(frac=1, random_state=3)
    turned = assignment(facts_of(frame, accounts=turned), RULES)
    pd.testing.assert_frame_equal(found.frame, turned.frame)
    other = assignment(facts_of(frame), rules(seed=1))
    assert (groups_of(other)["arm"] != groups_of(found)["arm"]).mean() == pytest.approx(
        0.5, abs=0.2
    )
    # pinned: a list that was handed out can be made again in years
    assert lot(20260101, "g000") == pytest.approx(0.7595469514044346)


def test_every_group_is_drawn_as_often_as_planned():
    people, times = _groups(facts_of(years(np.random.default_rng(2), groups=29)).accounts), 200
    for share in (Fraction(1, 2), Fraction(3, 10)):
        drawn = sum(
            (_drawn(people, share, seed)["arm"] == "1").astype(int) for seed in range(times)
        ) / times  # fmt: skip
        # five standard errors of a share over 200 draws are 0.177
        assert (drawn - float(share)).abs().max() < 0.177
        assert drawn.mean() == pytest.approx(float(share), abs=0.01)


def test_counts_are_as_planned_up_to_the_last_block():
    frame = years(np.random.default_rng(2), groups=33)
    for seed in range(20):
        found = assignment(facts_of(frame), rules(seed=seed))
        assert (groups_of(found)["arm"] == "1").sum() in (16, 17)
        assert found.checks[0].passed


def test_a_giant_is_told(frame):
    # two groups of thirty accounts among a hundred of one: they cannot be both on either side
    n = 100
    rows = pd.DataFrame(
        {"account_id": [f"a{i:03d}" for i in range(n)], "first": 1.0, "second": 1.0}
    )
    rows["cluster"] = ["big" if i < 80 else f"g{i}" for i in range(n)]
    found = assignment(facts_of(rows), RULES)
    assert found.checks[1].passed is False
    assert "another seed" in str(found.checks[1].note)


def test_unknown_costs_are_ranked_by_revenue(frame):
    facts = facts_of(frame)
    facts.accounts.loc[0, "amount"] = np.nan
    found = assignment(facts, RULES)
    # revenue is twice the amount throughout, so nothing moves
    pd.testing.assert_frame_equal(found.frame, assignment(facts_of(frame), RULES).frame)


def test_the_list_is_the_table_trials(frame, small, tmp_path):
    found = assignment(facts_of(frame), RULES).frame
    safe_csv(found, tmp_path / "trials.csv")
    accounts = [{"account_id": a, "parent_id": g}
                for a, g in zip(frame["account_id"], frame["cluster"], strict=True)]  # fmt: skip
    sales = [{"account_id": a, "date": "2025-06-01", "amount": 5} for a in frame["account_id"]]
    text = (tmp_path / "trials.csv").read_text("utf-8-sig")
    tables = {"accounts": accounts, "transactions": sales, "trials": text}
    book = small.open(tables, as_of="2026-03-31")
    assert book.faults.empty
    back = book["trials"].execute().sort_values("account_id", ignore_index=True)
    ours = found.sort_values("account_id", ignore_index=True)
    for name in ("trial_id", "account_id", "arm", "cluster"):
        assert back[name].tolist() == ours[name].tolist(), name
    assert (pd.to_datetime(back["assigned_on"]) == pd.Timestamp("2026-01-15")).all()
    # and whoever is on it is not drawn once more while it runs
    assert in_trial(book, date(2026, 3, 31)).count().execute() == len(frame)
    assert in_trial(book, date(2026, 1, 14)).count().execute() == 0


def test_without_a_day_it_is_not_taken_for_a_trial(frame, small, tmp_path):
    found = assignment(facts_of(frame), rules(trial_starts_on=None))
    assert found.frame["assigned_on"].isna().all()
    assert "assigned_on" in str(found.note)
    safe_csv(found.frame, tmp_path / "trials.csv")
    text = (tmp_path / "trials.csv").read_text("utf-8-sig")
    sales = [{"account_id": "a0000", "date": "2025-06-01", "amount": 5}]
    book = small.open({"transactions": sales, "trials": text}, as_of="2026-03-31")
    assert book.faults["rule"].tolist() == ["missing"]
    assert book["trials"].count().execute() == 0


def test_refused_below_eight_groups_on_either_side():
    few = years(np.random.default_rng(1), groups=15)
    assert assignment(facts_of(few), RULES).note.key == "loyalty_holdout.few"
