"""The fit: its maximum, units, ridge, and data that cannot carry it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi

from kamlib.errors import FitError
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_likelihood import likelihood

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def sample(seed=0, n=300, k=3, months=12):
    """Months until the event, with effects 1, 0.5, 0, …; those not lost in time are censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    time = np.ceil(8 * rng.exponential(np.exp(-x[:, 0] - 0.5 * x[:, 1])))
    return x, np.minimum(time, months), time <= months


def fitted(x, exit_, event, **more):
    fit_more = {name: more.pop(name) for name in ("ties", "penalty", "cluster") if name in more}
    names = [f"x{i}" for i in range(x.shape[1])]
    return fit_cox(cox_data(x, exit_, event, names=names, **more), **fit_more)


def all_finite(fit):
    numbers = [fit.coefficients, fit.covariance, fit.model_covariance, fit.std_error,
               fit.log_likelihood, fit.null_log_likelihood, fit.baseline.hazard,
               fit.baseline.variance, fit.baseline.slope, fit.baseline.centre]  # fmt: skip
    return all(np.isfinite(values).all() for values in numbers)


@given(st.integers(0, 200), st.sampled_from(["efron", "breslow"]))
def test_the_slope_is_zero_at_the_fit(seed, ties):
    x, exit_, event = sample(seed)
    data = cox_data(x, exit_, event, names=["a", "b", "c"])
    fit = fit_cox(data, ties=ties)
    found = likelihood(data, ties)
    slope = found.score(found.point(fit.coefficients * found.scale))
    assert fit.trouble is None
    assert slope == pytest.approx(np.zeros(3), abs=1e-5)
    assert fit.log_likelihood >= fit.null_log_likelihood
    low, high = fit.interval(0.95)
    assert high - low == pytest.approx(2 * 1.959964 * fit.std_error, rel=1e-6)


@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_units_of_covariates_and_of_time_do_not_matter(unit, shift, clock):
    x, exit_, event = sample()
    plain = fitted(x, exit_, event)
    other = fitted(x * unit + shift * unit, exit_ * clock, event)
    assert other.coefficients * unit == pytest.approx(plain.coefficients, rel=1e-6, abs=1e-9)
    assert other.std_error * unit == pytest.approx(plain.std_error, rel=1e-6)
    assert other.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)


def test_order_of_rows_does_not_matter():
    x, exit_, event = sample()
    order = np.random.default_rng(1).permutation(len(exit_))
    first, again = fitted(x, exit_, event), fitted(x[order], exit_[order], event[order])
    assert again.coefficients == pytest.approx(first.coefficients, abs=1e-12)


def test_pieces_of_time_are_the_whole():
    x, exit_, event = sample()
    whole = fitted(x, exit_, event)
    entry = np.concatenate([np.arange(t) for t in exit_])
    owner = np.repeat(np.arange(len(exit_)), exit_.astype(int))
    months = fitted(x[owner], entry + 1, event[owner] & (entry + 1 == exit_[owner]), entry=entry)
    assert months.coefficients == pytest.approx(whole.coefficients, abs=1e-9)
    assert months.covariance == pytest.approx(whole.covariance, abs=1e-10)
    assert months.baseline.hazard == pytest.approx(whole.baseline.hazard * np.exp(
        (months.baseline.centre - whole.baseline.centre)[0] @ whole.coefficients))  # fmt: skip


def test_breslow_weights_are_copies():
    # Efron's are not: his weight is the mean of the tied, of which copies make more
    x, exit_, event = sample()
    weight = np.random.default_rng(2).integers(0, 4, len(exit_))
    copies = np.repeat(np.arange(len(exit_)), weight)
    weighted = fitted(x, exit_, event, weight=weight, ties="breslow")
    copied = fitted(x[copies], exit_[copies], event[copies], ties="breslow")
    assert weighted.coefficients == pytest.approx(copied.coefficients, abs=1e-10)
    assert weighted.covariance == pytest.approx(copied.covariance, abs=1e-12)


def test_an_offset_is_a_covariate_whose_effect_is_known():
    x, exit_, event = sample()
    free = fitted(x, exit_, event)
    given_rest = fitted(x[:, 1:], exit_, event, offset=1e3 + x[:, 0] * free.coefficients[0])
    assert given_rest.coefficients == pytest.approx(free.coefficients[1:], abs=1e-8)
    assert given_rest.log_likelihood == pytest.approx(free.log_likelihood, abs=1e-8)


def test_ridge_is_that_of_lifelines():
    rossi = load_rossi()
    data = cox_data(rossi[ROSSI], rossi["week"], rossi["arrest"], names=ROSSI)
    # lifelines' penalty is per row, and per standard deviation as here
    theirs = CoxPHFitter(penalizer=0.1).fit(rossi, "week", "arrest", fit_options={"precision": 1e-12})  # fmt: skip
    fit = fit_cox(data, penalty=0.1 * len(rossi))
    assert fit.coefficients == pytest.approx(theirs.params_[ROSSI].to_numpy(), abs=1e-9)
    assert fit.std_error == pytest.approx(theirs.standard_errors_[ROSSI].to_numpy(), abs=1e-9)
    assert [check.passed for check in fit.checks] == [True, False]
    sizes = [np.abs(fit_cox(data, penalty=p).coefficients).sum() for p in (1, 10, 1e3, 1e9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == pytest.approx(0, abs=1e-6)


def test_no_covariates_is_the_baseline_alone():
    fit = fitted(np.empty((4, 0)), [1, 2, 2, 3], [1, 1, 0, 0])
    assert fit.trouble is None
    assert fit.log_likelihood == fit.null_log_likelihood == pytest.approx(-np.log(4) - np.log(3))
    assert fit.baseline.hazard.tolist() == [1 / 4, 1 / 3]


# Data that cannot carry a fit, or only just


def test_no_event():
    fit = fitted(np.ones((5, 2)), np.arange(5) + 1, [0] * 5)
    assert fit.trouble.key == "cox.no_event"
    assert all_finite(fit)
    assert fit.coefficients.tolist() == [0, 0]
    assert fit.checks[0].passed is False


def test_constant_covariates_and_repeated_ones():
    x, exit_, event = sample()
    flat = fitted(np.column_stack([x[:, 0], np.full(300, 0.1)]), exit_, event)
    assert flat.trouble.values["name"] == "x1"
    twin = fitted(np.column_stack([x[:, 0], x[:, 1], 3 - 2 * x[:, 0]]), exit_, event)
    assert twin.trouble.key == "cox.dependent"
    assert {twin.trouble.values[name] for name in ("one", "other")} == {"x0", "x2"}
    assert all_finite(flat)
    assert all_finite(twin)
    # a ridge shares what both say
    shared = fitted(np.column_stack([x[:, 0], x[:, 0]]), exit_, event, penalty=1.0)
    assert shared.trouble is None
    assert shared.coefficients[0] == pytest.approx(shared.coefficients[1])


def test_events_on_one_side_are_refused_without_a_ridge():
    x, exit_, event = sample()
    flag = (np.arange(300) % 10 == 0) & ~event
    both = np.column_stack([x[:, 0], flag])
    fit = fitted(both, exit_, event)
    assert fit.trouble.key == "cox.monotone"
    assert fit.trouble.values["name"] == "x1"
    assert all_finite(fit)
    ridge = fitted(both, exit_, event, penalty=1.0)
    assert ridge.trouble is None
    assert ridge.coefficients[1] < 0
    # neither covariate separates here, their difference does
    line = np.column_stack([x[:, 0], x[:, 0] + np.where(event, 0.5, -0.5)])
    assert fitted(line[:, 1:], exit_, event).trouble is None
    assert fitted(line, exit_, event).trouble.key == "cox.monotone"


def test_one_event_beyond_separation_is_fitted():
    x, exit_, event = sample(n=2000)
    lost = np.flatnonzero(event)
    flag = (np.arange(2000) % 10 == 0) & ~event
    flag[lost[0]] = True
    fit = fitted(np.column_stack([x[:, 0], flag]), exit_, event)
    assert fit.trouble is None
    # one event among about 60 of 2,000 rows where 30 or so were due
    assert -6 < fit.coefficients[1] < -2
    assert 0.9 < fit.std_error[1] < 1.2


def test_a_stratum_without_an_event_changes_nothing():
    x, exit_, event = sample()
    stratum = np.arange(300) % 3
    with_it = fitted(x, exit_, event & (stratum > 0), strata=stratum)
    some = stratum > 0
    without = fitted(x[some], exit_[some], event[some], strata=stratum[some])
    assert with_it.coefficients == pytest.approx(without.coefficients, abs=1e-12)
    assert len(with_it.baseline.time[with_it.baseline.of(0)]) == 0


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_all_events_at_one_time(ties):
    x, _, event = sample()
    fit = fitted(x, np.full(300, 7.0), event, ties=ties)
    assert fit.trouble is None
    assert fit.baseline.time.tolist() == [7]
    assert all_finite(fit)
    # Breslow: Σ x of events = d · mean of x weighted by hazard ratios
    if ties == "breslow":
        ratio = np.exp(x @ fit.coefficients)
        assert x[event].mean(axis=0) == pytest.approx(ratio @ x / ratio.sum(), abs=1e-8)


def test_huge_and_tiny_scales_and_drift():
    x, exit_, event = sample(n=2000)
    plain = fitted(x, exit_, event)
    scaled = x * [1e9, 1e-9, 1.0] + [1e12, 1e-6, 0]
    fit = fitted(scaled, exit_, event)
    assert fit.trouble is None
    # 1e12 beside a deviation of 1e9 leaves 13 digits
    assert fit.coefficients * [1e9, 1e-9, 1] == pytest.approx(plain.coefficients, abs=1e-9)
    # a covariate that grows in a month twenty times as much as it differs between accounts
    months = exit_.astype(int)
    entry = np.concatenate([np.arange(t) for t in months])
    owner = np.repeat(np.arange(2000), months)
    lost = event[owner] & (entry + 1 == exit_[owner])
    drift = np.column_stack([x[owner, 0] + 20 * entry, x[owner, 1:]])
    moved = fitted(drift, entry + 1, lost, entry=entry)
    assert moved.coefficients == pytest.approx(plain.coefficients, abs=1e-7)
    assert moved.covariance == pytest.approx(plain.covariance, rel=1e-7)


def test_far_apart_hazards_with_late_entry():
    # ratios of e^±25: what leaves a risk set is 1e10 times what stays
    rng = np.random.default_rng(4)
    n = 400
    x = np.r_[rng.normal(size=n), np.full(20, 25.0) + rng.normal(size=20)]
    entry = np.r_[rng.integers(0, 5, n), np.full(20, 6)].astype(float)
    exit_ = entry + rng.integers(1, 9, n + 20)
    event = rng.random(n + 20) < 0.5
    data = cox_data(x[:, None], exit_, event, names=["x"], entry=entry)
    found = likelihood(data)
    value = found.point(np.array([1.0]) * found.scale).log_likelihood
    expected = 0.0
    for time in np.unique(exit_[event]):
        there, ends = (entry < time) & (exit_ >= time), event & (exit_ == time)
        d = ends.sum()
        left = [np.exp(x[there]).sum() - k / d * np.exp(x[ends]).sum() for k in range(d)]
        expected += x[ends].sum() - np.log(left).sum()
    # sums over those who entered late are differences: of 16 digits, e^25 takes 11 from the small
    # risk sets; hazards so far apart are not met
    assert value == pytest.approx(expected, rel=1e-7)


def test_few_clusters_are_told():
    x, exit_, event = sample()
    few = fitted(x, exit_, event, cluster=np.arange(300) % 5)
    many = fitted(x, exit_, event, cluster=np.arange(300))
    assert [check.passed for check in few.checks] == [True, False]
    assert [check.passed for check in many.checks] == [True, True]


def test_missing_values_are_refused():
    x, exit_, event = sample()
    x[7, 1] = np.nan
    with pytest.raises(FitError, match="covariate x1"):
        fitted(x, exit_, event)


@pytest.mark.slow
def test_a_million_account_months():
    rng = np.random.default_rng(5)
    n, truth = 1_000_000, np.linspace(-0.4, 0.5, 10)
    x = rng.normal(size=(n, 10))
    entry = rng.integers(0, 60, n).astype(float)
    event = rng.random(n) < 1 - np.exp(-0.01 * np.exp(x @ truth))
    fit = fitted(x, entry + 1, event, entry=entry, cluster=rng.integers(0, 100_000, n))
    assert fit.trouble is None
    # ten coefficients, four standard errors: fails once in 1,600 samples; the sample is fixed
    assert np.abs(fit.coefficients - truth).max() < 4 * fit.std_error.max()
