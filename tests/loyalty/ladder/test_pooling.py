"""Moments as published, drawing to the mean as an independent integral has it, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from kamlib.errors import FitError
from kamlib.glossary import LANGUAGES, Style, columns, say
from kamlib.loyalty.ladder.differences import adjusted, between
from kamlib.loyalty.ladder.pooling import drawn, pooled

# Eight schools (Rubin 1981): coaching effects on a test score
SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def figures(value, error, **more):
    value, error = np.asarray(value, float), np.asarray(error, float)
    frame = pd.DataFrame({"group": [f"g{k}" for k in range(len(value))], "term": "att_log"})
    return frame.assign(
        **({"n_treated": 20, "n_control": 30, "estimate": value, "std_error": error} | more)
    )


def test_moments_by_hand():
    # figures 0 and 3, variances 1 and 1/2, weights 1 and 2: mean 6/3 = 2, Q = 1·4 + 2·1 = 6;
    # τ² = (6 − 1) ÷ (3 − 5/3) = 3.75; weights 1/4.75 and 1/4.25: mean 3 · 4.75 ÷ 9 = 19/12
    found = between(np.array([0.0, 3.0]), np.sqrt([1.0, 0.5]))
    assert found.q == pytest.approx(6)
    assert found.tau**2 == pytest.approx(3.75)
    assert found.i_squared == pytest.approx(5 / 6)
    assert found.mean == pytest.approx(19 / 12)
    assert found.std_error == pytest.approx((1 / 4.75 + 1 / 4.25) ** -0.5)
    # three of variance 1 at 0, 2, 4: Q = 8 with 2 degrees, whose chance is exp(−8/2)
    assert between(np.array([0.0, 2.0, 4.0]), np.ones(3)).p_value == pytest.approx(np.exp(-4))


def test_the_eight_schools():
    # Gelman et al., Bayesian Data Analysis, section 5.5: pooled 7.7 with error 4.1, Q below its
    # 7 degrees of freedom, so that τ is zero by moments
    found = between(*SCHOOLS)
    assert found.mean == pytest.approx(7.7, abs=0.05)
    assert found.std_error == pytest.approx(4.1, abs=0.05)
    assert (found.tau, found.i_squared) == (0, 0)
    assert found.q < 7


@pytest.mark.parametrize(
    ("value", "error"), [((0.0, 2.0), (1.0, 0.7)), ((0.0, 1.0, 4.0), (0.5, 1.0, 1.5))]
)
def test_drawing_is_the_integral_over_all_spreads(value, error):
    # normal figures about a mean of variance 10⁶: their joint density, and the mean of the first
    # effect given the figures, at each spread; prior of the spread t · √Σ 1/(error² + t²)²
    y, s2 = np.array(value), np.array(error) ** 2

    def parts(t):
        about = np.full((len(y), len(y)), 1e6) + t**2 * np.eye(len(y))
        joint = about + np.diag(s2)
        prior = t * np.sqrt(np.sum((s2 + t**2) ** -2))
        return prior * multivariate_normal.pdf(y, cov=joint), about[0] @ np.linalg.solve(joint, y)

    # t = u ÷ (1 − u) reaches every spread
    def over(u, figure):
        density, first = parts(u / (1 - u))
        return density * (first if figure else 1.0) / (1 - u) ** 2

    want = quad(over, 0, 1 - 1e-6, (True,))[0] / quad(over, 0, 1 - 1e-6, (False,))[0]
    found = drawn(y, np.sqrt(s2)).told(np.eye(len(y)), 0.95)
    assert found[0, 0] == pytest.approx(want, abs=2e-3)
    assert (found[:, 1] < found[:, 0]).all()
    assert (found[:, 0] < found[:, 2]).all()


def test_unit_and_zero_of_figures_do_not_matter():
    value, error = np.array([0.1, 0.5, 0.2, 0.9]), np.array([0.1, 0.2, 0.3, 0.2])
    one = drawn(value, error).told(np.eye(4), 0.9)
    other = drawn(100 * value + 7, 100 * error).told(np.eye(4), 0.9)
    np.testing.assert_allclose(other, 100 * one + 7, rtol=1e-9)


def test_a_group_far_off_stays_where_it_is_and_an_unsure_one_is_drawn():
    found = pooled(figures([0.0, 0.1, 50.0], [0.1, 0.1, 0.1]))
    assert (found.frame["shrink"] < 0.001).all()
    assert found.note.key == "loyalty_groups.differ"
    found = pooled(figures([0.0, 0.1, 0.2], [0.05, 0.05, 0.5])).frame
    assert found["shrink"].is_monotonic_increasing
    assert found["shrink"].iloc[2] > 0.8
    assert found["pooled"].iloc[2] < 0.1


def test_a_group_without_figure_stands_at_the_mean_with_a_wider_interval():
    value, error = [0.1, 0.2, 0.3, np.nan], [0.1, 0.1, 0.1, np.nan]
    found = pooled(figures(value, error)).frame
    assert found["pooled"].iloc[3] == pytest.approx(0.2)  # equal errors: the mean of the others
    width = found["pooled_high"] - found["pooled_low"]
    assert (width.iloc[3] > width.iloc[:3]).all()
    assert found["shrink"].iloc[3] == pytest.approx(1)
    assert found.loc[3, ["estimate", "conf_low", "conf_high", "p_adjusted"]].isna().all()
    # what is said of the others does not hang on it
    others = pooled(figures(value[:3], error[:3])).frame
    pd.testing.assert_frame_equal(found.iloc[:3], others)


def test_chances_adjusted_for_all_groups():
    # two groups: one comparison, (2 − 0) ÷ √2 errors apart
    assert adjusted(np.array([0.0, 2.0]), np.ones(2)) == pytest.approx([0.1573, 0.1573], abs=1e-4)
    # more: as often as draws of equal groups show so large a distance somewhere
    value, error = np.array([0.0, 1.0, 2.5, 4.0]), np.linspace(0.5, 1.5, 4)
    root = (1 / error) / np.sqrt(np.sum(1 / error**2))
    free = np.sqrt(1 - root**2)
    z = np.random.default_rng(1).normal(size=(100_000, 4))
    largest = np.abs((z - np.outer(z @ root, root)) / free).max(axis=1)
    distance = np.abs(value - np.average(value, weights=error**-2)) / (error * free)
    drawn_p = [(largest >= one).mean() for one in distance]
    assert adjusted(value, error) == pytest.approx(drawn_p, abs=4 * 0.5 / np.sqrt(100_000))
    # eight groups far from each other, and eight at one place
    assert adjusted(*SCHOOLS).min() > 0.5
    assert adjusted(np.arange(8.0) * 10, np.ones(8)).min() < 1e-4
    assert adjusted(np.zeros(8), np.ones(8)) == pytest.approx(np.ones(8))


@pytest.mark.parametrize(
    ("value", "error"), [([0.1], [0.1]), ([0.1, np.nan], [0.1, np.nan]), ([np.nan], [np.nan])]
)
def test_nothing_to_pool(value, error):
    found = pooled(figures(value, error))
    assert found.refused
    assert "nothing to pool" in str(found.note)


def test_faults_are_told():
    with pytest.raises(FitError, match="no column 'std_error'"):
        pooled(figures([0.1, 0.2], [0.1, 0.1]).drop(columns="std_error"))
    with pytest.raises(FitError, match="above zero"):
        pooled(figures([0.1, 0.2], [0.1, 0.0]))


def test_what_is_returned():
    frame = figures([0.1, 0.2, 0.3], [0.1, 0.1, 0.1], n_treated=[10, 10, 20])
    before = frame.copy()
    found = pooled(frame, conf_level=0.9)
    pd.testing.assert_frame_equal(frame, before)
    assert set(found.frame.columns) <= set(columns())
    # 1.6449 errors either side; no less wide with the level
    assert found.frame["conf_low"].iloc[0] == pytest.approx(0.1 - 0.16449, abs=1e-5)
    assert found["mean"] == pytest.approx(np.average(found.frame["pooled"], weights=[1, 1, 2]))
    assert found["conf_low"] < found["mean"] < found["conf_high"]
    # Q = (.01 + 0 + .01) ÷ .01 = 2 with 2 degrees: exp(−1)
    assert found["q_p_value"] == pytest.approx(np.exp(-1))
    assert "do not differ detectably" in str(found.note)
    assert "36.8" in str(found.note)
    for language in LANGUAGES:
        assert "{" not in say(found.note, Style(language))


def held(tau, draws, odd=0.0):
    """Return shares of intervals that hold the truth, drawn and with the best fitting spread alone."""
    rng, error = np.random.default_rng(5), np.array([0.5, 0.8, 1.2, 1.5])
    inside, naive = [], []
    for _ in range(draws):
        truth = tau * rng.normal(size=4) + odd * np.array([0, 0, 1, 0])
        y = truth + error * rng.normal(size=4)
        _, low, high = drawn(y, error).told(np.eye(4), 0.95).T
        inside.append((low <= truth) & (truth <= high))
        found = between(y, error)
        share = error**2 / (error**2 + found.tau**2)
        half = 1.96 * error * np.sqrt(1 - share)
        naive.append(np.abs(y - share * (y - found.mean) - truth) <= half)
    return np.mean(inside), np.mean(naive)


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_intervals_hold_true_effects_sample(tau):
    inside, naive = held(tau, 200)
    # four groups share a draw's mean: at most twice the error of 800 independent ones
    assert inside >= 0.95 - 3 * 2 * np.sqrt(0.95 * 0.05 / 800)
    assert naive < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 3.0])
def test_intervals_hold_true_effects(tau):
    inside, naive = held(tau, 2000)
    assert inside >= 0.93
    assert naive < 0.9


@pytest.mark.slow
def test_one_odd_group_alone_pays():
    # one of four differs by 3: drawn to the others, its interval holds it less often, told in the docstring
    inside, _ = held(0.0, 2000, odd=3.0)
    assert 0.9 <= inside < 0.95
