"""What is known at a horizon, and the weights of those who are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.errors import FitError
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.censoring import chances, follow_up, known_by
from kamlib.stats.kaplan_meier import at_times


def accounts(seed, n=40, last=12):
    rng = np.random.default_rng(seed)
    return rng.integers(1, last + 1, n), rng.choice([0, 1, 2], n)


@given(st.integers(0, 300), st.integers(1, 10))
def test_weights_sum_to_n_and_give_the_incidence(seed, horizon):
    exit_, event = accounts(seed)
    exit_[0], event[0] = 12, 0  # follow-up goes to 12
    outcome, weight = known_by(follow_up(exit_, event), horizon)
    assert weight.sum() == pytest.approx(40)
    names = np.array(["", "churn", "other"], dtype=object)[event]
    frame = aalen_johansen(exit_, names, kinds=["churn", "other"])
    expected = at_times(frame[frame["event_type"] == "churn"], [horizon])["estimate"].iloc[0]
    assert np.mean(weight * outcome) == pytest.approx(expected)


def test_events_come_before_censoring_at_the_same_time():
    # of 4 at time 1 one has the event: of the 3 others one is censored, so that G falls to 2/3
    seen = follow_up([1, 1, 2, 3], [1, 0, 1, 0])
    assert seen.share[0] == pytest.approx(2 / 3)
    # the event at 1 is read before that, the one at 2 after it
    assert seen.uncensored.tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert seen.lasts([1, 1.5, 2]).tolist() == pytest.approx([1, 2 / 3, 2 / 3])


def test_without_censoring_all_count_once():
    outcome, weight = known_by(follow_up([1, 2, 3], [1, 2, 1]), 2)
    assert outcome.tolist() == [1.0, 0.0, 0.0]
    assert weight.tolist() == [1.0, 1.0, 1.0]


def test_a_window_that_ends_for_all_at_the_horizon():
    # everybody is followed 12 months: those without the event were there through the twelfth
    outcome, weight = known_by(follow_up([5, 12, 12, 12], [1, 0, 0, 1]), 12)
    assert outcome.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert weight.tolist() == [1.0] * 4


def test_other_ends_are_known_not_to_be_the_event():
    outcome, weight = known_by(follow_up([2, 4, 6], [2, 0, 1]), 5)
    assert outcome.tolist() == [0.0, 0.0, 0.0]
    # the second is censored before 5: the third stands for both
    assert weight.tolist() == [1.0, 0.0, 2.0]


@pytest.mark.parametrize("horizon", [0, -1, 9, float("nan")])
def test_horizons_that_cannot_be_judged(horizon):
    with pytest.raises(FitError, match="must be above 0 and at most 8, the longest"):
        known_by(follow_up([3, 8], [1, 0]), horizon)


def test_beyond_the_last_event_all_is_known():
    assert known_by(follow_up([3, 8], [1, 1]), 20)[0].tolist() == [1.0, 1.0]


def test_chances_outside_0_to_1_or_of_another_shape():
    with pytest.raises(
        FitError, match="2 of 3 accounts have one outside 0 to 1; the first is row 1"
    ):
        chances([0.5, 1.2, np.nan], 3, np.array([1.0]))
    with pytest.raises(FitError, match=r"expected one per account, \(3,\), or .* \(3, 2\)"):
        chances([[0.5], [0.1]], 3, np.array([1.0, 2.0]))
    assert chances([0.1, 0.2], 2, np.array([1.0, 2.0])).shape == (2, 2)


def test_empty():
    with pytest.raises(FitError, match="there is no row"):
        follow_up([], [])
