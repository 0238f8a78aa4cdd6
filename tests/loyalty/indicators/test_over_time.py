"""Quarter by quarter: means, the same accounts, and what is comparable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.loyalty.indicators.over_time import SHARES, over_time

DAY, BEFORE = pd.Timestamp("2024-12-31"), pd.Timestamp("2023-12-31")


def test_means_and_the_same_accounts(people):
    rows = people(60)
    rows.loc[(rows["evaluated_on"] == DAY) & (rows["account_id"] < "a005"), "behaviour"] = np.nan
    found = over_time(rows)
    frame = found.frame.set_index("evaluated_on")
    now, then = (rows[rows["evaluated_on"] == d].set_index("account_id") for d in (DAY, BEFORE))
    assert frame["n_accounts"].tolist() == [60, 55]
    assert frame.loc[DAY, "n_same"] == 55
    change = (now["behaviour"] - then["behaviour"]).dropna()
    assert frame.loc[DAY, "behaviour_change"] == pytest.approx(change.mean())
    assert np.isnan(frame.loc[BEFORE, "behaviour_change"])
    assert frame[list(SHARES)].sum(axis=1).tolist() == pytest.approx([1, 1])
    assert found.checks[0].passed
    assert set(found.frame) <= set(columns())
    values = found.note.values
    half = 1.959964 * change.std() / np.sqrt(55)
    assert values["high"] - values["change"] == pytest.approx(half, rel=1e-6)


def test_who_came_and_went_does_not_move_the_change(people):
    rows = people(40)
    rows["behaviour"] = np.where(rows["evaluated_on"] == DAY, 60.0, 50.0)
    gone = rows["account_id"] < "a020"
    # the lowest leave: the mean rises by more than any account
    rows.loc[(rows["evaluated_on"] == BEFORE) & gone, "behaviour"] = 10.0
    found = over_time(rows[~(gone & (rows["evaluated_on"] == DAY))]).frame.iloc[-1]
    assert (found["n_same"], found["behaviour_change"]) == (20, 10.0)


def test_a_change_of_what_is_known_fails_its_check(people):
    rows = people(40)
    rows["n_indicators"] = np.where(rows["evaluated_on"] == DAY, 5, 4)
    check = over_time(rows).checks[0]
    assert check.passed is False
    assert "a year before 4.0" in str(check.note)


def test_few_classified_have_no_shares_and_nothing_is_refused_in_words(people):
    rows = people(19)
    assert over_time(rows).frame[list(SHARES)].isna().all().all()
    one = over_time(rows[rows["evaluated_on"] == DAY])
    assert "no account has an index a year before" in str(one.note)
    assert over_time(rows.assign(behaviour=np.nan)).refused
