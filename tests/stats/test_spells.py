"""Which spells are refused and how the rest is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.stats.spells import exits, flows, spells


def faults(*given, **named):
    with pytest.raises(FitError) as caught:
        spells(*given, **named)
    return caught.value.faults


def test_empty():
    assert faults([], []) == ("spells: there is no row; expected at least one",)


def test_all_faults_at_once_with_their_rows():
    told = faults([3, 2, -1, np.nan, 5, 4], [1, 0, 1, 1, 2, 0], entry=[0, 2, -2, 0, 0, 0],
                  weight=[1, 1, 1, 1, 1, 0.5])  # fmt: skip
    assert told == (
        "spells: 1 of 6 with an unknown time (row 3; the first has entry 0, exit nan, event 1, weight 1)",
        "spells: 1 of 6 with a negative time (row 2; the first has entry -2, exit -1, event 1, weight 1)",
        "spells: 1 of 6 whose entry is not before the exit "
        "(row 1; the first has entry 2, exit 2, event 0, weight 1)",
        "spells: 1 of 6 whose event is not a whole number from 0 to 1 "
        "(row 4; the first has entry 0, exit 5, event 2, weight 1)",
        "spells: 1 of 6 whose weight is not a whole number from 1 "
        "(row 5; the first has entry 0, exit 4, event 0, weight 0.5)",
    )


def test_entry_at_exit_names_the_first_five_rows():
    told = faults([1.0] * 7, [0] * 7, entry=[1.0] * 7)
    assert told[0].startswith(
        "spells: 7 of 7 whose entry is not before the exit (row 0, 1, 2, 3, 4, …"
    )


def test_entry_after_exit_and_an_exit_of_zero():
    assert "entry 3, exit 2" in faults([2], [1], entry=[3])[0]
    assert "not before the exit" in faults([0], [1])[0]


def test_entry_that_rounding_puts_before_the_exit():
    # 0.1 + 0.2 is larger than 0.3 by one bit
    assert "not before the exit" in faults([0.1 + 0.2], [1], entry=[0.3])[0]


def test_lengths_differ():
    assert faults([1, 2], [1]) == (
        "spells: one value per row was expected; the shapes are exit (2,), event (1,)",
    )


def test_missing_values_of_pandas_are_unknown_not_a_traceback():
    told = faults(pd.array([1, None], dtype="Int64"), pd.array([True, None], dtype="boolean"))
    assert len(told) == 2
    assert "row 1" in told[0]
    assert "row 1" in told[1]


def test_frames_with_any_index_are_read_by_place():
    index = [7, 3]
    seen = spells(pd.Series([2, 5], index), pd.Series([True, False], index[::-1]))
    assert seen.event.tolist() == [1, 0]
    assert seen.entry.tolist() == [0.0, 0.0]


def test_who_enters_at_a_time_is_not_at_risk_at_it():
    # (0, 2] and (2, 3]: at 2 one is at risk, right after it one
    flow = flows(spells([2, 3], [1, 0], entry=[0, 2]))
    assert flow.time.tolist() == [0.0, 2.0, 3.0]
    assert flow.after[0].tolist() == [1.0, 1.0, 0.0]


def test_nearly_equal_times_are_one():
    sets = exits(spells([0.3, 0.1 + 0.2, 1.0], [1, 1, 0]))
    assert sets.time.tolist() == [0.3, 1.0]
    assert sets.n_event[:, 0].tolist() == [2.0, 0.0]


def test_counting_begins_where_enough_are_at_risk():
    # at risk after 0: 1, after 4: 2, after 5: 3; from 5 on the first spell counts as well
    sets = exits(spells([6, 8, 9], [1, 1, 0], entry=[0, 4, 5]), n_risk_min=3)
    assert (sets.start, sets.n_start) == (5.0, 3.0)
    assert sets.n_risk.tolist() == [3.0, 2.0, 1.0]
    assert exits(spells([6, 8, 9], [1, 1, 0], entry=[0, 4, 5]), start=4.5).start == 4.5


def test_too_few_at_risk_says_how_many_there_are():
    with pytest.raises(FitError, match=r"begins where 30 are at risk at once.*at most 2$"):
        exits(spells([6, 8], [1, 1]), n_risk_min=30)


@pytest.mark.parametrize(
    ("event", "entry"),
    [([0, 1], [0, 3]), ([1, 1], [0, 2])],
    ids=["nobody is at risk for a while", "all at risk have the event as another enters"],
)
def test_a_gap_is_refused(event, entry):
    with pytest.raises(FitError, match="none of those at risk is left after time 2, and others"):
        exits(spells([2, 5], event, entry=entry))
    assert exits(spells([2, 5], event, entry=entry), start=3).n_risk.tolist() == [1.0]
