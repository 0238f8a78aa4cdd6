"""The Kaplan–Meier curve: R's figures, lifelines', by hand, and at its edges."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.kaplan_meier import at_risk_table, at_times, kaplan_meier, quantiles

# R 4.2.2, survival 3.5-3: survfit(Surv(week, arrest) ~ 1, conf.type = "log-log")
ROSSI = {
    "estimate": [0.965278, 0.907407, 0.861111, 0.803241, 0.736111],
    "conf_low": [0.943065, 0.875922, 0.824787, 0.762528, 0.691860],
    "conf_high": [0.978921, 0.931217, 0.890408, 0.837725, 0.775063],
}


def read(curve, times, column="estimate"):
    return at_times(curve, times)[column].tolist()


def test_rossi(rossi):
    curve = kaplan_meier(rossi["week"], rossi["arrest"])
    for column, expected in ROSSI.items():
        assert read(curve, [10, 20, 30, 40, 52], column) == pytest.approx(expected, abs=5e-7)


def test_heart_with_late_entry(survival_folder):
    rows = pd.read_csv(survival_folder / "heart.csv").groupby("id").tail(1)
    curve = kaplan_meier(rows["stop"], rows["event"], entry=rows["start"])
    expected = [0.622549, 0.444755, 0.308399, 0.217875, 0.139899]
    assert read(curve, [16, 50, 100, 320, 995]) == pytest.approx(expected, abs=5e-7)


@pytest.fixture(scope="session")
def women(survival_folder):
    rows = pd.read_csv(survival_folder / "mgus2_lt.csv").query("sex == 'F'")
    return rows["aexit"], rows["death"], rows["aentry"]


def test_attained_age_with_and_without_entry(women):
    exit_, death, entry = women
    ages = [60, 70, 80, 90]
    right = [0.352775, 0.239392, 0.137861, 0.038228]
    assert read(kaplan_meier(exit_, death, entry=entry), ages) == pytest.approx(right, abs=5e-7)
    # who died before the records began is not seen: ignoring entry, nine times as many live to 70
    wrong = [0.977575, 0.910205, 0.717075, 0.300230]
    assert read(kaplan_meier(exit_, death), ages) == pytest.approx(wrong, abs=5e-7)


def test_tiny_early_risk_sets_are_left_out(women):
    exit_, death, entry = women
    curve = kaplan_meier(exit_, death, entry=entry, n_risk_min=30)
    assert curve.loc[0, ["time", "n_risk", "estimate"]].tolist() == [51.0, 30, 1.0]
    # the same accounts, given that they got to 51: quotients of the curve that began too early
    whole = kaplan_meier(exit_, death, entry=entry)
    ages = [60, 70, 80, 90]
    expected = np.array(read(whole, ages)) / read(whole, [51])[0]
    assert read(curve, ages) == pytest.approx(expected, abs=1e-12)
    assert read(curve, [60]) == pytest.approx([0.832948], abs=5e-7)


@pytest.mark.parametrize("late", [False, True])
def test_lifelines_agrees(late):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import KaplanMeierFitter
        from lifelines.utils import median_survival_times
    rng = np.random.default_rng(4)
    entry = np.where(rng.random(400) < 0.5, 0, rng.integers(0, 12, 400)) * late
    exit_ = entry + rng.integers(1, 30, 400)
    event = rng.random(400) < 0.6
    curve = kaplan_meier(exit_, event, entry=entry, conf_level=0.9)
    theirs = KaplanMeierFitter(alpha=0.1).fit(exit_, event, entry=entry if late else None)
    shown = curve.iloc[1:]
    limits = theirs.confidence_interval_.loc[shown["time"]]
    inside = shown["conf_low"].notna().to_numpy()
    np.testing.assert_allclose(
        shown["estimate"], theirs.survival_function_.loc[shown["time"]].iloc[:, 0], atol=1e-12
    )
    np.testing.assert_allclose(shown["conf_low"][inside], limits.iloc[inside, 0], atol=1e-12)
    np.testing.assert_allclose(shown["conf_high"][inside], limits.iloc[inside, 1], atol=1e-12)
    table = theirs.event_table.loc[shown["time"]]
    # theirs counts who enters at the time as at risk at it; their curve does not
    came = table["entrance"] if late else 0
    assert shown["n_risk"].tolist() == (table["at_risk"] - came).tolist()
    assert shown["n_event"].tolist() == table["observed"].tolist()
    median = quantiles(curve).iloc[0]
    assert median["estimate"] == theirs.median_survival_time_
    assert [median["conf_low"], median["conf_high"]] == (
        median_survival_times(theirs.confidence_interval_).iloc[0].tolist()
    )


def test_errors_are_greenwoods_and_binomial_without_censoring():
    curve = kaplan_meier([1, 2, 3, 4, 5], [1] * 5)
    share = np.array([0.8, 0.6, 0.4, 0.2])
    assert curve["std_error"].tolist()[1:5] == pytest.approx(np.sqrt(share * (1 - share) / 5))


def test_weights_are_as_many_rows():
    many = kaplan_meier([1, 1, 1, 4, 4, 6], [1, 1, 1, 0, 0, 1])
    pd.testing.assert_frame_equal(
        kaplan_meier([1, 4, 6], [1, 0, 1], weight=[3, 2, 1]), many, check_exact=False
    )


def test_account_months_give_the_curve_of_whole_spells():
    whole = kaplan_meier([3, 2, 3], [1, 0, 0])
    months = kaplan_meier([1, 2, 3, 1, 2, 1, 2, 3], [0, 0, 1, 0, 0, 0, 0, 0],
                          entry=[0, 1, 2, 0, 1, 0, 1, 2])  # fmt: skip
    read_at = [1, 2, 3]
    shown = ["estimate", "std_error", "conf_low", "conf_high"]
    assert at_times(months, read_at)[shown].equals(at_times(whole, read_at)[shown])
    assert at_risk_table([1, 2, 3], [0, 0, 1], [3], entry=[0, 1, 2])["n_risk"].tolist() == [1]


def test_at_risk_table_counts_before_the_time():
    # (0, 3] event, (0, 5] event, (0, 5] censored, (2, 8] event
    table = at_risk_table([3, 5, 5, 8], [1, 1, 0, 1], [0, 2, 3, 5, 6, 8, 9], entry=[0, 0, 0, 2])
    # at 2 the fourth has not yet come; at 3 and at 5 those who end there still count; at 9 nobody does
    assert table["n_risk"].tolist() == [3, 3, 4, 3, 1, 1, 0]
    assert table["n_event"].tolist() == [0, 0, 1, 1, 0, 1, 0]
    assert table["n_censor"].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_at_risk_table_of_rossi(rossi):
    table = at_risk_table(rossi["week"], rossi["arrest"], [0, 10, 52])
    # R: summary(survfit(…), times = c(0, 10, 52)); 14 of 432 left before week 10, one in it
    expected = [rossi["week"].ge(week).sum() for week in (0, 10, 52)]
    assert table["n_risk"].tolist() == expected == [432, 418, 322]
    assert table["n_event"].sum() == 114
    assert table["n_censor"].tolist() == [0, 0, 318]


def test_all_censored():
    curve = kaplan_meier([2, 3], [0, 0])
    assert curve["estimate"].tolist() == [1.0, 1.0, 1.0]
    assert curve["conf_low"].isna().all()
    assert quantiles(curve)[["estimate", "conf_low", "conf_high"]].isna().all(axis=None)


def test_none_censored_ends_at_zero_without_an_interval():
    curve = kaplan_meier([1, 2], [1, 1])
    last = curve.iloc[-1]
    assert last["estimate"] == 0.0
    assert np.isnan([last["std_error"], last["conf_low"], last["conf_high"]]).all()
    # and stays there, while a censored curve is unknown after its end
    assert read(curve, [0, 2, 99]) == [1.0, 0.0, 0.0]
    assert np.isnan(read(kaplan_meier([1, 2], [1, 0]), [99, -1])).all()


def test_all_tied():
    curve = kaplan_meier([4, 4, 4, 4], [1, 1, 0, 0])
    assert curve["time"].tolist() == [0.0, 4.0]
    assert curve.loc[1, ["n_risk", "n_event", "n_censor", "estimate"]].tolist() == [4, 2, 2, 0.5]


def test_one_row():
    assert kaplan_meier([5], [0])["estimate"].tolist() == [1.0, 1.0]
    assert kaplan_meier([5], [1])["estimate"].tolist() == [1.0, 0.0]


def test_quantiles_at_a_flat_half_and_rounding():
    # after 2 exactly half remain: the median is the first time at which no more than half does
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1])
    assert quantiles(curve, [0.25, 0.5, 1.0])["estimate"].tolist() == [1.0, 2.0, 4.0]
    # 3/4 · 2/3 is a bit more than a half in binary numbers
    assert quantiles(kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0]))["estimate"].tolist() == [2.0]


def test_given_later_start(rossi):
    later = kaplan_meier(rossi["week"], rossi["arrest"], start=20)
    whole = kaplan_meier(rossi["week"], rossi["arrest"])
    assert later.loc[0, ["time", "estimate"]].tolist() == [20.0, 1.0]
    # who has the event in week 20 is past: 392 had none until then
    assert later.loc[0, "n_risk"] == 392
    assert read(later, [52])[0] == pytest.approx(read(whole, [52])[0] / read(whole, [20])[0])


def test_competing_events_must_not_be_taken_for_the_event():
    with pytest.raises(FitError, match="whose event is not a whole number from 0 to 1"):
        kaplan_meier([1, 2, 3], [0, 1, 2])


def test_columns_are_in_the_glossary(rossi):
    curve = kaplan_meier(rossi["week"], rossi["arrest"])
    frames = [curve, quantiles(curve), at_times(curve, [3]), at_risk_table([1], [1], [0])]
    names = {name for frame in frames for name in frame} | {"remaining", "time_gone"}
    assert names <= set(glossary.columns())


@pytest.mark.slow
def test_intervals_hold_the_truth_with_late_entry():
    """Exponential lives of mean 20, seen from a random month on: S(24) = exp(−1.2) = 0.3012."""
    rng = np.random.default_rng(11)
    hits, naive = 0, []
    for _ in range(600):
        life, entry = rng.exponential(20, 500), rng.uniform(0, 12, 500)
        seen = life > entry
        end = np.minimum(life, entry + 24)[seen]
        event = (life <= entry + 24)[seen]
        curve = kaplan_meier(end, event, entry=entry[seen], n_risk_min=10)
        row = at_times(curve, [24]).iloc[0]
        # of those who got to the curve's start; lives are without memory
        hits += row["conf_low"] <= np.exp(-(24 - curve["time"].iloc[0]) / 20) <= row["conf_high"]
        naive.append(read(kaplan_meier(end, event), [24])[0])
    assert 0.93 <= hits / 600 <= 0.97
    assert np.mean(naive) > np.exp(-1.2) + 0.05
