"""Shares by kind of end and by reason: by hand, the naive ones beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.churn.incidence import UNKNOWN, incidence, naive_incidence
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import LANGUAGES, Style, columns, say

FOUR = pd.DataFrame(
    {
        "account_id": list("abcd"), "spell_no": 1, "entry_days": 0.0,
        "duration_days": np.array([1, 2, 3, 4]) * MONTH_DAYS,
        "event_type": ["churn", "ended_by_us", "churn", None],
        "reason": ["competitor", "ended_by_us", None, None],
    }
)  # fmt: skip


def at_end(found):
    last = found.frame.groupby("event_type", sort=False).last()
    assert set(found.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (found.note, *(check.note for check in found.checks)):
            assert "{" not in say(note, Style(language))
    return last


def test_kinds_by_hand():
    found = incidence(FOUR, horizon=4, n_risk_min=1)
    # a quarter each at months 1, 2 and 3: what is left is 3/4, 1/2, 1/4
    assert at_end(found)["estimate"].to_dict() == pytest.approx({"churn": 0.5, "ended by us": 0.25})
    assert (found["top"], found["top_share"]) == ("churn", pytest.approx(0.5))
    assert found["event_free"] == pytest.approx(0.25)


def test_reasons_by_hand_and_the_one_that_nobody_knows():
    found = incidence(FOUR, "reason", horizon=4, n_risk_min=1)
    shares = at_end(found)["estimate"]
    assert shares.index.tolist() == ["a competitor", UNKNOWN, "ended by us"]
    assert shares.tolist() == pytest.approx([0.25] * 3)
    [check] = found.checks
    # one of two losses
    assert check.passed is True
    assert "50.0\xa0% of 2 losses" in str(check.note)
    # what nobody knows is never the commonest reason
    assert found["top"] == "a competitor"


def test_the_wrong_answer_by_hand():
    found = naive_incidence(incidence(FOUR, "reason", horizon=4, n_risk_min=1))
    frame = found.frame.set_index("event_type")
    # 1/4; 1 of the 3 at risk at month 2; 1 of the 2 at risk at month 3
    assert frame["naive"].to_dict() == pytest.approx(
        {"a competitor": 1 / 4, "ended by us": 1 / 3, UNKNOWN: 1 / 2}
    )
    assert found["naive_left"] == pytest.approx(13 / 12)
    assert found["left"] == pytest.approx(3 / 4)
    assert frame["naive_excess"].max() == pytest.approx(1 / 4)
    at_end_of_naive = str(found.note)
    assert "108.3\xa0%, where 75.0\xa0% left" in at_end_of_naive


@pytest.mark.parametrize(
    ("rows", "by", "key"),
    [(FOUR.head(0), "event_type", "reasons.too_few"),
     (FOUR.assign(event_type=None), "event_type", "reasons.no_end"),
     (FOUR.assign(reason=None), "reason", "reasons.none_known")],
)  # fmt: skip
def test_refusals(rows, by, key):
    found = incidence(rows, by, horizon=4, n_risk_min=1)
    assert found.refused
    assert found.note.key == key
    assert naive_incidence(found) is found


KINDS = st.sampled_from([None, "churn", "insolvent", "merged", "ended_by_us"])


@given(st.lists(st.tuples(st.integers(1, 20), KINDS), min_size=2, max_size=40))
def test_shares_and_what_is_left_sum_to_one(rows):
    frame = pd.DataFrame(rows, columns=["duration_days", "event_type"])
    frame = frame.assign(
        account_id=[f"a{n}" for n in range(len(frame))], entry_days=0.0, reason=None
    )
    frame["duration_days"] *= 30.0
    found = incidence(frame, horizon=12, n_risk_min=1)
    if found.refused:
        assert frame["event_type"].isna().all()
        return
    sums = (
        found.frame.groupby("time")["estimate"].sum()
        + found.frame.groupby("time")["event_free"].first()
    )
    assert sums.tolist() == pytest.approx([1] * len(sums))
    # one less Kaplan–Meier is never below
    assert (found.frame["naive"] - found.frame["estimate"] > -1e-12).all()
