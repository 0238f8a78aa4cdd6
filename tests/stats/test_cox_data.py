"""Rows of time at risk: what is refused, and with which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.stats.cox_data import cox_data

X = [[1.0], [2.0], [3.0]]


def test_defaults():
    data = cox_data(X, [1, 2, 3], [1, 0, True], names=["x"])
    assert data.n_obs == 3
    assert data.event.tolist() == [True, False, True]
    assert np.isneginf(data.entry).all()
    assert data.strata == ("",)
    assert data.weight is None


def test_all_faults_are_told_at_once():
    with pytest.raises(FitError) as told:
        cox_data(
            X, [1, np.nan, 3], [1, 2, 0], names=["x"], entry=[1, 0, 0], weight=[1, -1, np.nan],
            offset=[0, np.inf, 0], strata=["a", None, "b"],
        )  # fmt: skip
    assert len(told.value.faults) == 7
    assert "1 of 3 whose entry is not before the exit (row 0" in str(told.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"names": ["x", "y"]}, "shape"),
        ({"entry": [0, 0]}, "one value per row"),
        ({"strata": ["a", "b"]}, "2 strata for 3 rows"),
    ],
)
def test_shapes(more, words):
    with pytest.raises(FitError, match=words):
        cox_data(X, [1, 2, 3], [1, 0, 1], **({"names": ["x"]} | more))


def test_names_stand_once():
    with pytest.raises(FitError, match="twice"):
        cox_data(np.ones((3, 2)), [1, 2, 3], [1, 0, 1], names=["x", "x"])


def test_no_row_is_refused():
    with pytest.raises(FitError, match="no row"):
        cox_data(np.empty((0, 1)), [], [], names=["x"])


def test_frames_and_series_are_taken_in_their_order():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "t": [3, 4, 5], "e": [1, 0, 1]}, index=[9, 5, 7])
    data = cox_data(frame[["x"]], frame["t"], frame["e"], names=["x"], strata=["b", "a", "b"])
    assert data.exit.tolist() == [3, 4, 5]
    assert data.strata == ("a", "b")
    assert data.stratum.tolist() == [1, 0, 1]


def test_only_some_covariates_in_another_order():
    data = cox_data([[1.0, 2.0, 3.0]], [1], [1], names=["a", "b", "c"])
    assert data.only(["a", "b", "c"]) is data
    fewer = data.only(["c", "a"])
    assert fewer.names == ("c", "a")
    assert fewer.covariates.tolist() == [[3.0, 1.0]]
