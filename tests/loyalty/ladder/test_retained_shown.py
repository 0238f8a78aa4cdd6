"""The share still there and the rate of leaving, by hand and against lifelines."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.e_value import e_value, ratio_of_hazards
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.ladder.retained_rows import Stays, at_landmark
from kamlib.loyalty.ladder.retained_shown import hazard, hidden_ratio, share_retained


def drawn(n=200, seed=3):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"unit": range(n), "size": rng.normal(size=n),
                         "start": np.ceil(rng.exponential(15, n)),
                         "left": 12 + np.ceil(rng.exponential(20, n))})  # fmt: skip
    rows.loc[rows["start"] >= rows["left"], "start"] = np.nan
    return Stays(rows, 48.0, 12.0, ("size",))


def shown(stays):
    sample, _ = at_landmark(stays)
    return sample, hazard(stays, sample)


def test_the_share_by_hand():
    # of 10 members 6 are still there in month 36, of 10 others 3
    rows = {"unit": range(20), "start": [1.0] * 10 + [np.nan] * 10,
            "left": [20.0] * 4 + [np.nan] * 6 + [36.0] * 7 + [37.0] * 3}  # fmt: skip
    stays = Stays(pd.DataFrame(rows), 36, 12)
    sample, _ = at_landmark(stays)
    found = share_retained(stays, sample, difference_in_means, rng=np.random.default_rng(0))
    row = found.frame.iloc[0]
    assert row["estimate"] == pytest.approx(0.3)
    # Welch over n − 1: √((.6 · .4 + .3 · .7) ÷ 9)
    assert row["std_error"] == pytest.approx(np.sqrt(0.45 / 9))
    assert (found["share_treated"], found["share_control"]) == (0.6, pytest.approx(0.3))
    assert "Of every 100 members 60.0 were still there 24 months later" in str(found.note)


def test_an_account_is_outside_until_it_joins():
    rows = {
        "unit": range(24),
        "left": [30.0, 30.0] + [np.nan] * 22,
        "start": [20.0] + [np.nan] * 23,
    }
    rows["start"][2:10], rows["start"][10:13] = [1.0] * 8, [40.0] * 3
    stays = Stays(pd.DataFrame(rows), 48.0, 12.0)
    _, found = shown(stays)
    # at month 30: nine members of whom one leaves, and 15 others of whom one leaves. With Efron's ties
    # the slope is nought where 1 = 9 r ÷ (9 r + 15) + 8.5 r ÷ (8.5 r + 14.5), so 76.5 r² = 217.5
    row = found.frame.iloc[0]
    assert row["estimate"] == pytest.approx(np.sqrt(217.5 / 76.5), rel=1e-6)
    assert (row["n_treated"], row["n_obs"], row["n_event"]) == (12, 24, 2)


def test_lifelines_finds_the_same():
    from lifelines import CoxTimeVaryingFitter

    stays = drawn()
    sample, found = shown(stays)
    rows = []
    for k in np.flatnonzero(stays.there):
        end, joined = min(stays.left[k], 48.0), stays.joined[k]
        cuts = [12.0, *([joined] if 12 < joined < end else []), end]
        size = stays.accounts["size"].iloc[k]
        rows += [(k, a, b, float(joined <= a), size, b == end and stays.left[k] <= 48)
                 for a, b in pairwise(cuts)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["id", "start", "stop", "member", "size", "event"])
    assert len(frame) > sample.n_obs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CoxTimeVaryingFitter().fit(frame, id_col="id", event_col="event")
    assert np.log(found.frame["estimate"].iloc[0]) == pytest.approx(
        theirs.params_["member"], abs=1e-6
    )
    # errors that allow for a wrong model are near those of a right one
    half = np.log(found.frame["conf_high"] / found.frame["conf_low"]).iloc[0] / 2
    assert half / 1.96 == pytest.approx(theirs.standard_errors_["member"], rel=0.1)


def test_the_e_value_is_that_of_a_common_outcome_or_of_a_rare_one():
    stays = drawn()
    _, found = shown(stays)
    ratio = float(found.frame["estimate"].iloc[0])
    assert found.frame["n_event"].iloc[0] > 0.15 * found.frame["n_obs"].iloc[0]
    assert hidden_ratio(found).frame["e_value"].iloc[0] == pytest.approx(
        e_value(ratio_of_hazards(ratio))
    )
    found.frame["n_event"] = 10
    assert hidden_ratio(found).frame["e_value"].iloc[0] == pytest.approx(e_value(ratio))


def test_no_member_left():
    rows = {"unit": range(20), "start": [1.0] * 10 + [np.nan] * 10,
            "left": [np.nan] * 10 + [20.0] * 10}  # fmt: skip
    _, found = shown(Stays(pd.DataFrame(rows), 36, 12))
    assert found.refused
    assert "lie on one side" in str(found.note)
    assert hidden_ratio(found).refused
