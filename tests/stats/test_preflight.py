"""What is left out before a regression, in which order, and with which words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.glossary import Style, say
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.preflight import preflight


def sample(seed=0, n=400, **columns):
    """Two covariates that matter, and what a test adds to them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    time = np.ceil(8 * rng.exponential(np.exp(-x[:, 0] - 0.5 * x[:, 1])))
    event = time <= 12
    made = {name: make(x, event, rng) for name, make in columns.items()}
    names = ["a", "b", *made]
    return cox_data(np.column_stack([x, *made.values()]), np.minimum(time, 12), event, names=names)


def reasons(found):
    return {name: sentence.key.split(".")[1] for name, sentence in found.dropped.items()}


def test_all_stay():
    data = sample()
    found = preflight(data)
    assert found.kept == ("a", "b")
    assert found.data is data
    assert found.trouble is None
    assert all(check.passed for check in found.checks)


def test_each_reason_is_told_in_both_languages():
    found = preflight(
        sample(
            gap=lambda x, e, r: np.where(np.arange(len(x)) == 7, np.nan, x[:, 0]),
            endless=lambda x, e, r: np.where(np.arange(len(x)) == 7, np.inf, x[:, 0]),
            same=lambda x, e, r: np.full(len(x), 1e9),
            never=lambda x, e, r: (~e & (np.arange(len(x)) % 3 == 0)).astype(float),
            always=lambda x, e, r: np.where(e | (np.arange(len(x)) % 3 == 0), 5.0, 2.0),
            twin=lambda x, e, r: 3 - 2 * x[:, 0],
            nearly=lambda x, e, r: x[:, 0] + x[:, 1] + 0.01 * r.normal(size=len(x)),
            fine=lambda x, e, r: r.normal(size=len(x)),
        )
    )
    assert found.kept == ("a", "b", "fine")
    assert reasons(found) == {
        "gap": "incomplete", "endless": "incomplete", "same": "flat", "never": "separated",
        "always": "separated", "twin": "collinear", "nearly": "collinear",
    }  # fmt: skip
    assert "where never is 1" in str(found.dropped["never"])
    assert "where always is 2" in str(found.dropped["always"])
    assert "100.0\u00a0% of its differences, most of all from a" in str(found.dropped["twin"])
    for name, sentence in found.dropped.items():
        assert name in str(sentence)
        assert name in say(sentence, Style("zh"))
    assert [check.passed for check in found.checks] == [True, False, True, True]
    assert fit_cox(found.data).trouble is None


def test_the_stated_order_decides_who_stays():
    twins = sample(twin=lambda x, e, r: 3 - 2 * x[:, 0])
    assert preflight(twins).kept == ("a", "b")
    assert preflight(twins, order=["twin"]).kept == ("twin", "b")
    with pytest.raises(FitError, match="did you mean 'twin'"):
        preflight(twins, order=["twins"])


@pytest.mark.parametrize(("n_event", "kept"), [(9, ()), (10, ("b",)), (19, ("b",)), (20, ("b", "a"))])  # fmt: skip
def test_ten_events_each(n_event, kept):
    rng = np.random.default_rng(1)
    event = np.arange(100) < n_event
    data = cox_data(rng.normal(size=(100, 2)), rng.permutation(100) + 1, event, names=["a", "b"])
    found = preflight(data, order=["b", "a"])
    assert found.n_event == n_event
    if n_event < 10:
        assert found.trouble.key == "preflight.too_few_events"
    else:
        assert found.trouble is None
        assert found.kept == kept
        assert set(reasons(found).values()) <= {"too_many"}
        assert len(found.kept) + len(found.dropped) == 2
    assert preflight(data, per_covariate=n_event + 1).trouble is not None


def test_no_event():
    data = cox_data(np.ones((5, 1)), np.arange(5) + 1, [0] * 5, names=["x"])
    found = preflight(data)
    assert found.trouble.key == "preflight.no_event"
    assert found.n_event == 0
    assert [check.passed for check in found.checks] == [False, True, False, True]


def test_all_lost_at_once_and_all_lost_in_time():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 1))
    at_once = preflight(cox_data(x, np.full(60, 3), np.ones(60), names=["x"]))
    assert at_once.trouble.key == "preflight.all_at_once"
    in_time = preflight(cox_data(x, rng.permutation(60) + 1, np.ones(60), names=["x"]))
    assert in_time.trouble is None
    assert in_time.checks[-1].passed is False
    assert in_time.checks[-1].note.key == "preflight.all_lost"


def test_constant_within_strata_is_constant():
    # a level that is the stratum itself, and a clock that is the same for all who are there
    rng = np.random.default_rng(3)
    n = 300
    stratum = rng.integers(0, 2, n)
    entry = rng.integers(0, 10, n).astype(float)
    x = np.column_stack([rng.normal(size=n), stratum, entry])
    data = cox_data(x, entry + 1, rng.random(n) < 0.5, names=["a", "level", "clock"], entry=entry, strata=stratum)  # fmt: skip
    found = preflight(data)
    assert found.kept == ("a",)
    assert reasons(found) == {"level": "flat", "clock": "flat"}


def test_events_tell_only_where_both_values_are_there():
    # the flag's events all come when everybody still there has it
    rng = np.random.default_rng(4)
    n = 200
    flag = np.arange(n) < 100
    exit_ = np.where(flag, 50 + rng.integers(1, 50, n), rng.integers(1, 50, n))
    event = rng.random(n) < 0.5
    data = cox_data(np.column_stack([rng.normal(size=n), flag]), exit_, event, names=["a", "flag"])
    found = preflight(data)
    assert reasons(found) == {"flag": "separated"}
    # without looking at who was there, half of the events have the flag
    assert 0.3 < flag[event].mean() < 0.7


def test_all_levels_of_a_column_are_one_too_many():
    found = preflight(
        sample(
            small=lambda x, e, r: np.arange(len(x)) % 3 == 0,
            middle=lambda x, e, r: np.arange(len(x)) % 3 == 1,
            large=lambda x, e, r: np.arange(len(x)) % 3 == 2,
        )
    )
    assert reasons(found) == {"large": "collinear"}


def test_what_separates_only_together_runs_away_and_is_left_out():
    found = preflight(sample(shifted=lambda x, e, r: x[:, 0] + np.where(e, 0.5, -0.5)))
    assert "runaway" in reasons(found).values()
    assert len(found.kept) == 2
    assert fit_cox(found.data).trouble is None


def test_strata_without_events_are_counted():
    data = sample()
    stratum = np.arange(400) % 4
    silent = cox_data(
        data.covariates, data.exit, data.event & (stratum > 0), names=["a", "b"], strata=stratum
    )
    check = preflight(silent).checks[2]
    assert check.passed is False
    assert check.note.values["rows"] == 100


@given(st.integers(0, 300))
def test_what_stays_can_be_fitted(seed):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(20, 200)), int(rng.integers(1, 6))
    kinds = rng.integers(0, 4, k)
    makers = (
        lambda: rng.normal(size=n) * 10.0 ** rng.integers(-6, 7),
        lambda: (rng.random(n) < 0.1).astype(float),
        lambda: rng.integers(0, 3, n).astype(float),
        lambda: np.full(n, 3.0),
    )
    x = np.column_stack([makers[kind]() for kind in kinds])
    x[:, -1] += x[:, 0]
    entry = rng.integers(0, 4, n).astype(float)
    data = cox_data(
        x, entry + rng.integers(1, 6, n), rng.random(n) < 0.3, names=[f"x{i}" for i in range(k)],
        entry=entry, strata=rng.integers(0, 3, n),
    )  # fmt: skip
    found = preflight(data)
    assert set(found.kept) | set(found.dropped) <= set(data.names)
    if found.trouble is None:
        assert set(found.kept) | set(found.dropped) == set(data.names)
        fit = fit_cox(found.data)
        assert fit.trouble is None
        assert np.isfinite(fit.std_error).all()
        assert (fit.std_error > 0).all()
