"""Rhythm is found where there is one, and not where there is none."""

import numpy as np

from kamlib.value.lifetime.purchases.bg_nbd import MBG_NBD
from kamlib.value.lifetime.purchases.expected import expected_purchases
from kamlib.value.lifetime.purchases.fit import fit
from kamlib.value.lifetime.purchases.mbg_cnbd_k import fit_regular, mbg_cnbd
from kamlib.value.lifetime.purchases.summary import compress


def _rows(x, t_x, age, gaps):
    return compress(x, t_x, age, log_gaps=float(np.log(gaps).sum()))


def test_cdnow_has_no_rhythm(cdnow, cdnow_fits):
    found = fit_regular(_rows(cdnow.x, cdnow.t_x, cdnow.age, cdnow.gaps), prior=None)
    assert found.model is MBG_NBD
    assert round(found.log_likelihood, 4) == -9582.1357
    assert found.parameters == cdnow_fits["MBG/NBD"].parameters


def test_rhythm_is_found():
    """Gaps of Erlang(4): the account orders about every 20 days, and 3 in 10 leave at each order."""
    rng = np.random.default_rng(3)
    x, t_x, age, logs = [], [], [], []
    for _ in range(250):
        end, rate, leave = rng.uniform(200, 500), rng.gamma(3, 1 / 15), rng.beta(1, 9)
        now, bought = 0.0, 0
        while rng.random() >= leave:
            gap = rng.gamma(4, 1 / rate)
            if now + gap > end:
                break
            now, bought = now + gap, bought + 1
            logs.append(np.log(gap))
        x.append(bought)
        t_x.append(now)
        age.append(end)
    rows = compress(x, t_x, age, log_gaps=float(np.sum(logs)))
    found = fit_regular(rows)
    assert found.model.k in (3, 4, 5)
    assert found.converged
    plain = fit(MBG_NBD, rows)
    assert found.log_likelihood > plain.log_likelihood + 100


def test_a_late_order_says_more_where_orders_are_regular():
    """Silent for twice the usual gap: hardly alive if regular; and due at once if just before."""
    natural = (5.0, 5.0, 1.0, 9.0)  # events at rate 1; k of them make an order
    silent = [
        expected_purchases(
            mbg_cnbd(k), (5.0, 5.0 / k, 1.0, 9.0), [10], [100], [130], horizon_days=30
        )
        for k in (1, 4)
    ]
    assert silent[1] < silent[0]
    assert mbg_cnbd(1) is MBG_NBD
    assert np.isfinite(natural).all()
