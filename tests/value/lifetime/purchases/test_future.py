"""Futures that leave the model: rates that move, accounts that come back; and pace."""

import numpy as np
import pytest

from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, MBG_NBD
from kamlib.value.lifetime.purchases.expected import pace
from kamlib.value.lifetime.purchases.future import future
from kamlib.value.lifetime.purchases.mbg_cnbd_k import mbg_cnbd
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD

DRAWS = 20_000
# nobody leaves, and r and alpha are so large that every account buys at 0.5 a day
STEADY = {
    "Pareto/NBD": (PARETO_NBD, (5e5, 1e6, 1e-9, 1e6)),
    "MBG/NBD": (MBG_NBD, (5e5, 1e6, 1e-9, 1e6)),
    "MBG/CNBD-2": (mbg_cnbd(2), (1e6, 1e6, 1e-9, 1e6)),
}
GONE = (np.array([200.0]), np.array([100.0]), np.array([400.0]))


@pytest.mark.parametrize("name", STEADY)
def test_a_factor_on_the_rate_is_one_on_purchases(name):
    model, natural = STEADY[name]
    x, t_x, age = np.array([50.0, 50.0]), np.array([100.0, 100.0]), np.array([100.0, 100.0])
    fast = np.tile([1.0, 1.5], (DRAWS, 1))
    count, lived, _ = future(
        model, np.tile(natural, (DRAWS, 1)), x, t_x, age, 40.0, np.random.default_rng(1), fast=fast
    )
    assert (lived == 40).all()
    # 20 and 30 purchases; of regular buyers, who start right after a purchase, a quarter less
    less = 0.25 if name == "MBG/CNBD-2" else 0.0
    np.testing.assert_allclose(count.mean(axis=0), [20 - less, 30 - less], atol=0.2)


@pytest.mark.parametrize("model", [PARETO_NBD, MBG_NBD, BG_NBD], ids=lambda m: m.name)
def test_one_in_five_of_those_gone_comes_back_for_half_the_time_at_the_old_pace(model):
    # 200 purchases in 100 days and none in the 300 since; r is small, so that the rate is 2 a day;
    # whoever comes back hardly leaves again: beta and b are large
    natural = (1.0, 1.0, 0.01, 1e5)
    count, lived, _ = future(
        model, np.tile(natural, (DRAWS, 1)), *GONE, 50.0, np.random.default_rng(2), comeback=0.2
    )
    back = lived[:, 0] > 0
    assert back.mean() == pytest.approx(0.2, abs=0.012)
    assert lived[back, 0].mean() == pytest.approx(25, abs=1)
    assert count[back, 0].mean() == pytest.approx(2 * 25, rel=0.06)


def test_without_a_comeback_the_gone_stay_gone():
    count, lived, _ = future(
        PARETO_NBD, np.tile((1.0, 1.0, 0.01, 1e5), (500, 1)), *GONE, 50.0, np.random.default_rng(3)
    )
    assert not count.any()
    assert not lived.any()


def test_pace_is_that_of_the_life_not_of_the_silence():
    """200 purchases in 100 days: 2 a day, though 400 days have gone by; living ones count in full."""
    gone = pace(PARETO_NBD, [1e-6, 1e-6, 1.0, 10.0], *GONE)
    np.testing.assert_allclose(gone, 2.0, rtol=1e-6)
    living = pace(PARETO_NBD, [1e-6, 1e-6, 1e-9, 1e3], [200], [399], [400])
    np.testing.assert_allclose(living, 0.5, rtol=1e-6)
    # every second event is a purchase
    regular = pace(mbg_cnbd(2), [2e-6, 1e-6, 1e-9, 1e3], [200], [399], [400])
    np.testing.assert_allclose(regular, 0.5, rtol=1e-6)


def test_who_never_bought_again_has_a_pace():
    found = pace(MBG_NBD, [0.5, 6.0, 0.9, 1.6], [0, 0], [0, 0], [10, 1000])
    assert (found > 0).all()
    assert np.isfinite(found).all()
