"""Effects by group on each rung, groups too small to speak for themselves, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import LANGUAGES, Style, columns, display, say
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.randomised import own_slopes
from kamlib.loyalty.ladder.by_group import effects_by_group
from kamlib.loyalty.ladder.evidence import evidence_of
from kamlib.loyalty.ladder.figures import plot_groups
from kamlib.loyalty.ladder.ladder import climb
from kamlib.loyalty.ladder.sections import section
from tests.loyalty import worlds  # type: ignore[import-not-found]

NAMES = np.array(["bronze", "gold", "silver"])


def by_turns(world, names=NAMES):
    """Return groups that have nothing to do with anything else: accounts take turns."""
    unit = world.accounts["unit"]
    return pd.Series(names[np.arange(len(unit)) % len(names)], index=unit)


def raised(world, groups, more):
    """Return the world with months after the start multiplied by exp(more) in some groups."""
    panel = world.panel.merge(world.accounts[["unit", "start"]], on="unit")
    after = (panel["period"] >= panel["start"]).to_numpy()
    extra = panel["unit"].map(groups).map(more).fillna(0.0).to_numpy()
    outcome = world.panel["outcome"].to_numpy() * np.exp(extra * after)
    return replace(world, panel=world.panel.assign(outcome=outcome))


def found_in(world, groups, **more):
    records = worlds.records(world, **more)
    finding = climb(records, rng=np.random.default_rng(0), draws=0)
    return finding, effects_by_group(records, groups, finding, rng=np.random.default_rng(0))


def test_groups_alike_are_told_so_and_hold_the_truth():
    world = worlds.rct(0)
    finding, found = found_in(world, by_turns(world))
    assert finding.grade == "A"
    assert found.frame["group"].to_list() == list(NAMES)
    assert (found.frame["evidence_grade"] == "A").all()
    assert found["q_p_value"] > 0.05
    assert "do not differ detectably" in str(found.note)
    assert str(found.note).startswith("Evidence A.")
    assert (found.frame["pooled_low"] < world.truth).all()
    assert (world.truth < found.frame["pooled_high"]).all()
    assert set(found.frame.columns) <= set(columns())
    assert [check.passed for check in found.checks] == [True, True]
    for language in LANGUAGES:
        assert "{" not in say(found.note, Style(language))


def test_groups_that_differ_are_told_apart():
    world = worlds.rct(1)
    groups = by_turns(world)
    _, found = found_in(raised(world, groups, {"gold": 0.4}), groups)
    assert found["q_p_value"] < 0.001
    assert "differ detectably: if" in str(found.note)
    rows = found.frame.set_index("group")
    assert rows["pooled_low"]["gold"] > rows["pooled_high"].drop("gold").max()
    assert rows["p_adjusted"]["gold"] < 0.001
    # its own figure is world.truth + .4 within its interval, and so is the drawn one
    assert rows["pooled_low"]["gold"] < world.truth + 0.4 < rows["pooled_high"]["gold"]


def test_a_group_by_itself_is_the_design_on_its_accounts():
    world = worlds.rct(2)
    groups = by_turns(world)
    _, found = found_in(world, groups)
    units = groups.index[groups == "gold"]
    alone = replace(
        world, panel=world.panel[world.panel["unit"].isin(units)],
        accounts=world.accounts[world.accounts["unit"].isin(units)],
    )  # fmt: skip
    sample = section(evidence_of(worlds.records(alone)), assigned=True).sample
    want = estimate(sample, own_slopes, "effect").frame.iloc[0]
    row = found.frame.set_index("group").loc["gold"]
    for column in ("estimate", "conf_low", "conf_high", "n_treated", "n_control"):
        assert row[column] == pytest.approx(want[column])


def test_totals_by_account_and_by_money():
    world = worlds.rct(3)
    # the largest third, where the effect is larger, brings most of the money
    cut = pd.qcut(world.accounts["size"], 3, labels=["small", "medium", "large"]).astype(str)
    groups = pd.Series(cut.to_numpy(), index=world.accounts["unit"])
    _, found = found_in(raised(world, groups, {"large": 0.4}), groups)
    rows = found.frame.set_index("group")
    want = np.average(rows["pooled"], weights=rows["n_treated"])
    assert found["mean"] == pytest.approx(want)
    joined = world.accounts.set_index("unit")["start"].notna()
    year = world.panel[world.panel["period"] < worlds.START]
    before = year.groupby("unit")["outcome"].mean()[joined].groupby(groups[joined]).sum()
    want = np.average(rows["pooled"], weights=before[rows.index])
    assert found["mean_by_money"] == pytest.approx(want)
    assert found["mean_by_money"] > found["mean"] + 0.05
    assert found["money_low"] < found["mean_by_money"] < found["money_high"]


def test_a_small_group_is_named_and_never_silent():
    world = worlds.rct(4)
    groups = by_turns(world)
    groups.iloc[:10] = "tin"
    groups.iloc[10:15] = None
    _, found = found_in(world, groups)
    rows = found.frame.set_index("group")
    assert np.isnan(rows["estimate"]["tin"])
    assert rows["shrink"]["tin"] == pytest.approx(1)
    width = rows["pooled_high"] - rows["pooled_low"]
    assert width["tin"] > width.drop("tin").max()
    small, left_out = found.checks
    assert small.passed is False
    assert "(tin)" in str(small.note)
    assert small.frame["group"].to_list() == ["tin"]
    assert left_out.passed is False
    assert left_out.note.values == {"n": 5, "of": 300}


def test_groups_come_in_their_own_order_where_they_have_one():
    world = worlds.rct(7)
    order = ["gold", "silver", "bronze"]
    ordered = by_turns(world).astype(pd.CategoricalDtype([*order, "nobody"], ordered=True))
    _, found = found_in(world, ordered)
    assert found.frame["group"].to_list() == order


def test_one_group_has_nothing_to_pool_with():
    world = worlds.rct(5)
    _, found = found_in(world, by_turns(world, np.array(["all"])))
    assert found.refused
    assert "nothing to pool" in str(found.note)


@pytest.mark.parametrize(("name", "grade"), [("hidden", "D"), ("tiny", "R")])
def test_no_effect_by_group_where_there_is_none_of_the_whole(name, grade):
    world = worlds.PANELS[name](0)
    finding, found = found_in(world, by_turns(world))
    assert finding.grade == grade
    assert found.refused
    assert f"Evidence {grade}" in str(found.note)


@pytest.mark.parametrize(("name", "grade"), [("staggered", "B"), ("select", "C")])
def test_by_start_and_by_likeness(name, grade):
    world = worlds.PANELS[name](0)
    finding, found = found_in(world, by_turns(world))
    assert finding.grade == grade
    assert (found.frame["evidence_grade"] == grade).all()
    assert found.frame["estimate"].notna().all()
    assert (found.frame["term"] == "att_log").all()
    whole = finding.answer.frame.iloc[0]
    assert found["conf_low"] < whole["estimate"] < found["conf_high"]
    assert (found.frame["pooled_low"] < world.truth).all()
    assert (world.truth < found.frame["pooled_high"]).all()


def test_all_groups_share_the_scale_of_the_finding():
    # one account of gold pauses for two months: no logarithm of months for anybody
    world = worlds.staggered(0, n=600)
    panel = world.panel
    pause = (panel["unit"] == 1) & panel["period"].isin([20, 21])
    world = replace(world, panel=panel.assign(outcome=panel["outcome"].mask(pause, 0.0)))
    records = worlds.records(world)
    finding = climb(records, rng=np.random.default_rng(0), draws=0)
    if finding.answer is None:
        pytest.skip(f"the ladder grants no effect here: {finding.codes}")
    found = effects_by_group(records, by_turns(world), finding, rng=np.random.default_rng(0))
    assert set(found.frame["term"]) == {finding.answer.frame["term"].iloc[0]}


def test_rows_and_records_stay_as_they_are():
    world = worlds.rct(6)
    groups = by_turns(world)
    before = world.panel.copy(), world.accounts.copy(), groups.copy()
    _, one = found_in(world, groups)
    pd.testing.assert_frame_equal(world.panel, before[0])
    pd.testing.assert_frame_equal(world.accounts, before[1])
    pd.testing.assert_series_equal(groups, before[2])
    _, other = found_in(world, groups.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.frame, other.frame)


@pytest.mark.parametrize("language", LANGUAGES)
def test_figure(language):
    frame = pd.DataFrame(
        {"group": ["gold", "tin"], "term": "att_log", "n_treated": [30, 5], "conf_level": 0.95,
         "estimate": [np.log(1.1), np.nan], "conf_low": [0.0, np.nan],
         "conf_high": [np.log(1.2), np.nan], "pooled": np.log([1.08, 1.05]),
         "pooled_low": np.log([1.01, 0.9]), "pooled_high": np.log([1.15, 1.3])}
    )  # fmt: skip
    before, ax = frame.copy(), plt.subplots()[1]
    assert plot_groups(frame, "B", ax=ax, style=Style(language)) is ax
    pd.testing.assert_frame_equal(frame, before)
    assert ax.get_title(loc="left").startswith("B")
    own, pooled = (line.get_xdata() for line in ax.lines if line.get_marker() == "o")
    assert own == pytest.approx([0.1])
    assert pooled == pytest.approx([0.08, 0.05])
    names = [f"{display('gold', 'term', Style(language))} (n = 30)", "tin (n = 5)"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == names
    assert len(ax.get_legend().get_texts()) == 2
    plt.close("all")


def held(seeds):
    """Return how often drawn intervals hold a group's true effect, in worlds with three groups."""
    inside = []
    for seed in seeds:
        more = dict(zip(NAMES, 0.05 * np.random.default_rng(seed).normal(size=3), strict=True))
        world = worlds.rct(seed)
        groups = by_turns(world)
        rows = found_in(raised(world, groups, more), groups)[1].frame.set_index("group")
        truth = world.truth + pd.Series(more)
        inside.append((rows["pooled_low"] <= truth) & (truth <= rows["pooled_high"]))
    return np.array(inside)


def test_true_effects_are_held_sample():
    inside = held(range(20))
    # 60 intervals of 95 %
    assert inside.mean() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)


@pytest.mark.slow
def test_true_effects_are_held():
    inside = held(range(200))
    assert inside.mean() >= 0.93
