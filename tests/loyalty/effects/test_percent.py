"""Accounts of very different sizes; among others those of loyalty.md, 7.1, that join by size and loyalty."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.effects.effect import Effect, estimate
from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.imputed import doubly_robust, imputed
from kamlib.loyalty.effects.percent import in_money
from kamlib.loyalty.effects.randomised import own_slopes
from kamlib.loyalty.effects.sample import sample

QUARTERS = ["q1", "q2", "q3", "q4"]


def unit(seed, n=300):
    """Margins of 36 months; accounts join in month 12, the large and the loyal rather.

    Log margin = 7 + .8 s + .25 l + u + e, u AR(1) .7 of spread .25, e .30; joined, + .05 + .06 e^(−k/3) in
    month k. Returns one row per account, and what the programme brought those that joined.
    """
    rng = np.random.default_rng(seed)
    s, loyal = rng.normal(size=(2, n))
    u = np.empty((n, 36))
    u[:, 0] = 0.25 * rng.normal(size=n)
    for month in range(1, 36):
        u[:, month] = 0.7 * u[:, month - 1] + 0.25 * np.sqrt(1 - 0.49) * rng.normal(size=n)
    log = 7 + (0.8 * s + 0.25 * loyal)[:, None] + u + 0.3 * rng.normal(size=(n, 36))
    before = np.log(np.exp(log[:, :12]).reshape(n, 4, 3).sum(axis=2))
    size = np.log(np.exp(log[:, :12]).sum(axis=1))
    size = (size - size.mean()) / size.std()
    member = rng.random(n) < 1 / (1 + np.exp(0.6 - 1.1 * size - 0.6 * loyal))
    without = np.exp(log[:, 12:])
    with_ = without * np.exp(0.05 + 0.06 * np.exp(-np.arange(24) / 3))
    margin = np.where(member[:, None], with_, without).sum(axis=1)
    rows = pd.DataFrame(before, columns=QUARTERS).assign(margin=margin, member=member)
    return rows, (with_ - without).sum(axis=1)[member].mean(), without.sum(axis=1)[member].mean()


def test_by_hand():
    # 12 and 24 in it owe a sixth to it, 2 and 4; 10 and 20 outside would gain a fifth, 2 and 4
    rows = pd.DataFrame({"margin": [12.0, 24.0, 10.0, 20.0], "member": [1, 1, 0, 0]})
    rows = sample(rows, "margin", "member")
    for estimand in ("att", "ate"):
        found = in_money(lambda s, e=estimand: Effect(e, np.log(1.2), 0.1, 9.0, "given"))(rows)
        assert found.value == pytest.approx(3)
    # d ÷ dτ: (10 + 20) in it, (12 + 24) outside, over four; 0.1 of it
    assert found.std_error == pytest.approx(0.1 * 66 / 4)


def test_an_exact_percentage_is_found():
    before = np.exp(np.arange(40) % 9 / 2)
    member = np.arange(40) % 3 == 0
    rows = pd.DataFrame({"margin": before * np.where(member, 1.1, 1), "member": member,
                         "before": np.log(before)})  # fmt: skip
    found = in_money(imputed)(sample(rows, "margin", "member", ["before"]))
    assert found.value == pytest.approx(0.1 * before[member].mean())


def test_what_has_no_logarithm():
    rows = pd.DataFrame({"margin": [1.0, 0.0] * 10, "member": np.arange(20) < 10})
    found = estimate(sample(rows, "margin", "member"), in_money(imputed), "margin")
    assert "10 of 20 accounts have zero or less" in str(found.note)
    logs = sample(rows.assign(margin=2.0), "margin", "member", scale="log")
    with pytest.raises(FitError, match="'money' were expected"):
        in_money(imputed)(logs)
    with pytest.raises(FitError, match="'att' or 'ate'"):
        in_money(lambda s: Effect("ato", 0.1, 0.1, 9.0, ""))(
            sample(rows.assign(margin=2.0), "margin", "member")
        )


@pytest.mark.parametrize(
    "of", [imputed, doubly_robust, entropy_balanced, partial(own_slopes, errors="HC3")]
)
def test_the_large_and_loyal_that_join(of):
    """100 units: members bring far more than others, and the programme brought 6 % of it."""
    naive, off = [], []
    for seed in range(100):
        frame, brought, without = unit(seed)
        y, d = frame["margin"], frame["member"]
        naive.append(y[d].mean() / y[~d].mean() - 1)
        rows = sample(frame, "margin", "member", QUARTERS)
        found = in_money(lambda s: _of_members(of(s)))(rows)
        off.append((found.value - brought) / without)
    assert np.mean(naive) > 0.30
    # a figure moves by 3 to 4 points between units, so their mean by 0.4
    assert abs(np.mean(off)) < 0.015


def _of_members(effect):
    """The percent change is that of all alike; it is told of those that joined."""
    return Effect("att", effect.value, effect.std_error, effect.df, effect.method)
