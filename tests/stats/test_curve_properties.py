"""What holds for every curve: bounds, sums, order of rows, unit of time, no censoring, no late entry."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.kaplan_meier import at_risk_table, at_times, kaplan_meier, quantiles
from kamlib.stats.logrank import logrank
from kamlib.stats.restricted_mean import restricted_mean

LAST = 20
KINDS = ("price", "service")


LATE = st.booleans()


@st.composite
def studies(draw, late=LATE):
    """Spells with ties, entry, exit and end; two stay from 0 to the end, so that there is no gap."""
    comes_late = draw(late)
    row = st.tuples(
        st.integers(0, LAST - 2) if comes_late else st.just(0),
        st.integers(1, LAST),
        st.sampled_from(["", *KINDS]),
    )
    rows = draw(st.lists(row, min_size=1, max_size=25))
    entry, length, end = zip(*[*rows, (0, LAST, ""), (0, LAST, "")], strict=True)
    entry = np.array(entry)
    exit_ = np.minimum(entry + np.array(length), LAST)
    return entry, exit_, np.array(end, dtype=object)


def km(entry, exit_, end, **more):
    return kaplan_meier(exit_, end != "", entry=entry, **more)


@given(studies())
def test_survival_falls_within_0_and_1(study):
    curve = km(*study)
    estimate = curve["estimate"].to_numpy()
    assert (np.diff(estimate) <= 0).all()
    assert (estimate >= 0).all()
    assert (estimate <= 1).all()
    known = curve.dropna()
    assert (known["conf_low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["conf_high"]).all()
    assert known[["conf_low", "conf_high"]].stack().between(0, 1).all()


@given(studies())
def test_incidences_and_survival_sum_to_1(study):
    entry, exit_, end = study
    frame = aalen_johansen(exit_, end, entry=entry, kinds=KINDS)
    total = frame.groupby("time")["estimate"].sum()
    left = km(*study).set_index("time")["estimate"]
    np.testing.assert_allclose(total + left, 1, atol=1e-12)
    assert (frame["estimate"] <= frame["naive"] + 1e-12).all()
    for _, one in frame.groupby("event_type"):
        assert (one["estimate"].diff().dropna() >= 0).all()


@given(studies(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(study, random):
    places = list(range(len(study[0])))
    random.shuffle(places)
    other = [values[places] for values in study]
    pd.testing.assert_frame_equal(km(*study), km(*other))
    frames = [aalen_johansen(s[1], s[2], entry=s[0], kinds=KINDS) for s in (study, other)]
    pd.testing.assert_frame_equal(*frames)


@given(studies(), st.sampled_from([1 / 12, 7.0, 365.25 / 12]))
def test_unit_of_time_does_not_matter(study, unit):
    entry, exit_, end = study
    months, others = km(*study), km(entry * unit, exit_ * unit, end)
    pd.testing.assert_frame_equal(months.drop(columns="time"), others.drop(columns="time"))
    np.testing.assert_allclose(months["time"] * unit, others["time"])
    ours, theirs = (restricted_mean(c, 10 * u) for c, u in ((months, 1), (others, unit)))
    np.testing.assert_allclose(ours["estimate"] * unit, theirs["estimate"])
    np.testing.assert_allclose(ours["std_error"] * unit, theirs["std_error"])


@given(studies())
def test_no_entry_is_entry_at_zero(study):
    _, exit_, end = study
    pd.testing.assert_frame_equal(
        kaplan_meier(exit_, end != ""), kaplan_meier(exit_, end != "", entry=np.zeros(len(exit_)))
    )
    frames = [
        aalen_johansen(exit_, end, entry=e, kinds=KINDS) for e in (None, np.zeros(len(exit_)))
    ]
    pd.testing.assert_frame_equal(*frames)


@given(studies(late=st.just(False)))
def test_without_censoring_all_is_empirical(study):
    _, exit_, end = study
    kind = np.where(end == "", KINDS[0], end)
    curve, frame = kaplan_meier(exit_, kind != ""), aalen_johansen(exit_, kind, kinds=KINDS)
    times = np.arange(LAST + 1)
    gone = exit_[:, None] <= times
    np.testing.assert_allclose(
        at_times(curve, times)["estimate"], 1 - gone.mean(axis=0), atol=1e-12
    )
    for name, one in frame.groupby("event_type"):
        share = (gone & (kind == name)[:, None]).mean(axis=0)
        read = at_times(one, times)
        np.testing.assert_allclose(read["estimate"], share, atol=1e-12)
        # and the error is that of a share
        error = np.sqrt(share * (1 - share) / len(exit_))
        np.testing.assert_allclose(read["std_error"], error, atol=1e-7)
    lived = restricted_mean(curve, 12).iloc[0]
    within = np.minimum(exit_, 12)
    assert np.isclose(lived["estimate"], within.mean())
    assert np.isclose(lived["std_error"], within.std() / np.sqrt(len(exit_)), atol=1e-9)


@given(studies())
def test_one_kind_is_one_less_kaplan_meier(study):
    entry, exit_, end = study
    one = aalen_johansen(exit_, np.where(end == "", "", "left"), entry=entry, kinds=["left"])
    curve = km(*study)
    np.testing.assert_allclose(1 - one["estimate"], curve["estimate"], atol=1e-12)
    np.testing.assert_allclose(one["naive"], one["estimate"], atol=1e-12)
    np.testing.assert_allclose(one["std_error"], curve["std_error"], atol=1e-7)
    inside = curve["conf_low"].notna()
    np.testing.assert_allclose(1 - one["conf_high"][inside], curve["conf_low"][inside], atol=1e-7)
    np.testing.assert_allclose(1 - one["conf_low"][inside], curve["conf_high"][inside], atol=1e-7)


@given(studies())
def test_table_and_curve_count_alike(study):
    entry, exit_, end = study
    curve = km(*study)
    table = at_risk_table(exit_, end != "", curve["time"], entry=entry)
    counts = ["n_risk", "n_event", "n_censor"]
    assert table[counts].to_numpy()[1:].tolist() == curve[counts].to_numpy()[1:].tolist()
    assert table["n_event"].sum() == (end != "").sum()


@given(studies(), st.integers(0, 15))
def test_restart_is_conditional(study, start):
    whole, later = km(*study), km(*study, start=start)
    begin = later["time"].iloc[0]
    times = np.arange(begin, LAST + 1)
    reached = at_times(whole, [begin])["estimate"].iloc[0]
    expected = at_times(whole, times)["estimate"] / reached
    np.testing.assert_allclose(at_times(later, times)["estimate"], expected, atol=1e-12)
    lived = [restricted_mean(whole, 4, given=begin), restricted_mean(later, 4)]
    np.testing.assert_allclose(*[frame[["estimate", "std_error"]] for frame in lived], atol=1e-12)


@given(studies())
def test_quantiles_rise_within_their_limits(study):
    found = quantiles(km(*study), [0.1, 0.25, 0.5])
    reached = found["estimate"].dropna()
    assert reached.is_monotonic_increasing
    known = found.dropna()
    assert (known["conf_low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["conf_high"]).all()


@given(studies(), st.integers(0, 10**6))
def test_logrank_sums_and_symmetry(study, seed):
    entry, exit_, end = study
    group = np.random.default_rng(seed).choice(["a", "b", "c"], len(exit_))
    group[-2:] = ["a", "b"]
    try:
        test = logrank(exit_, end != "", group, entry=entry)
    except FitError:
        assert not (end != "").any()
        return
    # all that is expected has happened
    assert np.isclose(test.frame["n_expected"].sum(), test.frame["n_event"].sum())
    assert 0 <= test.p_value <= 1
    named = logrank(exit_, end != "", np.where(group == "a", "z", group), entry=entry)
    assert np.isclose(named.statistic, test.statistic)
    months = logrank(exit_ / 12, end != "", group, entry=entry / 12)
    assert np.isclose(months.statistic, test.statistic)
