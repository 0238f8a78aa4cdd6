"""Every reason is reached from records, and says in both languages what was found and what mends it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.glossary import Style, say
from kamlib.loyalty.effects.effect import Effect
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.ladder.ladder import climb
from kamlib.loyalty.ladder.refusals import TEXTS, Code
from kamlib.loyalty.ladder.retained import climb_retention
from kamlib.loyalty.ladder.returns import Claim, return_refusals
from tests.loyalty import worlds  # type: ignore[import-not-found]

CLAIM = Claim(gain=100.0, gain_error=20.0, cost=60.0)


def climbed(world, estimator=entropy_balanced, **more):
    records = worlds.records(world, **more)
    return climb(records, rng=np.random.default_rng(1), draws=0, estimator=estimator).refusals


def with_accounts(world, **columns):
    return replace(world, accounts=world.accounts.assign(**columns))


def with_panel(world, **columns):
    return replace(world, panel=world.panel.assign(**columns))


def started(world, when):
    accounts = world.accounts.drop(columns="assigned", errors="ignore")
    start = np.where(accounts["start"].notna(), when, np.nan)
    return replace(world, accounts=accounts.assign(start=start))


def everyone():
    return replace(worlds.select(0), accounts=worlds.select(0).accounts.assign(start=12.0))


def some_zeros():
    world = worlds.rct(0)
    outcome = world.panel["outcome"].where(np.arange(len(world.panel)) % 400 != 0, 0.0)
    return with_panel(world, outcome=outcome)


def crossed():
    world = worlds.rct(0)
    start = world.accounts["start"].to_numpy()
    flips = np.arange(300) % 3 == 0
    return with_accounts(world, start=np.where(flips == np.isnan(start), 12.0, np.nan))


def ten_groups():
    world = worlds.rct(0)
    order = world.accounts["assigned"].rank(method="first").to_numpy() - 1
    return with_accounts(world, parent=order // 30)


def holes():
    world = worlds.select(0)
    outcome = world.panel["outcome"].where(np.arange(len(world.panel)) % 4 != 0)
    return with_panel(world, outcome=outcome)


def driven():
    """A known cause drives joining and months afterwards both: one like it would explain all."""
    world, rng = worlds.rct(0), np.random.default_rng(77)
    reach = rng.normal(size=300)
    start = np.where(rng.random(300) < 1 / (1 + np.exp(-reach)), 12.0, np.nan)
    accounts = world.accounts.drop(columns="assigned").assign(start=start, reach=reach)
    unit, period = world.panel["unit"].to_numpy(), world.panel["period"].to_numpy()
    added = np.where(period >= 12, 0.3 * reach[unit] + 0.05 * ~np.isnan(start[unit]), 0.0)
    outcome = world.panel["outcome"] * np.exp(added)
    return with_panel(replace(world, accounts=accounts), outcome=outcome)


def few_staggered(seed):
    return worlds.staggered(seed, 300)


def decided_by_one():
    world = worlds.rct(0)
    first = int(world.accounts.index[world.accounts["assigned"]][0])
    raised = (world.panel["unit"] == first) & (world.panel["period"] >= 12)
    return with_panel(world, outcome=world.panel["outcome"] * np.where(raised, np.exp(4.0), 1.0))


def half_elsewhere():
    world = worlds.rct(0)
    return with_accounts(world, other_start=np.where(np.arange(300) % 2, 12.0, np.nan))


def unmoved(sample):
    weights = entropy_balanced(sample).weights
    return Effect("att", 0.05, 0.01, 100.0, "fixed", weights)


def seen(world_of, code, seeds):
    """Return refusals of the first seed in which a condition fires that fires by chance."""
    for seed in seeds:
        found = climbed(world_of(seed))
        if code in [refusal.code for refusal in found]:
            return found
    return ()


def claimed(world=None, **more):
    found = climb(worlds.records(world or worlds.rct(0)), rng=np.random.default_rng(1), draws=0)
    return return_refusals(found, replace(CLAIM, **more))


REACHED = {
    Code.DUPLICATE_KEYS: lambda: climbed(worlds.dup_keys(0)),
    Code.CURRENCY_MIXED: lambda: climbed(
        with_panel(worlds.rct(0), currency=np.where(np.arange(10_800) % 2, "EUR", "CNY"))),
    Code.MARGIN_MISSING: lambda: climbed(worlds.no_margin(0)),
    Code.POST_TREATMENT_COVARIATE: lambda: climbed(worlds.select(0), known_on={"size": 12}),
    Code.ALWAYS_TREATED_ONLY: lambda: climbed(started(worlds.select(0), 0.0)),
    Code.NO_CONTROL: lambda: climbed(everyone()),
    Code.NO_TREATED_MIN: lambda: climbed(worlds.tiny(0)),
    Code.NO_PRE_PERIOD: lambda: climbed(started(worlds.select(0), 2.0)),
    Code.OVERLAPPING_PROGRAMMES: lambda: climbed(worlds.overlap(0)),
    Code.IMMORTAL_TIME: lambda: climb_retention(
        worlds.stays(worlds.immortal(0)), rng=np.random.default_rng(1), members="ever").refusals,
    Code.NEGATIVE_BASE_LOG: lambda: climbed(some_zeros()),
    Code.MIXED_GROUPS: lambda: climbed(worlds.spill_mixed(0)),
    Code.NO_ASSIGNMENT: lambda: climbed(worlds.select(0)),
    Code.SRM: lambda: climbed(worlds.rct(0), planned=0.8),
    Code.CROSSOVER: lambda: climbed(crossed()),
    Code.CLUSTER_TOO_FEW: lambda: climbed(ten_groups()),
    Code.FEW_TO_FOLLOW: lambda: climbed(started(worlds.select(0), 4.0)),
    Code.PANEL_HOLES: lambda: climbed(holes()),
    Code.RECENT_JUMP: lambda: climbed(worlds.rtm_bad(0)),
    Code.PRETREND_FAIL: lambda: seen(few_staggered, Code.PRETREND_FAIL, range(40)),
    Code.PRETREND_UNDERPOWERED: lambda: climbed(worlds.select(0)),
    Code.DRIFT: lambda: seen(few_staggered, Code.DRIFT, range(20)),
    Code.OVERLAP: lambda: climbed(worlds.rtm_good(0)),
    Code.BALANCE_FAIL: lambda: climbed(worlds.select(0), difference_in_means),
    Code.PLACEBO_FAIL: lambda: climbed(worlds.hidden(0)),
    Code.HIDDEN_CAUSE: lambda: climbed(driven(), covariates=("size", "reach")),
    Code.ESTIMATORS_DISAGREE: lambda: seen(worlds.select, Code.ESTIMATORS_DISAGREE, range(4)),
    Code.UNMOVABLE_SE: lambda: climbed(worlds.select(1), unmoved),
    Code.TOP_ACCOUNT: lambda: climbed(decided_by_one()),
    Code.OTHER_PROGRAMME: lambda: climbed(half_elsewhere()),
    Code.SHORT_WINDOW: lambda: climbed(worlds.rct(0), purchase_cycle=13.0),
    Code.COST_MISSING: lambda: climbed(worlds.rct(0), cost_missing=0.3),
    Code.NO_CAUSE: lambda: claimed(worlds.hidden(0)),
    Code.HORIZON_BEYOND_DATA: lambda: claimed(months=36),
    Code.ROI_RATIO_UNBOUNDED: lambda: claimed(cost_error=40.0),
    Code.EXAGGERATION: lambda: claimed(gain_error=100.0),
}  # fmt: skip


def test_every_code_is_reached():
    assert set(REACHED) == set(Code) == set(TEXTS)


@pytest.mark.parametrize("code", Code)
def test_a_code_has_its_sentence_and_its_remedy(code):
    found = [refusal for refusal in REACHED[code]() if refusal.code == code]
    assert found, code
    for sentence in (found[0].sentence, found[0].remedy):
        english, chinese = (say(sentence, Style(language)) for language in ("en", "zh"))
        assert english.endswith(".")
        assert chinese.endswith("。")


def test_what_is_in_order_is_not_refused():
    assert climbed(worlds.rct(0)) == ()
    assert claimed() == ()


@pytest.mark.parametrize(
    ("more", "grade"),
    [({}, "A"), ({"cost_missing": 0.3}, "B"), ({"purchase_cycle": 13.0}, "B"),
     ({"cost_missing": 0.3, "purchase_cycle": 13.0}, "B")],
)  # fmt: skip
def test_doubts_lower_the_grade_by_one_together(more, grade):
    records = worlds.records(worlds.rct(0), **more)
    assert climb(records, rng=np.random.default_rng(1)).grade == grade


def test_records_without_a_column_are_an_error():
    world = worlds.rct(0)
    records = worlds.records(replace(world, panel=world.panel.rename(columns={"outcome": "paid"})))
    with pytest.raises(FitError, match="no column 'outcome'"):
        climb(records, rng=np.random.default_rng(1))


def test_repeated_accounts_are_refused_as_repeated_months():
    world = worlds.rct(0)
    twice = pd.concat([world.accounts, world.accounts.head(1)])
    assert climbed(replace(world, accounts=twice))[0].code == Code.DUPLICATE_KEYS


def test_nobody_joined_though_chance_had_assigned_them():
    world = with_accounts(worlds.rct(0), start=np.nan)
    assert climbed(world)[0].code == Code.NO_TREATED_MIN
    # the day is known, but so uneven a lot was not planned, and nobody is left to follow
    codes = [refusal.code for refusal in climbed(world, assigned_on=12, planned=0.9)]
    assert codes[:3] == [Code.SRM, Code.NO_TREATED_MIN, Code.NO_TREATED_MIN]
