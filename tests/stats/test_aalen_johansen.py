"""Cumulative incidence: R's figures, an infinitesimal jackknife, ties, and edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.kaplan_meier import at_times

TIMES = [12, 60, 120, 240, 360]


@pytest.fixture(scope="session")
def mgus(survival_folder):
    rows = pd.read_csv(survival_folder / "mgus2_cr.csv")
    return rows.assign(event=rows["event"].where(rows["event"] != "censor", ""))


def read(frame, kind, times, column="estimate"):
    return at_times(frame[frame["event_type"] == kind], times)[column].tolist()


# R 4.2.2, survival 3.5-3: survfit(Surv(etime, event) ~ 1)
def test_mgus(mgus):
    frame = aalen_johansen(mgus["etime"], mgus["event"])
    pcm = [0.009401, 0.034104, 0.063722, 0.099814, 0.134042]
    death = [0.122185, 0.320367, 0.531818, 0.724028, 0.784208]
    assert read(frame, "pcm", TIMES) == pytest.approx(pcm, abs=5e-7)
    assert read(frame, "death", TIMES) == pytest.approx(death, abs=5e-7)
    error = [0.004889, 0.006797, 0.009785]
    assert read(frame, "pcm", [60, 120, 240], "std_error") == pytest.approx(error, abs=5e-7)


def test_mgus_naive_is_three_times_too_high(mgus):
    frame = aalen_johansen(mgus["etime"], mgus["event"])
    naive = [0.042154, 0.095222, 0.209562, 0.424837]
    assert read(frame, "pcm", [60, 120, 240, 360], "naive") == pytest.approx(naive, abs=5e-7)


@pytest.mark.parametrize(
    ("sex", "expected"),
    [("F", [0.039790, 0.073886, 0.104941]), ("M", [0.029346, 0.055310, 0.095651])],
)
def test_mgus_by_sex(mgus, sex, expected):
    rows = mgus[mgus["sex"] == sex]
    frame = aalen_johansen(rows["etime"], rows["event"])
    assert read(frame, "pcm", [60, 120, 240]) == pytest.approx(expected, abs=5e-7)


def jackknife(exit_, end, entry, kind, time):
    """Return the infinitesimal jackknife error: how the share moves with the weight of each row."""

    def share(weight):
        left, total = 1.0, 0.0
        for t in np.unique(exit_[exit_ <= time]):
            at_risk = weight[(entry < t) & (exit_ >= t)].sum()
            here = (exit_ == t) & (end != "")
            total += left * weight[here & (end == kind)].sum() / at_risk
            left *= 1 - weight[here].sum() / at_risk
        return total

    step = 1e-5
    each = np.eye(len(exit_)) * step
    moved = [(share(1 + row) - share(1 - row)) / (2 * step) for row in each]
    return np.sqrt(np.square(moved).sum())


def sample(late, n=60, seed=8):
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 5, n) * late
    exit_ = entry + rng.integers(1, 8, n)
    return exit_, rng.choice(np.array(["", "price", "service"], dtype=object), n), entry


@pytest.mark.parametrize("time", [3, 5, 7])
def test_errors_are_those_of_the_jackknife(time):
    """R's errors for several states are the jackknife's; with many ties they are the same as ours."""
    exit_, end, entry = sample(late=False)
    frame = aalen_johansen(exit_, end)
    for kind in ("price", "service"):
        expected = jackknife(exit_, end, entry, kind, time)
        assert read(frame, kind, [time], "std_error")[0] == pytest.approx(expected, rel=1e-6)


def test_errors_with_late_entry_differ_by_sampling_only():
    """Each moment is independent of the others given those at risk; the jackknife estimates that too."""
    ratios = []
    for seed in range(8):
        exit_, end, entry = sample(late=True, n=100, seed=seed)
        frame = aalen_johansen(exit_, end, entry=entry)
        ours = read(frame, "price", [7], "std_error")[0]
        ratios.append(ours / jackknife(exit_, end, entry, "price", 7))
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    assert np.abs(np.array(ratios) - 1).max() < 0.2


def test_ties_are_kept_and_no_random_numbers_drawn():
    # of 4 at time 1: one of each kind, one censored; then 1 of the 1 left
    before = np.random.get_state()[1].copy()
    frame = aalen_johansen([1, 1, 1, 2], ["price", "service", "", "price"])
    assert read(frame, "price", [1, 2]) == [0.25, 0.75]
    assert read(frame, "service", [1, 2]) == [0.25, 0.25]
    assert (np.random.get_state()[1] == before).all()
    assert frame.query("time == 1")[["n_risk", "n_event", "n_censor"]].to_numpy().tolist() == (
        [[4, 1, 1], [4, 1, 1]]
    )


def test_weights_are_as_many_rows():
    many = aalen_johansen([1, 1, 2, 3, 3], ["a", "a", "", "b", "b"])
    few = aalen_johansen([1, 2, 3], ["a", "", "b"], weight=[2, 1, 2])
    pd.testing.assert_frame_equal(few, many)


def test_missing_none_and_empty_are_censored():
    frame = aalen_johansen([1, 2, 3, 4], ["a", None, np.nan, ""])
    assert frame["n_censor"].tolist() == [0, 0, 1, 1, 1]
    categories = pd.Categorical(["a", None, "a"], categories=["a", "b"])
    assert read(aalen_johansen([1, 2, 3], categories), "a", [1])[0] == pytest.approx(1 / 3)


def test_kinds_in_the_order_asked_for_also_where_none_occurred():
    frame = aalen_johansen([1, 2], ["b", ""], kinds=["c", "b"])
    assert frame["event_type"].tolist() == ["c", "b"] * 3
    assert read(frame, "c", [2]) == [0.0]
    assert frame.query("event_type == 'c'")["conf_low"].isna().all()


def test_all_censored():
    with pytest.raises(FitError, match="no event has occurred, and no kinds of events are named"):
        aalen_johansen([1, 2], ["", ""])
    frame = aalen_johansen([1, 2], ["", ""], kinds=["price"])
    assert frame["estimate"].tolist() == [0.0, 0.0, 0.0]
    assert frame["event_free"].tolist() == [1.0, 1.0, 1.0]


def test_none_censored_stays_after_the_last():
    frame = aalen_johansen([1, 2], ["a", "b"])
    assert read(frame, "a", [99]) == [0.5]
    assert np.isnan(read(aalen_johansen([1, 2], ["a", ""]), "a", [99])).all()


def test_one_row_and_empty():
    assert aalen_johansen([3], ["a"])["estimate"].tolist() == [0.0, 1.0]
    with pytest.raises(FitError, match="there is no row"):
        aalen_johansen([], [], kinds=["a"])


def test_misspelt_kinds_and_bad_spells():
    with pytest.raises(FitError) as caught:
        aalen_johansen([1, 2], ["prise", "insolvent"], kinds=["price", "service"])
    assert caught.value.faults == (
        "incidence: the kind of event 'insolvent' is not among those named",
        "incidence: the kind of event 'prise' is not among those named – did you mean 'price'?",
    )
    with pytest.raises(FitError, match="whose entry is not before the exit \\(row 1"):
        aalen_johansen([1, 2], ["a", "a"], entry=[0, 2])


def test_limits_stay_within_0_and_1_and_the_columns_are_known(mgus):
    frame = aalen_johansen(mgus["etime"], mgus["event"], conf_level=0.99)
    known = frame.dropna()
    assert known[["conf_low", "conf_high"]].stack().between(0, 1).all()
    assert (known["conf_low"] < known["estimate"]).all()
    assert (known["estimate"] < known["conf_high"]).all()
    assert {*frame.columns, *frame["term"]} <= set(glossary.columns())


@pytest.mark.slow
def test_intervals_hold_the_truth_and_the_naive_curve_misses():
    """Rates 0.03 to a competitor and 0.02 to insolvency: 0.6 · (1 − e^−1.2) have gone by month 24."""
    rng = np.random.default_rng(6)
    truth = 0.6 * (1 - np.exp(-1.2))
    hits, naive = 0, []
    for _ in range(600):
        life, limit, entry = (
            rng.exponential(20, 300),
            rng.uniform(10, 60, 300),
            rng.uniform(0, 6, 300),
        )
        # a third is there from the beginning
        entry[:100] = 0
        seen = np.minimum(life, limit) > entry
        end = np.where(life > limit, "", np.where(rng.random(300) < 0.6, "price", "insolvent"))[
            seen
        ]
        frame = aalen_johansen(np.minimum(life, limit)[seen], end, entry=entry[seen])
        row = at_times(frame[frame["event_type"] == "price"], [24]).iloc[0]
        hits += row["conf_low"] <= truth <= row["conf_high"]
        naive.append(row["naive"])
    assert 0.93 <= hits / 600 <= 0.97
    assert np.mean(naive) > truth + 0.05
