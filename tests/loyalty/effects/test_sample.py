from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.effects.sample import Unfit, sample

ROWS = pd.DataFrame(
    {
        "margin": [3.0, 5.0, 1.0, 2.0],
        "member": [1, 1, 0, 0],
        "size": [1.0, 2.0, 3.0, 4.0],
        "parent": ["a", "a", "b", "c"],
    }
)


def test_what_is_taken():
    found = sample(ROWS, "margin", "member", ["size"], cluster="parent")
    assert (found.n_obs, found.n_treated, found.n_control, found.n_clusters) == (4, 2, 2, 3)
    assert found.cluster.tolist() == [0, 0, 1, 2]
    assert found.covariates.tolist() == [[1.0], [2.0], [3.0], [4.0]]
    assert sample(ROWS, "margin", "member").n_clusters == 4


def test_truth_values_and_numbers_are_the_same():
    true = ROWS.assign(member=ROWS["member"] == 1)
    assert sample(true, "margin", "member").treated.tolist() == [True, True, False, False]


def test_a_logarithm_is_taken_of_amounts_above_zero_only():
    logs = sample(ROWS, "margin", "member", scale="log").outcome
    assert logs == pytest.approx(np.log([3.0, 5.0, 1.0, 2.0]))
    with pytest.raises(Unfit, match="1 of 4 accounts have zero or less"):
        sample(ROWS.assign(margin=[3.0, 0.0, 1.0, 2.0]), "margin", "member", scale="log")


def test_all_faults_are_told_at_once():
    bad = ROWS.assign(margin=[3.0, np.nan, 1.0, np.inf], member=[1, 2, 0, 0],
                      parent=["a", None, "b", "c"])  # fmt: skip
    with pytest.raises(FitError) as raised:
        sample(bad, "margin", "member", ["size"], cluster="parent")
    told = raised.value.faults
    assert len(told) == 3
    assert "2 of 4 whose margin is no number" in told[0]
    assert "1 of 4 whose member is neither 0 nor 1" in told[1]
    assert "1 of 4 whose parent is missing" in told[2]


def test_words_are_no_covariate():
    with pytest.raises(FitError, match="4 of 4 whose parent is no number"):
        sample(ROWS, "margin", "member", ["parent"])


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(FitError, match="no column 'margins' – did you mean 'margin'"):
        sample(ROWS, "margins", "member")


@pytest.mark.parametrize(("value", "words"), [(0, "None of 4"), (1, "All of 4")])
def test_one_arm_alone_shows_nothing(value, words):
    with pytest.raises(Unfit, match=words):
        sample(ROWS.assign(member=value), "margin", "member")


def test_no_row_is_refused():
    with pytest.raises(FitError, match="there is no row"):
        sample(ROWS.iloc[:0], "margin", "member")


def test_a_share_is_0_or_1():
    with pytest.raises(FitError, match="neither 0 nor 1"):
        sample(ROWS, "margin", "member", scale="share")


def test_rows_are_taken_repeatedly_and_keep_both_arms():
    found = sample(ROWS, "margin", "member", ["size"], cluster="parent")
    again = found.rows(np.array([0, 0, 3]))
    assert again.outcome.tolist() == [3.0, 3.0, 2.0]
    assert again.cluster.tolist() == [0, 0, 2]
    with pytest.raises(Unfit, match="All of 2"):
        found.rows(np.array([0, 1]))
