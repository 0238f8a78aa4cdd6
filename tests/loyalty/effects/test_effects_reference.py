"""Parity: the cross-section and the e-mail test, to the printed digits (effects_reference.json)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from kamlib.loyalty.effects.assignment import sample_ratio
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.imputed import doubly_robust, imputed
from kamlib.loyalty.effects.overlap import effective_size
from kamlib.loyalty.effects.propensity import propensity
from kamlib.loyalty.effects.randomised import (
    common_slopes,
    cuped,
    difference_in_means,
    own_slopes,
)
from kamlib.loyalty.effects.weighting import weighted

EFFECTS = [
    "Mens spend", "Mens visit", "Mens conversion", "Womens spend", "Womens visit", "any spend",
]  # fmt: skip


@pytest.fixture
def told(reference):
    return reference["cross_section"]


@pytest.mark.parametrize(
    ("name", "of"),
    [("difference", difference_in_means), ("ols_hc2", common_slopes), ("lin_hc2", own_slopes)],
)
def test_cross_section_by_regression(cross_section, told, printed, name, of):
    found = of(cross_section)
    assert [found.value, found.std_error] == printed(told[name])
    row = estimate(cross_section, of, "margin").frame.iloc[0]
    assert [row["estimate"], row["std_error"]] == printed(told[name])


@pytest.mark.parametrize("estimand", ["att", "ate"])
@pytest.mark.parametrize(
    ("name", "of"), [("ipw", weighted), ("imputed", imputed), ("aipw", doubly_robust)]
)
def test_cross_section_by_weights_and_lines(cross_section, told, printed, estimand, name, of):
    assert of(cross_section, estimand).value == printed(told[estimand][name])


def test_cross_section_balanced_and_overlapping(cross_section, told, printed):
    assert cross_section.n_treated == told["n_treated"]
    assert entropy_balanced(cross_section).value == printed(told["att"]["entropy"])
    assert weighted(cross_section, "ato").value == printed(told["ato"])
    assert propensity(cross_section).coefficients == printed(told["logit"])
    outside = ~cross_section.treated
    for of, name in ((weighted, "ess_ipw"), (entropy_balanced, "ess_entropy")):
        weights = of(cross_section).weights[outside]
        assert effective_size(weights) == printed(told[name])


def test_error_of_aipw(cross_section, told, printed):
    """The printed error adds to the influence a term that is zero in the mean.

    It takes d ÷ π · (r − τ) − w ÷ w̄ · (r − r̄₀), r the residual, w the odds, r̄₀ their weighted mean:
    against the influence of the two means, d ÷ π · (r − r̄₁) − w ÷ w̄ · (r − r̄₀), that is r̄₀ · d ÷ π more,
    which vanishes where the line is right. Ours leaves it out.
    """
    found = doubly_robust(cross_section)
    d = cross_section.treated
    y, x = cross_section.outcome, np.column_stack([np.ones(60), cross_section.covariates])
    left = y - x @ np.linalg.lstsq(x[~d], y[~d], rcond=None)[0]
    inside, outside = left[d].mean(), found.weights[~d] @ left[~d]
    each = 60 * found.weights * np.where(d, left - inside, outside - left)
    assert found.std_error == pytest.approx(each.std(ddof=1) / np.sqrt(60))
    as_printed = each + outside * d / d.mean()
    assert as_printed.std(ddof=1) / np.sqrt(60) == printed(told["aipw_att_error_as_printed"])
    assert found.std_error == pytest.approx(told["aipw_att_error_as_printed"], rel=5e-4)


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize(
    ("kind", "of", "covariates"),
    [
        ("difference", difference_in_means, "none"),
        ("adjusted", common_slopes, "all"),
        ("lin", own_slopes, "all"),
        ("cuped", cuped, "history"),
    ],
)
def test_hillstrom(hillstrom, reference, printed, name, kind, of, covariates):
    expected = reference["hillstrom"]["effects"][name][kind]
    found = of(hillstrom(*name.split(), covariates))
    assert [found.value, found.std_error][: len(expected)] == printed(expected)


def test_hillstrom_arms(hillstrom, reference, printed):
    told = reference["hillstrom"]
    counts = hillstrom.arms()
    assert sorted(counts) == told["arms"]
    found = sample_ratio(counts.to_dict(), name="arms")
    assert [found["statistic"], found["p_value"]] == printed(told["srm"])
    assert found.checks[0].passed
    for arm in ("Mens E-Mail", "Womens E-Mail"):
        rows = hillstrom(arm.split()[0], "spend")
        means = [rows.outcome[rows.treated].mean(), rows.outcome[~rows.treated].mean()]
        assert means == printed([told["means"][arm], told["means"]["No E-Mail"]])


@pytest.mark.parametrize(
    ("who", "chosen"),
    [("both", "mens == 1 and womens == 1"), ("mens", "womens == 0"), ("womens", "mens == 0")],
)
def test_hillstrom_by_what_was_bought_before(hillstrom, reference, who, chosen):
    expected = reference["hillstrom"]["mens_spend_by_what_was_bought"][who]
    found = difference_in_means(hillstrom("Mens", "spend", chosen=chosen))
    digits = 4 if who == "both" else 2
    got = [round(found.value, digits), round(found.std_error, digits)]
    assert got[: len(expected)] == expected


def test_hillstrom_weights_find_what_the_draw_found(hillstrom):
    """Where chance assigned, all ways must agree within a fraction of their error."""
    rows = hillstrom("Mens", "spend", "all")
    plain = difference_in_means(rows)
    for of in (weighted, partial(weighted, estimand="ato"), doubly_robust, imputed,
               entropy_balanced):  # fmt: skip
        found = of(rows)
        assert abs(found.value - plain.value) < 0.1 * plain.std_error
        assert found.std_error == pytest.approx(plain.std_error, rel=0.01)
