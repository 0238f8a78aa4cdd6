"""Contracts that end within a term and at its end, on one clock."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.value.lifetime.posterior import posterior
from kamlib.value.lifetime.renewals import BDW, SBG, contracts, fit_renewals
from kamlib.value.lifetime.term_model import (
    BDW_TERMS,
    SBG_TERMS,
    distinct_courses,
    fit_terms,
)


def course(entry, entry_months, survived, months, lost=0, early=0, size=0.0, term=12):
    return {
        "entry": float(entry), "entry_months": float(entry_months), "survived": float(survived),
        "months": float(months), "lost": float(lost), "ended_early": float(early), "size": size,
        "term_months": float(term),
    }  # fmt: skip


ROWS = distinct_courses(
    pd.DataFrame(
        [course(0, 0, 1, 24, 1), course(0, 0, 1, 24, 1), course(0, 3, 2, 31), course(2, 30, 4, 57, 1, 1),
         course(1, 12, 1, 19, 0, 0, 0.5), course(0, 0, 0, 0, 1, 1), course(0, 0, 0, 5, 1, 1, -1.5)]
    )
)  # fmt: skip


def test_distinct_courses():
    # the chain lost in its 57th month was last seen in the 56th, and one lost at once at 0
    assert ROWS.n_obs == 7
    assert ROWS.n_lost == 5
    assert ROWS.weights.max() == 2
    assert sorted(ROWS.last[1][ROWS.loss == 2]) == [0, 4, 56]
    assert ROWS.term == 12


def test_unseen_chains_and_weights_of_zero_are_left_out():
    frame = pd.DataFrame([course(2, 24, 2, 24), course(0, 0, 1, 14), course(0, 0, 3, 40)])
    rows = distinct_courses(frame, [1, 1, 0])
    assert rows.n_obs == 1
    assert rows.last.ravel().tolist() == [1, 14]


def test_without_losses_within_terms_it_is_the_model_of_renewals():
    """e = 0: only renewals count, whatever the months."""
    frame = pd.DataFrame(
        [course(0, 0, 1, 24, 1), course(2, 29, 4, 60, 1), course(1, 12, 3, 40), course(0, 0, 2, 30)]
    )
    same = contracts([0, 2, 1, 0], [1, 4, 3, 2], [1, 1, 0, 0])
    for terms, core, at in (
        (SBG_TERMS, SBG, [0.7, 1.2]), (BDW_TERMS, BDW, [0.7, 1.2, 1.4]),
    ):  # fmt: skip
        found = terms.log_likelihood(np.array([[*at, 0.0, 0.0]]), distinct_courses(frame))
        assert found == pytest.approx(core.log_likelihood(np.array([at]), same))


def test_a_likelihood_by_hand():
    """alpha = beta = 1: S(t) = 1 / (1 + t). e = 1/2, terms of a year."""
    natural = np.array([[1.0, 1.0, 0.5, 0.0]])

    def of(**one):
        rows = distinct_courses(pd.DataFrame([course(**one)]))
        return float(np.exp(SBG_TERMS.log_likelihood(natural, rows)[0]))

    # 18 months and a renewal: 1/2 + 3/4
    assert of(entry=0, entry_months=0, survived=1, months=18) == pytest.approx(1 / 2.25)
    # seen from the sixth month on: S(1/4) = 4/5
    assert of(entry=0, entry_months=6, survived=1, months=18) == pytest.approx(1.25 / 2.25)
    # lost at the end of the second year: between ages 1.5 and 2
    assert of(entry=0, entry_months=0, survived=1, months=24, lost=1) == pytest.approx(
        1 / 2.5 - 1 / 3
    )
    # lost in the eighteenth month: between 1/2 + 17/24 and 1/2 + 18/24
    gone = of(entry=0, entry_months=0, survived=1, months=18, lost=1, early=1)
    assert gone == pytest.approx(1 / (1.5 + 17 / 24) - 1 / (1.5 + 18 / 24))


def test_larger_chains_age_at_a_pace_of_their_own():
    one = distinct_courses(pd.DataFrame([course(0, 0, 2, 24, size=1.5)]))
    natural = np.array([[1.0, 1.0, 0.4, -0.5]])
    # S(2 · exp(-0.75))
    assert SBG_TERMS.log_likelihood(natural, one) == pytest.approx(-np.log1p(2 * np.exp(-0.75)))


SHAPE = st.floats(0.05, 20)


@given(SHAPE, SHAPE, st.floats(0.4, 2.5), st.floats(0.05, 0.95), st.floats(-1, 1))
def test_gradients(alpha, beta, c, early, size):
    for model, core in ((SBG_TERMS, [alpha, beta]), (BDW_TERMS, [alpha, beta, c])):
        at = np.array([*core, early, size])
        value, slope = model.gradient(at, ROWS)
        assert np.isfinite(value)
        steps = np.diag(1e-5 * np.maximum(np.abs(at), 0.1))
        ends = model.log_likelihood(np.concatenate([at + steps, at - steps]), ROWS)
        numeric = (ends[: len(at)] - ends[len(at) :]) / (2 * np.diag(steps))
        np.testing.assert_allclose(slope, numeric, rtol=2e-3, atol=2e-3)


def play(n, rng, *, alpha=1.6, beta=8.0, early=0.6, by_size=-0.3, term=12.0, begun=10, years=5):
    """Chains begun over ten years, records of the last five; ages accrue as the model says."""
    size = np.round(2 * rng.standard_normal(n)) / 2
    hazard = -np.log1p(-rng.beta(alpha, beta, n)) * np.exp(by_size * size)
    start = rng.uniform(120 - 12 * begun, 120, n)
    left = rng.standard_exponential(n) / hazard
    whole = np.floor(left)
    within = left - whole
    is_early = within < early
    lived = (whole + np.where(is_early, within / early, 1.0)) * term
    opens, closes = 120 - 12 * years, 120.0
    there = start + lived > opens
    entry_months = np.maximum(opens - start, 0)
    seen = np.minimum(lived, closes - start)
    lost = lived <= closes - start
    at_end = lost & ~is_early
    survived = np.where(at_end, whole, np.floor(seen / term + 1e-9))
    frame = pd.DataFrame(
        {
            "entry": np.floor(entry_months / term),
            "entry_months": np.round(entry_months),
            "survived": survived,
            "months": np.round(seen),
            "lost": lost.astype(float),
            "ended_early": (lost & is_early).astype(float),
            "size": size,
            "term_months": term,
        }
    )
    return frame[there]


def test_truth_is_recovered_from_terms_seen_in_part():
    found = fit_terms(distinct_courses(play(8000, np.random.default_rng(1))))
    assert found.trouble is None
    share = found.parameters["alpha"] / (found.parameters["alpha"] + found.parameters["beta"])
    assert share == pytest.approx(1.6 / 9.6, abs=0.02)
    assert found.parameters["early"] == pytest.approx(0.6, abs=0.03)
    assert found.parameters["size"] == pytest.approx(-0.3, abs=0.06)


def test_counting_the_early_ones_alone_would_mislead():
    """Chains lost early in a running term count; those that run on in it must count as well."""
    frame = play(8000, np.random.default_rng(2), begun=5, term=36.0)
    found = fit_terms(distinct_courses(frame)).parameters
    whole = contracts(frame["entry"], frame["survived"], frame["lost"])
    wrong = fit_renewals(SBG, whole).parameters
    truth = 1.6 / 9.6
    off = [p["alpha"] / (p["alpha"] + p["beta"]) - truth for p in (found, wrong)]
    assert abs(off[0]) < 0.03
    assert off[1] > 0.04


def test_intervals_hold_the_truth_sampled():
    truth = {"early": 0.6, "size": -0.3}
    hits = []
    for seed in range(20):
        rng = np.random.default_rng([3, seed])
        rows = distinct_courses(play(300, rng))
        drawn = posterior(fit_terms(rows), rows, draws=400, rng=rng).natural
        low, high = np.quantile(drawn[:, -2:], [0.1, 0.9], axis=0)
        hits.append((low <= list(truth.values())) & (list(truth.values()) <= high))
    # 40 intervals of level 0.80: standard error 0.06
    assert 0.62 < np.mean(hits) < 0.96


def test_bdw_is_taken_only_where_it_is_better():
    """Chains of which each leaves faster and faster: c well above 1."""
    rng = np.random.default_rng(4)
    n = 4000
    hazard = -np.log1p(-rng.beta(0.8, 12.0, n))
    lived = np.ceil((rng.standard_exponential(n) / hazard) ** (1 / 2.0))
    last = rng.integers(1, 11, n).astype(float)
    lost = lived <= last
    frame = pd.DataFrame(
        {
            "entry": 0.0,
            "entry_months": 0.0,
            "survived": np.where(lost, lived - 1, last),
            "months": 12 * np.minimum(lived, last),
            "lost": lost.astype(float),
            "ended_early": 0.0,
            "size": 0.0,
            "term_months": 12.0,
        }
    )
    found = fit_terms(distinct_courses(frame))
    assert found.model is BDW_TERMS
    assert found.parameters["c"] == pytest.approx(2.0, abs=0.4)


@pytest.mark.parametrize(
    "rows",
    [[course(0, 0, 0, 3)], [course(0, 0, 5, 60)] * 30, [course(0, 0, 0, 12, 1)] * 30,
     [course(0, 0, 0, 1, 1, 1, 2.0)] * 20, [course(0, 0, 500, 500, 1, 0, 0.0, 1)] * 12],
    ids=["one new", "none lost", "all at once", "all early", "very long"],
)  # fmt: skip
def test_hard_data_give_a_fit_or_a_reason(rows):
    found = fit_terms(distinct_courses(pd.DataFrame(rows)))
    assert np.isfinite([*found.parameters.values(), *found.std_error.values()]).all()
    assert found.trouble is not None or found.converged
    if sum(row["lost"] for row in rows) < 10:
        assert found.trouble.key == "renewals.too_few_lost"
