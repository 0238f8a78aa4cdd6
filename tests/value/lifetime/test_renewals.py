"""Published survivor tables and residual lifetimes; censored and truncated contracts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.value.lifetime.posterior import posterior
from kamlib.value.lifetime.renewal_value import (
    expected_renewals,
    retention,
    simulate_renewals,
    survival,
)
from kamlib.value.lifetime.renewals import BDW, SBG, contracts, fit_renewals, survivor_table

# Fader and Hardie (2007): % of 1,000 customers left after 0, 1, …, 12 renewals; 8 to 12 held out
LEFT = {
    "Regular": [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3],
    "High-End": [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4],
}
PRINTED = [
    ("Regular", SBG, (0.7041, 1.1820), -1680.2652, (22.0, 20.4, 19.1, 18.0, 17.0), 0.29),
    ("High-End", SBG, (0.6681, 3.8061), -1611.1581, (46.0, 43.6, 41.4, 39.5, 37.8), 1.19),
    ("Regular", BDW, (0.4556, 0.7793, 1.2835), -1679.6028, (22.3, 20.9, 19.7, 18.6, 17.7), 0.26),
    ("High-End", BDW, (0.2143, 1.4266, 1.7236), -1605.3142, (46.8, 44.8, 43.2, 41.7, 40.4), 0.52),
]


def table(name):
    return survivor_table(np.round(10 * np.array(LEFT[name][:8])))


@pytest.mark.parametrize(("name", "model", "parameters", "likelihood", "later", "error"), PRINTED)
def test_published(name, model, parameters, likelihood, later, error):
    found = fit_renewals(model, table(name), prior=None)
    assert np.round(found.natural, 4).tolist() == list(parameters)
    assert round(found.log_likelihood, 4) == likelihood
    assert found.converged
    left = 100 * survival(model, found.natural, np.arange(8, 13))
    assert np.round(left, 1).tolist() == list(later)
    assert round(np.abs(left - LEFT[name][8:]).mean(), 2) == error


@pytest.mark.parametrize(
    ("name", "printed"),
    [("Regular", (2.9644, 4.1031, 5.8941)), ("High-End", (5.4145, 5.9014, 6.8967))],
)
def test_residual_lifetimes(name, printed):
    """Contracts in their first, second and fifth period (n - 1 renewals survived), 10 %."""
    natural = fit_renewals(SBG, table(name), prior=None).natural
    found = expected_renewals(SBG, natural, [0, 1, 4], discount=0.1)
    assert np.round(found, 4).tolist() == list(printed)


def test_residual_lifetime_is_the_sum_of_survival():
    # alpha = beta = 1: S(t) = 1/(t + 1); of a contract that survived one renewal, S(1 + t)/S(1) is
    # 2/3, 2/4, 2/5 at the next three, present values 1, 1/2, 1/4
    found = expected_renewals(SBG, [1, 1], [1], discount=1.0, horizon=3)[0]
    assert found == pytest.approx(2 / 3 + 1 / 4 + 1 / 10, rel=1e-12)
    assert expected_renewals(BDW, [1, 1, 1], [1], discount=1.0, horizon=3)[0] == pytest.approx(
        found
    )
    assert expected_renewals(SBG, [1, 1], [0], horizon=2)[0] == pytest.approx(1 / 2 + 1 / 3)


@pytest.mark.parametrize("options", [{}, {"discount": -0.1}, {"discount": 1e-4}, {"horizon": 1e9}])
def test_a_sum_without_end_is_refused(options):
    with pytest.raises(FitError, match="horizon"):
        expected_renewals(SBG, [1, 1], [0], **options)


SHAPE = st.floats(0.05, 20)


@given(SHAPE, SHAPE, st.floats(0.3, 3))
@settings(deadline=None)
def test_gradients(alpha, beta, c):
    rows = contracts([0, 0, 2, 1, 3], [0, 4, 2, 6, 3], [1, 0, 1, 1, 0])
    for model, at in ((SBG, np.array([alpha, beta])), (BDW, np.array([alpha, beta, c]))):
        value, slope = model.gradient(at, rows)
        assert np.isfinite(value)
        steps = np.diag(1e-5 * at)
        ends = model.log_likelihood(np.concatenate([at + steps, at - steps]), rows)
        numeric = (ends[: len(at)] - ends[len(at) :]) / (2e-5 * at)
        np.testing.assert_allclose(slope * at, numeric * at, rtol=1e-3, atol=1e-4)


@given(SHAPE, SHAPE, st.floats(0.3, 3))
@settings(deadline=None)
def test_survival_falls_and_starts_at_one(alpha, beta, c):
    left = survival(BDW, [alpha, beta, c], np.arange(30))
    assert left[0] == pytest.approx(1)
    assert (np.diff(left) <= 1e-12).all()
    np.testing.assert_allclose(
        survival(BDW, [alpha, beta, 1.0], np.arange(30)),
        survival(SBG, [alpha, beta], np.arange(30)),
    )
    kept = retention(SBG, [alpha, beta], np.arange(1, 30))
    # (beta + t - 1) / (alpha + beta + t - 1), and it rises: the fickle leave first
    np.testing.assert_allclose(kept, (beta + np.arange(29)) / (alpha + beta + np.arange(29)))
    assert (np.diff(kept) > 0).all()


def test_a_survivor_table_is_its_contracts():
    rows = survivor_table([5, 3, 2])
    # two lost at the first renewal, one at the second, two still there after two
    same = contracts([0] * 5, [0, 0, 1, 2, 2], [1, 1, 1, 0, 0])
    natural = np.array([[0.7, 1.2]])
    assert SBG.log_likelihood(natural, rows) == pytest.approx(SBG.log_likelihood(natural, same))
    # P(lost at 1) = 1/2, P(lost at 2) = 1/6, S(2) = 1/3 for alpha = beta = 1
    expected = 2 * np.log(1 / 2) + np.log(1 / 6) + 2 * np.log(1 / 3)
    assert SBG.log_likelihood(np.array([[1.0, 1.0]]), rows)[0] == pytest.approx(expected)


def test_a_contract_seen_late_counts_from_then():
    # survived two before records began: P(lost at 3) / S(2) = (1/12) / (1/3)
    late = contracts([2], [2], [1])
    assert SBG.log_likelihood(np.array([[1.0, 1.0]]), late)[0] == pytest.approx(np.log(1 / 4))
    # nothing is known of one that has only been seen in its first period
    new = contracts([3], [3], [0])
    assert SBG.log_likelihood(np.array([[1.0, 1.0]]), new)[0] == pytest.approx(0)


def _book(n, rng, alpha=0.8, beta=2.4):
    """Contracts begun over 12 years, records from year 6 to 12."""
    begun = rng.integers(0, 12, n)
    lives = rng.geometric(rng.beta(alpha, beta, n)) - 1  # renewals survived
    entry = np.maximum(6 - begun, 0)
    last = 12 - begun - 1
    seen = lives >= entry
    lost = (lives <= last).astype(float)
    survived = np.minimum(lives, last + 1)
    keep = seen & (survived >= entry)
    return contracts(entry[keep], survived[keep], lost[keep])


def test_truncation_is_taken_into_account():
    rng = np.random.default_rng(1)
    rows = _book(6000, rng)
    found = fit_renewals(SBG, rows)
    truth = survival(SBG, [0.8, 2.4], [1, 3, 6])
    np.testing.assert_allclose(survival(SBG, found.natural, [1, 3, 6]), truth, atol=0.03)
    wrong = fit_renewals(SBG, replace(rows, entry=np.zeros_like(rows.entry)))
    assert survival(SBG, wrong.natural, [6])[0] > truth[2] + 0.05


def test_intervals_hold_the_truth_sampled():
    truth, hits = survival(SBG, [0.8, 2.4], [1, 3]), []
    for seed in range(30):
        rng = np.random.default_rng([7, seed])
        rows = _book(200, rng)
        drawn = posterior(fit_renewals(SBG, rows), rows, draws=500, rng=rng)
        curve = survival(SBG, drawn.natural, [1, 3])
        low, high = np.quantile(curve, [0.1, 0.9], axis=0)
        hits.append((low <= truth) & (truth <= high))
    # 60 intervals of level 0.80, correlated in pairs
    assert 0.6 < np.mean(hits) < 0.97


@pytest.mark.parametrize("model", [SBG, BDW], ids=["sBG", "BdW"])
def test_simulated_renewals_survive_as_computed(model):
    natural = np.array([0.7, 1.2, 1.4][: len(model.parameters)])
    draws = simulate_renewals(
        model, np.tile(natural, (40_000, 1)), [0, 3], np.random.default_rng(2)
    )
    for column, survived in enumerate((0, 3)):
        for ahead in (1, 2, 5):
            pair = survival(model, natural, [survived, survived + ahead])
            assert (draws[:, column] >= ahead).mean() == pytest.approx(pair[1] / pair[0], abs=0.01)


@pytest.mark.parametrize(
    "rows",
    [
        contracts([0], [0], [0]),
        contracts([0] * 30, [5] * 30, [0] * 30),
        contracts([0] * 30, [0] * 30, [1] * 30),
        contracts([0, 400], [500, 400], [1, 1]),
    ],
    ids=["one new", "none lost", "all lost at once", "very long"],
)
@pytest.mark.parametrize("model", [SBG, BDW], ids=["sBG", "BdW"])
@pytest.mark.parametrize("prior", ["weak", None], ids=["map", "mle"])
def test_hard_data_give_a_fit_or_a_reason(rows, model, prior):
    found = fit_renewals(model, rows, prior=prior)
    assert np.isfinite([*found.parameters.values(), *found.std_error.values()]).all()
    assert found.trouble is not None or found.converged
    if rows.n_lost < 10:
        assert found.trouble.key == "renewals.too_few_lost"
    if prior:
        assert found.converged


@pytest.mark.parametrize(
    "course", [([0], [-1], [0]), ([3], [2], [0]), ([0], [1], [2]), ([0], [1.5], [0]), ([], [], [])]
)
def test_impossible_courses_are_refused(course):
    with pytest.raises(FitError, match="expected"):
        contracts(*course)


@pytest.mark.parametrize("left", [[5], [5, 6], [5, -1], [5, np.nan]])
def test_impossible_tables_are_refused(left):
    with pytest.raises(FitError, match="never rise"):
        survivor_table(left)
