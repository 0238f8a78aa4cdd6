"""Errors that hold all their faults."""

import pytest

from kamlib.errors import (
    BookError,
    FitError,
    KamError,
    Locked,
    ParamError,
    RunError,
    nearest,
)


def test_an_error_says_all_its_faults_one_per_line():
    error = BookError("first fault", "second fault")
    assert error.faults == ("first fault", "second fault")
    assert str(error) == "first fault\nsecond fault"
    assert BookError().faults == ()


@pytest.mark.parametrize("kind", [ParamError, BookError, FitError, RunError, Locked])
def test_one_tree(kind):
    assert issubclass(kind, KamError)
    assert issubclass(Locked, RunError)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("langauge", " – did you mean 'language'?"),
        ("as of", " – did you mean 'as_of'?"),
        ("language", " – did you mean 'language'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name(name, hint):
    assert nearest(name, iter(["language", "as_of"])) == hint


def test_nothing_is_near_where_nothing_is_known():
    assert nearest("language", []) == ""
