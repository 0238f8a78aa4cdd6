"""The restricted mean: R's figures, lifelines' estimate and its wrong variance, and edges."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.kaplan_meier import kaplan_meier
from kamlib.stats.restricted_mean import restricted_mean, restricted_mean_difference


def curves(frame, by, time, event):
    return [kaplan_meier(rows[time], rows[event]) for _, rows in frame.groupby(by)]


# R 4.2.2, survival 3.5-3: summary(survfit(…), rmean = tau), estimate and se(rmean) by group
@pytest.mark.parametrize(
    ("tau", "expected"),
    [
        (365, [(241.495085, 10.358226), (297.465410, 10.791324)]),
        (730, [(311.117766, 19.301719), (434.705208, 27.247595)]),
    ],
)
def test_lung(lung, tau, expected):
    for curve, (mean, error) in zip(curves(lung, "sex", "time", "status"), expected, strict=True):
        row = restricted_mean(curve, tau).iloc[0]
        assert row["estimate"] == pytest.approx(mean, abs=5e-7)
        assert row["std_error"] == pytest.approx(error, abs=5e-7)


@pytest.mark.parametrize(
    ("tau", "expected"),
    [
        (26, [(24.495370, 0.320014), (24.884259, 0.254676)]),
        (52, [(44.833333, 0.917672), (46.875000, 0.793325)]),
    ],
)
def test_rossi(rossi, tau, expected):
    for curve, (mean, error) in zip(curves(rossi, "fin", "week", "arrest"), expected, strict=True):
        row = restricted_mean(curve, tau).iloc[0]
        assert row["estimate"] == pytest.approx(mean, abs=5e-7)
        assert row["std_error"] == pytest.approx(error, abs=5e-7)


def test_rossi_difference(rossi):
    without, aid = curves(rossi, "fin", "week", "arrest")
    row = restricted_mean_difference(aid, without, 52).iloc[0]
    assert row["estimate"] == pytest.approx(2.041667, abs=5e-7)
    assert row["std_error"] == pytest.approx(1.213048, abs=5e-7)
    assert row["conf_low"] == pytest.approx(2.041667 - 1.959964 * 1.213048, abs=1e-5)
    assert set(row.index) | {row["term"]} <= set(glossary.columns())


def test_lifelines_has_the_mean_and_another_variance(rossi):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import KaplanMeierFitter
        from lifelines.utils import restricted_mean_survival_time

        theirs = KaplanMeierFitter().fit(rossi["week"], rossi["arrest"])
        mean, variance = restricted_mean_survival_time(theirs, t=52, return_variance=True)
    row = restricted_mean(kaplan_meier(rossi["week"], rossi["arrest"]), 52).iloc[0]
    # theirs integrates steps by quadrature
    assert row["estimate"] == pytest.approx(mean, rel=1e-4)
    # of one life, and so about n times that of the mean
    assert variance / row["std_error"] ** 2 == pytest.approx(432, rel=0.05)


def test_conditional_by_hand():
    # after 3: of those at 4, 6, 6+ and 8, within 4 units: 1, 3, 4 and 4 would be 3 on average, but
    # the third is censored at 6: S is 1 to 4, 3/4 to 6, 2/4 to 7
    curve = kaplan_meier([1, 2, 4, 6, 6, 8], [1, 0, 1, 1, 0, 1])
    row = restricted_mean(curve, 4, given=3).iloc[0]
    assert row["estimate"] == pytest.approx(1 + 2 * 0.75 + 0.5)
    # areas to the end after 4: 1.5 + 0.5, after 6: 0.5
    variance = 2.0**2 * 1 / (4 * 3) + 0.5**2 * 1 / (3 * 2)
    assert row["std_error"] == pytest.approx(np.sqrt(variance))


def test_starts_between_two_events():
    curve = kaplan_meier([2, 4, 4], [1, 1, 0])
    assert restricted_mean(curve, 1, given=2.5)["estimate"].tolist() == [1.0]


def test_a_curve_with_late_entry_counts_from_its_start():
    curve = kaplan_meier([4, 8, 9], [1, 0, 0], entry=[1, 1, 2], n_risk_min=2)
    row = restricted_mean(curve, 5).iloc[0]
    # from 1 to 6: 3 in full, 2 of two thirds
    assert (row["time"], row["estimate"]) == (1.0, pytest.approx(3 + 2 * 2 / 3))


def test_none_censored_goes_beyond_the_last_time():
    # lives 1 and 3 within 5: nobody is left, so that nothing is extrapolated
    row = restricted_mean(kaplan_meier([1, 3], [1, 1]), 5).iloc[0]
    assert row["estimate"] == 2.0
    assert row["std_error"] == pytest.approx(1 / np.sqrt(2))


def test_no_event_within_the_horizon_has_no_interval():
    row = restricted_mean(kaplan_meier([5, 6], [0, 0]), 4).iloc[0]
    assert row[["estimate", "std_error"]].tolist() == [4.0, 0.0]
    assert np.isnan([row["conf_low"], row["conf_high"]]).all()


def test_limits_stay_within_the_horizon():
    row = restricted_mean(kaplan_meier([1, 9, 9], [1, 0, 0]), 8).iloc[0]
    assert row["conf_high"] == 8.0


@pytest.mark.parametrize(
    ("horizon", "given", "message"),
    [
        (0, None, "the horizon is 0 and must be above zero"),
        (float("nan"), None, "must be above zero"),
        (7, None, "7 lies beyond the last time observed, 6; take a horizon of at most 6"),
        (3, 4, "7 lies beyond the last time observed, 6; take a horizon of at most 2"),
        (1, 8, "nobody is known to be there at 8; the curve runs from 0 to 6"),
        (1, -1, "nobody is known to be there at -1"),
    ],
)
def test_refused(horizon, given, message):
    with pytest.raises(FitError, match=message):
        restricted_mean(kaplan_meier([3, 6], [1, 0]), horizon, given=given)


def test_refused_where_nobody_is_left():
    with pytest.raises(FitError, match="nobody is known to be there at 3"):
        restricted_mean(kaplan_meier([1, 3], [1, 1]), 1, given=3)


def test_difference_of_curves_that_begin_apart():
    late = kaplan_meier([5, 6], [1, 0], entry=[2, 2])
    with pytest.raises(FitError, match="the curves begin at 0 and 2"):
        restricted_mean_difference(kaplan_meier([5, 6], [1, 0]), late, 2)
    row = restricted_mean_difference(kaplan_meier([5, 6], [1, 0]), late, 2, given=3).iloc[0]
    assert row["estimate"] == 0.0


@pytest.mark.slow
def test_intervals_hold_the_truth():
    """Exponential lives of mean 20 within 24 months, censored at random: 20 · (1 − e^−1.2)."""
    rng = np.random.default_rng(5)
    truth = 20 * (1 - np.exp(-1.2))
    hits = 0
    for _ in range(800):
        life, limit = rng.exponential(20, 120), rng.uniform(15, 60, 120)
        curve = kaplan_meier(np.minimum(life, limit), life <= limit)
        row = restricted_mean(curve, 24).iloc[0]
        hits += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.93 <= hits / 800 <= 0.97
