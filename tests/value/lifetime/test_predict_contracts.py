"""Futures of contracts have the mean of the discounted residual lifetime."""

import numpy as np
import pytest

from kamlib.value.lifetime.posterior import posterior
from kamlib.value.lifetime.predict_contracts import predict_contracts
from kamlib.value.lifetime.renewal_value import expected_renewals
from kamlib.value.lifetime.renewals import BDW, SBG, contracts, fit_renewals

DRAWS = 40_000
OPTIONS = {"conf_level": 0.9}


@pytest.mark.parametrize("model", [SBG, BDW], ids=["sBG", "BdW"])
@pytest.mark.parametrize("discount", [0.0, 0.1])
def test_means_are_those_computed(model, discount):
    natural = np.array([0.7, 1.2, 1.3][: len(model.parameters)])
    each, unit, total = predict_contracts(
        model, np.tile(natural, (DRAWS, 1)), [0, 1, 4], [10.0, 20.0, -5.0],
        horizon=5, discount=discount, rng=np.random.default_rng(1), **OPTIONS,
    )  # fmt: skip
    worth = expected_renewals(model, natural, [0, 1, 4], discount=discount, horizon=5)
    np.testing.assert_allclose(each.mean, worth * [10, 20, -5], rtol=0.02)
    assert unit.mean == pytest.approx(each.mean.sum())
    assert total.shape == (DRAWS,)
    assert unit.low < unit.mean < unit.high


def test_what_is_due_later_is_worth_less():
    now, later = (
        predict_contracts(
            SBG, np.tile([0.7, 1.2], (100, 1)), [2], [10.0], due=due, horizon=3, discount=0.1,
            rng=np.random.default_rng(2), **OPTIONS,
        )[1].mean
        for due in (0.0, 0.5)
    )  # fmt: skip
    assert later == pytest.approx(now / np.sqrt(1.1))


def test_intervals_of_a_portfolio_hold_what_came():
    """60 books of 150 contracts, three periods ahead: level 0.9, standard error 0.04."""
    hits = []
    for seed in range(60):
        rng = np.random.default_rng([3, seed])
        lives = rng.geometric(rng.beta(0.8, 2.4, 150)) - 1
        seen = rng.integers(1, 7, 150)
        lost = lives < seen
        rows = contracts(np.zeros(150), np.minimum(lives, seen), lost)
        running = ~lost
        came = np.minimum(lives[running] - seen[running], 3).sum()
        drawn = posterior(fit_renewals(SBG, rows), rows, draws=500, rng=rng)
        _, unit, _ = predict_contracts(
            SBG, drawn.natural, seen[running], np.ones(running.sum()),
            horizon=3, discount=0.0, rng=rng, **OPTIONS,
        )  # fmt: skip
        hits.append(unit.low <= came <= unit.high)
    assert np.mean(hits) > 0.78
