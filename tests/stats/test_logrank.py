"""The log-rank test: R's figures, lifelines' with late entry, by hand, and at its edges."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, kstest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.logrank import logrank


def test_rossi(rossi):
    # R 4.2.2, survival 3.5-3: survdiff(Surv(week, arrest) ~ fin), rho = 1, + strata(wexp)
    given = rossi["week"], rossi["arrest"], rossi["fin"]
    test = logrank(*given)
    assert test.statistic == pytest.approx(3.837570, abs=5e-7)
    assert test.p_value == pytest.approx(0.050116, abs=5e-7)
    assert test.df == 1
    assert logrank(*given, rho=1).statistic == pytest.approx(3.749500, abs=5e-7)
    stratified = logrank(*given, strata=rossi["wexp"])
    assert stratified.statistic == pytest.approx(4.033107, abs=5e-7)


def test_lung(lung):
    test = logrank(lung["time"], lung["status"], lung["sex"])
    assert test.statistic == pytest.approx(10.326742, abs=5e-7)


def sample(seed=2, n=300, late=True):
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 12, n) * late
    group = rng.choice(["gold", "iron", "lead"], n)
    exit_ = entry + rng.integers(1, 30, n)
    return exit_, rng.random(n) < 0.6, group, entry


def test_three_groups_with_late_entry():
    exit_, event, group, entry = sample()
    # surpyval 0.25: logrank(x, Z=group, c=1 − event, tl=entry)
    test = logrank(exit_, event, group, entry=entry)
    assert test.statistic == pytest.approx(2.4485244856800943, rel=1e-9)
    assert test.df == 2
    assert test.p_value == pytest.approx(0.293975, abs=5e-7)


def test_lifelines_agrees_without_entry_and_ignores_it_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines.statistics import multivariate_logrank_test
    exit_, event, group, entry = sample()
    theirs = multivariate_logrank_test(exit_, group, event)
    test = logrank(exit_, event, group)
    assert test.statistic == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert test.p_value == pytest.approx(theirs.p_value, rel=1e-9)
    # it takes any keyword, also one that it does not know
    silent = multivariate_logrank_test(exit_, group, event, entry=entry)
    assert silent.test_statistic == theirs.test_statistic


def test_by_hand():
    # times 1, 2, 3, 4; a at risk 2, 1, 0, 0 of 4, 3, 2, 1: expected of a 1/2 + 1/3 = 5/6,
    # variance 1/4 + 2/9 = 17/36, (2 − 5/6)² ÷ 17/36 = 49/17
    test = logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    assert test.statistic == pytest.approx(49 / 17)
    assert test.frame["n_expected"].tolist() == pytest.approx([5 / 6, 19 / 6])
    assert test.frame[["n_obs", "n_event"]].to_numpy().tolist() == [[2, 2], [2, 2]]
    assert set(test.frame) <= set(glossary.columns())


def test_weights_are_as_many_rows():
    exit_, event, group, entry = sample(n=60)
    weight = np.random.default_rng(0).integers(1, 4, 60)
    many = [np.repeat(values, weight) for values in (exit_, event, group, entry)]
    ours = logrank(exit_, event, group, entry=entry, weight=weight)
    theirs = logrank(*many[:3], entry=many[3])
    assert ours.statistic == pytest.approx(theirs.statistic)
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)


def test_late_entry_is_not_counted_before_it():
    # b enters at 2: at time 1 only a is at risk, which tells nothing
    test = logrank([1, 4, 3, 5], [1, 1, 1, 0], ["a", "a", "b", "b"], entry=[0, 0, 2, 2])
    # at 3: 1 of 3 of a, at 4: 1 of 2; expected of a 1 + 1/3 + 1/2
    assert test.frame["n_expected"].tolist() == pytest.approx([11 / 6, 7 / 6])


def test_a_group_in_strata_of_its_own_does_not_count():
    # c is alone in its stratum: two groups are compared, with one degree of freedom
    test = logrank([1, 2, 3, 4, 5, 6], [1] * 6, list("ababcc"), strata=[0, 0, 0, 0, 1, 1])
    alone = logrank([1, 2, 3, 4], [1] * 4, list("abab"))
    assert (test.df, test.statistic) == (1, pytest.approx(alone.statistic))


def test_all_tied_at_one_time():
    # 4 of 6 at time 1: hypergeometric, variance 4 · 2 · (1/4) ÷ 5
    test = logrank([1] * 6, [1, 1, 1, 1, 0, 0], list("aaabbb"))
    assert test.statistic == pytest.approx((3 - 2) ** 2 / (4 * 2 * 0.25 / 5))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], [], []), "there is no row"),
        (([1], [1], ["a"]), "1 group; expected two or more"),
        (([1, 2], [0, 0], ["a", "b"]), "no event at a time at which two groups are at risk"),
        (([1, 2], [1, 1], ["a", None]), "1 rows have no group; the first is row 1"),
        (([1, 2], [1, 1], ["a"]), "1 rows have a group, and 2 a time"),
    ],
    ids=["empty", "one row", "all censored", "unknown group", "lengths"],
)
def test_refused(given, message):
    with pytest.raises(FitError, match=message):
        logrank(*given)


@pytest.mark.slow
def test_p_values_are_even_where_there_is_no_difference():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(800):
        entry = rng.uniform(0, 6, 150)
        life = entry + rng.exponential(12, 150)
        end = np.minimum(life, entry + 15)
        found.append(logrank(end, life <= end, rng.integers(0, 3, 150), entry=entry).statistic)
    assert kstest(chi2.cdf(found, 2), "uniform").pvalue > 0.01
