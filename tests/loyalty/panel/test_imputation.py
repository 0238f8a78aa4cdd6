from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.imputation import imputation, two_stage
from kamlib.loyalty.panel.interaction_weighted import interaction_weighted
from kamlib.loyalty.panel.two_way import two_way
from kamlib.loyalty.panel.two_way_effect import crv1_factor, two_way_effect


def by_least_squares(panel):
    """Mean effect from dummies of units and periods, fitted to untreated cells."""
    n, width = panel.outcome.shape
    free = panel.seen & ~panel.after
    units, periods = np.nonzero(free)
    x = np.zeros((len(units), n + width))
    x[np.arange(len(units)), units] = 1
    x[np.arange(len(units)), n + periods] = 1
    levels = np.linalg.lstsq(x, panel.outcome[free], rcond=None)[0]
    gap = panel.outcome - levels[:n, None] - levels[n:]
    return gap[panel.seen & panel.after].mean()


def test_gaps_are_fitted_as_by_dummies(fixture_rows):
    rng = np.random.default_rng(5)
    panel = panel_of(fixture_rows[rng.random(len(fixture_rows)) > 0.15])
    assert (~panel.seen).any()
    assert imputation(panel).estimate[0] == pytest.approx(by_least_squares(panel), rel=1e-9)


def test_scores_are_the_estimate_in_another_form(fixture_panel):
    """The estimate is linear in outcomes: a move of one cell moves it by that cell's weight."""
    base = imputation(fixture_panel).estimate[0]
    fit = two_way(~fixture_panel.after, np.ones(24))
    share = fixture_panel.after / fixture_panel.after.sum()
    weight = share - fit.mask * fit.loading(share)
    assert (weight * fixture_panel.outcome).sum() == pytest.approx(base)
    # levels of units and periods drop out
    assert np.abs(weight.sum(axis=0)).max() < 1e-12
    assert np.abs(weight.sum(axis=1)).max() < 1e-12


@pytest.mark.parametrize("by", ["rel_period", "cohort", "period"])
def test_parts_average_to_the_whole(fixture_panel, by):
    parts = imputation(fixture_panel, by=by)
    after, at = fixture_panel.after, np.arange(8)
    key = {
        "rel_period": at - fixture_panel.start[:, None],
        "cohort": np.broadcast_to(1 + fixture_panel.start[:, None], after.shape),
        "period": np.broadcast_to(1 + at, after.shape),
    }[by]
    cells = np.array([(after & (key == v)).sum() for v in parts.frame[by]])
    whole = imputation(fixture_panel)
    assert cells @ parts.estimate / cells.sum() == pytest.approx(whole.estimate[0])
    # 6 × 5 + 6 × 3 treated cells
    assert cells.sum() == 48
    assert two_stage(fixture_panel, by=by).estimate == pytest.approx(parts.estimate)


def test_a_period_in_which_all_are_treated_is_left_out(fixture_rows):
    """Without never-treated units periods from 6 on have no level; 4 and 5 are left of cohort 4."""
    panel = panel_of(fixture_rows[fixture_rows["cohort"].notna()])
    parts = imputation(panel, by="period")
    assert parts.frame["period"].tolist() == [4, 5]
    assert imputation(panel).frame["n_obs"].tolist() == [6]


def test_all_start_together_and_nobody_else(fixture_rows):
    panel = panel_of(fixture_rows[fixture_rows["cohort"] == 4])
    with pytest.raises(FitError, match="nobody else is left untreated"):
        imputation(panel)
    with pytest.raises(FitError, match="start in the same period"):
        two_way_effect(panel)
    with pytest.raises(FitError, match="never treated"):
        interaction_weighted(panel)


def test_a_lone_cohort_has_an_error_of_its_own(fixture_rows):
    """A unit that starts alone is compared with others of its exposure, not with itself.

    With itself nothing is left of what it differs by, and the error comes out too small: only what
    its own levels are unsure by remains in its score.
    """
    rows = fixture_rows.assign(cohort=fixture_rows["cohort"].where(fixture_rows["unit"] != 7, 5.0))
    panel = panel_of(rows)
    mine = np.flatnonzero(panel.units == 7)[0]
    pooled, alone = imputation(panel), imputation(panel, min_units=1)
    assert pooled.estimate == pytest.approx(alone.estimate)
    assert pooled.std_error[0] > 1.2 * alone.std_error[0]
    fit = two_way(~panel.after, np.ones(24))
    gap = panel.outcome - fit.levels(panel.outcome)
    share = panel.after / panel.after.sum()
    levels = -(fit.mask * fit.loading(share) * gap).sum(axis=1)
    assert alone.scores[mine, 0] == pytest.approx(levels[mine])
    # the mean effect at each exposure, over all three cohorts
    exposure = np.arange(8) - panel.start[:, None]
    means = [gap[panel.after & (exposure == e)].mean() for e in range(4)]
    treated = (share[mine] * gap[mine])[4:].sum() - share.max() * sum(means)
    assert pooled.scores[mine, 0] == pytest.approx(levels[mine] + treated)


def test_a_weight_counts_like_repeated_units(fixture_rows):
    doubled = fixture_rows[fixture_rows["unit"].isin([1, 7, 15])]
    rows = pd.concat([fixture_rows, doubled.assign(unit=doubled["unit"] + 100)])
    weighted = fixture_rows.assign(w=np.where(fixture_rows["unit"].isin([1, 7, 15]), 2.0, 1.0))
    few = panel_of(weighted, weight="w")
    for estimator in (imputation, two_way_effect, interaction_weighted):
        many = estimator(panel_of(rows)).estimate
        assert estimator(few).estimate == pytest.approx(many), estimator.__name__


def test_two_way_on_gaps_is_least_squares(fixture_rows):
    rng = np.random.default_rng(6)
    panel = panel_of(fixture_rows[rng.random(len(fixture_rows)) > 0.15])
    units, periods = np.nonzero(panel.seen)
    x = np.zeros((len(units), 1 + 24 + 8))
    x[:, 0] = panel.after[panel.seen]
    x[np.arange(len(units)), 1 + units] = 1
    x[np.arange(len(units)), 25 + periods] = 1
    slope = np.linalg.lstsq(x, panel.outcome[panel.seen], rcond=None)[0][0]
    assert two_way_effect(panel).estimate[0] == pytest.approx(slope, rel=1e-9)


def test_a_gap_is_refused_by_the_saturated_regression(fixture_rows):
    with pytest.raises(FitError, match="1 of 192 cells of the panel have no value"):
        interaction_weighted(panel_of(fixture_rows.drop(index=3)))


def test_a_period_that_nothing_ties_to_the_others_has_no_level():
    """Units 1 and 2 hang together by periods 1 and 2; unit 3 alone knows period 3."""
    mask = np.array([[True, True, False], [True, True, False], [False, False, True]])
    fit = two_way(mask, np.ones(3))
    assert fit.reach.tolist() == mask.tolist()


def test_too_few_values_or_clusters_have_no_error():
    # 3 ÷ 2 × 9 ÷ 8
    assert crv1_factor(3, 10, 2) == pytest.approx(1.6875)
    for clusters, n_obs in ((1, 10), (3, 2)):
        with pytest.raises(FitError, match="nothing to tell the error"):
            crv1_factor(clusters, n_obs, 2)


def coverage(world, draws, rng, **kind):
    held = {"imputation": 0, "group_time": 0}
    for _ in range(draws):
        panel, truth = world(rng, **kind)
        cells = group_time(panel)
        after = (cells.frame["rel_period"] >= 0).to_numpy()
        sizes = np.where(after, cells.frame["n_obs"], 0.0)
        # weights as fixed as the truth's
        mean = cells.estimate @ sizes / sizes.sum()
        error = float(np.linalg.norm(cells.cluster_scores @ (sizes / sizes.sum())))
        row = imputation(panel).table().iloc[0]
        held["imputation"] += row["conf_low"] <= truth <= row["conf_high"]
        held["group_time"] += abs(mean - truth) <= 2.07 * error
    return {name: count / draws for name, count in held.items()}


def test_the_truth_lies_within_sample(world):
    """Level .95, 120 draws: three binomial errors below .95 is .89; 24 treated, t of 23 is 2.07."""
    for name, share in coverage(world, 120, np.random.default_rng(11)).items():
        assert share >= 0.89, name


@pytest.mark.slow
def test_the_truth_lies_within(world):
    """600 draws: three binomial errors below .93, where influence functions are used, is .90."""
    for name, share in coverage(world, 600, np.random.default_rng(12)).items():
        assert share >= 0.90, name


def test_the_naive_regression_misses_where_effects_grow(world):
    """Growing effects and two cohorts, hardly any noise: the imputation finds them, two-way not."""
    rng = np.random.default_rng(13)
    panel, truth = world(rng, n=300, cohorts=(8, 14), share=0.45, effect=0.5)
    assert imputation(panel).estimate[0] == pytest.approx(truth, rel=0.12)
    assert two_way_effect(panel).estimate[0] < 0.85 * truth
