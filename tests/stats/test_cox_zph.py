"""The test of proportional hazards: against its definition, its size, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_likelihood import likelihood
from kamlib.stats.cox_zph import proportional_hazards


def sample(rng, n=400, late_effect=1.0):
    """Months until the event; the effect of the first covariate is 1, from month 6 `late_effect`."""
    x = rng.normal(size=(n, 2))
    months = np.arange(1, 25)
    effect = np.where(months <= 6, 1.0, late_effect)
    hazard = 0.06 * np.exp(np.outer(x[:, 0], effect))
    lost = rng.random(hazard.shape) < 1 - np.exp(-hazard)
    event = lost.any(axis=1)
    exit_ = np.where(event, lost.argmax(axis=1) + 1, 24)
    return cox_data(x, exit_, event, names=["a", "b"])


def test_it_is_the_score_test_of_an_interaction_with_time():
    # account-months make the interaction a covariate: its score test from 0 is the definition
    data = sample(np.random.default_rng(1))
    fit = fit_cox(data)
    found = proportional_hazards(fit, data, transform="identity")
    months = data.exit.astype(int)
    owner = np.repeat(np.arange(len(months)), months)
    end = np.concatenate([np.arange(t) for t in months]) + 1.0
    x = data.covariates[owner]
    event = data.event[owner] & (end == months[owner])
    both = cox_data(np.column_stack([x, x * end[:, None]]), end, event, names=list("abcd"), entry=end - 1)  # fmt: skip
    more = likelihood(both)
    point = more.point(np.r_[fit.coefficients, 0, 0] * more.scale)
    slope, curve = more.score(point), more.information(point)
    assert found.global_statistic == pytest.approx(slope @ np.linalg.solve(curve, slope), rel=1e-6)
    for place in (0, 1):
        some = np.ix_([0, 1, 2 + place], [0, 1, 2 + place])
        part = slope[[0, 1, 2 + place]]
        expected = part @ np.linalg.solve(curve[some], part)
        assert found.statistic[place] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("transform", ["identity", "km", "rank", "log"])
def test_an_effect_that_fades_is_found_and_only_that(transform):
    data = sample(np.random.default_rng(2), late_effect=-0.5)
    found = proportional_hazards(fit_cox(data), data, transform=transform)
    assert found.p_value[0] < 1e-6
    assert found.p_value[1] > 0.01
    assert found.global_p_value < 1e-5


def false_alarms(samples, seed):
    rng = np.random.default_rng(seed)
    p = []
    for _ in range(samples):
        data = sample(rng, n=250)
        found = proportional_hazards(fit_cox(data), data)
        p.append([*found.p_value, found.global_p_value])
    return (np.array(p) < 0.05).mean(axis=0)


def test_size_in_a_sample():
    # 100 samples: 0.05 ± 4 · 0.022
    assert (false_alarms(100, 3) <= 0.14).all()


@pytest.mark.slow
def test_size():
    # 2,000 samples: 0.05 ± 4 · 0.0049
    assert false_alarms(2000, 4) == pytest.approx(np.full(3, 0.05), abs=0.0195)


def test_units_of_time_do_not_matter_to_identity_and_the_rest():
    data = sample(np.random.default_rng(5))
    days = cox_data(data.covariates, data.exit * 30.4, data.event, names=data.names)
    for transform in ("identity", "km", "rank", "log"):
        first = proportional_hazards(fit_cox(data), data, transform=transform)
        again = proportional_hazards(fit_cox(days), days, transform=transform)
        assert again.statistic == pytest.approx(first.statistic, rel=1e-6)


def test_no_test_where_there_is_nothing_to_see():
    rng = np.random.default_rng(6)
    data = cox_data(rng.normal(size=(50, 2)), np.full(50, 3.0), rng.random(50) < 0.5, names=["a", "b"])  # fmt: skip
    found = proportional_hazards(fit_cox(data), data)
    assert found.trouble.key == "cox.no_time_test"
    assert found.statistic.tolist() == [0, 0]
    assert found.global_p_value == 1


def test_who_differs_at_one_moment_takes_no_test_away_from_the_others():
    data = sample(np.random.default_rng(8))
    alone = proportional_hazards(fit_cox(data), data)
    first = np.unique(data.exit[data.event])[0]
    early = np.random.default_rng(9).random(data.n_obs) < 0.5
    # pieces of time up to the first event and after it; in the first one alone do accounts differ
    before, after = data.entry < first, data.exit > first
    start = np.where(np.isfinite(data.entry), data.entry, 0.0)
    x = np.vstack([
        np.column_stack([data.covariates, early])[before],
        np.column_stack([data.covariates, np.zeros(data.n_obs)])[after],
    ])  # fmt: skip
    both = cox_data(
        x, np.r_[np.minimum(data.exit, first)[before], data.exit[after]],
        np.r_[(data.event & ~after)[before], data.event[after]], names=[*data.names, "early"],
        entry=np.r_[start[before], np.maximum(start, first)[after]],
    )  # fmt: skip
    found = proportional_hazards(fit_cox(both), both)
    assert found.trouble is None
    assert (found.statistic[-1], found.p_value[-1]) == (0, 1)
    assert found.p_value[:-1] == pytest.approx(alone.p_value, abs=0.02)
    assert found.global_p_value == pytest.approx(alone.global_p_value, abs=0.02)


def test_refusals():
    data = sample(np.random.default_rng(7))
    with pytest.raises(FitError, match="without a penalty"):
        proportional_hazards(fit_cox(data, penalty=1.0), data)
    zero = cox_data(data.covariates, data.exit - 1, data.event, names=data.names)
    with pytest.raises(FitError, match="log of times"):
        proportional_hazards(fit_cox(zero), zero, transform="log")
