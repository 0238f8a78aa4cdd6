"""Same seed, same book; the size is a factor; wrong arguments are named all at once."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

import kamlib.book.simulate as package
from kamlib.book.simulate import DEMO_UNITS, simulate
from kamlib.errors import ParamError


def test_the_same_seed_gives_identical_frames(small):
    again = simulate(small.unit, size=small.truth["size"])
    assert small.tables.keys() == again.tables.keys()
    for name, frame in small.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name], obj=name)
    assert small.truth == again.truth
    pd.testing.assert_frame_equal(small.account_truth, again.account_truth)


def test_another_seed_gives_another_book(small):
    other = simulate(small.unit, seed=small.truth["seed"] + 1, size=small.truth["size"])
    for name in set(small.tables) - {"standards", "survey_items"}:
        assert not small.tables[name].equals(other.tables[name]), name


def test_none_means_the_units_own_seed(small):
    named = simulate(small.unit, seed=small.truth["seed"], size=small.truth["size"])
    assert named.tables["transactions"].equals(small.tables["transactions"])


@pytest.mark.parametrize("unit", DEMO_UNITS)
def test_size_is_a_factor_on_accounts_with_a_floor_of_twelve(unit, book):
    one, two = book(unit, 0.2), book(unit, 0.4)
    assert abs(len(two.tables["accounts"]) - 2 * len(one.tables["accounts"])) <= 1
    assert len(simulate(unit, size=1e-9).tables["accounts"]) == 12


def test_a_book_of_twelve_accounts_has_its_tables(book):
    for unit in DEMO_UNITS:
        tiny, usual = book(unit, 1e-9), book(unit)
        assert tiny.tables.keys() == usual.tables.keys()
        assert len(tiny.tables["transactions"]) > 0


def test_all_faults_are_named_at_once():
    with pytest.raises(ParamError) as caught:
        simulate("telecom_line", seed=-1, size=0.0)
    assert len(caught.value.faults) == 3
    assert "did you mean 'telecom_lines'" in caught.value.faults[0]


def test_the_truth_is_fit_for_json(small):
    assert json.loads(json.dumps(small.truth))["unit"] == small.unit


def test_the_docstring_states_the_values_that_are_used(book):
    # each line of the table: a key of the truth, dotted, and its value in the three units
    stated = re.findall(r"^ {4}([a-z_0-9.]+) +(-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+)$",
                        package.__doc__ or "", re.MULTILINE)  # fmt: skip
    assert len(stated) > 60
    for key, *values in stated:
        for unit, value in zip(DEMO_UNITS, values, strict=True):
            true = book(unit).truth
            for part in key.split("."):
                true = true[part]
            assert true == pytest.approx(float(value), abs=1e-12), (key, unit)
    # every coefficient of the hazards is stated
    assert {k for k, *_ in stated} >= {
        f"{group}.{name}"
        for group in ("retention", "competing")
        for name in book("telecom_lines").truth[group]
    }
