"""Paths of covariates: what is refused, and which time the model can speak of."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_paths import alive, paths, stretches


@pytest.fixture(scope="module")
def base():
    # strata: key with events at 2 and 4, other with one at 3; silent without
    data = cox_data(
        np.array([[0.0], [1.0], [0.0], [1.0], [0.5], [0.3]]), [2, 4, 6, 3, 8, 5],
        [1, 1, 0, 1, 0, 0], names=["x"], strata=["key", "key", "key", "other", "other", "silent"],
    )  # fmt: skip
    return fit_cox(data, penalty=1.0).baseline


def test_one_row_is_one_path_at_all_times(base):
    who = paths(base, [[1.0], [2.0]], strata=["key", "silent"])
    assert who.labels == (0, 1)
    assert who.stratum.tolist() == [0, -1]
    ratio = np.exp((1.0 - base.centre[0, 0]) * base.coefficients[0])
    assert who.ratio[0] == pytest.approx(ratio)


def test_stretches_hold_the_moments_after_and_until(base):
    who = paths(base, np.zeros((3, 1)), path=["a", "a", "b"], start=[0, 4, 0], stop=[4, 9, 9],
                strata=["key", "other", "other"])  # fmt: skip
    found = stretches(base, who, np.array([2.0, 0.0]), np.array([6.0, 3.0]))
    # of a: key's event at 4, and none of other's after it; of b: other's event at 3
    assert (found.high - found.low).tolist() == [1, 0, 1]
    assert base.time[found.low[[0, 2]]].tolist() == [4, 3]
    assert found.known.tolist() == [True, True]


@pytest.mark.parametrize(
    ("until", "rows", "known"),
    [
        (6.0, {"start": [0], "stop": [9], "strata": ["key"]}, True),
        (6.5, {"start": [0], "stop": [9], "strata": ["key"]}, False),  # nobody was seen so long
        (5.0, {"start": [0], "stop": [4], "strata": ["key"]}, False),  # the path ends before
        (5.0, {"start": [2], "stop": [9], "strata": ["key"]}, False),  # it begins after 1
        (0.5, {"start": [2], "stop": [9], "strata": ["key"]}, True),  # nothing is asked
        (4.0, {"start": [0], "stop": [9], "strata": ["silent"]}, False),
        (4.0, {"start": [0], "stop": [9], "strata": ["never heard of"]}, False),
    ],
)
def test_known_only_where_the_model_speaks(base, until, rows, known):
    found = stretches(base, paths(base, [[0.0]], **rows), np.array([1.0]), np.array([until]))
    assert found.known.tolist() == [known]


def test_time_without_begin_is_known(base):
    who = paths(base, [[0.0]], strata=["key"])
    found = stretches(base, who, alive(who, None), np.array([5.0]))
    assert found.known.tolist() == [True]
    assert (found.high - found.low).tolist() == [2]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"covariates": [[1.0, 2.0]], "strata": ["key"]}, "2 columns; the model has x"),
        ({}, "3; give one label per row"),
        ({"strata": ["key", "key"]}, "strata: .* for 1 rows"),
        ({"covariates": [[np.nan]], "strata": ["key"]}, "missing or infinite"),
        ({"start": [3], "stop": [3], "strata": ["key"]}, "not before stop"),
        (
            {"covariates": [[0.0], [0.0]], "path": [1, 1], "start": [0, 3], "stop": [4, 5],
             "strata": ["key", "key"]},
            "begin before the row before",
        ),
    ],
)  # fmt: skip
def test_faults(base, more, words):
    with pytest.raises(FitError, match=words):
        paths(base, **({"covariates": [[0.0]]} | more))


def test_strata_that_the_model_lacks():
    plain = fit_cox(cox_data(np.empty((2, 0)), [1, 2], [1, 0], names=[])).baseline
    with pytest.raises(FitError, match="the model has none"):
        paths(plain, np.empty((1, 0)), strata=["a"])


def test_when_they_are_alive(base):
    who = paths(base, [[0.0], [0.0]], start=[1, 2], stop=[9, 9], strata=["key", "key"])
    assert alive(who, None).tolist() == [1, 2]
    assert alive(who, 3).tolist() == [3, 3]
    for wrong in ([1, 2, 3], np.nan, [1, np.inf]):
        with pytest.raises(FitError, match="alive_at"):
            alive(who, wrong)
