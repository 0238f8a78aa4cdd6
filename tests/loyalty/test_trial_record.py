"""A trial as estimators take it: characteristics as numbers and as classes, and two arms at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book.layouts import CONTROL, MAILING
from kamlib.errors import FitError
from kamlib.loyalty.effects.sample import Unfit
from kamlib.loyalty.trial_record import pair, trial_record
from tests.loyalty.trial_rows import LETTER, customers, small  # type: ignore[import-not-found]

TWO = {CONTROL: [0.0, 2.0] * 50, LETTER: [0.0, 4.0] * 50}


def test_characteristics_become_numbers_and_classes():
    record = small(TWO)
    assert record.arms == (LETTER,)
    assert record.outcomes == ("revenue_after", "bought")
    assert record.n_in(CONTROL) == 100
    # 133 of 200 order by web, so phone has the column
    assert dict(record.numbers) == {
        "revenue_before": ("revenue_before", ""), "months_since_order": ("months_since_order", ""),
        "newcomer": ("newcomer", ""), "channel: phone": ("channel", "phone"),
    }  # fmt: skip
    assert record.rows["channel: phone"].sum() == 67
    assert record.past == "revenue_before"
    assert set(record.classes["newcomer"]) == {"yes", "no"}
    halves = record.classes["revenue_before"].value_counts().to_dict()
    assert halves == {"upper half": 100, "lower half": 100}


def test_what_is_unknown_stands_at_the_mean_and_says_so():
    before = np.where(np.arange(200) < 40, np.nan, 20.0 + np.arange(200) % 2)
    channel = np.where(np.arange(200) < 40, None, np.where(np.arange(200) % 2 > 0, "web", "phone"))
    record = small(TWO, revenue_before=before, channel=channel, newcomer=1.0)
    assert record.rows["revenue_before"].head(40).tolist() == pytest.approx([20.5] * 40)
    assert record.rows["revenue_before: unknown"].sum() == 40
    assert record.numbers["channel: unknown"] == ("channel", "unknown")
    assert record.classes.head(40)[["revenue_before", "channel"]].isna().all(axis=None)
    # what is the same for all is no characteristic, and a class of a few has no column of its own
    assert "newcomer" not in record.numbers
    rare = np.where(np.arange(200) < 29, "fax", "web")
    assert not [name for name in small(TWO, channel=rare).numbers if name.startswith("channel")]


def test_two_arms_at_a_time():
    record = small(TWO)
    rows = pair(record, LETTER, "revenue_after", ["revenue_before"])
    assert (rows.n_treated, rows.n_control, rows.scale) == (100, 100, "money")
    assert rows.outcome[rows.treated].mean() == 2.0
    assert rows.covariates.shape == (200, 1)
    chosen = (record.classes["newcomer"] == "yes").to_numpy()
    some = pair(record, LETTER, "bought", chosen=chosen)
    assert (some.n_obs, some.scale) == (100, "share")
    with pytest.raises(Unfit):
        pair(record, "nobody", "bought")


def test_a_missing_column_is_named():
    frame = customers(TWO)
    for column in ("arm", "revenue_after"):
        with pytest.raises(FitError, match=f"no column '{column}'"):
            trial_record(frame.drop(columns=column), MAILING)
    before = frame.copy()
    trial_record(frame, MAILING)
    pd.testing.assert_frame_equal(frame, before)
