"""Accounts cut at their day: nothing from after it among what was known before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.ladder.evidence import Records, evidence_of
from kamlib.loyalty.ladder.ladder import climb
from kamlib.loyalty.ladder.sections import changes, section
from tests.loyalty import worlds  # type: ignore[import-not-found]


def test_outcome_and_path_of_one_cohort():
    world = worlds.select(0)
    cut = section(evidence_of(worlds.records(world)), assigned=False)
    amount = world.panel["outcome"].to_numpy().reshape(-1, 36)[cut.row]
    assert cut.sample.outcome == pytest.approx(np.log(amount[:, 12:].mean(axis=1)))
    assert cut.sample.names == ("quarter −4", "quarter −3", "quarter −2", "quarter −1", "size")
    assert cut.sample.covariates[:, 0] == pytest.approx(np.log(amount[:, :3].mean(axis=1)))
    assert cut.sample.covariates[:, 3] == pytest.approx(np.log(amount[:, 9:12].mean(axis=1)))
    assert cut.before == pytest.approx(np.log(amount[:, :12].mean(axis=1)))
    assert changes(cut).outcome == pytest.approx(cut.sample.outcome - cut.before)


def test_months_after_the_start_do_not_reach_what_was_known_before():
    world = worlds.staggered(0, 300)
    records = worlds.records(world)
    start = world.accounts["start"].fillna(99).to_numpy()
    later = (world.panel["period"] >= 12).to_numpy()
    member = (world.panel["period"].to_numpy() >= start[world.panel["unit"]]) & later
    changed = world.panel.assign(outcome=world.panel["outcome"] * np.where(member, 3.0, 1.0))
    one = section(evidence_of(records), assigned=False)
    records = worlds.records(worlds.World(**(vars(world) | {"panel": changed})))
    other = section(evidence_of(records), assigned=False)
    assert np.array_equal(one.sample.covariates, other.sample.covariates)
    assert np.array_equal(one.before, other.before)
    inside = one.sample.treated
    assert (other.sample.outcome - one.sample.outcome)[inside] == pytest.approx(np.log(3))


def test_members_of_several_cohorts_stand_beside_all_who_had_not_joined():
    evidence = evidence_of(worlds.records(worlds.staggered(0, 300)))
    cut = section(evidence, assigned=False)
    free = ~cut.sample.treated
    assert sorted(set(cut.zero)) == [12, 18, 24]
    # who never joined stands beside each of three cohorts, who joined later beside those before
    beside = np.bincount(cut.row[free], minlength=300)
    expected = np.select(
        [evidence.start == 12, evidence.start == 18, evidence.start == 24], [0, 1, 2], 3
    )
    assert beside.tolist() == expected.tolist()
    assert cut.sample.n_clusters == 300


def test_never_to_have_joined_may_mean_to_have_left():
    """Accounts leave at one rate and join if still there: those that never joined left more often."""
    rng = np.random.default_rng(3)
    n, months = 2000, 48
    left, joins = rng.geometric(0.02, n), 12 + rng.geometric(0.03, n)
    # there in the month before it joins, and at the same risk as others from then on
    start = np.where((joins <= left) & (joins < months), joins, np.nan)
    at = np.arange(months)
    amount = (at < left[:, None]) * np.exp(0.2 * rng.normal(size=(n, months)))
    panel = pd.DataFrame({"unit": np.repeat(np.arange(n), months), "period": np.tile(at, n),
                          "outcome": amount.ravel()})  # fmt: skip
    accounts = pd.DataFrame({"unit": np.arange(n), "start": start, "usual": 1.0})
    evidence = evidence_of(Records(panel, accounts, "contribution"))
    for still_there, least, most in ((True, -0.05, 0.05), (False, 0.2, 0.9)):
        sample = section(evidence, assigned=False, still_there=still_there).sample
        found = sample.outcome[sample.treated].mean() - sample.outcome[~sample.treated].mean()
        assert least < found < most, (still_there, found)


def test_a_placebo_ends_where_the_programme_begins():
    evidence = evidence_of(worlds.records(worlds.select(0)))
    cut = section(evidence, assigned=False, early=8, until_zero=True)
    amount = evidence.amount[cut.row]
    assert cut.sample.outcome == pytest.approx(np.log(amount[:, 4:12].mean(axis=1)))
    assert cut.sample.covariates[:, 3] == pytest.approx(np.log(amount[:, 3]))


def test_a_quarter_that_tells_one_account_from_all_others_is_not_held_equal():
    """All ordered every month but one account, once: by that quarter its own month would be foretold."""
    made = worlds.rct(0, n=60)
    panel = made.panel.assign(outcome=1.0)
    # months 9 to 11 are the last quarter before
    one = made.accounts.loc[made.accounts["assigned"], "unit"].iloc[0]
    panel.loc[(panel["unit"] == one) & (panel["period"] == 10), "outcome"] = 0.0
    panel["outcome"] += np.where(panel["period"] >= 12, 0.1 * made.panel["outcome"] / 1000, 0.0)
    records = worlds.records(made)
    cut = section(evidence_of(replace(records, panel=panel)), assigned=True)
    assert cut.sample.names == ("size",)
    finding = climb(replace(records, panel=panel), rng=np.random.default_rng(1))
    assert finding.answer is not None
