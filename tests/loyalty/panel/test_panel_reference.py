"""Panel estimators against published and measured figures, to the printed digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.panel.aggregation import aggregate, overall, simple
from kamlib.loyalty.panel.drift import breakdown, relative_magnitudes, smoothness
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.imputation import imputation, two_stage
from kamlib.loyalty.panel.interaction_weighted import interaction_weighted
from kamlib.loyalty.panel.multiplier import multiplier_bootstrap
from kamlib.loyalty.panel.pre_trend import pre_trend
from kamlib.loyalty.panel.scores import Effects, wald
from kamlib.loyalty.panel.two_way_effect import crv1_factor, two_way_effect

CASES = ["never", "not_yet", "never_x", "not_yet_x"]


def figures(effects):
    return [float(effects.estimate[0]), float(effects.std_error[0])]


def means(panel, control):
    cells = group_time(panel, control=control)
    grouped = {
        by: overall(panel, aggregate(panel, cells, by)) for by in ("rel_period", "cohort", "period")
    }
    return {"simple": simple(panel, cells)} | grouped


def check_means(panel, control, told, printed):
    found = means(panel, control)
    for name, effects in found.items():
        assert figures(effects)[: len(told[name])] == printed(told[name]), name


@pytest.mark.parametrize("case", CASES[:3])
def test_fixture_group_time(case, fixture_rows, reference, printed):
    panel = panel_of(fixture_rows, covariates=["x"] if case.endswith("x") else [])
    check_means(panel, case.removesuffix("_x"), reference["fixture"][case], printed)


def test_fixture_imputation_two_stage_and_saturated(fixture_panel, reference, printed):
    told = reference["fixture"]
    for estimator in (imputation, two_stage, interaction_weighted):
        assert figures(estimator(fixture_panel)) == printed(told[estimator.__name__])


def test_fixture_two_way(fixture_panel, reference, printed):
    """The printed error counts a constant and the coefficient alone, N − 2; ours the periods too."""
    value, error = figures(two_way_effect(fixture_panel))
    n, k = fixture_panel.outcome.size, 1 + fixture_panel.n_periods
    error *= np.sqrt((n - k) / (n - 2))
    assert [value, error] == printed(reference["fixture"]["two_way"])


@pytest.mark.parametrize("case", CASES)
def test_mpdta_group_time(case, mpdta_rows, reference, printed):
    panel = panel_of(mpdta_rows, covariates=["lpop"] if case.endswith("x") else [])
    told, control = reference["mpdta"][case], case.removesuffix("_x")
    check_means(panel, control, told, printed)
    if "pre_test" in told:
        test = pre_trend(group_time(panel, control=control), normal=True)
        assert test.p_value == printed(told["pre_test"], 5)
    if "wald" in told:
        assert test.statistic == printed(told["wald"], 4)
        assert test.df == told["df"]


def test_mpdta_event_study_and_groups(mpdta, reference, printed):
    cells = group_time(mpdta)
    for by, name in (("rel_period", "event_study"), ("cohort", "groups")):
        told, found = reference["mpdta"][name], aggregate(mpdta, cells, by)
        assert found.frame[by].tolist() == told[by]
        assert found.estimate == printed(told["estimate"])
        assert found.std_error == printed(told["std_error"])


def test_mpdta_pre_test_hangs_on_no_base(mpdta):
    """Changes from period to period and levels against the last one span the same effects."""
    varying, universal = (
        pre_trend(group_time(mpdta, base=base), normal=True) for base in ("varying", "universal")
    )
    assert varying.statistic == pytest.approx(universal.statistic, rel=1e-9)


def test_mpdta_regressions(mpdta, reference, printed):
    told = reference["mpdta"]
    assert figures(two_way_effect(mpdta)) == printed(told["two_way"])
    for estimator in (imputation, two_stage, interaction_weighted):
        assert figures(estimator(mpdta)) == printed(told[estimator.__name__])
    shares = interaction_weighted(mpdta, by_rel_period=True)
    assert shares.estimate[-4:] == printed(told["saturated"])


def test_mpdta_all_later_effects_jointly(mpdta, reference, printed):
    """What the source calls a test of heterogeneity joins the four effects after the first period.

    Its covariance is that of the saturated regression: twelve coefficients and five periods.
    """
    told = reference["mpdta"]["later_effects"]
    cells = group_time(mpdta, base="universal")
    cells = replace(cells, scores=cells.scores * np.sqrt(crv1_factor(500, 2_500, 17)))
    statistic, df, p_value = wald(cells.only((cells.frame["rel_period"] > 0).to_numpy()))
    assert statistic == printed(told["chi2"], 3)
    assert df == told["df"]
    assert p_value == printed(told["p"])


def test_mpdta_without_the_cohort_of_one_period_before(mpdta_rows, reference, printed):
    panel = panel_of(mpdta_rows[mpdta_rows["cohort"] != 2004])
    assert figures(two_stage(panel)) == printed(reference["mpdta"]["without_2004"])


def test_mpdta_bootstrap_lies_near_that_of_r(mpdta, reference):
    """R's errors are from quartiles of 1,000 draws, which scatter by some 4 %.

    A few counties of the smallest cohort weigh so much that the draws are no normal ones: quartiles
    stand wider and tails shorter, so that factor × error comes out up to a tenth below the normal
    half width, and never above it but for the scatter of the draws.
    """
    told, found = reference["mpdta"]["bootstrap"], means(mpdta, "never")
    for name, effects in found.items():
        error, factor = multiplier_bootstrap(
            effects, draws=5_000, conf_level=0.95, rng=np.random.default_rng(7)
        )
        assert error[0] == pytest.approx(told[name], rel=0.12), name
        assert 0.90 < factor * error[0] / (1.96 * effects.std_error[0]) < 1.03, name


def test_df_het(df_het_rows, reference, printed):
    told = reference["df_het"]
    panel, by_state = panel_of(df_het_rows), panel_of(df_het_rows, cluster="state")
    assert two_way_effect(panel).estimate[0] == printed(told["two_way"])
    assert imputation(panel).estimate[0] == printed(told["imputation"])
    assert two_stage(by_state).std_error[0] == printed(told["two_stage_state"])
    check_means(panel, "never", told["never"], printed)
    row = imputation(panel).table().iloc[0]
    assert row["conf_low"] < told["true"] < row["conf_high"]


@pytest.fixture(scope="module")
def medicaid(reference):
    told = reference["medicaid"]
    root = np.linalg.cholesky(np.array(told["covariance"]))
    # seven clusters whose scores multiply to the covariance
    frame = pd.DataFrame({"rel_period": told["rel_period"], "n_obs": 22})
    return Effects(frame, np.array(told["estimate"]), root.T, np.arange(7), 21)


FIRST = np.array([1.0, 0.0])


def test_relative_magnitudes(medicaid, reference, printed):
    told = reference["medicaid"]
    assert medicaid.std_error[5] == printed(told["error_at_0"])
    for k, mbar in enumerate(told["mbar"]):
        found = relative_magnitudes(medicaid, mbar, loading=FIRST)
        assert [found.low, found.high] == printed(told["closed"][k])
        assert [found.set_low, found.set_high] == printed(told["sets"][k])
        # conservative: the interval of the hybrid test lies within
        assert found.low <= told["r_hybrid"][k][0]
        assert found.high >= told["r_hybrid"][k][1]
    assert breakdown(medicaid, loading=FIRST) == printed(told["breakdown"], 3)


def test_smoothness(medicaid, reference):
    """R searches all slopes; ours are those through the last periods, wider by 7 % at most.

    A straight line leaves nothing to search: there both agree to R's digits, and again where the
    bend outweighs the noise so that the last slope is the best.
    """
    told = reference["medicaid"]["smooth"]
    wider = replace(medicaid, scores=medicaid.scores * np.sqrt(336 / 329))
    for bend, (low, high) in zip(told["bend"], told["r"], strict=True):
        found = smoothness(wider, bend, loading=FIRST)
        assert found.high - found.low >= (high - low) * 0.997
        assert found.high - found.low <= (high - low) * (1.07 if bend == 0.01 else 1.003)
        if bend != 0.01:
            assert [found.low, found.high] == pytest.approx([low, high], abs=4e-4)
